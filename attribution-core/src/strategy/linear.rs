//! The same credit to every touch.

use super::{Journey, Split};

#[inline(always)]
pub(super) const fn split(journey: Journey<'_>) -> Split {
    Split::Even(journey.click_times.len())
}
