//! A reader that polls while jobs run, and looks for hours that are neither as they were nor as they
//! are to be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder};

use crate::database::Database;

/// What there is of a model in an hour, in brief: how many rows of each kind, and sums of their
/// check sums.
type Hour = (u64, u64, u64, u64);

/// In place of a model: the stored journeys, of a conversion in place of an hour.
const JOURNEYS: u64 = u64::MAX;

/// Each model's hours, and each conversion's journey, in brief.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours(BTreeMap<(u64, u64), Hour>);

impl Hours {
    /// Reads them in one transaction, everything as of its start.
    pub fn read(connection: &mut Conn) -> Result<Self, mysql::Error> {
        connection.query_drop("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
        connection.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")?;
        let mut hours: BTreeMap<(u64, u64), Hour> = BTreeMap::new();
        let snapshots: Vec<(u64, u64, u64, u64)> = connection.query(
            "SELECT model_id, date_hour, COUNT(*), CAST(SUM(CRC32(CONCAT_WS(',', scope_type, \
             COALESCE(scope_id, 0), attributed_clicks, attributed_conversions, \
             attributed_revenue, attributed_cost))) AS UNSIGNED) \
             FROM 202_attribution_snapshots GROUP BY model_id, date_hour",
        )?;
        for (model, hour, rows, sum) in snapshots {
            let entry = hours.entry((model, hour)).or_default();
            (entry.0, entry.1) = (rows, sum);
        }
        let credits: Vec<(u64, u64, u64, u64)> = connection.query(
            "SELECT s.model_id, s.date_hour, COUNT(*), CAST(SUM(CRC32(CONCAT_WS(',', \
             s.scope_type, t.conv_id, t.click_id, t.position, t.credit, t.weight))) AS UNSIGNED) \
             FROM 202_attribution_snapshots s \
             JOIN 202_attribution_touchpoints t USING (snapshot_id) \
             GROUP BY s.model_id, s.date_hour",
        )?;
        for (model, hour, rows, sum) in credits {
            let entry = hours.entry((model, hour)).or_default();
            (entry.2, entry.3) = (rows, sum);
        }
        let journeys: Vec<(u64, u64, u64)> = connection.query(
            "SELECT conv_id, COUNT(*), CAST(SUM(CRC32(CONCAT_WS(',', click_id, click_time, \
             position))) AS UNSIGNED) FROM 202_conversion_touchpoints GROUP BY conv_id",
        )?;
        for (conversion, rows, sum) in journeys {
            hours.insert((JOURNEYS, conversion), (rows, sum, 0, 0));
        }
        let orphans: Option<u64> = connection.query_first(
            "SELECT COUNT(*) FROM 202_attribution_touchpoints t \
             LEFT JOIN 202_attribution_snapshots s USING (snapshot_id) \
             WHERE s.snapshot_id IS NULL",
        )?;
        connection.query_drop("COMMIT")?;
        if let Some(orphans @ 1..) = orphans {
            hours.insert((0, 0), (0, 0, orphans, 0));
        }
        Ok(Self(hours))
    }

    /// A database's hours.
    pub fn of(database: &Database<'_>) -> Self {
        Self::read(&mut database.connect()).unwrap()
    }

    /// Panics where an hour is neither as before nor as after.
    #[track_caller]
    pub fn assert_whole(&self, before: &Self, after: &Self) {
        let torn = self.torn(before, after);
        assert!(torn.is_empty(), "torn:\n{}", torn.join("\n"));
    }

    /// The hours that are neither as before nor as after.
    fn torn(&self, before: &Self, after: &Self) -> Vec<String> {
        let nothing = Hour::default();
        let keys = self.0.keys().chain(before.0.keys()).chain(after.0.keys());
        let mut lines: Vec<String> = keys
            .filter_map(|key| {
                let of = |hours: &Self| hours.0.get(key).copied().unwrap_or(nothing);
                let (found, old, new) = (of(self), of(before), of(after));
                (found != old && found != new).then(|| {
                    let (what, which) = match key.0 {
                        JOURNEYS => ("journeys", "conversion"),
                        _ => ("model", "hour"),
                    };
                    format!(
                        "{what} {}, {which} {}: found {found:?}, which is neither {old:?} as before \
                         nor {new:?} as after (snapshots, their sum, credits, their sum)",
                        key.0, key.1
                    )
                })
            })
            .collect();
        lines.sort_unstable();
        lines.dedup();
        lines.truncate(5);
        lines
    }
}

/// A thread that reads all hours over and over.
#[derive(Debug)]
pub struct TornReader {
    stop: Arc<AtomicBool>,
    polls: Arc<AtomicU64>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl TornReader {
    /// Begins to read. Each hour of each model has always to be as before or as after. A server that
    /// is down is no failure.
    pub fn start(database: &Database<'_>, before: Hours, after: Hours) -> Self {
        let options: Opts = OptsBuilder::from_opts(
            Opts::from_url(&database.server().socket_url(database.name())).unwrap(),
        )
        .tcp_connect_timeout(Some(Duration::from_secs(1)))
        .read_timeout(Some(Duration::from_secs(60)))
        .into();
        let (stop, polls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = spawn({
            let (stop, polls) = (Arc::clone(&stop), Arc::clone(&polls));
            move || poll(&options, &before, &after, &stop, &polls)
        });
        Self { stop, polls, thread: Some(thread) }
    }

    /// How often it has read everything.
    pub fn polls(&self) -> u64 {
        self.polls.load(Ordering::SeqCst)
    }

    /// Ends the reading and panics where an hour was torn; says how often it read.
    #[track_caller]
    pub fn finish(mut self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        let outcome = self.thread.take().unwrap().join().unwrap();
        if let Err(torn) = outcome {
            panic!("a reader saw a torn hour:\n{torn}");
        }
        self.polls()
    }
}

impl Drop for TornReader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn poll(
    options: &Opts,
    before: &Hours,
    after: &Hours,
    stop: &AtomicBool,
    polls: &AtomicU64,
) -> Result<(), String> {
    let mut connection = None;
    while !stop.load(Ordering::SeqCst) {
        let Some(open) = connection.as_mut() else {
            connection = Conn::new(options.clone()).ok();
            sleep(Duration::from_millis(5));
            continue;
        };
        match Hours::read(open) {
            Ok(hours) => {
                let torn = hours.torn(before, after);
                if !torn.is_empty() {
                    return Err(torn.join("\n"));
                }
                polls.fetch_add(1, Ordering::SeqCst);
            }
            Err(_) => connection = None,
        }
        sleep(Duration::from_millis(3));
    }
    Ok(())
}
