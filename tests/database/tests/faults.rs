//! Faults of every kind in the midst of a job: nobody ever sees a torn hour, and a second run ends
//! where an undisturbed one does.
//!
//! Each fault has a seed of its own, which is printed. `ATTRIBUTION_FAULT_SEED` is the first one and
//! `ATTRIBUTION_FAULTS` says how many there are, so that one fault can be had again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use attribution_database_tests::account::Accounts;
use attribution_database_tests::command::{self, Ended, Running};
use attribution_database_tests::database::Database;
use attribution_database_tests::expected::{self, Asked};
use attribution_database_tests::generate::{self, START};
use attribution_database_tests::host::Collation;
use attribution_database_tests::proxy::{Fault, Passed, Proxy};
use attribution_database_tests::random::Random;
use attribution_database_tests::server::{Server, ServerOptions};
use attribution_database_tests::tables::{self, Results};
use attribution_database_tests::torn_reader::{Hours, TornReader};
use mysql::Conn;
use mysql::prelude::Queryable;

/// So many that a job takes several transactions on several connections.
const CONVERSIONS: u64 = 6_000;
const HOURS: u64 = 24;

fn window() -> String {
    format!("--start {START} --end {}", START + HOURS as u32 * 3_600)
}

fn asked() -> Asked {
    Asked::of((START, START + HOURS as u32 * 3_600))
}

fn variable(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}: {text} is no number")),
        Err(_) => default,
    }
}

/// The three tables that jobs write.
const RESULTS: [&str; 3] =
    ["202_conversion_touchpoints", "202_attribution_snapshots", "202_attribution_touchpoints"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Backfill,
    Rebuild,
}

impl Job {
    fn arguments(self) -> String {
        match self {
            Self::Backfill => format!("backfill {}", window()),
            Self::Rebuild => format!("rebuild {}", window()),
        }
    }
}

/// A database on which jobs are disturbed, with what the tables hold before and after.
struct Stage<'a> {
    database: Database<'a>,
    clean: Results,
    clean_hours: Hours,
    /// How long each job takes undisturbed, and what it sends and receives.
    usual: [(Duration, Passed); 2],
}

impl<'a> Stage<'a> {
    fn new(server: &'a Server) -> Self {
        let accounts = generate::large(CONVERSIONS, HOURS, 1);
        let database = Database::with(server, Collation::GeneralCi, &accounts);
        // Earlier, some conversions were not there yet and some were not refunded.
        database.execute("UPDATE 202_conversion_logs SET deleted = 1 WHERE conv_id % 9 = 0");
        database.execute("UPDATE 202_conversion_logs SET click_payout = 7 WHERE conv_id % 11 = 0");
        for job in [Job::Backfill, Job::Rebuild] {
            database.run(&job.arguments()).expect(0);
        }
        keep(&database, "earlier");

        let mut accounts = accounts;
        let mut ids = Vec::new();
        for row in &mut accounts.conversions {
            row.deleted = row.conversion_id % 13 == 0;
            row.payout = if row.conversion_id % 11 == 0 { 900_000 } else { row.payout };
            ids.push(row.conversion_id);
        }
        database.execute("UPDATE 202_conversion_logs SET deleted = (conv_id % 13 = 0)");
        database.execute("UPDATE 202_conversion_logs SET click_payout = 9 WHERE conv_id % 11 = 0");
        let usual = [Job::Backfill, Job::Rebuild].map(|job| {
            let proxy = Proxy::start(server.port(), Fault::None, 0);
            let url = server.url_at(proxy.port(), database.name());
            let ended = command::run(&url, &job.arguments()).expect(0);
            let passed = proxy.passed();
            assert!(passed.connections > 0, "the command did not go through the proxy");
            (ended.duration, passed)
        });
        println!("undisturbed: backfill {:?}, rebuild {:?}", usual[0], usual[1]);
        let clean = results(&database);
        clean.assert_equal(&expected::after_both(&accounts, &asked()), "undisturbed");
        keep(&database, "clean");
        let clean_hours = Hours::of(&database);
        Self { database, clean, clean_hours, usual }
    }

    /// Puts the tables back: as they were earlier, or empty; for a rebuild, with the right journeys.
    fn reset(&self, job: Job, empty: bool) {
        for table in RESULTS {
            let from = match (job, table) {
                (Job::Rebuild, "202_conversion_touchpoints") => Some("clean"),
                _ if empty => None,
                _ => Some("earlier"),
            };
            self.database.execute(&format!("TRUNCATE TABLE {table}"));
            if let Some(from) = from {
                let kept = format!("INSERT INTO {table} SELECT * FROM {from}_{table} ORDER BY 1");
                self.database.execute(&kept);
            }
        }
        for table in tables::RECORDS {
            self.database.execute(&format!("DELETE FROM {table}"));
        }
    }

    /// After a fault: what the tables hold is as before or as after for each hour; after one more run
    /// it is the clean result.
    fn settle(&self, job: Job, reader: TornReader, ended: &[Ended]) -> u64 {
        let done = ended.iter().any(|ended| ended.status == Some(0));
        if done {
            self.compare(job, "a disturbed run that ended well");
            assert_eq!(self.logged(), job == Job::Rebuild, "202_cronjob_logs after success");
        } else {
            assert!(!self.logged(), "202_cronjob_logs though no run has succeeded");
        }
        // A lock that a dead run's connection holds goes when the server notices.
        self.database.run(&job.arguments_waiting()).expect(0);
        self.compare(job, "after the second run");
        reader.finish()
    }

    fn logged(&self) -> bool {
        self.database.number("SELECT COUNT(*) FROM 202_cronjob_logs WHERE id = 2") == 1
    }

    fn compare(&self, job: Job, when: &str) {
        let mut found = results(&self.database);
        let mut clean = self.clean.clone();
        if job == Job::Backfill {
            found.snapshots.clear();
            found.credits.clear();
            clean.snapshots.clear();
            clean.credits.clear();
        }
        found.assert_equal(&clean, when);
    }
}

impl Job {
    /// As [`Job::arguments`], waiting for the lock.
    fn arguments_waiting(self) -> String {
        self.arguments() + " --wait 60"
    }
}

fn results(database: &Database<'_>) -> Results {
    tables::results(&mut database.connect())
}

fn keep(database: &Database<'_>, name: &str) {
    for table in RESULTS {
        database.execute(&format!("CREATE TABLE {name}_{table} LIKE {table}"));
        database.execute(&format!("INSERT INTO {name}_{table} SELECT * FROM {table}"));
    }
}

/// A second session that locks rows in another order than the job does, and holds them.
struct Locker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Locker {
    fn start(mut connection: Conn, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut random = Random::new(seed);
                let begin = Instant::now();
                // Not for ever: a job that is always disturbed may give up.
                while !stop.load(Ordering::SeqCst) && begin.elapsed() < Duration::from_secs(6) {
                    let hour = u64::from(START) + random.below(HOURS) * 3_600;
                    let _ = lock(&mut connection, &mut random, hour);
                    let _ = connection.query_drop("ROLLBACK");
                    sleep(Duration::from_millis(random.below(200)));
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

fn lock(connection: &mut Conn, random: &mut Random, hour: u64) -> Result<(), mysql::Error> {
    let pause = Duration::from_millis(random.pick(&[5, 20, 100, 300, 1_500]));
    let first = random.between(1, CONVERSIONS);
    let touches = format!(
        "UPDATE 202_conversion_touchpoints SET created_at = created_at + 1 \
         WHERE conv_id BETWEEN {first} AND {} ORDER BY conv_id DESC",
        first + 200
    );
    let credits = format!(
        "UPDATE 202_attribution_touchpoints SET created_at = created_at + 1 WHERE snapshot_id IN \
         (SELECT snapshot_id FROM 202_attribution_snapshots WHERE date_hour = {hour})"
    );
    let snapshots = format!(
        "UPDATE 202_attribution_snapshots SET created_at = created_at + 1 \
         WHERE date_hour <= {hour} ORDER BY date_hour DESC LIMIT 50"
    );
    let mut statements = [touches, credits, snapshots];
    random.shuffle(&mut statements);
    connection.query_drop("START TRANSACTION")?;
    for statement in statements {
        connection.query_drop(statement)?;
        sleep(pause / 3);
    }
    Ok(())
}

impl Drop for Locker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Says how a fault can be had again, where the test fails on it.
struct Replay(u64, String);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "FAILED at {}; for this fault alone: ATTRIBUTION_FAULT_SEED={} ATTRIBUTION_FAULTS=1",
                self.1, self.0
            );
        }
    }
}

/// The status of a run that was disturbed: done, or failed with a message.
#[track_caller]
fn orderly(ended: Ended) -> Ended {
    assert!(matches!(ended.status, Some(0 | 1)), "{ended}");
    if ended.status == Some(1) {
        assert!(ended.stderr.contains("error"), "{ended}");
    }
    for word in ["panicked", "internal error"] {
        assert!(!ended.stderr.contains(word), "{ended}");
    }
    ended
}

const KINDS: [&str; 9] = [
    "kill -9",
    "a connection that is harmed",
    "a second session's locks",
    "the server killed",
    "a COMMIT without a reply",
    "two runs at once",
    "Ctrl-C",
    "delays",
    "sessions killed",
];

fn one_fault(stage: &Stage<'_>, seed: u64) {
    let mut random = Random::new(seed);
    let kind = KINDS[seed as usize % KINDS.len()];
    let job = random.pick(&[Job::Backfill, Job::Rebuild, Job::Rebuild]);
    let empty = random.percent(30);
    stage.reset(job, empty);
    let (usual, passed) = stage.usual[job as usize];
    let moment = usual.mul_f64(random.below(1_100) as f64 / 1_000.0);
    let begin = Instant::now();
    let replay = Replay(seed, format!("{kind} in {job:?}, empty {empty}, at {moment:?}"));
    let server = stage.database.server();
    let before = Hours::of(&stage.database);
    let reader = TornReader::start(&stage.database, before, stage.clean_hours.clone());
    let through = |proxy: &Proxy| -> Running {
        command::start(&server.url_at(proxy.port(), stage.database.name()), &job.arguments())
    };
    let direct = |arguments: &str| command::start(&stage.database.url(), arguments);
    let mut detail = String::new();
    let ended = match kind {
        "kill -9" => {
            let running = direct(&job.arguments());
            sleep(moment);
            vec![running.kill()]
        }
        "Ctrl-C" => {
            let mut running = direct(&job.arguments());
            sleep(moment);
            if !running.has_ended() {
                running.signal("INT");
            }
            // Before the program has seen to it, the signal ends the process.
            let ended = running.wait();
            vec![if ended.status.is_some() { orderly(ended) } else { ended }]
        }
        "sessions killed" => {
            let mut running = direct(&job.arguments());
            sleep(moment);
            for _ in 0..random.between(1, 3) {
                detail += &kill_a_session(stage, &mut random);
                sleep(Duration::from_millis(random.below(150)));
                if running.has_ended() {
                    break;
                }
            }
            vec![orderly(running.wait())]
        }
        "the server killed" => {
            let running = direct(&job.arguments());
            sleep(moment);
            server.kill();
            sleep(Duration::from_millis(random.below(400)));
            server.restart();

            vec![orderly(running.wait())]
        }
        "a second session's locks" => {
            let _locker = Locker::start(stage.database.connect(), seed);
            vec![orderly(direct(&job.arguments()).wait())]
        }
        "two runs at once" => {
            let waiting = random.percent(50);
            let first = direct(&job.arguments());
            sleep(moment / 2);
            let arguments = if waiting { job.arguments_waiting() } else { job.arguments() };
            let second = orderly(direct(&arguments).wait());
            let first = orderly(first.wait());
            let done = [&first, &second].iter().filter(|run| run.status == Some(0)).count();
            assert!(done >= 1, "neither run was done: {first}\n{second}");
            assert!(!waiting || second.status == Some(0), "{second}");
            for run in [&first, &second] {
                assert!(run.status == Some(0) || run.stderr.contains("lock"), "{run}");
            }
            vec![first, second]
        }
        _ => {
            let fault = match kind {
                "delays" => Fault::Delay(Duration::from_millis(random.between(1, 30))),
                "a COMMIT without a reply" => {
                    Fault::DropCommitReply(random.between(1, passed.commits.max(1)))
                }
                _ => Fault::random(&mut random, &passed, usual),
            };
            let proxy = Proxy::start(server.port(), fault, seed);
            let ended = orderly(through(&proxy).wait());
            detail = format!(", {fault:?}, {:?}", proxy.passed());
            if matches!(fault, Fault::Delay(_)) {
                assert_eq!(ended.status, Some(0), "{ended}");
            }
            vec![ended]
        }
    };
    let polls = stage.settle(job, reader, &ended);
    let statuses: Vec<_> = ended.iter().map(|ended| ended.status).collect();
    println!(
        "seed {seed}: {kind} in {job:?}, empty {empty}, at {moment:?}{detail}: status {statuses:?}; \
         {polls} polls, {:?}",
        begin.elapsed()
    );
    drop(replay);
}

/// Kills one of the job's sessions, perhaps the one that holds its lock. The tests' own are on the
/// socket.
fn kill_a_session(stage: &Stage<'_>, random: &mut Random) -> String {
    let mut connection = stage.database.connect();
    let sessions: Vec<u64> = connection
        .query(format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{}' \
             AND host LIKE '127.0.0.1%' ORDER BY id",
            stage.database.name()
        ))
        .unwrap();
    if sessions.is_empty() {
        return ", none there".to_owned();
    }
    let session = random.pick(&sessions);
    // It may have ended meanwhile.
    let _ = connection.query_drop(format!("KILL {session}"));
    format!(", one of {}", sessions.len())
}

#[test]
fn whatever_happens_nothing_is_torn_and_a_second_run_is_clean() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let first = variable("ATTRIBUTION_FAULT_SEED", now);
    let count = variable("ATTRIBUTION_FAULTS", 20);
    println!("ATTRIBUTION_FAULT_SEED={first} ATTRIBUTION_FAULTS={count}");
    let server = Server::start(&ServerOptions::with(["--innodb-lock-wait-timeout=1"]));
    println!("on {}", server.version());
    let stage = Stage::new(&server);
    for seed in first..first + count {
        one_fault(&stage, seed);
    }
}

/// What a generated account comes to under a server's limit.
fn both_jobs_under(server: &Server, accounts: &Accounts, asked: &Asked, limit: &str, when: &str) {
    let database = Database::with(server, Collation::GeneralCi, accounts);
    let mut admin = server.connect(None);
    admin.query_drop(format!("SET GLOBAL {limit}")).unwrap();
    let window = format!("--start {} --end {}", asked.window.0, asked.window.1);
    for job in ["backfill", "rebuild", "rebuild", "backfill"] {
        database.run(&format!("{job} {window}")).expect(0);
    }
    admin.query_drop("SET GLOBAL max_allowed_packet = 16777216").unwrap();
    results(&database).assert_equal(&expected::after_both(accounts, asked), when);
}

#[test]
fn small_packets() {
    let server = Server::start(&ServerOptions::default());
    for size in [16_384, 65_536] {
        let accounts = generate::large(3_000, HOURS, size);
        let limit = format!("max_allowed_packet = {size}");
        both_jobs_under(&server, &accounts, &asked(), &limit, &limit);
    }
}

/// A small file system in memory, which is gone when this is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None where mounting is not permitted.
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let ended = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .output();
        match ended {
            Ok(ended) if ended.status.success() => Some(Self(folder)),
            Ok(ended) => {
                eprintln!("{}", String::from_utf8_lossy(&ended.stderr));
                None
            }
            Err(error) => {
                eprintln!("mount: {error}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills it but for so many bytes with a file.
    fn fill(&self, left: u64) -> PathBuf {
        let ballast = self.path().join("ballast");
        let file = std::fs::File::create(&ballast).unwrap();
        let free =
            Command::new("stat").args(["-f", "-c", "%a %S"]).arg(self.path()).output().unwrap();
        let free = String::from_utf8(free.stdout).unwrap();
        let (blocks, size) = free.trim().split_once(' ').unwrap();
        let free = blocks.parse::<u64>().unwrap() * size.parse::<u64>().unwrap();
        let mut rest = free.saturating_sub(left);
        let zeros = vec![0; 1 << 20];
        while rest > 0 {
            let part = rest.min(zeros.len() as u64);
            std::io::Write::write_all(&mut &file, &zeros[..part as usize]).unwrap();
            rest -= part;
        }
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk() {
    let Some(disk) = SmallDisk::mount(160) else {
        println!("SKIPPED: a full disk was NOT tested, as mounting a tmpfs is not permitted here");
        eprintln!("SKIPPED: a full disk was NOT tested, as mounting a tmpfs is not permitted here");
        return;
    };
    let options =
        ServerOptions { data_parent: Some(disk.path().to_owned()), ..ServerOptions::default() };
    let server = Server::start(&options);
    let accounts = generate::large(CONVERSIONS, HOURS, 5);
    let database = Database::with(&server, Collation::GeneralCi, &accounts);
    let clean = expected::after_both(&accounts, &asked());
    // Each takes as long as the job waits for a server that the full disk has ended.
    let long = variable("ATTRIBUTION_FAULTS", 20) >= 100;
    if !long {
        database.run(&Job::Backfill.arguments()).expect(0);
    }
    let cases = [(Job::Backfill, 200 << 10), (Job::Rebuild, 1 << 20)];
    for (job, left) in cases.into_iter().skip(usize::from(!long)) {
        let begin = Instant::now();
        let before = Hours::of(&database);
        let ballast = disk.fill(left);
        let ended = database.run(&job.arguments()).expect(1);
        println!("{job:?} with {left} bytes left: {ended}{:?}", begin.elapsed());
        std::fs::remove_file(ballast).unwrap();
        // A full disk ends some servers.
        if !server.is_up() {
            println!("the full disk ended the server");
            server.restart();
        }
        let logged = database.number("SELECT COUNT(*) FROM 202_cronjob_logs");
        assert_eq!(logged, 0, "no run has succeeded");
        let found = Hours::of(&database);
        database.run(&job.arguments()).expect(0);
        found.assert_whole(&before, &Hours::of(&database));
        println!("{:?}", begin.elapsed());
    }
    results(&database).assert_equal(&clean, "after the disk has room again");
    drop(server);
}
