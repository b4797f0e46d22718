//! The host's tables as the jobs see them: rows, and what a store has to do with them.
//!
//! A store hands out one [`Run`] for an account owner at a time, and a run hands out [`Worker`]s,
//! one for each thread. All that a worker reads and writes is its owner's.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use hashbrown::{HashMap, HashSet};

use super::settings::StoredSetting;
use super::spool::Record;
use crate::domain::journey::JourneyKey;
use crate::ground::error::Error;
use crate::ground::money::Money;
use crate::ground::scope::{Scope, ScopeSet, ScopeType};
use crate::ground::time::Window;

/// A row of the clicks, the visitor with it. Of the rows of one click the smallest is the click: that
/// is what the order of the fields is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StoredClick {
    pub(crate) click_id: u64,
    pub(crate) click_time: u32,
    /// A count of 0.00001.
    pub(crate) cost: i64,
    pub(crate) campaign_id: u64,
    pub(crate) account_id: u64,
    pub(crate) landing_page_id: u64,
    pub(crate) filtered: bool,
    /// 0 for unknown.
    pub(crate) visitor: u64,
}

/// One click for each id, out of all rows of these clicks.
pub(crate) fn merge_clicks(mut rows: Vec<StoredClick>) -> HashMap<u64, StoredClick> {
    rows.sort_unstable();
    rows.dedup_by_key(|row| row.click_id);
    rows.into_iter().map(|row| (row.click_id, row)).collect()
}

/// A conversion as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredConversion {
    pub(crate) conversion_id: u64,
    pub(crate) click_id: u64,
    pub(crate) conversion_time: u32,
    /// What the conversion says of its click's time.
    pub(crate) click_time: Option<u32>,
    /// A count of 0.00001.
    pub(crate) payout: i64,
    pub(crate) campaign_id: Option<u64>,
    pub(crate) deleted: bool,
}

/// A number that may be missing, in one word.
pub(crate) const NONE: u64 = u64::MAX;

impl Record for StoredConversion {
    const WORDS: usize = 6;

    fn to_words(self, words: &mut [u64]) {
        words.copy_from_slice(&[
            self.conversion_id,
            self.click_id,
            u64::from(self.conversion_time) << 1 | u64::from(self.deleted),
            self.click_time.map_or(NONE, u64::from),
            self.payout as u64,
            self.campaign_id.unwrap_or(NONE),
        ]);
    }

    fn from_words(words: &[u64]) -> Self {
        let present = |word: u64| (word != NONE).then_some(word);
        Self {
            conversion_id: words[0],
            click_id: words[1],
            conversion_time: (words[2] >> 1) as u32,
            deleted: words[2] & 1 == 1,
            click_time: present(words[3]).map(|time| time as u32),
            payout: words[4] as i64,
            campaign_id: present(words[5]),
        }
    }
}

/// A touch of a stored journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StoredTouch {
    pub(crate) conversion_id: u64,
    pub(crate) click_id: u64,
    pub(crate) click_time: u32,
}

/// Whether clicks are read with their visitors, which takes another look-up for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visitors {
    Read,
    /// They are all unknown.
    Skipped,
}

/// A click that may be a touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CandidateClick {
    pub(crate) click_id: u64,
    pub(crate) click_time: u32,
    pub(crate) campaign_id: u64,
    pub(crate) visitor: u64,
}

/// A model as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelRow {
    pub(crate) model_id: u64,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) kind: String,
    pub(crate) config: Option<String>,
    pub(crate) active: bool,
    pub(crate) default: bool,
}

/// What a snapshot says: to be written, or as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SnapshotTotals {
    pub(crate) clicks: u64,
    pub(crate) conversions: u64,
    /// A count of 0.0001.
    pub(crate) revenue: i64,
    /// A count of 0.0001.
    pub(crate) cost: i64,
}

/// Which snapshot it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SnapshotKey {
    pub(crate) model_id: u64,
    pub(crate) scope: Scope,
    pub(crate) hour: u32,
}

/// A row of the snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredSnapshot {
    pub(crate) snapshot_id: u64,
    pub(crate) model_id: u64,
    /// None where it is no scope type that is known.
    pub(crate) scope_type: Option<ScopeType>,
    pub(crate) scope_id: Option<u64>,
    pub(crate) hour: u32,
    pub(crate) totals: SnapshotTotals,
}

/// A snapshot as it is stored, its money rounded to 4 decimals.
///
/// ```
/// use attribution_core::{Money, Scope, SnapshotRecord};
/// let record = SnapshotRecord {
///     snapshot_id: 1,
///     scope: Scope::GLOBAL,
///     date_hour: 1_717_232_400,
///     attributed_clicks: 3,
///     attributed_conversions: 1,
///     revenue: Money::from_units(3_500_000),
///     cost: Money::ZERO,
/// };
/// assert_eq!(record.scope.id(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SnapshotRecord {
    /// The row's id.
    pub snapshot_id: u64,
    /// The slice that is covered.
    pub scope: Scope,
    /// The unix second at which the conversions' hour begins.
    pub date_hour: u32,
    /// Credited touches in the scope.
    pub attributed_clicks: u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: u64,
    /// The sum of the touches' shares of payouts.
    pub revenue: Money,
    /// The sum of the touches' shares of costs.
    pub cost: Money,
}

/// What a credit row says. Its weight is its credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CreditValues {
    pub(crate) snapshot_id: u64,
    pub(crate) conversion_id: u64,
    pub(crate) position: u32,
    pub(crate) click_id: u64,
    /// A count of 0.00001.
    pub(crate) credit: i64,
    /// A count of 0.00001.
    pub(crate) weight: i64,
}

/// What a row of the stored journeys says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JourneyValues {
    pub(crate) conversion_id: u64,
    pub(crate) position: u32,
    pub(crate) click_id: u64,
    pub(crate) click_time: u32,
}

/// The tables that jobs delete rows from by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultTable {
    Snapshots,
    Credits,
    Journeys,
}

/// From campaigns to their advertisers, from accounts to their traffic sources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parents {
    pub(crate) advertisers: HashMap<u64, u64>,
    pub(crate) traffic_sources: HashMap<u64, u64>,
}

/// Takes rows as they come in; an error stops the reading.
pub(crate) type Take<'a, T> = &'a mut dyn FnMut(T) -> Result<(), Error>;

/// Reads one owner's clicks, conversions and journeys, perhaps from a replica.
pub(crate) trait Reader: Send {
    /// The conversions of a window, in any order, the deleted ones with them.
    fn conversions(
        &mut self,
        window: Window,
        take: Take<'_, StoredConversion>,
    ) -> Result<(), Error>;
    fn settings(&mut self) -> Result<Vec<StoredSetting>, Error>;
    fn parents(&mut self) -> Result<Parents, Error>;
    /// Clicks of these times that are not filtered and can have the key.
    fn candidates(
        &mut self,
        times: RangeInclusive<u32>,
        key: JourneyKey,
        take: Take<'_, CandidateClick>,
    ) -> Result<(), Error>;
    /// Ids that more than one row of the clicks has, perhaps another owner's.
    fn repeated_click_ids(&mut self, ids: RangeInclusive<u64>) -> Result<Vec<u64>, Error>;
    /// All rows of these clicks.
    fn clicks(&mut self, click_ids: &[u64], visitors: Visitors) -> Result<Vec<StoredClick>, Error>;
    /// All rows of the clicks of these conversions, the visitors unknown.
    fn clicks_of(&mut self, conversions: &[StoredConversion]) -> Result<Vec<StoredClick>, Error>;
    /// Which of these clicks there are.
    fn existing_clicks(&mut self, click_ids: &[u64]) -> Result<HashSet<u64>, Error>;
    /// The stored journeys of these conversions, which are the owner's, in any order.
    fn journeys(&mut self, conversion_ids: &[u64]) -> Result<Vec<StoredTouch>, Error>;
}

/// Reads and writes one owner's rows. Snapshots and credits, which are written by what they are, never come
/// from a replica.
pub(crate) trait Worker: Reader {
    /// Begins a transaction, does the work, and commits it if the run still holds its lock and none of
    /// `models` has changed. With it the generations rise of the models whose snapshots the work has
    /// inserted, changed or deleted. The work is done again from its start where a deadlock, a lock wait or a
    /// lost connection undid it, so it has to look at what is there and not count on what it did. It
    /// answers with how many hours it has finished and how many rows it wrote.
    fn transaction(
        &mut self,
        models: &[ModelRow],
        work: &mut dyn FnMut(&mut Self) -> Result<Checkpoint, Error>,
    ) -> Result<(), Error>;
    /// Which of these scope types each of these models has snapshots of.
    fn scopes_in_use(
        &mut self,
        model_ids: &[u64],
        window: Window,
        scopes: ScopeSet,
    ) -> Result<Vec<(u64, ScopeType)>, Error>;
    fn snapshots(
        &mut self,
        model_ids: &[u64],
        hours: Range<u64>,
    ) -> Result<Vec<StoredSnapshot>, Error>;
    /// Credits of these conversions under these snapshots, with their ids.
    fn credits(
        &mut self,
        snapshot_ids: &[u64],
        conversion_ids: RangeInclusive<u64>,
    ) -> Result<Vec<(CreditValues, u64)>, Error>;
    /// Deletes all credits under these snapshots; says how many there were.
    fn delete_credits_under(&mut self, snapshot_ids: &[u64]) -> Result<u64, Error>;
    /// Journey rows with their ids, as the primary has them.
    fn journey_rows(&mut self, conversion_ids: &[u64]) -> Result<Vec<(JourneyValues, u64)>, Error>;
    fn insert_snapshots(&mut self, rows: &[(SnapshotKey, SnapshotTotals)]) -> Result<(), Error>;
    fn update_snapshot(
        &mut self,
        model_id: u64,
        snapshot_id: u64,
        totals: &SnapshotTotals,
    ) -> Result<(), Error>;
    fn insert_credits(&mut self, rows: &[CreditValues]) -> Result<(), Error>;
    fn insert_journey_rows(&mut self, rows: &[JourneyValues]) -> Result<(), Error>;
    fn delete(&mut self, table: ResultTable, ids: &[u64]) -> Result<(), Error>;
}

/// What a transaction has brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Hours, or conversions, that are now done.
    pub(crate) done: u64,
    /// Rows inserted, changed or deleted.
    pub(crate) rows_written: u64,
}

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunKind {
    Backfill,
    Rebuild,
    Purge,
}

impl RunKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Rebuild => "rebuild",
            Self::Purge => "purge",
        }
    }
}

/// Whether a run is all of the hourly job, whose success is noted for the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobCoverage {
    All,
    Part,
}

/// A row of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditRow {
    pub(crate) model_id: Option<u64>,
    pub(crate) action: &'static str,
    /// A JSON object.
    pub(crate) metadata: String,
}

/// One owner's run, which holds the owner's lock until it is dropped.
pub(crate) trait Run: Sync {
    type Worker: Worker;
    fn worker(&self) -> Result<Self::Worker, Error>;
    fn models(&self) -> Result<Vec<ModelRow>, Error>;
    /// How often something had to be done again.
    fn retries(&self) -> u64;
    /// Marks the run as finished, with its audit rows and, where it is all of the hourly job, the note of
    /// that, in one transaction.
    fn succeed(&self, audit: &[AuditRow], coverage: JobCoverage) -> Result<(), Error>;
    /// Marks the run as failed or cancelled, as well as that can be done.
    fn fail(&self, error: &Error);
}

/// A store of the host's tables.
pub(crate) trait Tables: Sync {
    type Run: Run;
    /// The scopes that the tables have ids for.
    const SCOPES: ScopeSet;
    /// The account owners that are not deleted.
    fn owners(&self) -> Result<Vec<u64>, Error>;
    /// Begins a run, waiting so long for the owner's lock, or until `go_on` fails.
    fn begin(
        &self,
        owner: u64,
        kind: RunKind,
        window: Window,
        wait: Duration,
        go_on: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Self::Run, Error>;
    /// Notes that the hourly job has succeeded.
    fn note_success(&self) -> Result<(), Error>;
}
