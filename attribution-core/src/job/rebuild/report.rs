//! How to rebuild, and what a rebuild did.

use std::time::Duration;

use serde::Serialize;

use super::plan::SliceReport;
use crate::ground::money::Money;
use crate::ground::scope::ScopeSet;
use crate::ground::time::Window;
use crate::job::tables::AuditRow;

/// How to rebuild.
///
/// ```
/// use attribution_core::{RebuildOptions, Window};
/// let options = RebuildOptions::new(Window::new(1_717_200_000, 1_717_286_400)?);
/// assert!(options.credits);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildOptions {
    /// The hours of the conversions.
    pub window: Window,
    /// Which snapshots are made; none means all that the tables have ids for. Global ones always are,
    /// and so are those of scopes that a model already has snapshots of in the window.
    pub scopes: Option<ScopeSet>,
    /// Whether credits are stored; where not, those that are there are removed.
    pub credits: bool,
    /// How long to wait for another run of the same owner to end.
    pub wait: Duration,
    /// On how many connections rows are read and written.
    pub connections: usize,
}

impl RebuildOptions {
    /// All scopes, credits stored, no waiting, two connections.
    ///
    /// ```
    /// use attribution_core::{RebuildOptions, Window};
    /// let window = Window::new(0, 3_600)?;
    /// assert_eq!(RebuildOptions::new(window).connections, 2);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn new(window: Window) -> Self {
        Self { window, scopes: None, credits: true, wait: Duration::ZERO, connections: 2 }
    }
}

/// What a rebuild of one owner did.
///
/// ```
/// assert_eq!(attribution_core::RebuildReport::default().conversions, 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RebuildReport {
    /// The account owner.
    pub user_id: u64,
    /// The window's first second.
    pub start: u64,
    /// The second after the window's last.
    pub end: u64,
    /// Conversions in the window.
    pub conversions: u64,
    /// Touches of all their journeys together.
    pub touches: u64,
    /// Touches, converting clicks among them, that are not among the owner's clicks.
    pub missing_clicks: u64,
    /// Transactions.
    pub batches: u64,
    /// Rows inserted, changed or deleted.
    pub rows_written: u64,
    /// How often something was done again after a deadlock, a lock wait or a lost connection.
    pub retries: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// Each active model, in the order of their ids.
    pub models: Vec<RebuiltModel>,
    /// Active models that are not valid, which were left alone.
    pub invalid_models: Vec<InvalidModel>,
}

/// What a rebuild did for one model.
///
/// ```
/// assert_eq!(attribution_core::RebuiltModel::default().hours, 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RebuiltModel {
    /// The model's id.
    pub model_id: u64,
    /// The model's slug.
    pub slug: String,
    /// Hours in which something converted.
    pub hours: u64,
    /// Snapshots of all scopes.
    pub snapshots: u64,
    /// Credited touches.
    pub clicks: u64,
    /// Conversions.
    pub conversions: u64,
    /// The sum of the payouts, exact.
    pub revenue: Money,
    /// The sum of the costs, exact.
    pub cost: Money,
    /// Rows inserted, changed or deleted.
    pub rows_written: u64,
}

/// An active model that could not be run.
///
/// ```
/// assert_eq!(attribution_core::InvalidModel::default().slug, "");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InvalidModel {
    /// The model's id.
    pub model_id: u64,
    /// The model's slug.
    pub slug: String,
    /// What is wrong with it.
    pub problem: String,
}

pub(super) fn add_slice(report: &mut RebuildReport, slice: SliceReport, rows_written: u64) {
    report.conversions += slice.conversions;
    report.touches += slice.touches;
    report.missing_clicks += slice.missing_clicks;
    report.batches += 1;
    report.rows_written += rows_written;
    for (model, more) in report.models.iter_mut().zip(slice.models) {
        model.hours += more.hours;
        model.snapshots += more.snapshots;
        model.clicks += more.sums.clicks;
        model.conversions += more.sums.conversions;
        model.revenue = add_money(model.revenue, more.sums.revenue);
        model.cost = add_money(model.cost, more.sums.cost);
        model.rows_written += more.rows_written;
    }
}

/// Beyond the range of money, which takes a window of trillions, a report stays at its end.
pub(super) fn add_money(sum: Money, more: i128) -> Money {
    let units = i128::from(sum.units()) + more;
    Money::from_units(units.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

/// An audit row for each model, as the host writes it, and then some.
pub(super) fn audit_rows(report: &RebuildReport) -> Vec<AuditRow> {
    let row = |model: &RebuiltModel| {
        // Numbers are written as they are: money exactly, as a JSON number.
        let metadata = format!(
            "{{\"lookback_start\":{},\"lookback_end\":{},\"batches\":{},\"hours_processed\":{},\
             \"clicks\":{},\"conversions\":{},\"revenue\":{},\"cost\":{},\"duration_ms\":{},\
             \"rows_written\":{},\"engine_version\":\"{}\"}}",
            report.start,
            report.end,
            report.batches,
            model.hours,
            model.clicks,
            model.conversions,
            model.revenue,
            model.cost,
            report.duration_ms,
            model.rows_written,
            env!("CARGO_PKG_VERSION"),
        );
        AuditRow { model_id: Some(model.model_id), action: "snapshot_rebuild", metadata }
    };
    report.models.iter().map(row).collect()
}
