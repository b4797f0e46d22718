//! How long comparing models over stored conversions takes beside a plain read of these and their journeys.
//!
//! ```sh
//! cargo run --release -p attribution-benches --bin comparison
//! ```
//!
//! On a server of its own, as the bench `database` has it: 100,000 conversions over 1.1 M clicks. A *plain
//! read* is a client that streams the rows by the binary protocol and drops them. The fastest of some
//! runs each, in turns.

#[path = "database/clock.rs"]
#[allow(dead_code)]
mod clock;
#[path = "database/host.rs"]
#[allow(dead_code)]
mod host;
#[path = "database/plain.rs"]
#[allow(dead_code)]
mod plain;
#[path = "database/report.rs"]
mod report;

use std::error::Error;
use std::time::Duration;

use attribution_core::{
    BackfillOptions, CompareOptions, OverviewOptions, RebuildOptions, ScopeType,
};
use attribution_database_tests::server::{Server, ServerOptions};
use mysql::Conn;
use mysql::prelude::Queryable;

use clock::Clock;
use host::{Size, USER};
use report::Measured;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

const MODELS: [&str; 4] = [
    "last_touch",
    "linear",
    "time_decay:half_life_hours=48",
    "position_based:first_touch_weight=0.4,last_touch_weight=0.4",
];
const REPEAT: usize = 5;

fn main() -> Outcome<()> {
    let mut conversions = 100_000;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--conversions" => conversions = arguments.next().ok_or("a number")?.parse()?,
            _ => return Err(format!("{argument}: no such argument").into()),
        }
    }
    let size = Size { conversions, clicks: conversions * 11, campaigns: 200 };
    let server = Server::start(&ServerOptions::with(["--innodb-buffer-pool-size=2G"]));
    let file: Option<String> = server.connect(None).query_first("SELECT @@GLOBAL.pid_file")?;
    let process = std::fs::read_to_string(file.ok_or("the server's number is not known")?)?;
    clock::set(&process, Duration::ZERO);
    let store = size.load(&server, "bench")?;
    let window = Size::window()?;
    store.backfill(USER, &BackfillOptions::new(window), &())?;
    let mut connection = host::connect(&server, "bench")?;
    connection
        .query_drop("ANALYZE TABLE 202_conversion_touchpoints, 202_conversion_logs, 202_clicks")?;
    plain::settle(&mut connection)?;

    let models = MODELS.map(str::to_owned);
    let cases = [
        ("global, no intervals", ScopeType::Global, 0, 1.5),
        ("global, 200 resamples", ScopeType::Global, 200, 3.0),
        ("campaign, no intervals", ScopeType::Campaign, 0, 1.5),
        ("campaign, 200 resamples", ScopeType::Campaign, 200, 3.0),
    ];
    let (mut read, mut found) = (None, [None; 4]);
    for _ in 0..REPEAT {
        read = Some(plain_read(&mut connection)?.best(read));
        for ((_, scope_type, resamples, _), best) in cases.iter().zip(&mut found) {
            let mut options = CompareOptions::new(Some(window));
            (options.scope_type, options.resamples) = (*scope_type, *resamples);
            let clock = Clock::start();
            let comparison = store.compare(USER, &models, &options, &())?;
            *best = Some(clock.stop(comparison.conversions).best(*best));
        }
    }
    let read = read.ok_or("nothing was read")?;
    report::title();
    report::measured("plain read: conversions and journeys", read);
    for ((what, _, _, target), best) in cases.iter().zip(found) {
        let best = best.ok_or("nothing was compared")?;
        report::measured(&format!("four models, {what}"), best);
        report::ratio("plain read: conversions and journeys", best, read, *target);
    }

    store.create_model(USER, &attribution_core::Model::from_spec("linear")?, true, false)?;
    store.rebuild(USER, &RebuildOptions::new(window), &())?;
    plain::settle(&mut connection)?;
    let mut best = None;
    for _ in 0..REPEAT {
        let clock = Clock::start();
        let overview = store.overview(USER, &OverviewOptions::new("linear", window))?;
        best = Some(clock.stop(overview.totals.attributed_clicks).best(best));
    }
    report::measured("overview of one model", best.ok_or("nothing was shown")?);
    Ok(())
}

fn plain_read(connection: &mut Conn) -> Outcome<Measured> {
    let conversions = plain::read(connection, plain::CONVERSIONS)?;
    Ok(conversions.and(plain::read(connection, plain::JOURNEYS)?))
}
