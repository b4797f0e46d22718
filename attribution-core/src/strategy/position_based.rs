//! Fixed shares to the first and last touch, the rest spread evenly over the middle.

use super::Split;
use crate::domain::model::MILLION;

/// The shares are in millionths and together at most a million. The weights of n touches, n > 2,
/// are first * (n - 2), then what the shares leave of a million for each middle touch, then
/// last * (n - 2): whole numbers whose ratios are exactly those of the shares.
///
/// Gives the weight of the first touch, of each in the middle, and of the last; of one touch alone,
/// and of two that have no share, the same for all.
#[inline(always)]
pub(crate) fn first_middle_last(first: u32, last: u32, touches: usize) -> [f64; 3] {
    match touches {
        0 | 1 => [1.0; 3],
        2 if first == 0 && last == 0 => [1.0; 3],
        2 => [f64::from(first), 0.0, f64::from(last)],
        _ => {
            let between = (touches - 2) as f64;
            let middle = f64::from(MILLION - first - last);
            [f64::from(first) * between, middle, f64::from(last) * between]
        }
    }
}

#[inline(always)]
pub(super) fn split(first: u32, last: u32, weights: &mut [f64]) -> Split {
    let [oldest, between, newest] = first_middle_last(first, last, weights.len());
    weights.fill(between);
    if let [start, .., end] = weights {
        *start = oldest;
        *end = newest;
    }
    Split::Weighted
}
