//! The export queue: jobs that are put into a table, and workers that make their files and tell
//! whoever is to be told.

mod deliver;
pub(crate) mod directory;
pub(crate) mod queue;
mod report;
mod request;
mod row;
mod rows;
pub(crate) mod state;

use std::io;
use std::time::Instant;

pub(crate) use deliver::header_names;
pub use report::{ExportOutcome, ExportRunOptions, ExportRunReport};
pub use request::ExportRequest;
pub(crate) use request::{headers_json, stored_format};
pub(crate) use row::ExportRow;
pub use row::{ExportJob, ExportQuery, ExportStatus, WebhookState};

use self::directory::ExportDirectory;
use self::queue::{Change, ExportQueue};
use crate::export::ExportFormat;
use crate::ground::error::{Error, ErrorCode};
use crate::ground::scope::Scope;
use crate::ground::time::Window;
use crate::job::progress::{Phase, Progress, go_on};

/// How often a job's file is begun. What ends its worker each time is not to end all that come.
const MOST_CLAIMS: u64 = 5;

/// Works on the queue: files first, then webhooks, which a slow receiver may hold up.
pub(crate) fn run(
    queue: &mut impl ExportQueue,
    directory: &ExportDirectory,
    options: &ExportRunOptions,
    progress: &dyn Progress,
) -> Result<ExportRunReport, Error> {
    let start = Instant::now();
    let mut report = ExportRunReport::default();
    let mut tried = Vec::new();
    for _ in 0..options.limit {
        go_on(progress, Phase::Waiting, 0, 0)?;
        let Some((mut row, before)) = queue.take(&mut tried)? else { break };
        let outcome = make(queue, directory, &mut row, before.as_deref(), progress);
        queue.release();
        report.note(&row, outcome?);
    }
    let mut tried = Vec::new();
    for _ in 0..options.limit.saturating_mul(2) {
        go_on(progress, Phase::Waiting, 0, 0)?;
        let Some(mut row) = queue.take_webhook(&mut tried)? else { break };
        let sent = deliver::send(queue, directory, &options.webhooks, &mut row);
        queue.release();
        match sent {
            Ok(sent) => report.note_webhook(&row, &sent),
            // The job was deleted or changed meanwhile, and is no longer this worker's.
            Err(error) if error.code() == ErrorCode::Locked => {
                report.outcome(&row).error = Some(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    if report.succeeded() {
        queue.note_success()?;
    }
    report.duration_ms = start.elapsed().as_millis() as u64;
    Ok(report)
}

/// Makes a job's file and notes what became of it; says what went wrong.
fn make(
    queue: &mut impl ExportQueue,
    directory: &ExportDirectory,
    row: &mut ExportRow,
    before: Option<&str>,
    progress: &dyn Progress,
) -> Result<Option<String>, Error> {
    let made = write_file(queue, directory, row, before, progress);
    let error = match made {
        Ok(()) => return Ok(None),
        Err(error) => error,
    };
    let message = error.to_string();
    let change = match error.code() {
        ErrorCode::Cancelled => {
            queue.change(row, &Change::PutBack { message: None, counts: false })?;
            return Err(Error::Cancelled);
        }
        _ if queue.may_pass(&error) => {
            // The file may be there already, and the row not know of it.
            let claim = row.state.claim.clone().unwrap_or_default();
            match queue.verify(row) {
                Ok(()) => directory.remove_left(row.job.export_id, &claim)?,
                Err(Error::Locked(lost)) => return Ok(Some(lost)),
                Err(error) => return Err(error),
            }
            Change::PutBack { message: Some(message.clone()), counts: true }
        }
        _ => Change::Failed { message: message.clone() },
    };
    match queue.change(row, &change) {
        // Another worker has it by now, and it is that worker's to say what becomes of it.
        Err(Error::Locked(lost)) => Ok(Some(lost)),
        Err(error) => Err(error),
        Ok(()) => Ok(Some(message)),
    }
}

fn write_file(
    queue: &mut impl ExportQueue,
    directory: &ExportDirectory,
    row: &mut ExportRow,
    before: Option<&str>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let export_id = row.job.export_id;
    if let Some(claim) = before {
        directory.remove_left(export_id, claim)?;
    }
    if row.state.claims > MOST_CLAIMS {
        let found = format!("found {MOST_CLAIMS} beginnings, none of which came to an end");
        return Err(Error::limit("export", found, "one that comes to an end"));
    }
    let format = format_of(&row.job)?;
    scope_and_window(&row.job)?;
    let model = queue.model_name(&row.job)?;
    let claim = row.state.claim.clone().unwrap_or_default();
    let file = directory.create(export_id, &claim, format)?;
    let rows = rows::write_rows(queue, &row.job, &model, format, file.file(), progress)?;
    queue.verify(row)?;
    let path = file.commit()?;
    let file_path = path.to_string_lossy().into_owned();
    let outcome = queue.change(row, &Change::Completed { file_path, rows });
    // Where the database is lost it may have come through, and the file is then the job's. If it did
    // not, whoever takes the job over removes it.
    if let Err(error) = &outcome
        && !queue.may_pass(error)
    {
        directory.remove_left(export_id, &claim)?;
    }
    outcome
}

/// The scope and window of a stored job, which the host may have written.
pub(crate) fn scope_and_window(job: &ExportJob) -> Result<(Scope, Window), Error> {
    let time = |place: &str, time: u64| {
        u32::try_from(time).map_err(|_| {
            Error::input(place, format!("found {time}"), "unix seconds from 0 to 4294967295")
        })
    };
    let window = Window::new(time("start_hour", job.start_hour)?, time("end_hour", job.end_hour)?)?;
    let scope_type = job.scope_type.trim().to_ascii_lowercase().parse()?;
    Ok((Scope::new(scope_type, job.scope_id.filter(|id| *id > 0))?, window))
}

/// The format of a stored job, likewise.
fn format_of(job: &ExportJob) -> Result<ExportFormat, Error> {
    stored_format(&job.format.trim().to_ascii_lowercase()).map(|(format, _)| format)
}

/// Fills bytes with what nobody can guess.
fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| Error::Io {
        what: "drawing random bytes".to_owned(),
        source: io::Error::other(error.to_string()),
    })
}

/// A claim: 128 bits that nobody can guess, in hex.
pub(crate) fn draw_claim() -> Result<String, Error> {
    let mut bytes = [0; 16];
    fill_random(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

impl ExportRunReport {
    fn outcome(&mut self, row: &ExportRow) -> &mut ExportOutcome {
        let job = &row.job;
        let place = self.jobs.iter().position(|there| there.export_id == job.export_id);
        let place = place.unwrap_or_else(|| {
            self.jobs.push(ExportOutcome {
                export_id: job.export_id,
                user_id: job.user_id,
                ..ExportOutcome::default()
            });
            self.jobs.len() - 1
        });
        let outcome = &mut self.jobs[place];
        outcome.status.clone_from(&job.status);
        outcome.rows_exported = job.rows_exported;
        outcome.file_path.clone_from(&job.file_path);
        outcome.webhook_state = row.state.webhook;
        outcome
    }

    /// Notes what became of a job's file.
    fn note(&mut self, row: &ExportRow, error: Option<String>) {
        match row.job.status.as_str() {
            "completed" => {
                self.completed += 1;
                self.rows_exported += row.job.rows_exported.unwrap_or(0);
            }
            "failed" => self.failed += 1,
            "pending" => self.put_back += 1,
            // Another worker's.
            _ => {}
        }
        self.outcome(row).error = error;
    }

    /// Notes what became of a job's webhook.
    fn note_webhook(&mut self, row: &ExportRow, sent: &queue::Sent) {
        match sent.webhook {
            WebhookState::Delivered => self.webhooks_delivered += 1,
            WebhookState::Waiting => self.webhooks_waiting += 1,
            WebhookState::GivenUp => self.webhooks_given_up += 1,
        }
        let outcome = self.outcome(row);
        outcome.webhook_status_code = sent.response.as_ref().map(|(status, _)| *status);
        outcome.error.clone_from(&sent.message);
    }
}

/// Refuses options that no run could have, and opens the folder.
pub(crate) fn check_options(options: &ExportRunOptions) -> Result<ExportDirectory, Error> {
    if options.limit == 0 {
        return Err(Error::input("limit", "found 0", "1 or more"));
    }
    let directory = ExportDirectory::open(&options.directory)?;
    options.webhooks.check()?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::state::State;
    use super::*;
    use crate::job::tables::SnapshotRecord;

    const CLAIM: &str = "0123456789abcdef0123456789abcdef";

    fn lost() -> Error {
        Error::Database { what: "a test".to_owned(), source: "the server is lost".into() }
    }

    /// A queue whose server is lost at a worker's last word of a job, and is there again after it.
    #[derive(Default)]
    struct Broken {
        changes: Vec<Change>,
        /// Whether the last word came through all the same.
        came_through: bool,
        rows: usize,
        stops: bool,
    }

    impl ExportQueue for Broken {
        fn take(&mut self, _: &mut Vec<u64>) -> Result<Option<(ExportRow, Option<String>)>, Error> {
            Ok(None)
        }

        fn take_webhook(&mut self, _: &mut Vec<u64>) -> Result<Option<ExportRow>, Error> {
            Ok(None)
        }

        fn release(&mut self) {}

        fn model_name(&mut self, _: &ExportJob) -> Result<String, Error> {
            Ok("linear".to_owned())
        }

        fn snapshots(
            &mut self,
            _: &ExportJob,
            take: &mut dyn FnMut(SnapshotRecord) -> Result<(), Error>,
        ) -> Result<(), Error> {
            let record = SnapshotRecord {
                snapshot_id: 1,
                scope: Scope::GLOBAL,
                date_hour: 0,
                attributed_clicks: 1,
                attributed_conversions: 1,
                revenue: crate::Money::ZERO,
                cost: crate::Money::ZERO,
            };
            for _ in 0..self.rows {
                take(record)?;
            }
            if self.stops { Err(lost()) } else { Ok(()) }
        }

        fn verify(&mut self, _: &ExportRow) -> Result<(), Error> {
            let done = self.came_through && !self.changes.is_empty();
            if done { Err(Error::Locked("it is done".to_owned())) } else { Ok(()) }
        }

        fn change(&mut self, row: &mut ExportRow, change: &Change) -> Result<(), Error> {
            self.changes.push(change.clone());
            if matches!(change, Change::Completed { .. }) {
                return Err(lost());
            }
            row.state.claim = None;
            Ok(())
        }

        fn note_success(&mut self) -> Result<(), Error> {
            Ok(())
        }

        fn may_pass(&self, error: &Error) -> bool {
            error.code() == ErrorCode::Database
        }

        fn now(&self) -> u64 {
            0
        }
    }

    fn row(format: &str) -> ExportRow {
        let job = ExportJob {
            export_id: 7,
            scope_type: " Global".to_owned(),
            scope_id: Some(0),
            end_hour: 3_600,
            format: format.to_owned(),
            ..ExportJob::default()
        };
        let state = State { claim: Some(CLAIM.to_owned()), claims: 1, ..State::default() };
        ExportRow { job, secret: None, headers: None, state }
    }

    #[test]
    fn a_server_lost_at_the_last_word_leaves_no_file_that_nobody_knows() {
        let folder = tempfile::tempdir().unwrap();
        let directory = ExportDirectory::open(folder.path()).unwrap();
        let files = || fs::read_dir(folder.path()).unwrap().count();
        let mut queue = Broken { rows: 3, ..Broken::default() };
        let said = make(&mut queue, &directory, &mut row("CSV "), None, &()).unwrap().unwrap();
        assert!(said.contains("the server is lost"), "{said}");
        let [Change::Completed { rows: 3, .. }, Change::PutBack { counts: true, .. }] =
            &queue.changes[..]
        else {
            panic!("{:?}", queue.changes)
        };
        assert_eq!(files(), 0);
        // Where it came through, the file is the job's.
        let mut queue = Broken { rows: 3, came_through: true, ..Broken::default() };
        let said = make(&mut queue, &directory, &mut row("Xls"), None, &()).unwrap().unwrap();
        assert!(said.contains("it is done") && queue.changes.len() == 1, "{said}");
        assert_eq!(files(), 1);
    }

    #[test]
    fn a_workbook_that_is_given_up_is_not_completed() {
        let mut queue = Broken { rows: 10_000, stops: true, ..Broken::default() };
        let file = tempfile::tempfile().unwrap();
        let job = row("xls").job;
        let written = rows::write_rows(&mut queue, &job, "linear", ExportFormat::Xlsx, &file, &());
        assert_eq!(written.unwrap_err().code(), ErrorCode::Database);
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}
