//! Time and peak memory of the command as a process, at a size and at a tenth of it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use attribution_benches::process_status;
use attribution_database_tests::command::{BINARY_VARIABLE, DATABASE_VARIABLE};
use attribution_database_tests::server::Server;

use crate::host::{self, Size, USER};
use crate::report::thousands;
use crate::{Arguments, Outcome, create_models, plain};

/// In MiB, whatever the size.
const TARGET: u64 = 256;
const LOOK_EVERY: Duration = Duration::from_millis(2);

const RUNS: [(&str, &str); 5] = [
    ("backfill", "backfill"),
    ("backfill again, nothing changed", "backfill"),
    ("rebuild, credits and six scopes", "rebuild"),
    ("rebuild again, nothing changed", "rebuild"),
    ("rebuild without credits: all are removed", "rebuild --credits none"),
];

/// The command of this build, or the one that is named.
fn binary() -> Outcome<PathBuf> {
    let binary = match std::env::var_os(BINARY_VARIABLE) {
        Some(given) => given.into(),
        None => std::env::current_exe()?.with_file_name("attribution"),
    };
    if !binary.is_file() {
        return Err(format!(
            "{} is not there: run `cargo build --release -p attribution-cli`",
            binary.display()
        )
        .into());
    }
    Ok(binary)
}

/// Runs the command; gives its time, the most memory it had in bytes, and the rows it wrote.
fn run(url: &str, arguments: &str) -> Outcome<(Duration, u64, u64)> {
    let window = Size::window()?;
    let start = Instant::now();
    let mut process = Command::new(binary()?)
        .args(arguments.split(' '))
        .args(["--json", "--user", &USER.to_string()])
        .args(["--start", &window.start().to_string(), "--end", &window.end().to_string()])
        .env(DATABASE_VARIABLE, url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let id = process.id().to_string();
    let mut peak = 0;
    // What it prints is small enough for the pipe to hold.
    while process.try_wait()?.is_none() {
        peak = process_status(&id, "VmHWM").unwrap_or(0).max(peak);
        sleep(LOOK_EVERY);
    }
    let duration = start.elapsed();
    let output = process.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("attribution {arguments}: {}", output.status).into());
    }
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let rows = json["users"][0]["report"]["rows_written"].as_u64();
    Ok((duration, peak, rows.ok_or("the report has no rows_written")?))
}

/// Runs both jobs at a tenth of the size and at the size.
pub(crate) fn measure(arguments: &Arguments, server: &Server) -> Outcome<()> {
    let tenth = Size {
        conversions: arguments.size.conversions / 10,
        clicks: arguments.size.clicks / 10,
        ..arguments.size
    };
    let mut before: Vec<f64> = Vec::new();
    for (size, database) in [(tenth, "tenth"), (arguments.size, "whole")] {
        let start = Instant::now();
        let store = size.load(server, database)?;
        create_models(&store, arguments.models)?;
        println!(
            "\n{} conversions, {} clicks (made up and loaded in {:.0} s)",
            thousands(size.conversions),
            thousands(size.clicks),
            start.elapsed().as_secs_f64()
        );
        println!(
            "{:<42}{:>12}{:>10}{:>9}{:>6}{:>20}",
            "", "rows", "seconds", "growth", "MiB", "target"
        );
        let mut connection = host::connect(server, database)?;
        for (place, (what, words)) in RUNS.into_iter().enumerate() {
            plain::settle(&mut connection)?;
            let (duration, peak, rows) = run(&server.socket_url(database), words)?;
            let seconds = duration.as_secs_f64();
            let growth = match before.get(place) {
                Some(before) => format!("{:.1}", seconds / before),
                None => String::new(),
            };
            if before.len() <= place {
                before.push(seconds);
            }
            let peak = peak >> 20;
            let verdict = if peak < TARGET { "met" } else { "NOT MET" };
            println!(
                "{what:<42}{:>12}{seconds:>10.1}{growth:>9}{peak:>6}{:>20}",
                thousands(rows),
                format!("{TARGET}: {verdict}")
            );
        }
    }
    Ok(())
}
