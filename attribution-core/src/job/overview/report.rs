//! What to show, and what is shown.

use serde::Serialize;

use super::anomaly::Anomaly;
use super::mix::TouchpointShare;
use crate::ground::error::Error;
use crate::ground::money::Money;
use crate::ground::percent::Percent;
use crate::ground::scope::{Scope, ScopeType};
use crate::ground::time::Window;

/// The most hours of a page.
const MOST_HOURS: u64 = 10_000;

/// What to give an overview of.
///
/// ```
/// use attribution_core::{OverviewOptions, Window};
/// let options = OverviewOptions::new("linear", Window::new(1_717_200_000, 1_717_286_400)?);
/// assert_eq!((options.limit, options.offset), (24, 0));
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverviewOptions {
    /// The model's slug.
    pub model: String,
    /// The hours that the totals and the mix are of.
    pub window: Window,
    /// The scope's type.
    pub scope_type: ScopeType,
    /// The scope's id, which every type but global needs.
    pub scope_id: Option<u64>,
    /// How many hours a page has, 1 to 10,000.
    pub limit: u64,
    /// How many of the newest hours come before the page's: 0 for the newest page.
    pub offset: u64,
}

impl OverviewOptions {
    /// Everything of a model, and the newest 24 hours.
    ///
    /// ```
    /// use attribution_core::{OverviewOptions, ScopeType, Window};
    /// let options = OverviewOptions::new("linear", Window::new(0, 3_600)?);
    /// assert_eq!(options.scope_type, ScopeType::Global);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new(model: impl Into<String>, window: Window) -> Self {
        Self {
            model: model.into(),
            window,
            scope_type: ScopeType::Global,
            scope_id: None,
            limit: 24,
            offset: 0,
        }
    }

    /// The scope, if the options can be.
    pub(crate) fn check(&self) -> Result<Scope, Error> {
        if !(1..=MOST_HOURS).contains(&self.limit) {
            return Err(Error::input(
                "limit",
                format!("found {}", self.limit),
                format!("1 to {MOST_HOURS} hours"),
            ));
        }
        Scope::new(self.scope_type, self.scope_id)
    }
}

/// Totals, as they are stored: money with 4 decimals.
///
/// ```
/// assert_eq!(attribution_core::OverviewTotals::default().roi_percent, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OverviewTotals {
    /// Hours that have a snapshot.
    pub hours: u64,
    /// Credited touches.
    pub attributed_clicks: u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: u64,
    /// The sum of the stored revenues.
    pub revenue: Money,
    /// The sum of the stored costs.
    pub cost: Money,
    /// Revenue less cost.
    pub profit: Money,
    /// (revenue - cost) / cost * 100, 2 decimals half to even; none where there is no cost.
    pub roi_percent: Option<Percent>,
}

/// One hour, as it is stored.
///
/// ```
/// assert_eq!(attribution_core::OverviewHour::default().date_hour, 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OverviewHour {
    /// The unix second at which it begins.
    pub date_hour: u32,
    /// Credited touches.
    pub attributed_clicks: u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: u64,
    /// The stored revenue.
    pub revenue: Money,
    /// The stored cost.
    pub cost: Money,
    /// Revenue less cost.
    pub profit: Money,
    /// (revenue - cost) / cost * 100, 2 decimals half to even; none where there is no cost.
    pub roi_percent: Option<Percent>,
}

/// What a dashboard shows of one model and scope.
///
/// ```
/// assert!(attribution_core::Overview::default().hours.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Overview {
    /// The account owner.
    pub user_id: u64,
    /// The model's slug.
    pub model: String,
    /// The window's first second.
    pub start: u64,
    /// The second after the window's last.
    pub end: u64,
    /// The scope type's name.
    pub scope_type: String,
    /// The scope's id; none for global.
    pub scope_id: Option<u64>,
    /// Of the whole window.
    pub totals: OverviewTotals,
    /// How many hours a page has.
    pub limit: u64,
    /// How many of the newest hours come before the page's.
    pub offset: u64,
    /// The page: hours that have a snapshot, counted from the newest and listed from the oldest, as a chart
    /// has them. Where the host has several rows for one hour, the oldest row is the hour's.
    pub hours: Vec<OverviewHour>,
    /// The stored credits of the window by the place of their touches: first, assist, last, single.
    pub touchpoint_mix: Vec<TouchpointShare>,
    /// What is out of the ordinary in the page's latest hour.
    pub anomalies: Vec<Anomaly>,
}

impl Overview {
    /// As JSON, indented: money, credit and percentages as decimal text, ids and counts as numbers.
    ///
    /// # Errors
    /// [`Error::Internal`] should JSON have no form for it.
    ///
    /// ```
    /// let json = attribution_core::Overview::default().to_json()?;
    /// assert!(json.contains(r#""hours": []"#));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self)
            .map_err(|error| Error::Internal(format!("an overview has no JSON form: {error}")))
    }
}
