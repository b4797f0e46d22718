//! The same credit to every touch but the last; a touch on its own has it all.

use super::{Journey, Split};

#[inline(always)]
pub(super) const fn split(journey: Journey<'_>) -> Split {
    match journey.click_times.len() {
        1 => Split::Even(1),
        touches => Split::Even(touches - 1),
    }
}
