//! How much memory the engine takes beyond its input, in bytes for each touch.
//!
//! ```sh
//! cargo run --release -p attribution-benches --bin peak_memory
//! cargo run --release -p attribution-benches --bin peak_memory -- \
//!     --attribution target/release/attribution --visitors 1000000
//! ```
//!
//! Each measurement has a process of its own, since memory that was given back and is used again
//! would not show. With `--attribution`, a whole `attribution run` on a sample is measured too.
//! Needs Linux: the figures are the kernel's (`VmHWM`, the most that was resident).

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use attribution_benches::{Columns, MONTH, SPECS, Ungrouped, process_status};
use attribution_core::{Engine, Model, ScopeSet};

/// Bytes for each touch beyond the input columns.
const TARGET: f64 = 64.0;
const SCOPES: &str = "global,campaign,account,landing_page";
const TIME_DECAY: &str = "time_decay:half_life_hours=48";
const LOOK_EVERY: Duration = Duration::from_millis(2);

type Outcome<T> = Result<T, Box<dyn Error>>;

const CASES: [(&str, &str); 6] = [
    ("credits", "credits as f64, time_decay, with the output"),
    ("exact", "exact, 4 scopes, time_decay"),
    ("exact-all", "exact, 4 scopes, six models"),
    ("touchpoints", "exact, 4 scopes, time_decay, with touchpoints"),
    ("ungrouped", "ungrouped, campaign, time_decay, 2 threads"),
    ("ungrouped-touchpoints", "ungrouped, as before with touchpoints"),
];

/// The most that was resident while this ran, beyond what was before.
fn peak_of<T>(run: impl FnOnce() -> Outcome<T>) -> Outcome<u64> {
    // Sets the peak back to what is resident now. Where that is not allowed, the peak so far may
    // hide some of what follows; the generator's own is not much above its columns.
    let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
    let field = if reset { "VmRSS" } else { "VmHWM" };
    let before = process_status("self", field).ok_or("no /proc/self/status here")?;
    drop(black_box(run()?));
    let peak = process_status("self", "VmHWM").ok_or("no /proc/self/status here")?;
    Ok(peak.saturating_sub(before))
}

fn measure(case: &str, conversions: usize) -> Outcome<(u64, usize)> {
    let model = Model::from_spec(TIME_DECAY)?;
    if case.starts_with("ungrouped") {
        let ungrouped = Ungrouped::shuffle(Columns::within(conversions, 9, MONTH));
        let touches = ungrouped.touches().click_ids.len();
        let engine = Engine::new().scopes("campaign".parse()?).threads(2);
        let engine = engine.touchpoints(case == "ungrouped-touchpoints");
        let peak = peak_of(|| {
            let (conversions, touches) = (ungrouped.conversions(), ungrouped.touches());
            Ok(engine.calculate_ungrouped(&[model], &conversions, &touches)?)
        })?;
        return Ok((peak, touches));
    }
    let columns = Columns::generate(conversions);
    let touches = columns.touches();
    let engine = Engine::new().scopes(SCOPES.parse::<ScopeSet>()?);
    let peak = peak_of(|| {
        let batch = columns.batch()?;
        if case == "credits" {
            let mut credits = vec![0.0; batch.touches()];
            engine.credits(&model, &batch, &mut credits)?;
            black_box(&credits);
            return Ok(Vec::new());
        }
        let models = match case {
            "exact-all" => SPECS.iter().map(|spec| Model::from_spec(spec)).collect(),
            _ => Ok(vec![model]),
        };
        Ok(engine.touchpoints(case == "touchpoints").calculate(&models?, &batch)?)
    })?;
    Ok((peak, touches))
}

fn lines_with(path: &Path, prefix: &str) -> Outcome<u64> {
    let mut count = 0;
    for line in BufReader::new(fs::File::open(path)?).lines() {
        count += u64::from(line?.starts_with(prefix));
    }
    Ok(count)
}

/// `attribution run` as a process of its own.
fn measure_run(attribution: &Path, visitors: usize) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let place = |name: &str| folder.path().join(name);
    let mut sample = Command::new(attribution);
    sample.args(["sample", "--seed", "7", "--visitors"]).arg(visitors.to_string());
    if !sample.arg("--out").arg(folder.path()).stdout(Stdio::null()).status()?.success() {
        return Err("`attribution sample` failed".into());
    }
    let mut run = Command::new(attribution);
    run.arg("run").arg("--clicks").arg(place("clicks.csv"));
    run.arg("--conversions").arg(place("conversions.csv"));
    run.args(["--scopes", SCOPES, "--threads", "2", "--out"]).arg(place("out"));
    for spec in SPECS {
        run.args(["--model", spec]);
    }
    let mut process = run.stdout(Stdio::null()).spawn()?;
    let id = process.id().to_string();
    let mut peak = 0;
    let outcome = loop {
        // A process that has ended has no such line any more, so the last one read counts.
        peak = process_status(&id, "VmHWM").unwrap_or(peak).max(peak);
        if let Some(outcome) = process.try_wait()? {
            break outcome;
        }
        thread::sleep(LOOK_EVERY);
    };
    if !outcome.success() {
        return Err("`attribution run` failed".into());
    }
    let clicks = lines_with(&place("clicks.csv"), "")? - 1;
    let touches = lines_with(&place("out/touchpoints.csv"), "linear,")?;
    println!(
        "\nattribution run, six models, everything written: {clicks} clicks, {touches} touches\n\
         peak {} MiB: {:.1} bytes for each click and touch, {:.1} for each touch",
        peak >> 20,
        peak as f64 / (clicks + touches) as f64,
        peak as f64 / touches as f64
    );
    Ok(())
}

fn main() -> Outcome<()> {
    let (mut conversions, mut visitors) = (2_000_000, 1_000_000);
    let (mut case, mut attribution) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--conversions" => conversions = value()?.parse()?,
            "--visitors" => visitors = value()?.parse()?,
            "--attribution" => attribution = Some(value()?),
            "--case" => case = Some(value()?),
            _ => return Err(format!("{argument}: no such argument").into()),
        }
    }
    if let Some(case) = case {
        let (peak, touches) = measure(&case, conversions)?;
        println!("{peak} {touches}");
        return Ok(());
    }
    println!("{:<52} {:>10} {:>8} {:>11}", "", "touches", "MiB", "bytes/touch");
    for (case, what) in CASES {
        let mut process = Command::new(std::env::current_exe()?);
        process.args(["--case", case, "--conversions"]).arg(conversions.to_string());
        let output = process.stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8(output.stdout)?;
        let (peak, touches) = text.trim().split_once(' ').ok_or(format!("{case} failed"))?;
        let (peak, touches): (u64, u64) = (peak.parse()?, touches.parse()?);
        let each = peak as f64 / touches as f64;
        let verdict = if each <= TARGET { "met" } else { "not met" };
        println!("{what:<52} {touches:>10} {:>8} {each:>11.1}  {TARGET}: {verdict}", peak >> 20);
    }
    if let Some(attribution) = attribution {
        measure_run(Path::new(&attribution), visitors)?;
    }
    Ok(())
}
