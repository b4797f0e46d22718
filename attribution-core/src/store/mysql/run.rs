//! One owner's run: the lock that keeps others out, and the row that fences off a run that lost it.
//!
//! The lock is the server's (`GET_LOCK`), held by a connection of its own. The fence is the run's row in
//! `202_attribution_runs`: whoever takes the lock marks the owner's other running rows as lost, and each
//! transaction that writes ends by changing its own row, which must still be running. The row stays
//! locked until that transaction has ended, so that a run that is taken over either commits before the
//! new one begins or not at all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mysql::{Opts, Value, params};

use super::again;
use super::connection::{Connection, Fault, backoff, fault, now};
use super::models::read_models;
use super::reader::MysqlReader;
use super::worker::MysqlWorker;
use crate::ground::error::{Error, ErrorCode};
use crate::ground::time::Window;
use crate::job::tables::{AuditRow, Checkpoint, JobCoverage, ModelRow, Run, RunKind};

/// How often something is done again before it is given up.
pub(super) const MOST_ATTEMPTS: u32 = 10;
/// A run that has just died holds its lock until the server notices, which takes a moment.
const LEAST_WAIT: Duration = Duration::from_secs(1);
/// For how long what became of runs is kept, in seconds.
const KEPT: u64 = 90 * 24 * 3_600;

/// Where to read and where to write.
#[derive(Debug, Clone)]
pub(super) struct Servers {
    pub(super) primary: Opts,
    pub(super) replica: Option<Opts>,
}

/// A run that holds its owner's lock until it and all its workers are dropped.
pub(crate) struct MysqlRun(Arc<RunState>);

/// What a run's workers share.
pub(super) struct RunState {
    servers: Servers,
    lock: Mutex<Connection>,
    lock_name: String,
    owner: u64,
    kind: RunKind,
    run_id: u64,
    window: Window,
    retries: Arc<AtomicU64>,
}

impl MysqlRun {
    pub(super) fn begin(
        servers: &Servers,
        mut connection: Connection,
        owner: u64,
        kind: RunKind,
        window: Window,
        wait: Duration,
        go_on: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let lock_name = take_lock(&mut connection, owner, wait, go_on)?;
        let run_id = again(&mut connection, |connection| {
            // With a lost connection the lock is lost too.
            take_lock(connection, owner, LEAST_WAIT, go_on)?;
            fence_off(connection, owner, kind, window)
        })?;
        Ok(Self(Arc::new(RunState {
            servers: servers.clone(),
            lock: Mutex::new(connection),
            lock_name,
            owner,
            kind,
            run_id,
            window,
            retries: Arc::default(),
        })))
    }
}

/// Marks the owner's other running rows as lost and adds a row for this run; gives its id.
fn fence_off(
    connection: &mut Connection,
    owner: u64,
    kind: RunKind,
    window: Window,
) -> Result<u64, Error> {
    let (what, time) = ("taking over from an earlier run", now());
    connection.run_text(what, "START TRANSACTION")?;
    connection.run(
        what,
        "UPDATE 202_attribution_runs SET status = 'lost', updated_at = ? \
         WHERE user_id = ? AND status = 'running'",
        (time, owner),
    )?;
    connection.run(
        what,
        "DELETE FROM 202_attribution_runs \
         WHERE user_id = ? AND status <> 'running' AND updated_at < ? LIMIT 1000",
        (owner, time.saturating_sub(KEPT)),
    )?;
    connection.run(
        "noting the run",
        "INSERT INTO 202_attribution_runs \
         (user_id, job, status, window_start, window_end, started_at, updated_at) \
         VALUES (?, ?, 'running', ?, ?, ?, ?)",
        (owner, kind.name(), window.start(), window.end(), time, time),
    )?;
    let run_id = connection.last_insert_id();
    connection.run_text(what, "COMMIT")?;
    Ok(run_id)
}

impl RunState {
    pub(super) fn lost(&self) -> Error {
        Error::Locked(format!(
            "the {} of user {} lost its lock and was taken over by another run",
            self.kind.name(),
            self.owner
        ))
    }

    pub(super) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    fn with_lock<T>(&self, work: impl Fn(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        let mut connection =
            self.lock.lock().map_err(|_| Error::Internal("a worker thread panicked".into()))?;
        let mut attempt = 0;
        loop {
            let error = match work(&mut connection) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            attempt += 1;
            match fault(&error) {
                _ if attempt >= MOST_ATTEMPTS => return Err(error),
                Fault::Final => return Err(error),
                Fault::Undone => {
                    let _ = connection.run_text("rolling back", "ROLLBACK");
                    thread::sleep(backoff(attempt));
                }
                Fault::Lost => {
                    // With the connection the lock is gone. Nobody may have been quicker to take it.
                    connection.reopen()?;
                    take_lock(&mut connection, self.owner, Duration::from_secs(5), &|| Ok(()))
                        .and_then(|_| self.check_running(&mut connection))?;
                }
            }
            self.count_retry();
        }
    }

    fn check_running(&self, connection: &mut Connection) -> Result<(), Error> {
        let mut status = String::new();
        connection.each(
            "reading the run's state",
            "SELECT status FROM 202_attribution_runs WHERE run_id = ?",
            (self.run_id,),
            &mut |row| {
                status = row.get(0).unwrap_or_default();
                Ok(())
            },
        )?;
        if status == "running" || status == "completed" { Ok(()) } else { Err(self.lost()) }
    }

    /// Makes sure that the run still has its lock, taking it again after a lost connection.
    pub(super) fn verify(&self) -> Result<(), Error> {
        self.with_lock(|connection| {
            let mut held = false;
            connection.each(
                "checking the lock",
                "SELECT IS_USED_LOCK(?) = CONNECTION_ID()",
                (&self.lock_name,),
                &mut |row| {
                    held = row.get::<Option<u64>, _>(0).flatten() == Some(1);
                    Ok(())
                },
            )?;
            if held { Ok(()) } else { Err(self.lost()) }
        })
    }

    /// Within a transaction, just before its commit: fails unless the run is still the owner's.
    pub(super) fn pass_fence(
        &self,
        connection: &mut Connection,
        checkpoint: Checkpoint,
    ) -> Result<(), Error> {
        let passed = connection.run(
            "checking the run's fence",
            "UPDATE 202_attribution_runs \
             SET done = done + ?, rows_written = rows_written + ?, updated_at = ? \
             WHERE run_id = ? AND status = 'running'",
            (checkpoint.done, checkpoint.rows_written, now(), self.run_id),
        )?;
        if passed == 1 { Ok(()) } else { Err(self.lost()) }
    }

    /// Waits until no transaction of this run is on its way to being committed: after a lost
    /// connection, what it had sent is then either there or gone for good.
    pub(super) fn await_commits(&self, connection: &mut Connection) -> Result<(), Error> {
        connection.each(
            "waiting for an interrupted commit",
            "SELECT run_id FROM 202_attribution_runs WHERE run_id = ? FOR UPDATE",
            (self.run_id,),
            &mut |_| Ok(()),
        )
    }

    pub(super) const fn window(&self) -> Window {
        self.window
    }
}

/// Takes an owner's lock, or says who has it; gives its name. Asks every second whether to go on.
pub(super) fn take_lock(
    connection: &mut Connection,
    owner: u64,
    wait: Duration,
    go_on: &dyn Fn() -> Result<(), Error>,
) -> Result<String, Error> {
    let (mut name, mut holder) = (String::new(), None);
    // Locks are the server's, which may have several databases; their names are short.
    connection.each(
        "naming the lock",
        "SELECT CONCAT('attribution.', LEFT(SHA2(DATABASE(), 256), 16), '.', ?)",
        (owner,),
        &mut |row| {
            name = row.get(0).unwrap_or_default();
            Ok(())
        },
    )?;
    let (start, wait) = (Instant::now(), wait.max(LEAST_WAIT));
    loop {
        go_on()?;
        let mut state = None;
        connection.each(
            "taking the lock",
            "SELECT IF(IS_USED_LOCK(?) <=> CONNECTION_ID(), 1, GET_LOCK(?, 1)), IS_USED_LOCK(?)",
            (&name, &name, &name),
            &mut |row| {
                state = row.get::<Option<u64>, _>(0).flatten();
                holder = row.get::<Option<u64>, _>(1).flatten();
                Ok(())
            },
        )?;
        if state == Some(1) {
            return Ok(name);
        }
        if start.elapsed() >= wait {
            break;
        }
    }
    let holder = holder.map_or(String::new(), |id| format!(" (connection {id})"));
    Err(Error::Locked(format!(
        "another run holds the lock of user {owner}{holder}; it was waited for {} s",
        wait.as_secs()
    )))
}

/// Notes for the host that the hourly job has succeeded.
pub(super) fn note_success(connection: &mut Connection) -> Result<(), Error> {
    note_cron_job(connection, 2)
}

/// Notes for the host that one of its scheduled jobs has succeeded: 2 is the rebuild, 3 the exports.
pub(super) fn note_cron_job(connection: &mut Connection, id: u32) -> Result<(), Error> {
    let time = now();
    connection
        .run(
            "noting the success",
            "INSERT INTO 202_cronjob_logs (id, last_execution_time) VALUES (?, ?) \
             ON DUPLICATE KEY UPDATE last_execution_time = ?",
            (id, time, time),
        )
        .map(|_| ())
}

impl Run for MysqlRun {
    type Worker = MysqlWorker;

    fn worker(&self) -> Result<MysqlWorker, Error> {
        let run = &self.0;
        let reader = MysqlReader::open(&run.servers, run.owner, Arc::clone(&run.retries))?;
        Ok(MysqlWorker::new(Arc::clone(run), reader))
    }

    fn models(&self) -> Result<Vec<ModelRow>, Error> {
        self.0.with_lock(|connection| read_models(connection, self.0.owner))
    }

    fn retries(&self) -> u64 {
        self.0.retries.load(Ordering::Relaxed)
    }

    fn succeed(&self, audit: &[AuditRow], coverage: JobCoverage) -> Result<(), Error> {
        self.0.succeed(audit, coverage)
    }

    fn fail(&self, error: &Error) {
        self.0.fail(error);
    }
}

impl RunState {
    fn succeed(&self, audit: &[AuditRow], coverage: JobCoverage) -> Result<(), Error> {
        self.verify()?;
        let what = "noting the run's success";
        self.with_lock(|connection| {
            connection.run_text(what, "START TRANSACTION")?;
            let mut status = String::new();
            connection.each(
                what,
                "SELECT status FROM 202_attribution_runs WHERE run_id = ? FOR UPDATE",
                (self.run_id,),
                &mut |row| {
                    status = row.get(0).unwrap_or_default();
                    Ok(())
                },
            )?;
            // After a lost reply to the commit, this is how it shows that it came through.
            if status == "completed" {
                return connection.run_text(what, "ROLLBACK");
            }
            if status != "running" {
                return Err(self.lost());
            }
            write_audit(connection, self.owner, audit)?;
            if coverage == JobCoverage::All {
                note_success(connection)?;
            }
            connection.run(
                what,
                "UPDATE 202_attribution_runs SET status = 'completed', finished_at = ?, \
                 updated_at = ? WHERE run_id = ?",
                (now(), now(), self.run_id),
            )?;
            connection.run_text(what, "COMMIT")
        })
    }

    fn fail(&self, error: &Error) {
        let status = if error.code() == ErrorCode::Cancelled { "cancelled" } else { "failed" };
        let message: String = error.to_string().chars().take(2_000).collect();
        // Where this fails too, the row stays as running until the next run marks it as lost.
        if let Ok(mut connection) = self.lock.lock() {
            let _ = connection.run_text("rolling back", "ROLLBACK");
            let _ = connection.run(
                "noting the run's failure",
                "UPDATE 202_attribution_runs SET status = :status, last_error = :message, \
                 finished_at = :time, updated_at = :time \
                 WHERE run_id = :run_id AND status = 'running'",
                params! {
                    "status" => status,
                    "message" => message,
                    "time" => now(),
                    "run_id" => self.run_id,
                },
            );
        }
    }
}

impl Drop for RunState {
    fn drop(&mut self) {
        // Quicker than the server's notice that the connection is gone.
        if let Ok(connection) = self.lock.get_mut() {
            let _ = connection.run("releasing the lock", "DO RELEASE_LOCK(?)", (&self.lock_name,));
        }
    }
}

/// Writes audit rows, within the caller's transaction.
pub(super) fn write_audit(
    connection: &mut Connection,
    owner: u64,
    rows: &[AuditRow],
) -> Result<(), Error> {
    let time = now();
    let bytes = rows.iter().map(|row| row.metadata.len()).max().unwrap_or(0) + 100;
    connection.insert(
        "writing the audit",
        "INSERT INTO 202_attribution_audit (user_id, model_id, action, metadata, created_at)",
        rows,
        bytes,
        |row, values| {
            values.push(Value::UInt(owner));
            values.push(row.model_id.map_or(Value::NULL, Value::UInt));
            values.push(Value::from(row.action));
            values.push(Value::from(&row.metadata));
            values.push(Value::UInt(time));
        },
    )
}
