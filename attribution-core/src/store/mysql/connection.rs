//! A connection: how it is set up, what its failures mean, and how rows go in and out in bulk.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mysql::prelude::Queryable;
use mysql::{Conn, DriverError, Opts, Params, Row, Value};

use super::url::shown;
use crate::ground::error::Error;

/// The most rows that one INSERT has.
const MOST_ROWS: usize = 1_000;
/// The most placeholders that a statement may have.
const MOST_PLACEHOLDERS: usize = 65_535;
/// The most ids that a list has: MariaDB turns much longer ones into joins.
const MOST_IDS: usize = 512;
/// How long a lost server is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a failure of the database means for what was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A deadlock or a lock wait undid it: it may be done again.
    Undone,
    /// The connection is gone, and what became of it is not known.
    Lost,
    /// It failed and would fail again.
    Final,
}

/// What the driver failed with, told to people.
#[derive(Debug)]
struct Cause(mysql::Error);

impl std::error::Error for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            mysql::Error::MySqlError(error) => error.fmt(f),
            mysql::Error::IoError(error) => error.fmt(f),
            mysql::Error::CodecError(error) => error.fmt(f),
            mysql::Error::DriverError(error) => error.fmt(f),
            error => error.fmt(f),
        }
    }
}

/// The class of an error.
pub(super) fn fault(error: &Error) -> Fault {
    let Error::Database { source, .. } = error else { return Fault::Final };
    match source.downcast_ref::<Cause>().map(|cause| &cause.0) {
        Some(mysql::Error::MySqlError(error)) => match error.code {
            // Deadlock, lock wait, a row that changed since it was read.
            1213 | 1205 | 1020 => Fault::Undone,
            // Too many connections, shutdown, network failures, killed sessions and statements.
            1040
            | 1053
            | 1077
            | 1079
            | 1081
            | 1152..=1161
            | 1184
            | 1317
            | 1927
            | 2006
            | 2013
            | 3169
            | 4031 => Fault::Lost,
            _ => Fault::Final,
        },
        Some(
            mysql::Error::IoError(_)
            | mysql::Error::CodecError(_)
            | mysql::Error::DriverError(
                DriverError::ConnectTimeout
                | DriverError::CouldNotConnect(_)
                | DriverError::PacketOutOfSync
                | DriverError::UnexpectedPacket
                | DriverError::Timeout,
            ),
        ) => Fault::Lost,
        _ => Fault::Final,
    }
}

/// An error of the driver or the server while something was done.
pub(super) fn failed(what: impl Into<String>) -> impl FnOnce(mysql::Error) -> Error {
    let what = what.into();
    move |source| Error::Database { what, source: Box::new(Cause(source)) }
}

/// Whether the server refused for this reason.
pub(super) fn has_code(error: &Error, code: u16) -> bool {
    let Error::Database { source, .. } = error else { return false };
    matches!(
        source.downcast_ref::<Cause>(),
        Some(Cause(mysql::Error::MySqlError(error))) if error.code == code
    )
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A time to wait before the next attempt: longer each time, and not the same for all who wait.
pub(super) fn backoff(attempt: u32) -> Duration {
    let noise =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    let most = 20_u64 << attempt.min(6);
    Duration::from_millis(most / 2 + u64::from(noise / 1_000) % most)
}

/// A connection that can be made again.
pub(super) struct Connection {
    opts: Opts,
    conn: Conn,
    id: u64,
    /// Which server it is.
    server: String,
    /// The database, by its server, which others that keep what was read of it know it by.
    database: Arc<str>,
    /// When the server started, in seconds since 1970, by its own clock.
    server_start: i64,
    /// The largest packet that the server takes.
    packet: usize,
}

impl Connection {
    pub(super) fn open(opts: &Opts) -> Result<Self, Error> {
        let what = || format!("connecting to {}", shown(opts));
        let mut conn = Conn::new(opts.clone()).map_err(failed(what()))?;
        // The mode is set here so that values that do not fit are refused whatever the server's is, the
        // limit so that no result is cut short, and the isolation so that no gaps between rows are locked.
        conn.query_drop(
            "SET NAMES utf8mb4, SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
             SESSION time_zone = '+00:00', SESSION wait_timeout = 28800, \
             SESSION net_read_timeout = 600, SESSION net_write_timeout = 600, \
             SESSION sql_select_limit = 18446744073709551615, autocommit = 1",
        )
        .and_then(|()| conn.query_drop("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"))
        .map_err(failed(what()))?;
        let uptime: Option<(String, i64)> =
            conn.query_first("SHOW GLOBAL STATUS LIKE 'Uptime'").map_err(failed(what()))?;
        let facts: Option<(u64, u64, i64, String)> = conn
            .query_first(
                "SELECT CONNECTION_ID(), @@max_allowed_packet, UNIX_TIMESTAMP(), \
                 CONCAT(@@hostname, ':', @@port, ':', @@datadir)",
            )
            .map_err(failed(what()))?;
        let (id, packet, time, server) = facts.unwrap_or((0, 1 << 20, 0, String::new()));
        let server_start = time - uptime.map_or(0, |(_, seconds)| seconds);
        let database = format!("{server}/{}", opts.get_db_name().unwrap_or_default()).into();
        let (opts, packet) = (opts.clone(), packet as usize);
        Ok(Self { opts, conn, id, server, database, server_start, packet })
    }

    /// Connects anew, waiting for a server that restarts, and ends the old session, so that nothing
    /// it had begun goes on.
    pub(super) fn reopen(&mut self) -> Result<(), Error> {
        let start = Instant::now();
        let mut attempt = 0;
        let mut fresh = loop {
            match Self::open(&self.opts) {
                Ok(fresh) => break fresh,
                Err(error) if fault(&error) == Fault::Lost && start.elapsed() < PATIENCE => {
                    thread::sleep(backoff(attempt));
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        // Of another server, or another start of it, the id may be another's.
        if fresh.id != self.id
            && fresh.server == self.server
            && (fresh.server_start - self.server_start).abs() <= 2
        {
            let _ = fresh.conn.query_drop(format!("KILL CONNECTION {}", self.id));
        }
        *self = fresh;
        Ok(())
    }

    pub(super) const fn database(&self) -> &Arc<str> {
        &self.database
    }

    pub(super) fn is_alive(&mut self) -> bool {
        self.conn.ping().is_ok()
    }

    /// Runs a statement that gives no rows; says how many rows it touched.
    pub(super) fn run(
        &mut self,
        what: &str,
        statement: &str,
        params: impl Into<Params>,
    ) -> Result<u64, Error> {
        self.conn.exec_drop(statement, params).map_err(failed(what))?;
        Ok(self.conn.affected_rows())
    }

    /// Runs a statement as text, as those that cannot be prepared have to be.
    pub(super) fn run_text(&mut self, what: &str, statement: &str) -> Result<(), Error> {
        self.conn.query_drop(statement).map_err(failed(what))
    }

    /// Begins a transaction that reads what was there at this moment, whatever others commit meanwhile. The
    /// session's isolation has a view for each statement only.
    pub(super) fn begin_view(&mut self) -> Result<(), Error> {
        let what = "beginning to read";
        self.run_text(what, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
        self.run_text(what, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    }

    /// Does work that reads in one view, of which there must be none yet.
    pub(super) fn in_view<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.begin_view()?;
        let outcome = work(self);
        let ended = self.run_text("ending a read", "COMMIT");
        let outcome = outcome?;
        ended.map(|()| outcome)
    }

    pub(super) fn last_insert_id(&self) -> u64 {
        self.conn.last_insert_id()
    }

    /// Gives each row of a query to `take`. An error of `take` ends the query on the server.
    pub(super) fn each(
        &mut self,
        what: &str,
        query: &str,
        params: impl Into<Params>,
        take: &mut dyn FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut outcome = Ok(());
        let rows = self.conn.exec_iter(query, params).map_err(failed(what))?;
        for row in rows {
            outcome = row.map_err(failed(what)).and_then(|row| take(&row));
            if outcome.is_err() {
                break;
            }
        }
        outcome
    }

    /// Runs a query for each part of a list of ids, which stands in it as `{ids}` after `before`'s
    /// values; a list is padded with its last id, so that few statements have to be prepared.
    pub(super) fn each_of(
        &mut self,
        what: &str,
        query: &str,
        before: &[Value],
        ids: &[u64],
        take: &mut dyn FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for part in ids.chunks(self.most_ids()) {
            let (query, params) = listed(query, before, part);
            self.each(what, &query, params, take)?;
        }
        Ok(())
    }

    /// As [`Connection::each_of`] for a statement that gives no rows.
    pub(super) fn run_of(
        &mut self,
        what: &str,
        statement: &str,
        before: &[Value],
        ids: &[u64],
    ) -> Result<u64, Error> {
        let mut touched = 0;
        for part in ids.chunks(self.most_ids()) {
            let (statement, params) = listed(statement, before, part);
            touched += self.run(what, &statement, params)?;
        }
        Ok(touched)
    }

    /// How many ids a list may have, as packets go.
    pub(super) fn most_ids(&self) -> usize {
        (self.packet.saturating_sub(600) / 12).clamp(1, MOST_IDS)
    }

    /// Inserts rows, many with each statement. `head` is the statement up to VALUES; a row's values take
    /// at most `row_bytes` bytes.
    pub(super) fn insert<R>(
        &mut self,
        what: &str,
        head: &str,
        rows: &[R],
        row_bytes: usize,
        values: impl Fn(&R, &mut Vec<Value>),
    ) -> Result<(), Error> {
        let columns = head.bytes().filter(|byte| *byte == b',').count() + 1;
        let width = row_bytes + columns * 4 + 4;
        let most = (self.packet.saturating_sub(head.len() + 200) / width)
            .clamp(1, MOST_ROWS.min(MOST_PLACEHOLDERS / columns));
        let mut rest = rows;
        while !rest.is_empty() {
            // All sizes below the largest are powers of two, so that few have to be prepared.
            let size = if rest.len() >= most { most } else { 1 << rest.len().ilog2() };
            let (part, after) = rest.split_at(size);
            rest = after;
            let one = format!("({}?)", "?,".repeat(columns - 1));
            let mut statement = format!("{head} VALUES {one}");
            for _ in 1..size {
                statement.push(',');
                statement.push_str(&one);
            }
            let mut params = Vec::with_capacity(size * columns);
            for row in part {
                values(row, &mut params);
            }
            self.run(what, &statement, Params::Positional(params))?;
        }
        Ok(())
    }
}

fn listed(statement: &str, before: &[Value], ids: &[u64]) -> (String, Params) {
    let mut size = 8;
    while size < ids.len() {
        size *= 8;
    }
    let size = size.min(MOST_IDS).max(ids.len());
    let places = format!("({}?)", "?,".repeat(size - 1));
    let last = ids.last().copied().unwrap_or(0);
    let padding = std::iter::repeat_n(last, size - ids.len());
    let ids = ids.iter().copied().chain(padding).map(Value::UInt);
    let params = before.iter().cloned().chain(ids).collect();
    (statement.replace("{ids}", &places), Params::Positional(params))
}
