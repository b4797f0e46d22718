//! All of an owner, or what is old: rows by the owner and the time, a part at a time.

use super::files::{self, FileOutcome};
use super::report::{LeftFile, PurgeOptions, PurgeReport, PurgeTarget, PurgedTable};
use super::tables::{By, FoundExport, PurgeReader, PurgeTable, PurgeWorker, SnapshotHour};
use crate::ground::error::Error;
use crate::ground::time::hour_of;
use crate::job::progress::{Phase, Progress, go_on};
use crate::job::tables::{Checkpoint, ResultTable};

/// Hours are purged together while they have no more rows than this.
const MOST: u64 = 5_000;

/// The tables that are purged, each with the time before which rows go, where that counts.
fn plan(options: &PurgeOptions, now: u64) -> Vec<(PurgeTable, Option<u32>)> {
    let PurgeTarget::Age(limits) = &options.target else {
        return PurgeTable::ALL.map(|table| (table, None)).into();
    };
    let before = |limit: Option<u32>| {
        let time = now.saturating_sub(u64::from(limit?));
        Some(hour_of(u32::try_from(time).unwrap_or(u32::MAX)))
    };
    // Credits go with their snapshots.
    let credits = before(limits.credits).max(before(limits.snapshots));
    [
        (PurgeTable::Journeys, before(limits.journeys)),
        (PurgeTable::Credits, credits),
        (PurgeTable::Snapshots, before(limits.snapshots)),
        (PurgeTable::Exports, before(limits.exports)),
        (PurgeTable::Audit, before(limits.audit)),
    ]
    .into_iter()
    .filter(|(_, before)| before.is_some())
    .collect()
}

/// How many rows there are; for a whole owner, with those that hang on nothing, which go with their
/// clicks.
fn count(
    reader: &mut impl PurgeReader,
    (table, before): (PurgeTable, Option<u32>),
    options: &PurgeOptions,
) -> Result<u64, Error> {
    let mut rows = reader.count(table, before)?;
    if options.target == PurgeTarget::Owner
        && matches!(table, PurgeTable::Journeys | PurgeTable::Credits)
    {
        rows += reader.count_orphans(table)?;
    }
    Ok(rows)
}

/// Counts what there is.
pub(super) fn look(
    reader: &mut impl PurgeReader,
    options: &PurgeOptions,
    now: u64,
    report: &mut PurgeReport,
) -> Result<(), Error> {
    for (table, before) in plan(options, now) {
        let rows = count(reader, (table, before), options)?;
        report.tables.push(PurgedTable {
            table: table.name(),
            found: rows,
            removed: 0,
            left: rows,
        });
        if table == PurgeTable::Exports {
            for export in reader.exports(before)? {
                note_file(&export, look_at(&export, options)?, report);
            }
        }
    }
    Ok(())
}

/// What became of an export's file: none for an export that has none.
fn note_file(export: &FoundExport, outcome: Option<FileOutcome>, report: &mut PurgeReport) {
    match outcome {
        _ if export.is_in_progress => report.exports_in_progress += 1,
        Some(FileOutcome::Removed) => report.files_removed += 1,
        Some(FileOutcome::Missing) => report.files_missing += 1,
        Some(FileOutcome::Refused(problem)) => {
            report.files_left.push(LeftFile { export_id: export.export_id, problem });
        }
        None => {}
    }
}

fn look_at(export: &FoundExport, options: &PurgeOptions) -> Result<Option<FileOutcome>, Error> {
    match (&export.file_path, &options.export_directory) {
        (Some(path), Some(directory)) => files::look(directory, path).map(Some),
        (Some(path), None) => Ok(Some(FileOutcome::Refused(format!(
            "{path} can't be looked for, as no export directory was given"
        )))),
        (None, _) => Ok(None),
    }
}

pub(super) fn purge<W: PurgeWorker>(
    worker: &mut W,
    options: &PurgeOptions,
    now: u64,
    progress: &dyn Progress,
    report: &mut PurgeReport,
) -> Result<(), Error> {
    let plan = plan(options, now);
    let before_of = |wanted: PurgeTable| {
        plan.iter().find(|(table, _)| *table == wanted).map(|(_, before)| *before)
    };
    go_on(progress, Phase::Reading, 0, 0)?;
    if let Some(before) = before_of(PurgeTable::Exports) {
        check_directory(worker, before, options)?;
    }
    for (table, before) in &plan {
        let found = count(worker, (*table, *before), options)?;
        let table = table.name();
        report.tables.push(PurgedTable { table, found, ..PurgedTable::default() });
    }
    let total = report.tables.iter().map(|table| table.found).sum();
    let mut purge = Purge { worker, progress, report, total, done: 0 };
    if let Some(before) = before_of(PurgeTable::Exports) {
        purge.exports(before, options)?;
    }
    if options.target == PurgeTarget::Owner {
        purge.hours(None, true)?;
        purge.conversions()?;
        purge.clicks()?;
        for table in [
            PurgeTable::Settings,
            PurgeTable::Models,
            PurgeTable::Generations,
            PurgeTable::Audit,
            PurgeTable::Runs,
        ] {
            purge.rest(table, None)?;
        }
    } else {
        if let Some(before @ Some(_)) = before_of(PurgeTable::Snapshots) {
            purge.hours(before, true)?;
        }
        if let Some(before @ Some(_)) = before_of(PurgeTable::Credits) {
            purge.hours(before, false)?;
        }
        if let Some(Some(before)) = before_of(PurgeTable::Journeys) {
            purge.journeys(before)?;
        }
        if let Some(before @ Some(_)) = before_of(PurgeTable::Audit) {
            purge.rest(PurgeTable::Audit, before)?;
        }
    }
    for (place, (table, before)) in plan.iter().enumerate() {
        let left = count(worker, (*table, *before), options)?;
        let is_made_here = *table == PurgeTable::Generations;
        let table = &mut report.tables[place];
        table.left = left;
        if is_made_here {
            // The purge of the snapshots itself gives one to models that had none.
            table.removed = table.removed.min(table.found);
        }
        // What came in meanwhile was not counted before.
        table.found = table.found.max(table.removed + left);
    }
    Ok(())
}

/// Files that there are have to be removed too, so that a folder has to be given.
fn check_directory(
    reader: &mut impl PurgeReader,
    before: Option<u32>,
    options: &PurgeOptions,
) -> Result<(), Error> {
    let exports = reader.exports(before)?;
    let files = exports.iter().filter(|export| export.file_path.is_some()).count();
    match &options.export_directory {
        Some(directory) if files > 0 && !directory.is_dir() => Err(Error::input(
            "export_directory",
            format!("found {}, which is no folder", directory.display()),
            "the folder of the export files",
        )),
        None if files > 0 => Err(Error::input(
            "export_directory",
            format!("found none, though {files} exports that are to go have files"),
            "the folder of the export files",
        )),
        _ => Ok(()),
    }
}

/// How many rows of which table went.
type Gone<const N: usize> = [(PurgeTable, u64); N];

struct Purge<'a, W> {
    worker: &'a mut W,
    progress: &'a dyn Progress,
    report: &'a mut PurgeReport,
    total: u64,
    done: u64,
}

impl<W: PurgeWorker> Purge<'_, W> {
    fn removed(&mut self, table: PurgeTable, rows: u64) {
        self.done += rows;
        let name = table.name();
        if let Some(table) = self.report.tables.iter_mut().find(|table| table.table == name) {
            table.removed += rows;
        }
    }

    /// Deletes rows in one transaction, and notes how many of which table.
    fn transaction<const N: usize>(
        &mut self,
        work: &mut dyn FnMut(&mut W) -> Result<Gone<N>, Error>,
    ) -> Result<u64, Error> {
        go_on(self.progress, Phase::Writing, self.done.min(self.total), self.total)?;
        let mut gone = None;
        self.worker.transaction(&[], &mut |worker| {
            let rows = work(worker)?;
            gone = Some(rows);
            Ok(Checkpoint { done: 0, rows_written: rows.iter().map(|(_, rows)| rows).sum() })
        })?;
        self.report.batches += 1;
        let mut all = 0;
        for (table, rows) in gone.into_iter().flatten() {
            self.removed(table, rows);
            all += rows;
        }
        Ok(all)
    }

    /// Each file goes before its row, by which it is found.
    fn exports(&mut self, before: Option<u32>, options: &PurgeOptions) -> Result<(), Error> {
        for export in self.worker.exports(before)? {
            let outcome = match (&export.file_path, &options.export_directory) {
                _ if export.is_in_progress => None,
                (Some(path), Some(directory)) => Some(files::remove(directory, path)?),
                _ => look_at(&export, options)?,
            };
            let stays = export.is_in_progress || matches!(outcome, Some(FileOutcome::Refused(_)));
            note_file(&export, outcome, self.report);
            if !stays {
                self.transaction(&mut |worker| {
                    Ok([(PurgeTable::Exports, worker.delete_export(&export)?)])
                })?;
            }
        }
        Ok(())
    }

    /// Credits and, where they are to go, snapshots, whole hours at a time.
    fn hours(&mut self, before: Option<u32>, snapshots: bool) -> Result<(), Error> {
        let mut after = None;
        loop {
            let mut hours = self.worker.snapshot_hours(after, before)?;
            let Some(last) = hours.last() else { return Ok(()) };
            after = Some(last.hour);
            // Snapshots that stay have mostly lost their credits to earlier purges.
            hours.retain(|hour| snapshots || hour.credits > 0);
            let mut rest = &hours[..];
            while let Some(first) = rest.first() {
                let together = fitting(rest);
                let (some, others) = rest.split_at(together);
                rest = others;
                let last = some.last().map_or(first.hour, |hour| hour.hour);
                self.transaction(&mut |worker| {
                    let (credits, gone) = worker.delete_hours(first.hour..=last, snapshots)?;
                    Ok([(PurgeTable::Credits, credits), (PurgeTable::Snapshots, gone)])
                })?;
            }
        }
    }

    /// Conversions with their journeys.
    fn conversions(&mut self) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let ids = self.worker.next_conversions(after, None)?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = *last;
            self.transaction(&mut |worker| {
                let journeys = worker.delete_journeys_of(&ids)?;
                let conversions = worker.delete_conversions(&ids)?;
                Ok([(PurgeTable::Journeys, journeys), (PurgeTable::Conversions, conversions)])
            })?;
        }
    }

    fn journeys(&mut self, before: u32) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let ids = self.worker.next_conversions(after, Some(before))?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = *last;
            self.transaction(&mut |worker| {
                Ok([(PurgeTable::Journeys, worker.delete_journeys_of(&ids)?)])
            })?;
        }
    }

    /// Clicks with their visitors, and touches and credits of theirs that hang on nothing.
    fn clicks(&mut self) -> Result<(), Error> {
        loop {
            let ids = self.worker.some_clicks()?;
            if ids.is_empty() {
                return Ok(());
            }
            let rows = self.worker.click_rows(&ids)?;
            let others: hashbrown::HashSet<u64> =
                rows.into_iter().filter(|(_, own)| !own).map(|(id, _)| id).collect();
            let sole: Vec<u64> = ids.iter().copied().filter(|id| !others.contains(id)).collect();
            let touches = self.worker.touches_by(By::Click, &sole)?;
            let touches = touches.iter().filter(|row| row.is_orphan).map(|row| row.touch_id);
            let touches: Vec<u64> = touches.collect();
            let credits = self.worker.credits_by_click(&sole)?;
            let credits = credits.iter().filter(|row| row.hour.is_none()).map(|row| row.credit_id);
            let credits: Vec<u64> = credits.collect();
            let gone = self.transaction(&mut |worker| {
                Ok([
                    (PurgeTable::Journeys, worker.delete_ids(ResultTable::Journeys, &touches)?),
                    (PurgeTable::Credits, worker.delete_ids(ResultTable::Credits, &credits)?),
                    (PurgeTable::Visitors, worker.delete_visitors(&sole)?),
                    (PurgeTable::Clicks, worker.delete_clicks(&ids)?),
                ])
            })?;
            if gone == 0 {
                return Ok(());
            }
        }
    }

    fn rest(&mut self, table: PurgeTable, before: Option<u32>) -> Result<(), Error> {
        while self.transaction(&mut |worker| Ok([(table, worker.delete_some(table, before)?)]))? > 0
        {
        }
        Ok(())
    }
}

/// How many of the first hours are purged together.
fn fitting(hours: &[SnapshotHour]) -> usize {
    let mut rows = 0;
    let fits = hours.iter().take_while(|hour| {
        rows += hour.snapshots + hour.credits;
        rows <= MOST
    });
    fits.count().max(1)
}
