//! One file for each kind of model: a function from a journey to its weights.

mod assisted;
mod first_touch;
mod last_touch;
mod linear;
mod position_based;
pub(crate) mod power_of_two;
mod time_decay;

use crate::domain::model::{Model, Weighting};
use crate::ground::error::Error;

/// A journey as the strategies see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Journey<'a> {
    pub(crate) conversion_time: u32,
    /// In journey order; never empty.
    pub(crate) click_times: &'a [u32],
    pub(crate) converting_position: usize,
}

/// How a journey is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// Everything to the touch at this position: weight 1 there, 0 elsewhere.
    Whole(usize),
    /// Weight 1 for each of the first so many touches, 0 for the rest.
    Even(usize),
    /// The weights as written: whole numbers in 0..=2^46, held in floats, which hold them exactly.
    Weighted,
}

impl Weighting {
    /// Splits a journey. `weights` has room for each touch and is written only for
    /// [`Split::Weighted`].
    #[inline(always)]
    pub(crate) fn split(&self, journey: Journey<'_>, weights: &mut [f64]) -> Split {
        match *self {
            Self::LastTouch => last_touch::split(journey),
            Self::FirstTouch => first_touch::split(),
            Self::Linear => linear::split(journey),
            Self::Assisted => assisted::split(journey),
            Self::PositionBased { first_touch_millionths, last_touch_millionths } => {
                position_based::split(first_touch_millionths, last_touch_millionths, weights)
            }
            Self::TimeDecay { half_life_hours } => {
                time_decay::split(half_life_hours, journey, weights)
            }
        }
    }
}

pub(crate) use position_based::first_middle_last;
pub(crate) use time_decay::{Powers, weigh_all};

impl Model {
    /// The integer weights of one journey, in journey order; a touch's credit is its weight over
    /// their sum, which is never 0.
    ///
    /// The times are in unix seconds, in journey order, at most [`MAX_TOUCHES`] of them;
    /// `converting_position` is the place of the converting click among them.
    ///
    /// [`MAX_TOUCHES`]: crate::MAX_TOUCHES
    ///
    /// # Errors
    /// [`Error::Input`] for times that are empty, too many or not in order, and for a position
    /// that is not among them.
    ///
    /// ```
    /// let model = attribution_core::Model::from_spec("time_decay:half_life_hours=1")?;
    /// let weights = model.weights(7_200, 2, &[0, 3_600, 7_200])?;
    /// assert_eq!(weights, [1 << 44, 1 << 45, 1 << 46]);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn weights(
        &self,
        conversion_time: u32,
        converting_position: usize,
        click_times: &[u32],
    ) -> Result<Vec<u64>, Error> {
        let most = crate::MAX_TOUCHES;
        if click_times.is_empty() || click_times.len() > most {
            return Err(Error::input(
                "click_times",
                format!("found {} entries", click_times.len()),
                format!("1 to {most}"),
            ));
        }
        if !click_times.is_sorted() {
            return Err(Error::input("click_times", "found them out of order", "oldest first"));
        }
        if converting_position >= click_times.len() {
            return Err(Error::input(
                "converting_position",
                format!("found {converting_position}"),
                format!("below {}", click_times.len()),
            ));
        }
        let mut weights = vec![0.0; click_times.len()];
        let journey = Journey { conversion_time, click_times, converting_position };
        Ok(match self.weighting().split(journey, &mut weights) {
            Split::Weighted => weights.into_iter().map(|weight| weight as u64).collect(),
            Split::Whole(at) => {
                (0..click_times.len()).map(|touch| u64::from(touch == at)).collect()
            }
            Split::Even(count) => {
                (0..click_times.len()).map(|touch| u64::from(touch < count)).collect()
            }
        })
    }
}
