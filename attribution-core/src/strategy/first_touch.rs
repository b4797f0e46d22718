//! All credit to the first touch.

use super::Split;

#[inline(always)]
pub(super) const fn split() -> Split {
    Split::Whole(0)
}
