//! How fast the engine is from columns that are in memory, beside naive code in the same run.
//!
//! ```sh
//! cargo bench --bench kernels             # Criterion, then the table
//! cargo bench --bench kernels -- --table  # the table alone
//! ```
//!
//! The table's figures are each the best of several rounds. A round runs everything once, so that a
//! noisy minute strikes all of it alike.

mod naive;

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use attribution_benches::{Columns, MONTH, SPECS, Ungrouped};
use attribution_core::{Batch, Engine, Model, ScopeSet};
use criterion::{Criterion, SamplingMode, Throughput};

const CONVERSIONS: usize = 2_000_000;
/// Of 1 to 9 touches each, 5 on average.
const UNGROUPED_CONVERSIONS: usize = 1_000_000;
const UNGROUPED_MOST_TOUCHES: u64 = 9;
const THREADS: usize = 2;
const ROUNDS: usize = 7;
const SCOPES: &str = "global,campaign,account,landing_page";
const SPLIT: &str = "split alone";
const FOUR_SCOPES: &str = "4 scopes";

/// What one measurement is, and how to run it once.
struct Measurement<'a> {
    group: &'static str,
    name: String,
    touches: usize,
    /// The naive code that does the same: its name.
    naive: Option<String>,
    /// Wanted million touches a second.
    wanted: &'static [(&'static str, f64)],
    run: Box<dyn FnMut() -> Result<(), attribution_core::Error> + 'a>,
}

impl<'a> Measurement<'a> {
    fn new(
        group: &'static str,
        name: impl Into<String>,
        touches: usize,
        run: impl FnMut() -> Result<(), attribution_core::Error> + 'a,
    ) -> Self {
        let (name, run) = (name.into(), Box::new(run));
        Self { group, name, touches, naive: None, wanted: &[], run }
    }
}

fn credits<'a>(
    batch: &'a Batch<'a>,
    all: &mut Vec<Measurement<'a>>,
) -> Result<(), attribution_core::Error> {
    let touches = batch.touches();
    for spec in SPECS {
        let model = Model::from_spec(spec)?;
        let name = model.name().to_owned();
        let mut naive_name = None;
        if let Some(kind) = naive::Kind::of(&model) {
            let name = format!("{name}, naive");
            let mut credits = vec![0.0; touches];
            naive_name = Some(name.clone());
            all.push(Measurement::new("credits", name, touches, move || {
                naive::credits(kind, batch.columns(), black_box(&mut credits));
                Ok(())
            }));
        }
        let wanted: &[_] = match model.name() {
            "time_decay" => &[("target", 120.0), ("aim", 200.0)],
            "linear" => &[("target", 400.0), ("aim", 1_000.0)],
            _ => &[],
        };
        let mut credits = vec![0.0; touches];
        let run = move || Engine::new().credits(&model, batch, black_box(&mut credits));
        let naive = naive_name;
        all.push(Measurement { naive, wanted, ..Measurement::new("credits", name, touches, run) });
    }
    Ok(())
}

fn exact<'a>(
    batch: &'a Batch<'a>,
    all: &mut Vec<Measurement<'a>>,
) -> Result<(), attribution_core::Error> {
    let touches = batch.touches();
    for spec in SPECS {
        let models = [Model::from_spec(spec)?];
        let Some(kind) = naive::Kind::of(&models[0]) else { continue };
        let name = models[0].name().to_owned();
        let naive_name = |what: &str| format!("{name}, {what}, naive");
        for (what, totals) in [(SPLIT, false), (FOUR_SCOPES, true)] {
            all.push(Measurement::new("exact", naive_name(what), touches, move || {
                black_box(naive::exact(kind, batch.columns(), totals));
                Ok(())
            }));
        }
        for (what, scopes) in
            [(SPLIT, ScopeSet::NONE), ("global", ScopeSet::GLOBAL), (FOUR_SCOPES, SCOPES.parse()?)]
        {
            let (engine, models) = (Engine::new().scopes(scopes), models.clone());
            let run =
                move || engine.calculate(&models, batch).map(|results| drop(black_box(results)));
            let naive = (what != "global").then(|| naive_name(what));
            let wanted: &[_] = if what == FOUR_SCOPES { &[("aim", 40.0)] } else { &[] };
            let name = format!("{name}, {what}");
            all.push(Measurement {
                naive,
                wanted,
                ..Measurement::new("exact", name, touches, run)
            });
        }
    }
    Ok(())
}

fn measurements<'a>(
    batch: &'a Batch<'a>,
    ungrouped: &'a Ungrouped,
) -> Result<Vec<Measurement<'a>>, attribution_core::Error> {
    let mut all = vec![Measurement::new("batch", "check", batch.touches(), || {
        Batch::new(black_box(batch.columns()).clone()).map(|checked| drop(black_box(checked)))
    })];
    credits(batch, &mut all)?;
    exact(batch, &mut all)?;
    let (conversions, touches) = (ungrouped.conversions(), ungrouped.touches());
    let engine = Engine::new().scopes("campaign".parse()?).threads(THREADS);
    let models = [Model::from_spec("time_decay:half_life_hours=48")?];
    let (name, count) =
        (format!("time_decay, campaign, {THREADS} threads"), touches.click_ids.len());
    all.push(Measurement::new("ungrouped", name, count, move || {
        let results = engine.calculate_ungrouped(&models, &conversions, &touches)?;
        drop(black_box(results));
        Ok(())
    }));
    Ok(all)
}

/// Runs the naive code and the engine once each and compares, so that the ratios are of equals.
fn check(batch: &Batch<'_>) -> Result<(), Box<dyn Error>> {
    for spec in SPECS {
        let model = Model::from_spec(spec)?;
        let Some(kind) = naive::Kind::of(&model) else { continue };
        let (mut ours, mut theirs) = (vec![0.0; batch.touches()], vec![0.0; batch.touches()]);
        Engine::new().credits(&model, batch, &mut ours)?;
        naive::credits(kind, batch.columns(), &mut theirs);
        let worst =
            ours.iter().zip(&theirs).map(|(a, b): (&f64, &f64)| (a - b).abs()).fold(0.0, f64::max);
        if worst > 1e-12 {
            return Err(format!("{spec}: naive credits are {worst:e} off").into());
        }
        let results = Engine::new().scopes(SCOPES.parse()?).calculate(&[model], batch)?;
        let totals = results[0].snapshots.iter().fold((0, 0, 0), |sum, snapshot| {
            (
                sum.0 + snapshot.credited_conversions.units() as i64,
                sum.1 + snapshot.revenue.units(),
                sum.2 + snapshot.cost.units(),
            )
        });
        let naive = naive::exact(kind, batch.columns(), true);
        if (results[0].snapshots.len(), totals) != (naive.rows, naive.totals) {
            return Err(format!("{spec}: naive totals differ: {naive:?}, ours {totals:?}").into());
        }
    }
    Ok(())
}

fn criterion(all: &mut [Measurement<'_>]) {
    let mut criterion = Criterion::default().configure_from_args();
    for measurement in all {
        let mut group = criterion.benchmark_group(measurement.group);
        group
            .sampling_mode(SamplingMode::Flat)
            .sample_size(10)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3))
            .throughput(Throughput::Elements(measurement.touches as u64));
        // Every one has been run before and gave no error.
        group.bench_function(&measurement.name, |bencher| bencher.iter(&mut measurement.run));
        group.finish();
    }
    criterion.final_summary();
}

fn table(all: &mut [Measurement<'_>]) -> Result<(), Box<dyn Error>> {
    let mut best = vec![f64::INFINITY; all.len()];
    for _ in 0..ROUNDS {
        for (measurement, best) in all.iter_mut().zip(&mut best) {
            let start = Instant::now();
            (measurement.run)()?;
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    println!("\nbest of {ROUNDS}, one thread where not said otherwise");
    println!("{:<46} {:>11} {:>8}  wanted", "", "M touches/s", "x naive");
    for (measurement, seconds) in all.iter().zip(&best) {
        let speed = measurement.touches as f64 / seconds / 1e6;
        let naive = all.iter().position(|other| {
            other.group == measurement.group && Some(&other.name) == measurement.naive.as_ref()
        });
        let ratio = naive.map(|at| format!("{:.1}", best[at] / seconds));
        let verdicts: Vec<String> = measurement
            .wanted
            .iter()
            .map(|(what, wanted)| {
                let verdict = if speed >= *wanted { "met" } else { "not met" };
                format!("{what} {wanted}: {verdict}, {:.2} of it", speed / wanted)
            })
            .collect();
        let name = format!("{}: {}", measurement.group, measurement.name);
        let (ratio, verdicts) = (ratio.unwrap_or_default(), verdicts.join("; "));
        println!("{name:<46} {speed:>11.1} {ratio:>8}  {verdicts}");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let given = |flag: &str| std::env::args().any(|argument| argument == flag);
    // `cargo test --benches` runs this too, without `--bench`: a quick look at whether it works.
    let smoke = !given("--bench") || given("--test");
    let shrink = if smoke || given("--list") { 100 } else { 1 };
    let columns = Columns::generate(CONVERSIONS / shrink);
    let batch = columns.batch()?;
    let ungrouped = Ungrouped::shuffle(Columns::within(
        UNGROUPED_CONVERSIONS / shrink,
        UNGROUPED_MOST_TOUCHES,
        MONTH,
    ));
    check(&Columns::generate(CONVERSIONS / 100).batch()?)?;
    let mut all = measurements(&batch, &ungrouped)?;
    for measurement in &mut all {
        (measurement.run)()?;
    }
    if !given("--table") {
        criterion(&mut all);
    }
    if !smoke && !given("--list") {
        table(&mut all)?;
    }
    Ok(())
}
