//! The rows of a file, encoded beside the thread that reads them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::queue::ExportQueue;
use super::row::ExportJob;
use crate::export::file::BUFFER;
use crate::export::{ExportFormat, SnapshotExporter};
use crate::ground::error::Error;
use crate::job::progress::{Phase, Progress, go_on};
use crate::job::tables::SnapshotRecord;

/// How many rows go from the reader to the writer at once.
const BATCH: usize = 4_096;
/// How many batches there are in all, so that a slow disk holds the reader up.
const BATCHES: usize = 4;

type Batch = Vec<SnapshotRecord>;

/// Writes a job's snapshots to a file in a format; gives their number.
pub(super) fn write_rows(
    queue: &mut impl ExportQueue,
    job: &ExportJob,
    model: &str,
    format: ExportFormat,
    file: &File,
    progress: &dyn Progress,
) -> Result<u64, Error> {
    let given_up = AtomicBool::new(false);
    let given_up = &given_up;
    thread::scope(|scope| {
        let (full, to_write) = sync_channel::<Batch>(BATCHES);
        let (written, empty) = channel::<Batch>();
        let writer =
            scope.spawn(move || encode(format, file, model, &to_write, &written, given_up));
        let read = read(queue, job, &full, &empty, progress);
        given_up.store(read.is_err(), Ordering::Release);
        // The writer ends when nothing more can come.
        drop(full);
        let written = writer.join().map_err(|_| Error::Io {
            what: "export".to_owned(),
            source: io::Error::other("the writer failed"),
        })?;
        match read {
            // The reader stops where the writer has; why, the writer knows.
            Ok(Reading::All | Reading::Stopped) => written,
            Err(error) => Err(error),
        }
    })
}

enum Reading {
    All,
    Stopped,
}

fn read(
    queue: &mut impl ExportQueue,
    job: &ExportJob,
    full: &SyncSender<Batch>,
    empty: &Receiver<Batch>,
    progress: &dyn Progress,
) -> Result<Reading, Error> {
    let (mut rows, mut stopped) = (0, false);
    let mut batch: Batch = Vec::with_capacity(BATCH);
    go_on(progress, Phase::Writing, 0, 0)?;
    let outcome = queue.snapshots(job, &mut |row| {
        batch.push(row);
        if batch.len() < BATCH {
            return Ok(());
        }
        rows += BATCH as u64;
        go_on(progress, Phase::Writing, rows, 0)?;
        let next = empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH));
        if full.send(std::mem::replace(&mut batch, next)).is_err() {
            stopped = true;
            return Err(Error::Cancelled);
        }
        Ok(())
    });
    if stopped || (outcome.is_ok() && full.send(batch).is_err()) {
        return Ok(Reading::Stopped);
    }
    outcome.map(|()| Reading::All)
}

fn encode(
    format: ExportFormat,
    file: &File,
    model: &str,
    to_write: &Receiver<Batch>,
    written: &Sender<Batch>,
    given_up: &AtomicBool,
) -> Result<u64, Error> {
    let mut exporter = SnapshotExporter::new(format, BufWriter::with_capacity(BUFFER, file))?;
    for mut batch in to_write {
        for row in &batch {
            exporter.write_record(model, row)?;
        }
        batch.clear();
        // Where the reader is done, nobody takes it.
        let _ = written.send(batch);
    }
    // A workbook takes long to complete: not for nothing.
    if given_up.load(Ordering::Acquire) {
        return Err(Error::Cancelled);
    }
    let rows = exporter.rows();
    exporter.finish()?.flush().map_err(Error::io("export"))?;
    Ok(rows)
}
