//! How long backfill and rebuild take beside what the server itself needs for the same rows.
//!
//! ```sh
//! cargo run --release -p attribution-benches --bin database
//! cargo run --release -p attribution-benches --bin database -- --only rebuild,scopes --repeat 3
//! cargo build --release -p attribution-cli && cargo run --release -p attribution-benches \
//!     --bin database -- --peak --conversions 1000000 --clicks 11000000
//! ```
//!
//! Starts a server of its own (as the tests of the database do), with its defaults but a buffer pool of
//! 2 GB, and fills it: one user, clicks of 60 days, conversions of the last 30, journeys of 4 touches,
//! four models. A *plain read* is a client that streams the rows by the binary protocol and drops
//! them. A *plain load* is the very rows that a run wrote, in the same order, into an empty copy of their
//! table with its indexes, by prepared INSERTs of 1,000 rows, a transaction every 50,000, on one
//! connection. All of it is on one server in one run, the fastest of some repeats each. *Others* is the
//! share of the processors that other processes used meanwhile: with more than some hundredths, measure
//! again. `--patience 10m` waits so long before each measurement for others to be quiet.

mod clock;
mod host;
mod peak;
mod plain;
mod report;

use std::collections::BTreeSet;
use std::error::Error;
use std::time::{Duration, Instant};

use attribution_core::{
    BackfillOptions, Model, MysqlStore, RebuildOptions, ScopeSet, ScopeType, Window, parse_duration,
};
use attribution_database_tests::server::{Server, ServerOptions};
use mysql::Conn;
use mysql::prelude::Queryable;

use clock::Clock;
use host::{Size, USER};
use report::Measured;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

const MODELS: [&str; 4] = [
    "Last touch=last_touch",
    "Linear=linear",
    "Time decay=time_decay:half_life_hours=48",
    "Position based=position_based:first_touch_weight=0.4,last_touch_weight=0.4",
];

const PARTS: [&str; 5] = ["backfill", "rebuild", "scopes", "snapshots", "reads"];

struct Arguments {
    size: Size,
    models: usize,
    only: BTreeSet<String>,
    repeat: usize,
    pool: String,
    patience: Duration,
    peak: bool,
}

impl Arguments {
    fn read() -> Outcome<Self> {
        let mut read = Self {
            size: Size { conversions: 100_000, clicks: 1_100_000, campaigns: 200 },
            models: 4,
            only: PARTS.map(str::to_owned).into(),
            repeat: 2,
            pool: "2G".to_owned(),
            patience: Duration::ZERO,
            peak: false,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--conversions" => read.size.conversions = value()?.parse()?,
                "--clicks" => read.size.clicks = value()?.parse()?,
                "--campaigns" => read.size.campaigns = value()?.parse()?,
                "--models" => read.models = value()?.parse()?,
                "--only" => read.only = value()?.split(',').map(str::to_owned).collect(),
                "--repeat" => read.repeat = value()?.parse()?,
                "--pool" => read.pool = value()?,
                "--patience" => {
                    read.patience = Duration::from_secs(parse_duration(&value()?)?.into());
                }
                "--peak" => read.peak = true,
                _ => return Err(format!("{argument}: no such argument").into()),
            }
        }
        if let Some(unknown) = read.only.iter().find(|part| !PARTS.contains(&part.as_str())) {
            return Err(format!("--only {unknown}: one of {}", PARTS.join(", ")).into());
        }
        if !(1..=MODELS.len()).contains(&read.models) {
            return Err(format!("--models {}: 1 to {}", read.models, MODELS.len()).into());
        }
        let Size { conversions, clicks, campaigns } = read.size;
        if conversions == 0 || campaigns == 0 || clicks / 2 < conversions || read.repeat == 0 {
            return Err("at least one of each, and two clicks for a conversion".into());
        }
        Ok(read)
    }
}

/// How busy the machine is: others' work shows in all that is measured.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

pub(crate) fn create_models(store: &MysqlStore, count: usize) -> Outcome<()> {
    for spec in &MODELS[..count] {
        store.create_model(USER, &Model::from_spec(spec)?, true, false)?;
    }
    Ok(())
}

struct Bench {
    store: MysqlStore,
    connection: Conn,
    window: Window,
    repeat: usize,
}

impl Bench {
    fn read(&mut self, query: &str) -> Outcome<Measured> {
        let mut best = None;
        for _ in 0..3 {
            best = Some(plain::read(&mut self.connection, query)?.best(best));
        }
        best.ok_or_else(|| "nothing was read".into())
    }

    fn clear(&mut self, tables: &[plain::Table]) -> Outcome<()> {
        for table in tables {
            self.connection.query_drop(format!("TRUNCATE TABLE {}", table.name))?;
        }
        plain::settle(&mut self.connection)
    }

    fn backfill(&self) -> Outcome<Measured> {
        let clock = Clock::start();
        let report = self.store.backfill(USER, &BackfillOptions::new(self.window), &())?;
        Ok(clock.stop(report.rows_written))
    }

    fn rebuild(&self, scopes: ScopeSet, credits: bool, window: Window) -> Outcome<Measured> {
        let options =
            RebuildOptions { scopes: Some(scopes), credits, ..RebuildOptions::new(window) };
        let clock = Clock::start();
        let report = self.store.rebuild(USER, &options, &())?;
        Ok(clock.stop(report.rows_written))
    }

    /// Rebuilds into empty tables, and loads what was written plainly, in turns.
    fn first_rebuild(
        &mut self,
        scopes: ScopeSet,
        credits: bool,
        also_load: bool,
    ) -> Outcome<(Measured, Option<Measured>)> {
        let (mut best, mut loaded) = (None, None);
        for _ in 0..self.repeat {
            self.clear(&[plain::CREDITS, plain::SNAPSHOTS])?;
            best = Some(self.rebuild(scopes, credits, self.window)?.best(best));
            if also_load {
                let both = plain::load(&mut self.connection, &plain::SNAPSHOTS)?
                    .and(plain::load(&mut self.connection, &plain::CREDITS)?);
                loaded = Some(both.best(loaded));
            }
        }
        Ok((best.ok_or("nothing was rebuilt")?, loaded))
    }

    /// Rebuilds again: with nothing changed, and a day after one new conversion.
    fn later_rebuilds(&mut self, scopes: ScopeSet, what: &str, first: Measured) -> Outcome<()> {
        let mut best = None;
        plain::settle(&mut self.connection)?;
        for _ in 0..3 {
            best = Some(self.rebuild(scopes, true, self.window)?.best(best));
        }
        let best_unchanged = best.take().ok_or("nothing was rebuilt")?;
        report::measured(&format!("second rebuild, {what}, nothing changed"), best_unchanged);
        report::ratio("first rebuild", best_unchanged, first, 0.1);
        for _ in 0..3 {
            let time = host::add_conversion(&mut self.connection)?;
            let day = Window::new((time - 12 * 3_600) as u32, (time + 12 * 3_600) as u32)?;
            best = Some(self.rebuild(scopes, true, day)?.best(best));
        }
        let best_day = best.ok_or("nothing was rebuilt")?;
        report::measured(&format!("a day, {what}, one new conversion"), best_day);
        report::ratio("first rebuild", best_day, first, 0.02);
        Ok(())
    }
}

fn six_scopes() -> ScopeSet {
    ScopeType::ALL.into_iter().filter(|scope_type| *scope_type != ScopeType::Adgroup).collect()
}

fn measure(arguments: &Arguments, server: &Server) -> Outcome<()> {
    let size = arguments.size;
    let wants = |part: &str| arguments.only.contains(part);
    let start = Instant::now();
    let store = size.load(server, "bench")?;
    create_models(&store, arguments.models)?;
    println!("made up and loaded in {:.0} s\n", start.elapsed().as_secs_f64());
    let connection = host::connect(server, "bench")?;
    let mut bench = Bench { store, connection, window: Size::window()?, repeat: arguments.repeat };

    report::title();
    let mut journeys_loaded: Option<Measured> = None;
    let mut backfilled: Option<Measured> = None;
    let times = if wants("backfill") { arguments.repeat } else { 1 };
    for _ in 0..times {
        bench.clear(&[plain::STORED_JOURNEYS])?;
        backfilled = Some(bench.backfill()?.best(backfilled));
        if wants("backfill") {
            journeys_loaded = Some(
                plain::load(&mut bench.connection, &plain::STORED_JOURNEYS)?.best(journeys_loaded),
            );
        }
    }
    bench.connection.query_drop("ANALYZE TABLE 202_conversion_touchpoints")?;
    if let (true, Some(backfilled), Some(loaded)) = (wants("backfill"), backfilled, journeys_loaded)
    {
        let clicks = bench.read(plain::CLICKS)?;
        report::measured("plain read: clicks with their ip_id", clicks);
        report::measured("plain load: journeys", loaded);
        report::measured("backfill", backfilled);
        report::ratio("both", backfilled, clicks.and(loaded), 1.5);
        let again = bench.backfill()?;
        report::measured("backfill again, nothing changed", again);
    }
    let reads = if wants("reads") || wants("snapshots") {
        let conversions = bench.read(plain::CONVERSIONS)?;
        let journeys = bench.read(plain::JOURNEYS)?;
        report::measured("plain read: conversions", conversions);
        report::measured("plain read: journeys", journeys);
        report::measured(
            "plain read: journeys with their clicks",
            bench.read(plain::JOURNEYS_WITH_CLICKS)?,
        );
        Some(conversions.and(journeys))
    } else {
        None
    };
    if let (true, Some(reads)) = (wants("snapshots"), reads) {
        for (scopes, what) in [(ScopeSet::GLOBAL, "global"), (six_scopes(), "six scopes")] {
            let (first, _) = bench.first_rebuild(scopes, false, false)?;
            report::measured(&format!("snapshots alone, first run, {what}"), first);
            report::ratio("plain read: conversions and journeys", first, reads, 2.0);
        }
    }
    if wants("rebuild") || wants("scopes") {
        let (global, loaded) = bench.first_rebuild(ScopeSet::GLOBAL, true, wants("rebuild"))?;
        if let Some(loaded) = loaded {
            report::measured("plain load: credits and global snapshots", loaded);
        }
        report::measured("first rebuild, global", global);
        if let Some(loaded) = loaded {
            report::ratio("plain load", global, loaded, 1.3);
            bench.later_rebuilds(ScopeSet::GLOBAL, "global", global)?;
        }
        if wants("scopes") {
            let (all, loaded) = bench.first_rebuild(six_scopes(), true, true)?;
            report::measured("first rebuild, six scopes", all);
            report::ratio("first rebuild, global", all, global, 1.5);
            if let Some(loaded) = loaded {
                report::ratio("plain load of all its rows", all, loaded, 1.3);
            }
            bench.later_rebuilds(six_scopes(), "six scopes", all)?;
        }
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let arguments = Arguments::read()?;
    let pool = format!("--innodb-buffer-pool-size={}", arguments.pool);
    let mut options = ServerOptions::with([pool.as_str()]);
    // The tests' servers have a small log; this is what each has by default.
    let default_log = match std::env::var_os(attribution_database_tests::server::PROGRAM_VARIABLE) {
        None => "--innodb-log-file-size=96M",
        Some(_) => "--innodb-redo-log-capacity=100M",
    };
    options.arguments.push(default_log.to_owned());
    let server = Server::start(&options);
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let Size { conversions, clicks, campaigns } = arguments.size;
    println!("{}, buffer pool {}", server.version(), arguments.pool);
    println!("{processors} processors, load {} before", load_average());
    println!(
        "{} conversions, {} clicks, {campaigns} campaigns, {} models",
        report::thousands(conversions),
        report::thousands(clicks),
        arguments.models
    );
    let file: Option<String> = server.connect(None).query_first("SELECT @@GLOBAL.pid_file")?;
    let process = std::fs::read_to_string(file.ok_or("the server's number is not known")?)?;
    clock::set(&process, arguments.patience);
    let start = Instant::now();
    if arguments.peak {
        peak::measure(&arguments, &server)?;
    } else {
        measure(&arguments, &server)?;
    }
    let took = Duration::from_secs(start.elapsed().as_secs());
    println!("\nload {} after; {took:?} in all", load_average());
    Ok(())
}
