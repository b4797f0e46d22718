//! How long an export of the queue takes beside a plain read of its rows, and how much memory.
//!
//! ```sh
//! cargo run --release -p attribution-benches --bin exports
//! cargo run --release -p attribution-benches --bin exports -- --rows 200000 --repeat 3
//! ```
//!
//! Starts a server of its own and fills it with the global snapshots of one model, an hour each. The
//! *plain read* is a loop that reads the very rows, by the very query, through the driver, and drops them.
//! Each export is a run of the worker in a process of its own, from an empty folder to the renamed file,
//! in which the kernel's `VmHWM` is the most that was resident. The fastest of some repeats counts.
//! Needs Linux.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use attribution_benches::process_status;
use attribution_core::{ExportRequest, ExportRunOptions, Model, MysqlStore, WebhookPolicy, Window};
use attribution_database_tests::host::{self, Collation};
use attribution_database_tests::server::{Server, ServerOptions};
use mysql::prelude::Queryable;
use mysql::{Conn, Opts, Row};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Against the plain read.
const TARGET: f64 = 1.5;
/// In MiB.
const MOST_MEMORY: u64 = 64;
const USER: u64 = 1;
const QUERY: &str = "SELECT snapshot_id, model_id, scope_type, scope_id, date_hour, \
    attributed_clicks, attributed_conversions, attributed_revenue, attributed_cost \
    FROM 202_attribution_snapshots WHERE user_id = ? AND model_id = ? AND date_hour >= ? \
    AND date_hour < ? AND scope_type = ? ORDER BY scope_type, scope_id, date_hour, snapshot_id \
    LIMIT ? OFFSET ?";

fn window(rows: u64) -> Outcome<Window> {
    Ok(Window::new(0, u32::try_from(rows * 3_600)?)?)
}

/// The most rows of one scope: there are no more hours than these until 2106.
fn fill(server: &Server, database: &str, rows: u64) -> Outcome<MysqlStore> {
    host::create(&mut server.connect(None), database, Collation::default());
    let store = MysqlStore::open(&server.socket_url(database))?;
    store.install()?;
    let mut connection = Conn::new(Opts::from_url(&server.socket_url(database))?)?;
    connection.exec_drop("INSERT INTO 202_users VALUES (?, 'bench', 0)", (USER,))?;
    let model = store.create_model(USER, &Model::from_spec("linear")?, true, false)?.model_id;
    let mut hour = 0;
    while hour < rows {
        let end = rows.min(hour + 2_000);
        let values: Vec<String> = (hour..end)
            .map(|hour| {
                format!(
                    "({model}, {USER}, 'global', NULL, {}, 0, 0, {}, {}, {}.{:04}, {}.{:04}, 0)",
                    hour * 3_600,
                    hour % 977,
                    hour % 331,
                    hour % 7_919,
                    hour * 7 % 10_000,
                    hour % 1_013,
                    hour * 3 % 10_000
                )
            })
            .collect();
        connection.query_drop(format!(
            "INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, scope_id, \
             date_hour, lookback_start, lookback_end, attributed_clicks, attributed_conversions, \
             attributed_revenue, attributed_cost, created_at) VALUES {}",
            values.join(",")
        ))?;
        hour = end;
    }
    connection.query_drop("ANALYZE TABLE 202_attribution_snapshots")?;
    Ok(store)
}

fn plain_read(url: &str, rows: u64) -> Outcome<Duration> {
    let mut connection = Conn::new(Opts::from_url(url)?)?;
    let window = window(rows)?;
    let start = Instant::now();
    let mut found = 0;
    let values = (USER, 1, window.start(), window.end(), "global", i64::MAX as u64, 0);
    for row in connection.exec_iter(QUERY, values)? {
        let row: Row = row?;
        drop(row);
        found += 1;
    }
    let duration = start.elapsed();
    if found == rows { Ok(duration) } else { Err(format!("{found} of {rows} rows").into()) }
}

/// In a process of its own: makes the file of the job that waits, and prints its figures.
fn work(url: &str, folder: &Path) -> Outcome<()> {
    let store = MysqlStore::open(url)?;
    let start = Instant::now();
    let report = store.run_exports(&ExportRunOptions::new(folder), &())?;
    let duration = start.elapsed();
    let peak = process_status("self", "VmHWM").ok_or("no /proc/self/status here")?;
    println!("{} {} {peak}", report.rows_exported, duration.as_micros());
    Ok(())
}

fn export(store: &MysqlStore, url: &str, format: &str, rows: u64) -> Outcome<(Duration, u64, u64)> {
    let format = format.to_owned();
    let request = ExportRequest { format, ..ExportRequest::new("linear", window(rows)?) };
    store.schedule_export(USER, &request, &WebhookPolicy::default())?;
    let folder = tempfile::tempdir()?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--work", url])
        .arg(folder.path())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<u64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [found, micros, peak] = figures[..] else { return Err("an export failed".into()) };
    if found != rows {
        return Err(format!("{found} of {rows} rows were exported").into());
    }
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder.path())? {
        bytes += entry?.metadata()?.len();
    }
    Ok((Duration::from_micros(micros), peak, bytes))
}

fn main() -> Outcome<()> {
    let (mut rows, mut repeat) = (1_000_000, 3);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--rows" => rows = value()?.parse()?,
            "--repeat" => repeat = value()?.parse()?,
            "--work" => {
                let url = value()?;
                return work(&url, Path::new(&value()?));
            }
            _ => return Err(format!("{argument}: no such argument").into()),
        }
    }
    let server = Server::start(&ServerOptions::with(["--innodb-buffer-pool-size=1G"]));
    let store = fill(&server, "exports", rows)?;
    let url = server.socket_url("exports");
    println!("{}, {rows} snapshots, load {}", server.version(), load_average());
    let mut plain = Duration::MAX;
    for _ in 0..=repeat {
        plain = plain.min(plain_read(&url, rows)?);
    }
    println!("{:<12}{:>9.3} s", "plain read", plain.as_secs_f64());
    for format in ["csv", "xlsx"] {
        let (mut best, mut peak, mut bytes) = (Duration::MAX, 0, 0);
        for _ in 0..repeat {
            let figures = export(&store, &url, format, rows)?;
            best = best.min(figures.0);
            peak = peak.max(figures.1);
            bytes = figures.2;
            plain = plain.min(plain_read(&url, rows)?);
        }
        let ratio = best.as_secs_f64() / plain.as_secs_f64();
        let verdict = |met| if met { "met" } else { "NOT MET" };
        println!(
            "{format:<12}{:>9.3} s  ratio {ratio:.2} (at most {TARGET}: {}), {} MiB (under \
             {MOST_MEMORY}: {}), a file of {} MiB",
            best.as_secs_f64(),
            verdict(ratio <= TARGET),
            peak >> 20,
            verdict(peak >> 20 < MOST_MEMORY),
            bytes >> 20
        );
    }
    println!("{:<12}{:>9.3} s, load {}", "plain read", plain.as_secs_f64(), load_average());
    Ok(())
}

/// The machine's load over the last minute.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
