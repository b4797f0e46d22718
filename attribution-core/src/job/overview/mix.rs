//! Credits by the place of their touches.

use serde::Serialize;

use crate::ground::money::Credit;
use crate::ground::percent::Percent;

/// The place of a touch in its own journey, judged by the journey's length.
///
/// ```
/// use attribution_core::TouchPlace;
/// assert_eq!(TouchPlace::ALL[0], TouchPlace::First);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TouchPlace {
    /// The oldest of several touches.
    First,
    /// Neither the oldest nor the newest.
    Assist,
    /// The newest of several touches.
    Last,
    /// The only touch.
    Single,
}

impl TouchPlace {
    /// Every place, in the order of a journey.
    ///
    /// ```
    /// assert_eq!(attribution_core::TouchPlace::ALL.len(), 4);
    /// ```
    pub const ALL: [Self; 4] = [Self::First, Self::Assist, Self::Last, Self::Single];
}

/// What the touches of one place got.
///
/// ```
/// use attribution_core::{Credit, Percent, TouchPlace, TouchpointShare};
/// let share = TouchpointShare {
///     place: TouchPlace::Last,
///     touches: 2,
///     credit: Credit::ONE,
///     share_percent: Percent::of(1, 2),
/// };
/// assert_eq!(share.share_percent.unwrap().to_string(), "50.00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TouchpointShare {
    /// The place.
    pub place: TouchPlace,
    /// Credited touches.
    pub touches: u64,
    /// The sum of their stored credits.
    pub credit: Credit,
    /// Their share of the credit of all places, each rounded on its own; none where there is no credit.
    pub share_percent: Option<Percent>,
}
