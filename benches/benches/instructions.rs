//! How many instructions the hot kernels take, pinned, so that a slowdown shows on a noisy machine.
//!
//! A bench fails where its count rises above its entry in [`LIMITS`]. Counts are those of valgrind's
//! processor, which has AVX2 but not AVX-512. Run it with `tests/run`, or with `gungraun-runner` (of
//! the version in `Cargo.lock`) on the PATH: `cargo bench --bench instructions`.
//!
//! To renew the limits after a wanted change: `python3 benches/pin_instructions.py`, which runs the
//! bench and writes each count and 3 % more into the table below.
// The macros' own items have no comments, and what they expand to unwraps.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

use attribution_benches::{Columns, Ungrouped, clicks_and_conversions};
use attribution_core::{
    Batch, Clicks, Conversions, CsvSink, Engine, JourneyOptions, Journeys, Model, ModelResult,
    ResultSink, RowEncoder, ScopeSet, TouchpointLines, Touchpoints,
};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};

/// The most instructions of each bench; written by `pin_instructions.py`.
#[rustfmt::skip]
const LIMITS: [(&str, u64); 9] = [
    // (limits begin)
    ("credits.linear", 2_184_516), // 2_120_889
    ("credits.time_decay", 7_876_113), // 7_646_711
    ("credits.position_based", 2_128_691), // 2_066_690
    ("exact.linear", 44_542_194), // 43_244_848
    ("exact.time_decay", 64_209_985), // 62_339_791
    ("exact.position_based", 60_211_099), // 58_457_377
    ("ungrouped.time_decay", 51_625_409), // 50_121_756
    ("encode.touchpoints", 75_728_737), // 73_523_045
    ("assemble.journeys", 27_086_608), // 26_297_677
    // (limits end)
];

const LINEAR: &str = "linear";
const TIME_DECAY: &str = "time_decay:half_life_hours=48";
const POSITION_BASED: &str = "position_based:first_touch_weight=0.4,last_touch_weight=0.4";
const CONVERSIONS: usize = 20_000;
/// As many conversions an hour as the kernels bench has.
const SECONDS: u64 = 7 * 3_600;

fn limited(name: &str) -> LibraryBenchmarkConfig {
    let limit = LIMITS.iter().find(|(bench, _)| *bench == name).map_or(0, |(_, limit)| *limit);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, limit)]));
    config
}

/// A batch that lives as long as the process: what owns its columns is never given back.
fn batch() -> Batch<'static> {
    let columns = Columns::within(CONVERSIONS, 15, SECONDS);
    Box::leak(Box::new(columns)).batch().unwrap()
}

fn model(spec: &str) -> Model {
    Model::from_spec(spec).unwrap()
}

fn for_credits(spec: &str) -> (Model, Batch<'static>, Vec<f64>) {
    let batch = batch();
    let credits = vec![0.0; batch.touches()];
    (model(spec), batch, credits)
}

#[library_benchmark(setup = for_credits)]
#[bench::linear(args = (LINEAR), config = limited("credits.linear"))]
#[bench::time_decay(args = (TIME_DECAY), config = limited("credits.time_decay"))]
#[bench::position_based(args = (POSITION_BASED), config = limited("credits.position_based"))]
fn credits(
    (model, batch, mut credits): (Model, Batch<'static>, Vec<f64>),
) -> (Batch<'static>, Vec<f64>) {
    Engine::new().credits(&model, &batch, &mut credits).unwrap();
    (batch, credits)
}

fn for_exact(spec: &str) -> ([Model; 1], Batch<'static>, Engine) {
    let scopes: ScopeSet = "global,campaign,account,landing_page".parse().unwrap();
    ([model(spec)], batch(), Engine::new().scopes(scopes))
}

#[library_benchmark(setup = for_exact)]
#[bench::linear(args = (LINEAR), config = limited("exact.linear"))]
#[bench::time_decay(args = (TIME_DECAY), config = limited("exact.time_decay"))]
#[bench::position_based(args = (POSITION_BASED), config = limited("exact.position_based"))]
fn exact(
    (models, batch, engine): ([Model; 1], Batch<'static>, Engine),
) -> (Batch<'static>, Vec<ModelResult>) {
    let results = engine.calculate(&models, &batch).unwrap();
    (batch, results)
}

fn for_ungrouped(spec: &str) -> ([Model; 1], Ungrouped, Engine) {
    let scopes: ScopeSet = "campaign".parse().unwrap();
    let ungrouped = Ungrouped::shuffle(Columns::within(CONVERSIONS, 9, SECONDS));
    ([model(spec)], ungrouped, Engine::new().scopes(scopes))
}

#[library_benchmark(setup = for_ungrouped)]
#[bench::time_decay(args = (TIME_DECAY), config = limited("ungrouped.time_decay"))]
fn ungrouped(
    (models, ungrouped, engine): ([Model; 1], Ungrouped, Engine),
) -> (Ungrouped, Vec<ModelResult>) {
    let (conversions, touches) = (ungrouped.conversions(), ungrouped.touches());
    let results = engine.calculate_ungrouped(&models, &conversions, &touches).unwrap();
    (ungrouped, results)
}

fn for_encode(spec: &str) -> (TouchpointLines, Vec<u64>, Touchpoints) {
    let (models, batch) = ([model(spec)], batch());
    let results = Engine::new().touchpoints(true).calculate(&models, &batch).unwrap();
    let lines = CsvSink::new(".", None).begin_model(&models[0]).unwrap();
    let touchpoints = results.into_iter().next().unwrap().touchpoints;
    (lines, batch.columns().conversion_ids.to_vec(), touchpoints)
}

#[library_benchmark(setup = for_encode)]
#[bench::touchpoints(args = (TIME_DECAY), config = limited("encode.touchpoints"))]
fn encode(
    (lines, ids, touchpoints): (TouchpointLines, Vec<u64>, Touchpoints),
) -> (Vec<u64>, Touchpoints, Vec<u8>) {
    let encoded = lines.encode(&ids, &touchpoints);
    (ids, touchpoints, encoded)
}

#[library_benchmark(setup = clicks_and_conversions)]
#[bench::journeys(args = (100_000), config = limited("assemble.journeys"))]
fn assemble((clicks, conversions): (Clicks, Conversions)) -> (Clicks, Conversions, Journeys) {
    let options = JourneyOptions::default();
    let journeys = Journeys::assemble(&clicks, &conversions, &options).unwrap();
    (clicks, conversions, journeys)
}

library_benchmark_group!(
    name = kernels,
    benchmarks = [credits, exact, ungrouped, encode, assemble]
);
main!(library_benchmark_groups = kernels);
