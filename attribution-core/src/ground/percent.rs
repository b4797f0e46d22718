//! Percentages, and differences of credit, as exact counts.

use std::fmt;

use serde::{Serialize, Serializer};

use super::money::{divide_half_even, write_decimal};

/// A percentage: a whole count of 0.01 %, the exact one rounded once, half to even.
///
/// ```
/// use attribution_core::Percent;
/// let percent = Percent::of(1, 3).unwrap();
/// assert_eq!(percent.to_string(), "33.33");
/// assert_eq!(Percent::of(1, 0), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(i128);

impl Percent {
    /// What `part` is of `whole`; none where `whole` is 0.
    ///
    /// ```
    /// assert_eq!(attribution_core::Percent::of(-1, 8).unwrap().to_string(), "-12.50");
    /// ```
    pub fn of(part: i128, whole: i128) -> Option<Self> {
        (whole != 0).then(|| Self(divide_half_even(part.saturating_mul(10_000), whole)))
    }

    /// The return on a cost: (revenue - cost) / cost * 100; none where `cost` is 0.
    ///
    /// ```
    /// assert_eq!(attribution_core::Percent::return_on(300, 200).unwrap().to_string(), "50.00");
    /// ```
    pub fn return_on(revenue: i128, cost: i128) -> Option<Self> {
        Self::of(revenue - cost, cost)
    }

    /// From a count of 0.01 %.
    ///
    /// ```
    /// assert_eq!(attribution_core::Percent::from_hundredths(5).to_string(), "0.05");
    /// ```
    pub const fn from_hundredths(hundredths: i128) -> Self {
        Self(hundredths)
    }

    /// The count of 0.01 %.
    ///
    /// ```
    /// assert_eq!(attribution_core::Percent::of(1, 2).unwrap().hundredths(), 5_000);
    /// ```
    pub const fn hundredths(self) -> i128 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write_decimal(&mut text, self.0, 2);
        f.pad(&text)
    }
}

/// As its decimal text, such as `12.50`.
impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A difference of two sums of stored credits, either way: a whole count of 0.00001.
///
/// ```
/// use attribution_core::CreditDifference;
/// assert_eq!(CreditDifference::from_units(-25_000).to_string(), "-0.25000");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CreditDifference(i64);

impl CreditDifference {
    /// From a count of 0.00001.
    ///
    /// ```
    /// assert_eq!(attribution_core::CreditDifference::from_units(1).to_string(), "0.00001");
    /// ```
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// The count of 0.00001.
    ///
    /// ```
    /// assert_eq!(attribution_core::CreditDifference::default().units(), 0);
    /// ```
    pub const fn units(self) -> i64 {
        self.0
    }
}

impl fmt::Display for CreditDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write_decimal(&mut text, self.0.into(), 5);
        f.pad(&text)
    }
}

/// As its decimal text, such as `-0.25000`.
impl Serialize for CreditDifference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
