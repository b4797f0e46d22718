//! Erasure and retention.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use attribution_core::{PurgeOptions, PurgeTarget, RetentionLimits};

use super::jobs::{Callback, attribution_progress, perform};
use super::report::{Outcomes, Purged, attribution_report};
use super::store::attribution_store;
use crate::border::{
    Failure, Growing, borrow, clear, fill_growing, guard, read_growing, switch, text_or_none,
};
use crate::columns::{Lent, attribution_u64_slice};
use crate::error::{attribution_error, attribution_status};
use crate::journeys::journey_options;

/// What of an account owner is to go.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_purge_target {
    /// All that the owner has; the owner's own row, campaigns and accounts stay.
    ATTRIBUTION_PURGE_OWNER = 1,
    /// The clicks of `ids`, the conversions that hang on them, and every touch and credit of theirs.
    ATTRIBUTION_PURGE_CLICKS = 2,
    /// The conversions of `ids` with their journeys and credits. Their clicks stay.
    ATTRIBUTION_PURGE_CONVERSIONS = 3,
    /// All clicks of the visitor that is the one entry of `ids`, as with ATTRIBUTION_PURGE_CLICKS.
    ATTRIBUTION_PURGE_VISITOR = 4,
    /// What is older than its table's limit.
    ATTRIBUTION_PURGE_AGE = 5,
}

/// What to purge and how. To be begun with ATTRIBUTION_PURGE_OPTIONS_INIT; the user and the target, with
/// what it takes, are to be set. What a target does not take has to be nothing.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_purge_options {
    /// sizeof(attribution_purge_options)
    pub size: usize,
    /// The account owner; 0, under ATTRIBUTION_PURGE_AGE alone, for all that are not deleted.
    pub user_id: u64,
    /// One of the ATTRIBUTION_PURGE_ numbers.
    pub target: u32,
    /// 1 to count what would go and write nothing, else 0.
    pub dry_run: u8,
    /// The clicks, the conversions or the one visitor.
    pub ids: attribution_u64_slice,
    /// For how many seconds journeys are kept under ATTRIBUTION_PURGE_AGE. Here and below 0 leaves the table
    /// alone, and the moment that lies so long back falls to its hour.
    pub keep_journeys_seconds: u32,
    /// The same for credits; at most what snapshots are kept for.
    pub keep_credits_seconds: u32,
    /// The same for snapshots, which take their credits along.
    pub keep_snapshots_seconds: u32,
    /// The same for exports with their files.
    pub keep_exports_seconds: u32,
    /// The same for the audit, but for the proofs of purges.
    pub keep_audit_seconds: u32,
    /// How long to wait for another run of the same owner to end, in seconds.
    pub wait_seconds: u32,
    /// The folder of the export files, needed where exports that are to go have files; else it may be NULL.
    /// No file outside it is ever removed.
    pub export_directory: *const c_char,
    /// How journeys that lose a click are assembled anew, as the backfills of this owner do: one of the
    /// ATTRIBUTION_JOURNEY_KEY_ numbers.
    pub journey_key: u32,
    /// How long before the conversion a touch may be, in seconds.
    pub lookback_seconds: u32,
    /// How many of the newest touches are kept, from 1 to 65535.
    pub max_touches: u32,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_purge_options {
    const NAME: &'static str = "attribution_purge_options";
}

/// What a purge of one account owner did, or would do; attribution_user_report has the owner, the transactions
/// and the time. To be begun with ATTRIBUTION_PURGE_REPORT_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_purge_report {
    /// sizeof(attribution_purge_report)
    pub size: usize,
    /// What was to go, one of the ATTRIBUTION_PURGE_ numbers.
    pub target: u32,
    /// 1 where nothing was written.
    pub dry_run: u8,
    /// Ids that were given and that no row of this owner has.
    pub not_found: u64,
    /// The number of tables that were looked at.
    pub tables: usize,
    /// Hours whose snapshots and credits were made right again.
    pub hours_rebuilt: u64,
    /// Export files that were removed.
    pub files_removed: u64,
    /// Export files that were gone already.
    pub files_missing: u64,
    /// Export files that were left, each with its row: their number.
    pub files_left: usize,
    /// Exports that are being made, which were left.
    pub exports_in_progress: u64,
    /// Finished exports that cover hours that were rebuilt, which were left. They hold totals alone.
    pub exports_of_rebuilt_hours: u64,
}

// SAFETY: repr(C), a size first, numbers alone.
unsafe impl Growing for attribution_purge_report {
    const NAME: &'static str = "attribution_purge_report";
}

/// What a purge did in one table. Its text is the report's, and stays until that is freed. To be begun with
/// ATTRIBUTION_PURGED_TABLE_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_purged_table {
    /// sizeof(attribution_purged_table)
    pub size: usize,
    /// The table's name.
    pub table: *const c_char,
    /// Rows that were to go.
    pub found: u64,
    /// Rows that went.
    pub removed: u64,
    /// Rows that were to go and were still there when they were counted again in the end.
    pub left: u64,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_purged_table {
    const NAME: &'static str = "attribution_purged_table";
}

/// An export's file that was not removed. Its text is the report's, and stays until that is freed. To be
/// begun with ATTRIBUTION_LEFT_FILE_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_left_file {
    /// sizeof(attribution_left_file)
    pub size: usize,
    /// The export whose file it is; its row is left too.
    pub export_id: u64,
    /// Why, for a person.
    pub problem: *const c_char,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_left_file {
    const NAME: &'static str = "attribution_left_file";
}

/// What is to go. What the target does not take is refused: a forgotten target must not make the whole
/// owner of a few clicks.
///
/// # Safety
/// The ids can be read, and nothing writes to them.
unsafe fn target_of(options: &attribution_purge_options) -> Result<PurgeTarget, Failure> {
    // SAFETY: the caller's promise.
    let ids = unsafe { options.ids.entries("ids") }?;
    let kept = |seconds: u32| (seconds != 0).then_some(seconds);
    let limits = RetentionLimits {
        journeys: kept(options.keep_journeys_seconds),
        credits: kept(options.keep_credits_seconds),
        snapshots: kept(options.keep_snapshots_seconds),
        exports: kept(options.keep_exports_seconds),
        audit: kept(options.keep_audit_seconds),
    };
    let (takes_ids, target) = match options.target {
        1 => (false, PurgeTarget::Owner),
        2 => (true, PurgeTarget::Clicks(ids.to_vec())),
        3 => (true, PurgeTarget::Conversions(ids.to_vec())),
        4 => {
            let [visitor] = ids else {
                let found = format!("found {} ids", ids.len());
                return Err(Failure::argument("ids", found, "one visitor"));
            };
            (true, PurgeTarget::Visitor(*visitor))
        }
        5 => (false, PurgeTarget::Age(limits)),
        other => {
            let allowed = "one of the ATTRIBUTION_PURGE_ numbers";
            return Err(Failure::argument("target", format!("found {other}"), allowed));
        }
    };
    if !takes_ids && !ids.is_empty() {
        let found = format!("found {} ids", ids.len());
        return Err(Failure::argument("ids", found, "none for this target"));
    }
    let ages = [
        ("keep_journeys_seconds", options.keep_journeys_seconds),
        ("keep_credits_seconds", options.keep_credits_seconds),
        ("keep_snapshots_seconds", options.keep_snapshots_seconds),
        ("keep_exports_seconds", options.keep_exports_seconds),
        ("keep_audit_seconds", options.keep_audit_seconds),
    ];
    let by_age = matches!(target, PurgeTarget::Age(_));
    if let Some((place, seconds)) = ages.into_iter().find(|(_, age)| !by_age && *age != 0) {
        return Err(Failure::argument(place, format!("found {seconds}"), "0 for this target"));
    }
    Ok(target)
}

/// The number of a report's target.
fn number_of_target(name: &str) -> u32 {
    let names = ["owner", "clicks", "conversions", "visitor", "age"];
    (1..).zip(names).find(|(_, known)| *known == name).map_or(0, |(number, _)| number)
}

/// Erases what is an owner's, a data subject's or old, makes the affected hours right again, and verifies that
/// nothing is left. `progress` may be NULL; `context` is given to it. After any failure, run it again: what
/// is gone is gone, and the rest goes then.
///
/// Of all users, the failure of one does not stop the others: the status is then that of the first which
/// failed, and `report` is set and says what came of each. Where the one user's purge fails, or what is wrong
/// is so for all, `report` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_purge(
    store: *const attribution_store,
    options: *const attribution_purge_options,
    progress: attribution_progress,
    context: *mut c_void,
    report: *mut *mut attribution_report,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (store, options, target, directory) = unsafe {
            clear(report, "report")?;
            let (store, options) = (borrow(store)?, read_growing(options)?);
            let directory = text_or_none(options.export_directory, "export_directory")?;
            (store, options, target_of(&options)?, directory)
        };
        let job = PurgeOptions {
            dry_run: switch(options.dry_run, "dry_run")?,
            wait: Duration::from_secs(options.wait_seconds.into()),
            export_directory: directory.map(Into::into),
            journeys: journey_options(
                options.journey_key,
                options.lookback_seconds,
                options.max_touches,
            )?,
            ..PurgeOptions::new(target)
        };
        let progress = Callback::new(progress, context);
        let user_id = options.user_id;
        // SAFETY: cleared above.
        unsafe {
            perform(
                store,
                user_id,
                report,
                |store| store.purge(user_id, &job, &progress),
                |store| store.purge_all(&job, &progress),
                Outcomes::Purge,
            )
        }
    })
}

/// What a purge did for the account owner at an index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_report_purge(
    report: *const attribution_report,
    user: usize,
    fields: *mut attribution_purge_report,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let Purged { report, .. } = unsafe { borrow(report)?.purged(user)? };
        let filled = attribution_purge_report {
            size: 0,
            target: number_of_target(report.target),
            dry_run: report.dry_run.into(),
            not_found: report.not_found,
            tables: report.tables.len(),
            hours_rebuilt: report.hours_rebuilt,
            files_removed: report.files_removed,
            files_missing: report.files_missing,
            files_left: report.files_left.len(),
            exports_in_progress: report.exports_in_progress,
            exports_of_rebuilt_hours: report.exports_of_rebuilt_hours,
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(fields, filled) }
    })
}

/// What a purge did in the table at an index, of the account owner at another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_report_purged_table(
    report: *const attribution_report,
    user: usize,
    index: usize,
    table: *mut attribution_purged_table,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let Purged { report, tables, .. } = unsafe { borrow(report)?.purged(user)? };
        let (Some(purged), Some(name)) = (report.tables.get(index), tables.get(index)) else {
            return Err(Failure::index(index, tables.len(), "tables"));
        };
        let filled = attribution_purged_table {
            size: 0,
            table: name.as_ptr(),
            found: purged.found,
            removed: purged.removed,
            left: purged.left,
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(table, filled) }
    })
}

/// The export's file that a purge left at an index, of the account owner at another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_report_left_file(
    report: *const attribution_report,
    user: usize,
    index: usize,
    file: *mut attribution_left_file,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let Purged { report, problems, .. } = unsafe { borrow(report)?.purged(user)? };
        let (Some(left), Some(problem)) = (report.files_left.get(index), problems.get(index))
        else {
            return Err(Failure::index(index, problems.len(), "files that were left"));
        };
        let filled =
            attribution_left_file { size: 0, export_id: left.export_id, problem: problem.as_ptr() };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(file, filled) }
    })
}
