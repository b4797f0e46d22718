//! What to compare and how, and what came of it.

use serde::Serialize;

use crate::domain::journey::JourneyOptions;
use crate::ground::error::Error;
use crate::ground::money::{Credit, Money};
use crate::ground::percent::{CreditDifference, Percent};
use crate::ground::scope::{Scope, ScopeType};
use crate::ground::time::Window;

/// The fewest resamples that give an interval: below, the 2.5th percentile lies before the first.
const FEWEST_RESAMPLES: u32 = super::bootstrap::FEWEST_VALUES as u32;
const MOST_RESAMPLES: u32 = 10_000;

/// What to compare models on.
///
/// ```
/// use attribution_core::{CompareOptions, ScopeType};
/// let options = CompareOptions::new(None);
/// assert_eq!((options.scope_type, options.resamples), (ScopeType::Global, 200));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareOptions {
    /// The hours of the conversions; none means all there are, which only files can be asked for.
    pub window: Option<Window>,
    /// What the totals are of: everything, or each id of a scope type.
    pub scope_type: ScopeType,
    /// Of this id of the scope type only.
    pub scope_id: Option<u64>,
    /// The name of the model that the others are compared to; none means the first.
    pub baseline: Option<String>,
    /// How many resamples the intervals are taken from, 40 to 10,000; 0 for no intervals.
    pub resamples: u32,
    /// On how many threads; none means one for each processor, or on a database 2, as each has a connection
    /// of its own there. The results are the same for any number.
    pub threads: Option<usize>,
    /// How journeys are assembled from files; those of a database are stored.
    pub journeys: JourneyOptions,
}

impl CompareOptions {
    /// The global scope, the first model as the baseline, 200 resamples.
    ///
    /// ```
    /// use attribution_core::{CompareOptions, Window};
    /// let options = CompareOptions::new(Some(Window::new(1_717_200_000, 1_717_286_400)?));
    /// assert_eq!(options.baseline, None);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new(window: Option<Window>) -> Self {
        Self {
            window,
            scope_type: ScopeType::Global,
            scope_id: None,
            baseline: None,
            resamples: 200,
            threads: None,
            journeys: JourneyOptions::default(),
        }
    }

    /// Refuses options that cannot be.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.scope_id.is_some() {
            Scope::new(self.scope_type, self.scope_id)?;
        }
        if self.resamples != 0 && !(FEWEST_RESAMPLES..=MOST_RESAMPLES).contains(&self.resamples) {
            return Err(Error::input(
                "resamples",
                format!("found {}", self.resamples),
                format!("0 for no intervals, or {FEWEST_RESAMPLES} to {MOST_RESAMPLES}"),
            ));
        }
        Ok(())
    }
}

/// A 95 % interval: from the 2.5th to the 97.5th percentile of the resamples. Of `n` values in order
/// these are the ones at the places `k` from below and from above, `k` = (n + 1) / 40 rounded down.
///
/// ```
/// use attribution_core::{Interval, Money};
/// let interval = Interval { low: Money::from_units(1), high: Money::from_units(2) };
/// assert!(interval.low <= interval.high);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Interval<T> {
    /// The lower end.
    pub low: T,
    /// The upper end.
    pub high: T,
}

/// The intervals of a model's figures.
///
/// ```
/// assert_eq!(attribution_core::FigureIntervals::default().roi_percent, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FigureIntervals {
    /// Of the sum of the stored credits.
    pub credited_conversions: Interval<Credit>,
    /// Of the revenue.
    pub revenue: Interval<Money>,
    /// Of the cost.
    pub cost: Interval<Money>,
    /// Of the profit.
    pub profit: Interval<Money>,
    /// Of the ROI, from the resamples that have a cost; none where fewer than 40 have.
    pub roi_percent: Option<Interval<Percent>>,
}

/// The intervals of a model's differences to the baseline, each resample's own.
///
/// ```
/// assert_eq!(attribution_core::DifferenceIntervals::default().roi_percent, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DifferenceIntervals {
    /// Of the difference in credited conversions.
    pub credited_conversions: Interval<CreditDifference>,
    /// Of the difference in revenue.
    pub revenue: Interval<Money>,
    /// Of the difference in cost.
    pub cost: Interval<Money>,
    /// Of the difference in profit.
    pub profit: Interval<Money>,
    /// Of the difference in ROI, in percentage points, from the resamples in which both have a cost;
    /// none where these are fewer than 40.
    pub roi_percent: Option<Interval<Percent>>,
}

/// What a model's figures are more than the baseline's.
///
/// ```
/// assert_eq!(attribution_core::Difference::default().intervals, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// In credited conversions.
    pub credited_conversions: CreditDifference,
    /// In revenue.
    pub revenue: Money,
    /// In cost.
    pub cost: Money,
    /// In profit.
    pub profit: Money,
    /// In ROI, in percentage points; none where either has none.
    pub roi_percent: Option<Percent>,
    /// Their intervals; none without resamples.
    pub intervals: Option<DifferenceIntervals>,
}

/// The figures of one model and scope id.
///
/// ```
/// assert_eq!(attribution_core::ComparisonRow::default().scope_id, None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ComparisonRow {
    /// The model: a stored one's slug, or the name of a SPEC.
    pub model: String,
    /// The scope's id; none for global.
    pub scope_id: Option<u64>,
    /// Credited touches in the scope.
    pub attributed_clicks: u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: u64,
    /// Those of them whose journeys have more than one touch.
    pub multi_touch_journeys: u64,
    /// The sum of the stored credits.
    pub credited_conversions: Credit,
    /// The sum of the touches' shares of payouts, exact.
    pub revenue: Money,
    /// The sum of the touches' shares of costs, exact.
    pub cost: Money,
    /// Revenue less cost.
    pub profit: Money,
    /// (revenue - cost) / cost * 100, 2 decimals half to even; none where there is no cost.
    pub roi_percent: Option<Percent>,
    /// The figures' intervals; none without resamples.
    pub intervals: Option<FigureIntervals>,
    /// What is more than the baseline's in the same scope; none for the baseline itself.
    pub difference: Option<Difference>,
    /// What to mind when reading the row, each with its rule; often none.
    pub hints: Vec<String>,
}

/// Models side by side.
///
/// ```
/// assert!(attribution_core::Comparison::default().rows.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The window's first second; none for all there is.
    pub start: Option<u64>,
    /// The second after the window's last; none for all there is.
    pub end: Option<u64>,
    /// The scope type's name.
    pub scope_type: String,
    /// The one id of the scope type that was asked for.
    pub scope_id: Option<u64>,
    /// The name of the model that the others are compared to.
    pub baseline: String,
    /// How many resamples the intervals are taken from; 0 for no intervals.
    pub resamples: u32,
    /// Conversions in the window.
    pub conversions: u64,
    /// Touches of all their journeys together.
    pub touches: u64,
    /// Conversions whose journeys have more than one touch.
    pub multi_touch_journeys: u64,
    /// Conversions whose converting click is missing.
    pub missing_clicks: u64,
    /// For each scope id in order, a row for each model in the order given.
    pub rows: Vec<ComparisonRow>,
}

impl Comparison {
    /// As JSON, indented: money, credit and percentages as decimal text, ids and counts as numbers.
    ///
    /// # Errors
    /// [`Error::Internal`] should JSON have no form for it.
    ///
    /// ```
    /// let json = attribution_core::Comparison::default().to_json()?;
    /// assert!(json.contains(r#""rows": []"#));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self)
            .map_err(|error| Error::Internal(format!("a comparison has no JSON form: {error}")))
    }
}
