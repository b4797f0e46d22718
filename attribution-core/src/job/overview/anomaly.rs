//! The host's rule of what is out of the ordinary.

use serde::Serialize;

use crate::ground::percent::Percent;

/// What is out of the ordinary.
///
/// ```
/// use attribution_core::AnomalyMetric;
/// assert_ne!(AnomalyMetric::Conversions, AnomalyMetric::Revenue);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyMetric {
    /// The attributed conversions.
    Conversions,
    /// The attributed revenue.
    Revenue,
}

/// How far out of the ordinary it is.
///
/// ```
/// use attribution_core::AnomalySeverity;
/// assert!(AnomalySeverity::Critical > AnomalySeverity::Warning);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalySeverity {
    /// A change of 25 % or more.
    Warning,
    /// A change of 50 % or more.
    Critical,
}

/// Which way it went.
///
/// ```
/// use attribution_core::AnomalyDirection;
/// assert_ne!(AnomalyDirection::Up, AnomalyDirection::Down);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyDirection {
    /// Above the mean.
    Up,
    /// Below the mean.
    Down,
}

/// The latest hour of a page, far from the mean of the earlier ones.
///
/// ```no_run
/// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
/// # use attribution_core::{OverviewOptions, Window};
/// # let options = OverviewOptions::new("linear", Window::new(1_717_200_000, 1_717_286_400)?);
/// for anomaly in store.overview(1, &options)?.anomalies {
///     println!("{}", anomaly.message);
/// }
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Anomaly {
    /// Of what.
    pub metric: AnomalyMetric,
    /// How far.
    pub severity: AnomalySeverity,
    /// Which way.
    pub direction: AnomalyDirection,
    /// The change, (latest - mean) / mean * 100, 2 decimals half to even, negative for down.
    pub change_percent: Percent,
    /// The latest hour's value: a count, or money with 5 decimals.
    pub latest: String,
    /// The mean of the earlier hours, rounded half to even: with 2 decimals for a count, with 5 for money.
    pub mean: String,
    /// The latest hour.
    pub date_hour: u32,
    /// All that in a sentence.
    pub message: String,
}
