//! Credits as floats, touch by touch, at the speed of memory.

use std::ops::Range;

use super::apportion::nearest;
use super::lanes::Kernel;
use crate::domain::batch::Batch;
use crate::domain::model::{Model, Weighting};
use crate::strategy::{Journey, Powers, Split, first_middle_last, weigh_all};

/// Up to so many weights of 2^46 add up in a float without rounding.
const EXACT_IN_FLOAT: usize = 64;

/// The sum of weights held in floats.
pub(crate) fn sum_of(weights: &[f64]) -> u64 {
    if weights.len() <= EXACT_IN_FLOAT {
        weights.iter().sum::<f64>() as u64
    } else {
        weights.iter().map(|weight| nearest(*weight)).sum()
    }
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

    #[inline(always)]
    fn touches_of(&self, conversion: usize) -> usize {
        self.columns.offsets[conversion + 1] - self.columns.offsets[conversion]
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

/// Touches whose scratch fits the nearest cache.
const BLOCK: usize = 512;

#[inline(always)]
fn fill_credits(model: &Model, batch: &Batch<'_>, within: Range<usize>, credits: &mut [f64]) {
    let offsets = batch.columns.offsets;
    let first = offsets[within.start];
    let weighting = model.weighting();
    if let Weighting::TimeDecay { half_life_hours } = weighting {
        let mut scratch = Scratch::default();
        for block in batch.blocks(within, BLOCK) {
            let credits = &mut credits[offsets[block.start] - first..offsets[block.end] - first];
            weigh_block(batch, block.clone(), half_life_hours, credits, &mut scratch);
            divide_by_sums(&offsets[block.start..=block.end], credits, &mut scratch);
        }
        return;
    }
    if let Weighting::PositionBased { first_touch_millionths, last_touch_millionths } = weighting {
        for conversion in within {
            let (start, touches) = (offsets[conversion] - first, batch.touches_of(conversion));
            let weights = first_middle_last(first_touch_millionths, last_touch_millionths, touches);
            let [oldest, between, newest] = weights;
            let ends = if touches == 1 { oldest } else { oldest + newest };
            let sum = ends + between * touches.saturating_sub(2) as f64;
            spread(credits, start, touches, between / sum);
            credits[start] = oldest / sum;
            credits[start + touches - 1] = newest / sum;
        }
        return;
    }
    for conversion in within {
        let (touches, journey) = batch.journey(conversion);
        let (rest, start, touches) = (&mut *credits, touches.start - first, touches.len());
        match weighting.split(journey, &mut rest[start..start + touches]) {
            Split::Whole(at) => {
                spread(rest, start, touches, 0.0);
                rest[start + at] = 1.0;
            }
            Split::Even(count) => {
                spread(rest, start, count, 1.0 / count as f64);
                rest[start + count..start + touches].fill(0.0);
            }
            Split::Weighted => {
                let weights = &mut rest[start..start + touches];
                let sum = sum_of(weights) as f64;
                for weight in weights {
                    *weight /= sum;
                }
            }
        }
    }
}

/// What the work on a block needs, touch by touch.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    newest: Vec<u32>,
    powers: Powers,
    sums: Vec<f64>,
}

/// Most journeys fit so many lanes.
const LANES: usize = 16;

/// Writes a value to `count` places from `start` on, and perhaps to some after them: journeys are
/// written in their order, so the next one's values go over those. Writing whole lanes spares a
/// branch on the length of each journey, which no processor can foresee.
#[inline(always)]
fn spread<T: Copy>(places: &mut [T], start: usize, count: usize, value: T) {
    for at in (start..start + count).step_by(LANES) {
        match places[at..].first_chunk_mut::<LANES>() {
            Some(lanes) => *lanes = [value; LANES],
            None => places[at..start + count].fill(value),
        }
    }
}

/// Divides the weights of each journey by their sum; `offsets` cut the weights.
#[inline(always)]
fn divide_by_sums(offsets: &[usize], weights: &mut [f64], scratch: &mut Scratch) {
    let first = offsets.first().copied().unwrap_or(0);
    scratch.sums.resize(weights.len(), 0.0);
    for bounds in offsets.windows(2) {
        let (start, touches) = (bounds[0] - first, bounds[1] - bounds[0]);
        let sum = match weights[start..].first_chunk::<LANES>() {
            Some(lanes) if touches <= LANES => {
                let mut sum = 0.0;
                for (lane, weight) in lanes.iter().enumerate() {
                    sum += if lane < touches { *weight } else { 0.0 };
                }
                sum
            }
            _ => sum_of(&weights[start..start + touches]) as f64,
        };
        spread(&mut scratch.sums, start, touches, sum);
    }
    for (weight, sum) in weights.iter_mut().zip(&scratch.sums) {
        *weight /= sum;
    }
}

/// Writes the time-decay weights of a block of conversions: first each journey's newest time beside
/// each of its touches, then all the powers in one flat loop.
#[inline(always)]
pub(crate) fn weigh_block(
    batch: &Batch<'_>,
    block: Range<usize>,
    half_life_hours: u32,
    weights: &mut [f64],
    scratch: &mut Scratch,
) {
    let offsets = batch.columns.offsets;
    let first = offsets[block.start];
    let times = &batch.columns.click_times[first..offsets[block.end]];
    scratch.newest.resize(times.len(), 0);
    for conversion in block {
        let (touches, journey) = batch.journey(conversion);
        spread(&mut scratch.newest, touches.start - first, touches.len(), journey.newest());
    }
    weigh_all(&scratch.newest, times, half_life_hours, weights, &mut scratch.powers);
}
