//! The export queue in its table.

use std::cell::RefCell;
use std::thread;

use mysql::{Row, Value};
use serde::Serialize;

use super::connection::{Connection, Fault, backoff, fault, has_code, now};
use super::models::{audited, find_among, read_models_locked};
use super::run::{MOST_ATTEMPTS, note_cron_job};
use super::snapshots::{self, SnapshotQuery};
use super::values::Fields;
use super::{MysqlStore, check_user, schema};
use crate::ground::error::Error;
use crate::job::exports::queue::{Change, ExportQueue, Sent};
use crate::job::exports::state::State;
use crate::job::exports::{
    self, ExportJob, ExportQuery, ExportRequest, ExportRow, ExportRunOptions, ExportRunReport,
    ExportStatus, WebhookState,
};
use crate::job::progress::Progress;
use crate::job::tables::{AuditRow, SnapshotRecord};
use crate::webhook::WebhookPolicy;

const TABLE: &str = "202_attribution_exports";

/// The columns of a job, in the order in which [`read_job`] takes them.
const COLUMNS: &str = "export_id, user_id, model_id, scope_type, scope_id, start_hour, end_hour, \
    requested_format, status, webhook_url, COALESCE(webhook_secret, '') <> '', webhook_headers, \
    options, file_path, rows_exported, queued_at, started_at, completed_at, failed_at, last_error, \
    webhook_attempted_at, webhook_status_code";

/// How many jobs are looked at to find one that can be had.
const LOOKED_AT: usize = 64;
/// How many jobs with a webhook that waits are looked at to find one that is due.
const WAITING_LOOKED_AT: usize = 10_000;
/// A job that is processed by what is no worker of the engine counts as left behind after so many seconds.
const LEFT_BEHIND: u64 = 6 * 3_600;
/// The longest text of what went wrong, in characters.
const LONGEST_ERROR: usize = 2_000;
/// What the audit notes of a job that was put into the queue.
const SCHEDULED: &str = "export_scheduled";
/// The export job among the host's scheduled jobs.
const CRON_JOB: u32 = 3;

impl MysqlStore {
    /// Puts an export of a user's model into the queue, with the audit row `export_scheduled`.
    ///
    /// What the host's table has no column for is kept as an object under the key `attribution` of the
    /// column `options`, whose other keys stay as they are.
    ///
    /// # Errors
    /// [`Error::Input`] and [`Error::Limit`] for a model, scope, window, format or webhook that is not
    /// allowed, with nothing written; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{ExportRequest, WebhookPolicy, Window};
    /// let request = ExportRequest::new("linear", Window::new(1_717_200_000, 1_717_286_400)?);
    /// let job = store.schedule_export(1, &request, &WebhookPolicy::default())?;
    /// assert_eq!(job.status, "pending");
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn schedule_export(
        &self,
        user_id: u64,
        request: &ExportRequest,
        webhooks: &WebhookPolicy,
    ) -> Result<ExportJob, Error> {
        request.check(webhooks)?;
        let mut connection = self.connect_for_exports()?;
        check_user(&mut connection, user_id)?;
        schedule(&mut connection, user_id, request)
    }

    /// Works on the queue: makes the files of pending jobs, the oldest first, and of those whose worker
    /// died, and sends the webhooks that are due. Any number of workers may run at once; a job is one's
    /// alone. One job's failure does not stop the others.
    ///
    /// A file is written aside, for its owner's eyes alone (mode 0600) and under a name that cannot be
    /// guessed, and renamed when it is whole and on the disk. The rows are those of one consistent read.
    ///
    /// The job's `file_path` is the file's full path. What is stored there is sent only if it is a file
    /// that lies in the folder, so all workers of a database need the same one. A workbook takes room in
    /// the system's temporary folder too, about its own size and that of its rows. After a run in which nothing failed, row 3 of `202_cronjob_logs` has the
    /// time.
    ///
    /// A webhook is sent at least once, and where possible once: a worker that dies between the
    /// receiver's answer and noting it leaves the webhook to be sent again. One that is not taken for a
    /// reason that may pass is sent up to five times, after waits of about 1, 4, 16 and 64 minutes, or
    /// as long as the receiver asks for. One that is given up leaves its job `completed`, as the file is
    /// there, with the reason in `last_error`.
    ///
    /// # Errors
    /// [`Error::Input`] and [`Error::Io`] for the folder; [`Error::Database`]; [`Error::Cancelled`] when
    /// `progress` asks to stop: the job at hand is pending again.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::ExportRunOptions;
    /// let report = store.run_exports(&ExportRunOptions::new("/var/lib/host/exports"), &())?;
    /// println!("{} files, {} failures", report.completed, report.failed);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn run_exports(
        &self,
        options: &ExportRunOptions,
        progress: &dyn Progress,
    ) -> Result<ExportRunReport, Error> {
        let directory = exports::check_options(options)?;
        let mut queue = Queue::open(self, self.connect_for_exports()?)?;
        exports::run(&mut queue, &directory, options, progress)
    }

    /// A user's exports, the newest first, without the webhooks' secrets and the values of their headers.
    ///
    /// # Errors
    /// [`Error::Input`] for an unknown user; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{ExportQuery, ExportStatus};
    /// let query = ExportQuery { status: Some(ExportStatus::Failed), ..ExportQuery::new() };
    /// for job in store.exports(1, &query)? {
    ///     println!("{}: {}", job.export_id, job.last_error.unwrap_or_default());
    /// }
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn exports(&self, user_id: u64, query: &ExportQuery) -> Result<Vec<ExportJob>, Error> {
        let mut connection = self.connect_for_exports()?;
        check_user(&mut connection, user_id)?;
        let mut values = vec![Value::UInt(user_id)];
        let mut condition = "";
        if let Some(status) = query.status {
            condition = " AND status = ?";
            values.push(Value::from(status.name()));
        }
        let most = i64::MAX as u64;
        values.extend([query.limit, query.offset].map(|number| Value::UInt(number.min(most))));
        let mut jobs = Vec::new();
        connection.each(
            "reading exports",
            &format!(
                "SELECT {COLUMNS} FROM {TABLE} WHERE user_id = ?{condition} \
                 ORDER BY export_id DESC LIMIT ? OFFSET ?"
            ),
            values,
            &mut |row| {
                jobs.push(read_job(row).0);
                Ok(())
            },
        )?;
        Ok(jobs)
    }

    fn connect_for_exports(&self) -> Result<Connection, Error> {
        let mut connection = self.connect()?;
        schema::require(&mut connection, schema::FOR_EXPORTS)?;
        Ok(connection)
    }
}

/// Reads a job and its state. What is not as its column should have it counts as not there: one job that
/// a host spoilt is not to hide the others.
fn read_job(row: &Row) -> (ExportJob, State) {
    let fields = Fields::new(row, TABLE);
    let number = |place| fields.number_or_null(place).ok().flatten();
    let text = |place| fields.text_or_null(place).ok().flatten();
    let state = State::read(text(12).as_deref());
    let job = ExportJob {
        export_id: number(0).unwrap_or(0),
        user_id: number(1).unwrap_or(0),
        model_id: number(2).unwrap_or(0),
        scope_type: text(3).unwrap_or_default(),
        scope_id: number(4),
        start_hour: number(5).unwrap_or(0),
        end_hour: number(6).unwrap_or(0),
        format: text(7).unwrap_or_default(),
        status: text(8).unwrap_or_default(),
        // Spaces alone are nothing to the database either.
        webhook_url: text(9).filter(|url| !url.trim().is_empty()),
        webhook_signed: number(10) == Some(1),
        webhook_headers: exports::header_names(text(11).as_deref()),
        webhook_state: state.webhook,
        webhook_attempts: state.webhook_attempts,
        webhook_due_at: state.webhook_due_at,
        webhook_attempted_at: number(20),
        webhook_status_code: number(21),
        file_path: text(13).filter(|path| !path.is_empty()),
        rows_exported: number(14),
        queued_at: number(15).unwrap_or(0),
        started_at: number(16),
        completed_at: number(17),
        failed_at: number(18),
        last_error: text(19),
    };
    (job, state)
}

/// Writes a job that was checked, and its audit row.
fn schedule(
    connection: &mut Connection,
    owner: u64,
    request: &ExportRequest,
) -> Result<ExportJob, Error> {
    #[derive(Serialize)]
    struct Metadata<'a> {
        export_id: u64,
        model_slug: &'a str,
        scope_type: &'a str,
        scope_id: Option<u64>,
        start_hour: u64,
        end_hour: u64,
        format: &'a str,
        webhook: bool,
    }
    let (_, format) = exports::stored_format(&request.format)?;
    let webhook = request.webhook.as_ref();
    let headers = webhook.map(|webhook| exports::headers_json(&webhook.headers)).transpose()?;
    let headers = headers.flatten();
    let scope_type = request.scope.scope_type().name();
    let what = "scheduling an export";
    let scheduled = audited(connection, what, owner, |connection| {
        // Locked, so that the model cannot go before the export is there.
        let model = find_among(read_models_locked(connection, owner)?, owner, &request.model)?;
        let time = now();
        let text = |text: Option<&String>| text.map_or(Value::NULL, Value::from);
        connection.run(
            what,
            &format!(
                "INSERT INTO {TABLE} (user_id, model_id, scope_type, scope_id, start_hour, end_hour, \
                 requested_format, status, options, webhook_url, webhook_secret, webhook_headers, \
                 queued_at, created_at, updated_at) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', NULL, ?, ?, ?, ?, ?, ?)"
            ),
            vec![
                Value::UInt(owner),
                Value::UInt(model.model_id),
                Value::from(scope_type),
                request.scope.id().map_or(Value::NULL, Value::UInt),
                Value::UInt(request.window.start()),
                Value::UInt(request.window.end()),
                Value::from(format),
                text(webhook.map(|webhook| &webhook.url)),
                text(webhook.and_then(|webhook| webhook.secret.as_ref())),
                text(headers.as_ref()),
                Value::UInt(time),
                Value::UInt(time),
                Value::UInt(time),
            ],
        )?;
        let export_id = connection.last_insert_id();
        let metadata = Metadata {
            export_id,
            model_slug: &model.slug,
            scope_type,
            scope_id: request.scope.id(),
            start_hour: request.window.start(),
            end_hour: request.window.end(),
            format,
            webhook: webhook.is_some(),
        };
        let metadata = serde_json::to_string(&metadata)
            .map_err(|error| Error::Internal(format!("an audit row has no JSON form: {error}")))?;
        let audit = AuditRow { model_id: Some(model.model_id), action: SCHEDULED, metadata };
        let mut job = ExportJob::default();
        connection.each(
            what,
            &format!("SELECT {COLUMNS} FROM {TABLE} WHERE export_id = ?"),
            (export_id,),
            &mut |row| {
                job = read_job(row).0;
                Ok(())
            },
        )?;
        Ok((job, audit))
    });
    scheduled.map_err(|error| {
        // Some hosts' times are signed and end in 2038.
        if has_code(&error, 1_264) {
            let found = format!("found a value that its column cannot hold ({error})");
            Error::limit("export", found, "values that the host's table can hold")
        } else {
            error
        }
    })
}

/// Makes of a job's state what it is when the file is begun, after a status.
type Begin<'a> = dyn Fn(&mut State, &str) + 'a;

/// Which jobs a worker wants.
struct Wanted<'a> {
    condition: &'a str,
    values: Vec<Value>,
    order: &'a str,
    looked_at: usize,
    /// Those with the smallest first, as far as they are wanted at all.
    rank: &'a dyn Fn(&State) -> Option<u64>,
    /// Where the job's file is begun.
    begin: Option<&'a Begin<'a>>,
}

/// The queue as one worker sees it. A job that it has is locked by name on its connection for as long as
/// that lives: a job in processing whose lock is free was left by a worker that is no more.
struct Queue<'a> {
    store: &'a MysqlStore,
    connection: Connection,
    /// What the names of the locks begin with; the job's id follows.
    prefix: String,
    /// The job at hand.
    held: Option<u64>,
}

impl<'a> Queue<'a> {
    fn open(store: &'a MysqlStore, mut connection: Connection) -> Result<Self, Error> {
        let mut prefix = String::new();
        // Locks are the server's, which may have several databases; their names are short.
        connection.each(
            "naming the locks",
            "SELECT CONCAT('attribution.export.', LEFT(SHA2(DATABASE(), 256), 16), '.')",
            (),
            &mut |row| {
                prefix = row.get(0).unwrap_or_default();
                Ok(())
            },
        )?;
        Ok(Self { store, connection, prefix, held: None })
    }

    /// Does what may be done again where a deadlock, a lock wait or a lost connection undid it. With the
    /// connection a job's lock is lost; it is taken again, and whether the job is still this worker's
    /// shows in its row.
    fn again<T>(
        &mut self,
        mut work: impl FnMut(&mut Connection, &str) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut attempt = 0;
        loop {
            let error = match work(&mut self.connection, &self.prefix) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let _ = self.connection.run_text("rolling back", "ROLLBACK");
            attempt += 1;
            match fault(&error) {
                Fault::Final => return Err(error),
                _ if attempt >= MOST_ATTEMPTS => return Err(error),
                Fault::Undone => thread::sleep(backoff(attempt)),
                Fault::Lost => {
                    self.connection.reopen()?;
                    if let Some(export_id) = self.held
                        && !lock(&mut self.connection, &self.prefix, export_id, 5)?
                    {
                        return Err(taken_over(export_id));
                    }
                }
            }
        }
    }

    /// Takes the first of the wanted jobs that can be had.
    fn first_of(
        &mut self,
        wanted: &Wanted<'_>,
        tried: &mut Vec<u64>,
    ) -> Result<Option<ExportRow>, Error> {
        self.release();
        let Wanted { condition, values, order, .. } = wanted;
        loop {
            let looked_at = wanted.looked_at + tried.len();
            let mut candidates = self.again(|connection, prefix| {
                let mut candidates = Vec::new();
                let mut values = values.clone();
                values.extend([Value::from(prefix), Value::UInt(looked_at as u64)]);
                connection.each(
                    "looking for exports",
                    &format!(
                        "SELECT export_id, options, status FROM {TABLE} WHERE ({condition}) \
                         AND IS_FREE_LOCK(CONCAT(?, export_id)) = 1 ORDER BY {order} LIMIT ?"
                    ),
                    values,
                    &mut |row| {
                        let fields = Fields::new(row, TABLE);
                        let options = fields.text_or_null(1)?;
                        candidates.push((
                            fields.number(0)?,
                            (wanted.rank)(&State::read(options.as_deref())),
                        ));
                        Ok(())
                    },
                )?;
                Ok(candidates)
            })?;
            candidates.retain(|(export_id, rank)| rank.is_some() && !tried.contains(export_id));
            candidates.sort_by_key(|(_, rank)| *rank);
            if candidates.is_empty() {
                return Ok(None);
            }
            for (export_id, _) in candidates {
                tried.push(export_id);
                if let Some(row) = self.take_one(export_id, wanted)? {
                    return Ok(Some(row));
                }
            }
        }
    }

    /// Takes a job, unless another worker has been quicker.
    fn take_one(
        &mut self,
        export_id: u64,
        wanted: &Wanted<'_>,
    ) -> Result<Option<ExportRow>, Error> {
        let Wanted { condition, values, .. } = wanted;
        let taken = self.again(|connection, prefix| {
            if !lock(connection, prefix, export_id, 0)? {
                return Ok(None);
            }
            let what = "taking an export";
            connection.run_text(what, "START TRANSACTION")?;
            let (mut found, mut options) = (None, None);
            let mut values = values.clone();
            values.push(Value::UInt(export_id));
            connection.each(
                what,
                &format!(
                    "SELECT {COLUMNS}, webhook_secret FROM {TABLE} \
                     WHERE ({condition}) AND export_id = ? FOR UPDATE SKIP LOCKED"
                ),
                values,
                &mut |row| {
                    let (job, state) = read_job(row);
                    let fields = Fields::new(row, TABLE);
                    options = fields.text_or_null(12)?;
                    let headers = fields.text_or_null(11)?;
                    let secret = fields.text_or_null(22)?;
                    found = Some(ExportRow { job, secret, headers, state });
                    Ok(())
                },
            )?;
            let found = found.filter(|row: &ExportRow| (wanted.rank)(&row.state).is_some());
            let Some(mut row) = found else {
                connection.run_text(what, "ROLLBACK")?;
                return Ok(None);
            };
            if let Some(begin) = wanted.begin {
                begin(&mut row.state, &row.job.status);
                let (status, time) = (ExportStatus::Processing.name().to_owned(), now());
                connection.run(
                    what,
                    &format!(
                        "UPDATE {TABLE} SET status = ?, options = ?, started_at = ?, \
                         completed_at = NULL, failed_at = NULL, last_error = NULL, file_path = NULL, \
                         rows_exported = NULL, updated_at = ? WHERE export_id = ?"
                    ),
                    (&status, row.state.write(options.as_deref()), time, time, export_id),
                )?;
                row.job.status = status;
                row.job.started_at = Some(time);
                row.job.file_path = None;
                row.job.rows_exported = None;
            }
            connection.run_text(what, "COMMIT")?;
            Ok(Some(row))
        });
        match taken {
            Ok(Some(row)) => {
                self.held = Some(export_id);
                Ok(Some(row))
            }
            outcome => {
                let _ = unlock(&mut self.connection, &self.prefix, export_id);
                outcome
            }
        }
    }
}

/// Takes the lock of a job, waiting at most so many seconds; says whether it is held.
fn lock(
    connection: &mut Connection,
    prefix: &str,
    export_id: u64,
    seconds: u32,
) -> Result<bool, Error> {
    let mut held = false;
    connection.each(
        "taking an export's lock",
        "SELECT IF(IS_USED_LOCK(CONCAT(?, ?)) <=> CONNECTION_ID(), 1, GET_LOCK(CONCAT(?, ?), ?))",
        (prefix, export_id, prefix, export_id, seconds),
        &mut |row| {
            held = row.get::<Option<u64>, _>(0).flatten() == Some(1);
            Ok(())
        },
    )?;
    Ok(held)
}

fn unlock(connection: &mut Connection, prefix: &str, export_id: u64) -> Result<(), Error> {
    connection
        .run("releasing an export's lock", "DO RELEASE_LOCK(CONCAT(?, ?))", (prefix, export_id))
        .map(|_| ())
}

fn taken_over(export_id: u64) -> Error {
    Error::Locked(format!("export {export_id} was taken over by another worker"))
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        // Quicker than the server's notice that the connection is gone.
        self.release();
    }
}

impl ExportQueue for Queue<'_> {
    fn take(&mut self, tried: &mut Vec<u64>) -> Result<Option<(ExportRow, Option<String>)>, Error> {
        let claim = exports::draw_claim()?;
        let before = RefCell::new(None);
        let begin = |state: &mut State, status: &str| {
            // After a lost reply to the commit it is begun already.
            if state.claim.as_ref() == Some(&claim) {
                return;
            }
            // Done once, and put into the queue again.
            let again = state.claim.is_some()
                && !status.eq_ignore_ascii_case(ExportStatus::Processing.name());
            let claims = if again { 1 } else { state.claims + 1 };
            let begun = State { claim: Some(claim.clone()), claims, ..State::default() };
            before.replace(std::mem::replace(state, begun).claim);
        };
        let wanted = Wanted {
            condition: "status = 'pending' OR (status = 'processing' \
                        AND (options LIKE ? OR COALESCE(started_at, updated_at) < ?))",
            values: vec![
                Value::from(State::CLAIMED),
                Value::UInt(now().saturating_sub(LEFT_BEHIND)),
            ],
            order: "queued_at, export_id",
            looked_at: LOOKED_AT,
            rank: &|_| Some(0),
            begin: Some(&begin),
        };
        let row = self.first_of(&wanted, tried)?;
        Ok(row.map(|row| (row, before.into_inner())))
    }

    fn take_webhook(&mut self, tried: &mut Vec<u64>) -> Result<Option<ExportRow>, Error> {
        let time = now();
        let wanted = Wanted {
            condition: "status = 'completed' AND webhook_url <> '' AND options LIKE ?",
            values: vec![Value::from(format!("%{}%", State::DUE))],
            order: "completed_at, export_id",
            looked_at: WAITING_LOOKED_AT,
            rank: &|state| state.webhook_due_at.filter(|due_at| *due_at <= time),
            begin: None,
        };
        self.first_of(&wanted, tried)
    }

    fn release(&mut self) {
        if let Some(export_id) = self.held.take() {
            let _ = unlock(&mut self.connection, &self.prefix, export_id);
        }
    }

    fn model_name(&mut self, job: &ExportJob) -> Result<String, Error> {
        let (user_id, model_id) = (job.user_id, job.model_id);
        self.again(|connection, _| {
            check_user(connection, user_id)?;
            let mut name = None;
            connection.each(
                "reading models",
                "SELECT model_id, model_name FROM 202_attribution_models \
                 WHERE model_id = ? AND user_id = ?",
                (model_id, user_id),
                &mut |row| {
                    name = Some(Fields::new(row, "202_attribution_models").text(1)?);
                    Ok(())
                },
            )?;
            name.ok_or_else(|| {
                let found = format!("found no model {model_id} of user {user_id}");
                Error::input("model", found, "a model of the export's user")
            })
        })
    }

    fn snapshots(
        &mut self,
        job: &ExportJob,
        take: &mut dyn FnMut(SnapshotRecord) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (scope, window) = exports::scope_and_window(job)?;
        let query = SnapshotQuery {
            scope_type: Some(scope.scope_type()),
            scope_id: scope.id(),
            ..SnapshotQuery::new("", window)
        };
        // On a connection of its own, as that of the lock has to stay at hand.
        let mut connection = self.store.connect()?;
        snapshots::read(&mut connection, job.user_id, job.model_id, &query, take)
    }

    fn verify(&mut self, row: &ExportRow) -> Result<(), Error> {
        let export_id = row.job.export_id;
        self.again(|connection, prefix| {
            let mut ours = false;
            connection.each(
                "checking an export's lock",
                &format!(
                    "SELECT export_id, options, status, \
                     IS_USED_LOCK(CONCAT(?, export_id)) <=> CONNECTION_ID() \
                     FROM {TABLE} WHERE export_id = ?"
                ),
                (prefix, export_id),
                &mut |found| {
                    let fields = Fields::new(found, TABLE);
                    ours = State::read(fields.text_or_null(1)?.as_deref()) == row.state
                        && fields.text(2)? == row.job.status
                        && fields.is_one(3)?;
                    Ok(())
                },
            )?;
            if ours { Ok(()) } else { Err(taken_over(export_id)) }
        })
    }

    fn change(&mut self, row: &mut ExportRow, change: &Change) -> Result<(), Error> {
        let time = now();
        let after = changed(row, change, time);
        let export_id = row.job.export_id;
        self.again(|connection, prefix| {
            let what = "noting what became of an export";
            connection.run_text(what, "START TRANSACTION")?;
            let mut found = None;
            connection.each(
                what,
                &format!(
                    "SELECT export_id, options, status, \
                     IS_USED_LOCK(CONCAT(?, export_id)) <=> CONNECTION_ID() \
                     FROM {TABLE} WHERE export_id = ? FOR UPDATE"
                ),
                (prefix, export_id),
                &mut |row| {
                    let fields = Fields::new(row, TABLE);
                    found = Some((fields.text_or_null(1)?, fields.text(2)?, fields.is_one(3)?));
                    Ok(())
                },
            )?;
            let Some((options, status, true)) = found else {
                return Err(taken_over(export_id));
            };
            let there = (&State::read(options.as_deref()), &status);
            // After a lost reply to the commit, this is how it shows that it came through.
            if there == (&after.state, &after.status) && there != (&row.state, &row.job.status) {
                return connection.run_text(what, "ROLLBACK");
            }
            if there != (&row.state, &row.job.status) {
                return Err(taken_over(export_id));
            }
            let columns: Vec<&str> = after.columns.iter().map(|(column, _)| *column).collect();
            let columns = columns.join(" = ?, ");
            let mut values: Vec<Value> =
                after.columns.iter().map(|(_, value)| value.clone()).collect();
            values.extend([
                Value::from(after.state.write(options.as_deref())),
                Value::from(&after.status),
                Value::UInt(time),
                Value::UInt(export_id),
            ]);
            connection.run(
                what,
                &format!(
                    "UPDATE {TABLE} SET {columns} = ?, options = ?, status = ?, updated_at = ? \
                     WHERE export_id = ?"
                ),
                values,
            )?;
            connection.run_text(what, "COMMIT")
        })?;
        row.state = after.state;
        row.job.status = after.status;
        match change {
            Change::Completed { file_path, rows } => {
                row.job.file_path = Some(file_path.clone());
                row.job.rows_exported = Some(*rows);
                row.job.completed_at = Some(time);
            }
            Change::PutBack { .. } => row.job.started_at = None,
            Change::Failed { .. } | Change::Sending { .. } | Change::Sent(_) => {}
        }
        Ok(())
    }

    fn note_success(&mut self) -> Result<(), Error> {
        self.again(|connection, _| note_cron_job(connection, CRON_JOB))
    }

    fn may_pass(&self, error: &Error) -> bool {
        fault(error) != Fault::Final
    }

    fn now(&self) -> u64 {
        now()
    }
}

/// What a change makes of a row.
struct Changed {
    state: State,
    status: String,
    columns: Vec<(&'static str, Value)>,
}

fn changed(row: &ExportRow, change: &Change, time: u64) -> Changed {
    let mut state = row.state.clone();
    let mut status = row.job.status.clone();
    let time = Value::UInt(time);
    let error = |message: Option<&String>| match message {
        Some(message) => Value::from(message.chars().take(LONGEST_ERROR).collect::<String>()),
        None => Value::NULL,
    };
    let columns = match change {
        Change::Completed { file_path, rows } => {
            ExportStatus::Completed.name().clone_into(&mut status);
            if row.job.webhook_url.is_some() {
                state.webhook = Some(WebhookState::Waiting);
                state.webhook_due_at = Some(now());
            }
            vec![
                ("file_path", Value::from(file_path)),
                ("rows_exported", Value::UInt(*rows)),
                ("completed_at", time),
                ("last_error", Value::NULL),
            ]
        }
        Change::Failed { message } => {
            ExportStatus::Failed.name().clone_into(&mut status);
            // Who puts it into the queue again has it begin anew.
            (state.claim, state.claims) = (None, 0);
            vec![("failed_at", time), ("last_error", error(Some(message)))]
        }
        Change::PutBack { message, counts } => {
            ExportStatus::Pending.name().clone_into(&mut status);
            state.claim = None;
            if !counts {
                state.claims = state.claims.saturating_sub(1);
            }
            vec![("started_at", Value::NULL), ("last_error", error(message.as_ref()))]
        }
        Change::Sending { due_at } => {
            state.webhook_attempts += 1;
            state.webhook_due_at = Some(*due_at);
            vec![("webhook_attempted_at", time)]
        }
        Change::Sent(Sent { webhook, due_at, response, message }) => {
            state.webhook = Some(*webhook);
            state.webhook_due_at = *due_at;
            let mut columns = vec![("last_error", error(message.as_ref()))];
            if let Some((status, body)) = response {
                columns.push(("webhook_status_code", Value::from(*status)));
                columns.push(("webhook_response_body", Value::from(body)));
            }
            columns
        }
    };
    Changed { state, status, columns }
}
