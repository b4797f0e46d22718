//! Credit that halves with each half-life before the newest touch.

use super::power_of_two::{combine, cut, look_up, power_of_minus, round_half_even};
use super::{Journey, Split};
use crate::ground::time::SECONDS_PER_HOUR;

/// The weight of the newest touch, 2^46: 25 touches and far more then sum without rounding.
const NEWEST: f64 = 70_368_744_177_664.0;

/// From here on a weight rounds to 0, since 2^46 * 2^-48 is below a half.
const FORGOTTEN_HALF_LIVES: f64 = 48.0;

/// A half-life in seconds.
fn half_life_seconds(half_life_hours: u32) -> f64 {
    f64::from(half_life_hours) * f64::from(SECONDS_PER_HOUR)
}

/// The half-lives by which a touch is older than the newest one.
#[inline(always)]
fn half_lives(newest: u32, time: u32, half_life_seconds: f64) -> f64 {
    let half_lives = f64::from(newest.saturating_sub(time)) / half_life_seconds;
    if half_lives < FORGOTTEN_HALF_LIVES { half_lives } else { FORGOTTEN_HALF_LIVES }
}

/// The weight for a power of two: round(2^46 * power), half to even.
#[inline(always)]
fn weight(power: f64) -> f64 {
    round_half_even(NEWEST * power)
}

/// The scratch of [`weigh_all`].
#[derive(Debug, Default)]
pub(crate) struct Powers {
    cuts: Vec<u64>,
    found: Vec<[f64; 2]>,
}

/// Writes the weight of each touch: round(2^46 * 2^(-seconds / half-life)), where `newest` has,
/// beside each touch's time, the time from which its journey's ages count. The exponent is a float,
/// and rounding goes half to even.
#[inline(always)]
pub(crate) fn weigh_all(
    newest: &[u32],
    times: &[u32],
    half_life_hours: u32,
    weights: &mut [f64],
    Powers { cuts, found }: &mut Powers,
) {
    let half_life = half_life_seconds(half_life_hours);
    cuts.resize(weights.len(), 0);
    found.resize(weights.len(), [0.0; 2]);
    for (((weight, k), newest), time) in weights.iter_mut().zip(&mut *cuts).zip(newest).zip(times) {
        (*k, *weight) = cut(half_lives(*newest, *time, half_life));
    }
    for (found, k) in found.iter_mut().zip(&*cuts) {
        *found = look_up(*k);
    }
    for ((r, k), found) in weights.iter_mut().zip(&*cuts).zip(&*found) {
        *r = weight(combine(*k, *r, *found));
    }
}

impl Journey<'_> {
    /// The time from which ages count: that of the newest touch, but not after the conversion,
    /// since a touch after it has age 0. By the difference of a touch's time from this, if any, the
    /// touch is older than the newest one.
    #[inline(always)]
    pub(crate) fn newest(&self) -> u32 {
        self.click_times.last().copied().unwrap_or(0).min(self.conversion_time)
    }
}

#[inline(always)]
pub(super) fn split(half_life_hours: u32, journey: Journey<'_>, weights: &mut [f64]) -> Split {
    let (newest, half_life) = (journey.newest(), half_life_seconds(half_life_hours));
    for (place, time) in weights.iter_mut().zip(journey.click_times) {
        *place = weight(power_of_minus(half_lives(newest, *time, half_life)));
    }
    Split::Weighted
}
