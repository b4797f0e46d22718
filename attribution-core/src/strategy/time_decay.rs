//! Credit that halves with each half-life before the newest touch.

use super::power_of_two::{power_of_minus, round_half_even};
use super::{Journey, Split};
use crate::ground::time::SECONDS_PER_HOUR;

/// The weight of the newest touch, 2^46: 25 touches and far more then sum without rounding.
const NEWEST: f64 = 70_368_744_177_664.0;

/// From here on a weight rounds to 0, since 2^46 * 2^-48 is below a half.
const FORGOTTEN_HALF_LIVES: f64 = 48.0;

/// The weight of a touch so many seconds older than the newest one:
/// round(2^46 * 2^(-seconds / half-life)), the exponent a float, half to even.
#[inline(always)]
pub(crate) fn weigh(seconds: f64, half_life_seconds: f64) -> f64 {
    let half_lives = seconds / half_life_seconds;
    let half_lives =
        if half_lives < FORGOTTEN_HALF_LIVES { half_lives } else { FORGOTTEN_HALF_LIVES };
    round_half_even(NEWEST * power_of_minus(half_lives))
}

/// By how many seconds each touch is older than the newest one. Ages count from the conversion,
/// and a touch after it has age 0.
#[inline(always)]
pub(crate) fn seconds_before_newest(journey: Journey<'_>, mut put: impl FnMut(usize, u32)) {
    let newest = journey.click_times.last().copied().unwrap_or(0).min(journey.conversion_time);
    for (touch, time) in journey.click_times.iter().enumerate() {
        put(touch, newest.saturating_sub(*time));
    }
}

#[inline(always)]
pub(super) fn split(half_life_hours: u32, journey: Journey<'_>, weights: &mut [f64]) -> Split {
    let half_life_seconds = f64::from(half_life_hours) * f64::from(SECONDS_PER_HOUR);
    seconds_before_newest(journey, |touch, seconds| {
        weights[touch] = weigh(f64::from(seconds), half_life_seconds);
    });
    Split::Weighted
}
