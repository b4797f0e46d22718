//! What to purge, and what a purge did.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::domain::journey::JourneyOptions;

/// What of an account owner is to go.
///
/// ```
/// use attribution_core::PurgeTarget;
/// assert_eq!(PurgeTarget::Visitor(9_001).name(), "visitor");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PurgeTarget {
    /// All that the owner has: clicks, conversions, journeys, models, settings, snapshots, credits,
    /// exports with their files, the audit and what is known of runs. The owner's own row, campaigns
    /// and accounts are the host's, and stay.
    Owner,
    /// These clicks, the conversions that hang on them, and every touch and credit of theirs.
    Clicks(Vec<u64>),
    /// These conversions with their journeys and credits. Their clicks stay.
    Conversions(Vec<u64>),
    /// All clicks of a visitor (an `ip_id`), as [`PurgeTarget::Clicks`].
    Visitor(u64),
    /// What is older than its table's limit.
    Age(RetentionLimits),
}

impl PurgeTarget {
    /// The target in a word: `owner`, `clicks`, `conversions`, `visitor` or `age`.
    ///
    /// ```
    /// assert_eq!(attribution_core::PurgeTarget::Owner.name(), "owner");
    /// ```
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Clicks(_) => "clicks",
            Self::Conversions(_) => "conversions",
            Self::Visitor(_) => "visitor",
            Self::Age(_) => "age",
        }
    }
}

/// How long rows are kept, in seconds; those of a table without a limit are left alone.
///
/// The moment that lies so long back falls to its whole hour, and what was before that hour goes.
/// Journeys go by the time of their conversion, snapshots and credits by their hour, exports and the
/// audit by when they were made.
///
/// ```
/// use attribution_core::{RetentionLimits, parse_duration};
/// let limits = RetentionLimits { credits: Some(parse_duration("90d")?), ..Default::default() };
/// assert_eq!(limits.credits, Some(7_776_000));
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionLimits {
    /// `202_conversion_touchpoints`.
    pub journeys: Option<u32>,
    /// `202_attribution_touchpoints`. At most that of the snapshots, which take their credits along.
    pub credits: Option<u32>,
    /// `202_attribution_snapshots`.
    pub snapshots: Option<u32>,
    /// `202_attribution_exports` and their files.
    pub exports: Option<u32>,
    /// `202_attribution_audit`, but for the proofs of purges.
    pub audit: Option<u32>,
}

/// How to purge.
///
/// ```
/// use attribution_core::{PurgeOptions, PurgeTarget};
/// let options = PurgeOptions { dry_run: true, ..PurgeOptions::new(PurgeTarget::Visitor(9_001)) };
/// assert_eq!(options.journeys.max_touches, 25);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeOptions {
    /// What is to go.
    pub target: PurgeTarget,
    /// Counts what would go and writes nothing.
    pub dry_run: bool,
    /// How long to wait for another run of the same owner to end.
    pub wait: Duration,
    /// The folder of the export files, needed where exports that are to go have files. No file outside
    /// it is ever removed.
    pub export_directory: Option<PathBuf>,
    /// How the backfills of this owner assemble journeys: those that lose a click are assembled anew.
    pub journeys: JourneyOptions,
}

impl PurgeOptions {
    /// For good, without waiting, without export files, journeys by their defaults.
    ///
    /// ```
    /// use attribution_core::{PurgeOptions, PurgeTarget};
    /// assert!(!PurgeOptions::new(PurgeTarget::Clicks(vec![8, 9])).dry_run);
    /// ```
    pub fn new(target: PurgeTarget) -> Self {
        Self {
            target,
            dry_run: false,
            wait: Duration::ZERO,
            export_directory: None,
            journeys: JourneyOptions::default(),
        }
    }
}

/// What a purge did in one table.
///
/// ```
/// let table = attribution_core::PurgedTable::default();
/// assert_eq!(table.found, table.removed + table.left);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PurgedTable {
    /// The table.
    pub table: &'static str,
    /// Rows that were to go.
    pub found: u64,
    /// Rows that went.
    pub removed: u64,
    /// Rows that were to go and were still there when they were counted again in the end.
    pub left: u64,
}

/// A file that was not removed.
///
/// ```
/// assert_eq!(attribution_core::LeftFile::default().export_id, 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftFile {
    /// The export whose file it is; its row is left too.
    pub export_id: u64,
    /// Why.
    pub problem: String,
}

/// What a purge did, or would do.
///
/// ```
/// assert!(attribution_core::PurgeReport::default().tables.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PurgeReport {
    /// The account owner.
    pub user_id: u64,
    /// What was to go, in a word, as [`PurgeTarget::name`].
    pub target: &'static str,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Ids that were given and that no row of this owner has.
    pub not_found: u64,
    /// Each table that was looked at.
    pub tables: Vec<PurgedTable>,
    /// Hours whose snapshots and credits were made right again.
    pub hours_rebuilt: u64,
    /// Export files that were removed.
    pub files_removed: u64,
    /// Export files that were gone already.
    pub files_missing: u64,
    /// Export files that were left, each with its row.
    pub files_left: Vec<LeftFile>,
    /// Exports that are being made, which were left.
    pub exports_in_progress: u64,
    /// Finished exports that cover hours that were rebuilt. They hold totals, none of the subject's
    /// rows, and were left.
    pub exports_of_rebuilt_hours: u64,
    /// Transactions.
    pub batches: u64,
    /// How often something was done again after a deadlock, a lock wait or a lost connection.
    pub retries: u64,
    /// How long it took.
    pub duration_ms: u64,
}
