//! What a purge finds in the tables and deletes from them. All of it is the owner's, or nobody's.

use std::ops::RangeInclusive;

use crate::ground::error::Error;
use crate::ground::time::Window;
use crate::job::rebuild::hours::WrittenBy;
use crate::job::tables::{ResultTable, StoredConversion, StoredSnapshot, Worker};

/// A table that has rows of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PurgeTable {
    Clicks,
    Visitors,
    Conversions,
    Journeys,
    Snapshots,
    Credits,
    Exports,
    Models,
    Generations,
    Settings,
    Audit,
    Runs,
}

impl PurgeTable {
    pub(crate) const ALL: [Self; 12] = [
        Self::Clicks,
        Self::Visitors,
        Self::Conversions,
        Self::Journeys,
        Self::Snapshots,
        Self::Credits,
        Self::Exports,
        Self::Models,
        Self::Generations,
        Self::Settings,
        Self::Audit,
        Self::Runs,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Clicks => "202_clicks",
            Self::Visitors => "202_clicks_advance",
            Self::Conversions => "202_conversion_logs",
            Self::Journeys => "202_conversion_touchpoints",
            Self::Snapshots => "202_attribution_snapshots",
            Self::Credits => "202_attribution_touchpoints",
            Self::Exports => "202_attribution_exports",
            Self::Models => "202_attribution_models",
            Self::Generations => "202_attribution_generations",
            Self::Settings => "202_attribution_settings",
            Self::Audit => "202_attribution_audit",
            Self::Runs => "202_attribution_runs",
        }
    }
}

/// By which ids rows are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Click,
    Conversion,
}

/// A touch of a conversion that is the owner's, or of one that there is not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundTouch {
    pub(crate) touch_id: u64,
    pub(crate) conversion_id: u64,
    pub(crate) click_id: u64,
    pub(crate) is_orphan: bool,
}

/// A credit under a snapshot that is the owner's, or under one that there is not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundCredit {
    pub(crate) credit_id: u64,
    pub(crate) conversion_id: u64,
    pub(crate) click_id: u64,
    /// The snapshot's hour, where there is one.
    pub(crate) hour: Option<u32>,
}

/// A row of the exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundExport {
    pub(crate) export_id: u64,
    pub(crate) is_in_progress: bool,
    pub(crate) file_path: Option<String>,
}

/// What of the snapshots lies in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotHour {
    pub(crate) hour: u32,
    pub(crate) snapshots: u64,
    pub(crate) credits: u64,
}

/// Looks for rows, as the primary has them.
pub(crate) trait PurgeReader {
    /// The clicks of a visitor, whoever's they are.
    fn clicks_of_visitor(&mut self, visitor: u64) -> Result<Vec<u64>, Error>;
    /// The rows of these clicks, each with whether it is the owner's.
    fn click_rows(&mut self, click_ids: &[u64]) -> Result<Vec<(u64, bool)>, Error>;
    /// Those of these clicks that have a row with their visitor.
    fn visitor_rows(&mut self, click_ids: &[u64]) -> Result<Vec<u64>, Error>;
    fn conversions_by(&mut self, by: By, ids: &[u64]) -> Result<Vec<StoredConversion>, Error>;
    fn touches_by(&mut self, by: By, ids: &[u64]) -> Result<Vec<FoundTouch>, Error>;
    fn credits_by_click(&mut self, click_ids: &[u64]) -> Result<Vec<FoundCredit>, Error>;
    /// The credits of some conversions under any snapshot of an hour.
    fn credits_of_hour(
        &mut self,
        hour: u32,
        conversion_ids: RangeInclusive<u64>,
    ) -> Result<Vec<FoundCredit>, Error>;
    /// All snapshots of an hour, whatever their model.
    fn snapshots_of_hour(&mut self, hour: u32) -> Result<Vec<StoredSnapshot>, Error>;
    /// From when to when the finished exports go.
    fn finished_exports(&mut self) -> Result<Vec<(u64, u64)>, Error>;
    /// What the owner's runs that have ended failed with, by their ids.
    fn run_errors(&mut self) -> Result<Vec<(u64, String)>, Error>;
    /// How many rows of a table are the owner's, all of them or those before some time.
    fn count(&mut self, table: PurgeTable, before: Option<u32>) -> Result<u64, Error>;
    /// How many touches or credits hang on nothing, their clicks being the owner's alone.
    fn count_orphans(&mut self, table: PurgeTable) -> Result<u64, Error>;
    fn exports(&mut self, before: Option<u32>) -> Result<Vec<FoundExport>, Error>;
}

/// Deletes rows; each method but the first within a transaction. They say how many rows went.
pub(crate) trait PurgeWorker: Worker + PurgeReader {
    /// Reads everything from the primary, and notes a window with the snapshots that are written.
    fn work_on(&mut self, window: Window);
    /// The windows that an hour's snapshots were written in, for each of their models.
    fn written_by(&mut self, hour: u32) -> Result<Vec<WrittenBy>, Error>;
    /// Those of these snapshots that have credits.
    fn with_credits(&mut self, snapshot_ids: &[u64]) -> Result<Vec<u64>, Error>;
    /// The next hours that have snapshots.
    fn snapshot_hours(
        &mut self,
        after: Option<u32>,
        before: Option<u32>,
    ) -> Result<Vec<SnapshotHour>, Error>;
    /// The next conversions; those that have stored journeys, where there is a time.
    fn next_conversions(&mut self, after: u64, before: Option<u32>) -> Result<Vec<u64>, Error>;
    /// Some of the owner's clicks.
    fn some_clicks(&mut self) -> Result<Vec<u64>, Error>;
    fn clear_run_errors(&mut self, run_ids: &[u64]) -> Result<u64, Error>;
    fn delete_conversions(&mut self, conversion_ids: &[u64]) -> Result<u64, Error>;
    fn delete_journeys_of(&mut self, conversion_ids: &[u64]) -> Result<u64, Error>;
    /// The rows of clicks, and what is known of their visitors.
    fn delete_clicks(&mut self, click_ids: &[u64]) -> Result<u64, Error>;
    fn delete_visitors(&mut self, click_ids: &[u64]) -> Result<u64, Error>;
    fn delete_ids(&mut self, table: ResultTable, ids: &[u64]) -> Result<u64, Error>;
    /// The credits under the snapshots of some hours and, where it is asked for, those too.
    fn delete_hours(
        &mut self,
        hours: RangeInclusive<u32>,
        snapshots: bool,
    ) -> Result<(u64, u64), Error>;
    /// An export, unless it has changed since it was read.
    fn delete_export(&mut self, export: &FoundExport) -> Result<u64, Error>;
    /// Some thousand rows of a table that is none of those above.
    fn delete_some(&mut self, table: PurgeTable, before: Option<u32>) -> Result<u64, Error>;
}
