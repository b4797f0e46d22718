//! What to show, and what is shown.

use serde::Serialize;

use super::anomaly::{Anomaly, find};
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
    /// The stored credits of the window by the place of their touches: first, assist, last, single. A
    /// journey that is no longer stored is as long as its credits say: up to the last touch that has one.
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

/// An hour's snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HourTotals {
    pub(crate) date_hour: u32,
    pub(crate) clicks: u64,
    pub(crate) conversions: u64,
    /// A count of 0.00001.
    pub(crate) revenue: i64,
    /// A count of 0.00001.
    pub(crate) cost: i64,
}

/// Totals and page as hours come in, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Hours {
    limit: u64,
    offset: u64,
    count: u64,
    clicks: u64,
    conversions: u64,
    revenue: i128,
    cost: i128,
    page: Vec<OverviewHour>,
}

impl Hours {
    pub(crate) fn new(options: &OverviewOptions) -> Self {
        Self { limit: options.limit, offset: options.offset, ..Self::default() }
    }

    pub(crate) fn add(&mut self, hour: HourTotals) {
        self.clicks += hour.clicks;
        self.conversions += hour.conversions;
        self.revenue += i128::from(hour.revenue);
        self.cost += i128::from(hour.cost);
        if self.count >= self.offset && (self.page.len() as u64) < self.limit {
            self.page.push(OverviewHour {
                date_hour: hour.date_hour,
                attributed_clicks: hour.clicks,
                attributed_conversions: hour.conversions,
                revenue: Money::from_units(hour.revenue),
                cost: Money::from_units(hour.cost),
                profit: Money::from_units(hour.revenue - hour.cost),
                roi_percent: Percent::return_on(hour.revenue.into(), hour.cost.into()),
            });
        }
        self.count += 1;
    }

    pub(crate) fn finish(
        mut self,
        user_id: u64,
        options: &OverviewOptions,
        touchpoint_mix: Vec<TouchpointShare>,
    ) -> Result<Overview, Error> {
        let money = |what: &str, units: i128| {
            let found = || format!("found a sum of {units} units of 0.00001");
            let money = i64::try_from(units).map(Money::from_units);
            money.map_err(|_| Error::limit(what, found(), "at most 92,233,720,368,547.75807"))
        };
        let totals = OverviewTotals {
            hours: self.count,
            attributed_clicks: self.clicks,
            attributed_conversions: self.conversions,
            revenue: money("revenue", self.revenue)?,
            cost: money("cost", self.cost)?,
            profit: money("profit", self.revenue - self.cost)?,
            roi_percent: Percent::return_on(self.revenue, self.cost),
        };
        self.page.reverse();
        Ok(Overview {
            user_id,
            model: options.model.clone(),
            start: options.window.start(),
            end: options.window.end(),
            scope_type: options.scope_type.name().to_owned(),
            scope_id: options.scope_id,
            totals,
            limit: options.limit,
            offset: options.offset,
            anomalies: find(&self.page),
            hours: self.page,
            touchpoint_mix,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_from_the_newest_and_totals_are_of_all() {
        let window = Window::new(0, 36_000).unwrap();
        let of = |limit, offset| {
            let options =
                OverviewOptions { limit, offset, ..OverviewOptions::new("linear", window) };
            let mut hours = Hours::new(&options);
            for hour in (0..10).rev() {
                hours.add(HourTotals {
                    date_hour: hour * 3_600,
                    clicks: 2,
                    conversions: 1,
                    revenue: 1_000 + i64::from(hour),
                    cost: 300,
                });
            }
            hours.finish(1, &options, Vec::new()).unwrap()
        };
        let page = |limit, offset| -> Vec<u32> {
            of(limit, offset).hours.iter().map(|hour| hour.date_hour / 3_600).collect()
        };
        assert_eq!(page(3, 0), [7, 8, 9]);
        assert_eq!(page(3, 3), [4, 5, 6]);
        assert_eq!(page(3, 9), [0]);
        assert_eq!(page(3, 10), [0; 0]);
        let totals = of(3, 9).totals;
        assert_eq!((totals.hours, totals.attributed_clicks), (10, 20));
        assert_eq!(totals.revenue, Money::from_units(10_045));
        assert_eq!(totals.roi_percent.unwrap().to_string(), "234.83");
    }
}
