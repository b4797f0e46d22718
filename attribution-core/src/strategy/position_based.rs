//! Fixed shares to the first and last touch, the rest spread evenly over the middle.

use super::Split;
use crate::domain::model::MILLION;

/// The shares are in millionths and together at most a million. The weights of n touches, n > 2,
/// are first * (n - 2), then what the shares leave of a million for each middle touch, then
/// last * (n - 2): whole numbers whose ratios are exactly those of the shares.
#[inline(always)]
pub(super) fn split(first: u32, last: u32, weights: &mut [f64]) -> Split {
    match weights {
        [_] => return Split::Even(1),
        [_, _] if first == 0 && last == 0 => return Split::Even(2),
        [oldest, newest] => {
            *oldest = f64::from(first);
            *newest = f64::from(last);
        }
        [oldest, middle @ .., newest] => {
            let touches_between = middle.len() as f64;
            *oldest = f64::from(first) * touches_between;
            middle.fill(f64::from(MILLION - first - last));
            *newest = f64::from(last) * touches_between;
        }
        [] => {}
    }
    Split::Weighted
}
