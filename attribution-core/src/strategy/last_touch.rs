//! All credit to the converting click, even where a later touch stands in the journey.

use super::{Journey, Split};

#[inline(always)]
pub(super) const fn split(journey: Journey<'_>) -> Split {
    Split::Whole(journey.converting_position)
}
