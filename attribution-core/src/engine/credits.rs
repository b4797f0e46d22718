//! Credits as floats, touch by touch, at the speed of memory.

use std::ops::Range;

use super::apportion::nearest;
use super::lanes::Kernel;
use crate::domain::batch::Batch;
use crate::domain::model::{Model, Weighting};
use crate::ground::time::SECONDS_PER_HOUR;
use crate::strategy::{Journey, Split, seconds_before_newest, weigh};

/// Up to so many weights of 2^46 add up in a float without rounding.
const EXACT_IN_FLOAT: usize = 64;

/// The sum of weights held in floats.
#[inline(always)]
pub(crate) fn sum_of(weights: &[f64]) -> u64 {
    if weights.len() <= EXACT_IN_FLOAT {
        nearest_sum(weights.iter().sum())
    } else {
        weights.iter().map(|weight| nearest(*weight)).sum()
    }
}

/// A float that holds a whole number up to 64 * 2^46 as an integer.
#[inline(always)]
fn nearest_sum(sum: f64) -> u64 {
    sum as u64
}

impl Batch<'_> {
    #[inline(always)]
    pub(crate) fn journey(&self, conversion: usize) -> (Range<usize>, Journey<'_>) {
        let columns = &self.columns;
        let touches = columns.offsets[conversion]..columns.offsets[conversion + 1];
        let journey = Journey {
            conversion_time: columns.conversion_times[conversion],
            click_times: &columns.click_times[touches.clone()],
            converting_position: self.converting_positions[conversion] as usize,
        };
        (touches, journey)
    }

    /// Runs of conversions with at most `most` touches each, or one conversion.
    pub(crate) fn blocks(
        &self,
        within: Range<usize>,
        most: usize,
    ) -> impl Iterator<Item = Range<usize>> {
        let offsets = self.columns.offsets;
        let mut start = within.start;
        std::iter::from_fn(move || {
            if start >= within.end {
                return None;
            }
            let limit = offsets[start] + most;
            let mut end = start + 1;
            while end < within.end && offsets[end + 1] <= limit {
                end += 1;
            }
            let block = start..end;
            start = end;
            Some(block)
        })
    }
}

/// Writes the credit of each touch of some conversions; `credits` has one place for each of their
/// touches.
pub(crate) struct FillCredits<'a> {
    pub(crate) model: &'a Model,
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) within: Range<usize>,
    pub(crate) credits: &'a mut [f64],
}

impl Kernel for FillCredits<'_> {
    #[inline(always)]
    fn run(self) {
        fill_credits(self.model, self.batch, self.within, self.credits);
    }
}

/// Touches whose scratch fits the first cache.
const BLOCK: usize = 2_048;

#[inline(always)]
fn fill_credits(model: &Model, batch: &Batch<'_>, within: Range<usize>, credits: &mut [f64]) {
    let first = batch.columns.offsets[within.start];
    if let Weighting::TimeDecay { half_life_hours } = model.weighting() {
        for block in batch.blocks(within, BLOCK) {
            let touches = batch.columns.offsets[block.start]..batch.columns.offsets[block.end];
            let credits = &mut credits[touches.start - first..touches.end - first];
            weigh_block(batch, block.clone(), half_life_hours, credits);
            for conversion in block {
                let (of_journey, _) = batch.journey(conversion);
                let weights =
                    &mut credits[of_journey.start - touches.start..of_journey.end - touches.start];
                let sum = sum_of(weights) as f64;
                weights.iter_mut().for_each(|weight| *weight /= sum);
            }
        }
        return;
    }
    let weighting = model.weighting();
    for conversion in within {
        let (touches, journey) = batch.journey(conversion);
        let credits = &mut credits[touches.start - first..touches.end - first];
        match weighting.split(journey, credits) {
            Split::Whole(at) => {
                credits.fill(0.0);
                credits[at] = 1.0;
            }
            Split::Even(count) => {
                let credit = 1.0 / count as f64;
                let (credited, rest) = credits.split_at_mut(count);
                credited.fill(credit);
                rest.fill(0.0);
            }
            Split::Weighted => {
                let sum = sum_of(credits) as f64;
                credits.iter_mut().for_each(|weight| *weight /= sum);
            }
        }
    }
}

/// Writes the time-decay weights of a block of conversions: first how old each touch is, journey by
/// journey, then all the powers in one flat loop that the compiler can widen.
#[inline(always)]
pub(crate) fn weigh_block(
    batch: &Batch<'_>,
    block: Range<usize>,
    half_life_hours: u32,
    weights: &mut [f64],
) {
    let first = batch.columns.offsets[block.start];
    for conversion in block {
        let (touches, journey) = batch.journey(conversion);
        let ages = &mut weights[touches.start - first..touches.end - first];
        seconds_before_newest(journey, |touch, seconds| ages[touch] = f64::from(seconds));
    }
    let half_life_seconds = f64::from(half_life_hours) * f64::from(SECONDS_PER_HOUR);
    for weight in weights {
        *weight = weigh(*weight, half_life_seconds);
    }
}
