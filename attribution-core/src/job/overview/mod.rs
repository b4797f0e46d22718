//! The overview: what a dashboard shows of one model and scope, from what is stored.

mod anomaly;
mod mix;
mod report;

pub use anomaly::{Anomaly, AnomalyDirection, AnomalyMetric, AnomalySeverity};
pub(crate) use mix::{Mix, PlacedCredit};
pub use mix::{TouchPlace, TouchpointShare};
pub(crate) use report::{HourTotals, Hours};
pub use report::{Overview, OverviewHour, OverviewOptions, OverviewTotals};
