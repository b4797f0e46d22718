//! The purge: an owner, a data subject or what is old goes, and nothing of it is left.
//!
//! Whatever identifies the rest goes last, so that a purge that was stopped finds what is left when it
//! is run again; and what readers look at together, a model's hour or a conversion's journey, goes in
//! one transaction.

mod files;
mod report;
mod rows;
mod subject;
pub(crate) mod tables;

use std::time::Instant;

pub use report::{LeftFile, PurgeOptions, PurgeReport, PurgeTarget, PurgedTable, RetentionLimits};
use serde::Serialize;

use self::subject::Subject;
use self::tables::{PurgeReader, PurgeWorker};
use super::progress::{Phase, Progress, go_on};
use super::tables::{AuditRow, JobCoverage, Run, RunKind, Tables};
use crate::ground::error::Error;
use crate::ground::time::Window;

/// Refuses options that no owner's purge could have.
pub(crate) fn check_options(options: &PurgeOptions) -> Result<(), Error> {
    options.journeys.check()?;
    match &options.target {
        PurgeTarget::Clicks(ids) | PurgeTarget::Conversions(ids) if ids.is_empty() => {
            Err(Error::input(options.target.name(), "found no id", "at least one id"))
        }
        // Where a click is not known, rows may say 0.
        PurgeTarget::Clicks(ids) | PurgeTarget::Conversions(ids) if ids.contains(&0) => {
            Err(Error::input(options.target.name(), "found the id 0", "ids from 1 on"))
        }
        PurgeTarget::Visitor(0) => Err(Error::input(
            "visitor",
            "found 0, which stands for all who are unknown",
            "an ip_id from 1 on",
        )),
        PurgeTarget::Age(limits) => {
            if *limits == RetentionLimits::default() {
                let allowed = "a limit for journeys, credits, snapshots, exports or audit";
                return Err(Error::input("limits", "found none", allowed));
            }
            match (limits.credits, limits.snapshots) {
                (Some(credits), Some(snapshots)) if credits > snapshots => Err(Error::input(
                    "limits.credits",
                    format!("found {credits} seconds, longer than the snapshots' {snapshots}"),
                    "at most the snapshots' limit, as credits go with their snapshots",
                )),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Counts what a purge would remove.
pub(crate) fn look(
    reader: &mut impl PurgeReader,
    owner: u64,
    options: &PurgeOptions,
    now: u64,
) -> Result<PurgeReport, Error> {
    let start = Instant::now();
    let mut report = begun(owner, options);
    match &options.target {
        PurgeTarget::Owner | PurgeTarget::Age(_) => {
            rows::look(reader, options, now, &mut report)?;
        }
        _ => Subject::of(options).look(reader, &mut report)?,
    }
    report.duration_ms = start.elapsed().as_millis() as u64;
    Ok(report)
}

/// Purges under the owner's lock.
pub(crate) fn purge<T: Tables>(
    tables: &T,
    owner: u64,
    options: &PurgeOptions,
    now: u64,
    progress: &dyn Progress,
) -> Result<PurgeReport, Error>
where
    <T::Run as Run>::Worker: PurgeWorker,
{
    let heed = || go_on(progress, Phase::Waiting, 0, 0);
    let all = Window::new(0, u32::MAX)?;
    let run = tables.begin(owner, RunKind::Purge, all, options.wait, &heed)?;
    let outcome = purge_owner::<T>(&run, owner, options, now, progress);
    if let Err(error) = &outcome {
        run.fail(error);
    }
    outcome
}

fn begun(owner: u64, options: &PurgeOptions) -> PurgeReport {
    PurgeReport {
        user_id: owner,
        target: options.target.name(),
        dry_run: options.dry_run,
        ..PurgeReport::default()
    }
}

fn purge_owner<T: Tables>(
    run: &T::Run,
    owner: u64,
    options: &PurgeOptions,
    now: u64,
    progress: &dyn Progress,
) -> Result<PurgeReport, Error>
where
    <T::Run as Run>::Worker: PurgeWorker,
{
    let start = Instant::now();
    let mut report = begun(owner, options);
    let mut worker = run.worker()?;
    worker.work_on(Window::new(0, u32::MAX)?);
    match &options.target {
        PurgeTarget::Owner | PurgeTarget::Age(_) => {
            rows::purge(&mut worker, options, now, progress, &mut report)?;
        }
        _ => Subject::of(options).purge(run, &mut worker, T::SCOPES, progress, &mut report)?,
    }
    // Exports that had to be left are told of; anything else came in meanwhile.
    let late = report
        .tables
        .iter()
        .find(|table| table.left > 0 && table.table != tables::PurgeTable::Exports.name());
    if let Some(PurgedTable { table, left, .. }) = late {
        return Err(Error::Locked(format!(
            "{left} rows of {table} are left, as they came in while the purge went on; run it again"
        )));
    }
    report.retries = run.retries();
    report.duration_ms = start.elapsed().as_millis() as u64;
    run.succeed(&[audit_row(&report)?], JobCoverage::Part)?;
    Ok(report)
}

/// The proof, which does not say whose rows they were.
fn audit_row(report: &PurgeReport) -> Result<AuditRow, Error> {
    #[derive(Serialize)]
    struct Metadata<'a> {
        target: &'static str,
        not_found: u64,
        tables: &'a [PurgedTable],
        hours_rebuilt: u64,
        files_removed: u64,
        files_missing: u64,
        files_left: usize,
        exports_in_progress: u64,
        duration_ms: u64,
        engine_version: &'static str,
    }
    let metadata = serde_json::to_string(&Metadata {
        target: report.target,
        not_found: report.not_found,
        tables: &report.tables,
        hours_rebuilt: report.hours_rebuilt,
        files_removed: report.files_removed,
        files_missing: report.files_missing,
        files_left: report.files_left.len(),
        exports_in_progress: report.exports_in_progress,
        duration_ms: report.duration_ms,
        engine_version: env!("CARGO_PKG_VERSION"),
    })
    .map_err(|error| Error::Internal(format!("a report has no JSON form: {error}")))?;
    Ok(AuditRow { model_id: None, action: "purge", metadata })
}
