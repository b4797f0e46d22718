//! What the C ABI costs beside the same calls in Rust: one small call, and a million conversions.
//!
//! ```sh
//! cargo bench -p attribution-border-bench                     # times, then instructions
//! cargo bench -p attribution-border-bench -- --times          # times alone
//! cargo bench -p attribution-border-bench -- --instructions   # instructions alone
//! ```
//!
//! Times are each the best of several rounds. A round runs either side of a pair once, one right after the
//! other, and the next round in the other order, so that a noisy minute strikes both alike. What is left is
//! noise of a few per cent on a machine that does other things; the instructions, which valgrind counts, are
//! the same each time. Its processor has AVX2 but not AVX-512.
//!
//! The C side is the very functions that the shared library exports, called by their addresses, so that the
//! compiler cannot join them with the caller.

use std::error::Error;
use std::ffi::CString;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::ptr;
use std::time::Instant;

use attribution::batch::{
    attribution_batch, attribution_batch_append, attribution_batch_free, attribution_batch_new,
    attribution_columns, attribution_conversion, attribution_touch,
};
use attribution::calculate::{
    attribution_calculate, attribution_calculate_columns, attribution_credits_columns,
    attribution_engine_options,
};
use attribution::columns::{
    attribution_i64_slice, attribution_size_slice, attribution_u32_slice, attribution_u64_slice,
};
use attribution::error::attribution_status;
use attribution::model::{attribution_model, attribution_model_free, attribution_model_from_spec};
use attribution::result::{
    attribution_result, attribution_result_free, attribution_result_snapshots,
    attribution_result_touchpoints, attribution_snapshots, attribution_touchpoints,
};
use attribution::scope::{
    ATTRIBUTION_SCOPES_ACCOUNT, ATTRIBUTION_SCOPES_CAMPAIGN, ATTRIBUTION_SCOPES_GLOBAL,
    ATTRIBUTION_SCOPES_LANDING_PAGE,
};
use attribution_benches::{Columns, MONTH};
use attribution_core::{
    Batch, BatchBuilder, BatchColumns, Conversion, Engine, Model, ModelResult, Money, ScopeSet,
    ScopeType, Touch,
};

const CONVERSIONS: usize = 1_000_000;
/// Fewer, since valgrind is slow; what a call costs whatever its size is still below 0.1 % of theirs.
const COUNTED_CONVERSIONS: usize = 25_000;
const ROUNDS: usize = 5;
/// With touchpoints, which take the most time by far.
const TOUCHPOINT_ROUNDS: usize = 3;
/// So many small calls take some milliseconds.
const SMALL_CALLS: u32 = 5_000;
const SMALL_ROUNDS: usize = 60;
/// The most that columns may cost above the same in Rust.
const TARGET: f64 = 0.02;

const SPECS: [&str; 3] = [
    "linear",
    "time_decay:half_life_hours=48",
    "position_based:first_touch_weight=0.4,last_touch_weight=0.4",
];
const SCOPES: [(&str, &str, u32); 2] = [
    ("global", "global", ATTRIBUTION_SCOPES_GLOBAL),
    (
        "4 scopes",
        "global,campaign,account,landing_page",
        ATTRIBUTION_SCOPES_GLOBAL
            | ATTRIBUTION_SCOPES_CAMPAIGN
            | ATTRIBUTION_SCOPES_ACCOUNT
            | ATTRIBUTION_SCOPES_LANDING_PAGE,
    ),
];

type Outcome = Result<(), Box<dyn Error>>;

/// The same work on either side of the border.
struct Pair<'a> {
    name: String,
    /// How often a measurement runs it.
    calls: u32,
    /// How often it is measured.
    rounds: usize,
    /// Whether the target is for it.
    has_target: bool,
    rust: Box<dyn FnMut() -> Outcome + 'a>,
    c: Box<dyn FnMut() -> Outcome + 'a>,
}

// ---------------------------------------------------------------- the C side

fn done(status: attribution_status) -> Outcome {
    if status == attribution_status::ATTRIBUTION_STATUS_OK {
        return Ok(());
    }
    Err(format!("the C ABI gave {status:?}").into())
}

/// A model as C has it.
struct CModel(*mut attribution_model);

impl CModel {
    fn new(spec: &str) -> Result<Self, Box<dyn Error>> {
        let spec = CString::new(spec)?;
        let mut model = ptr::null_mut();
        // SAFETY: a text and a variable that live through the call.
        done(unsafe {
            attribution_model_from_spec(spec.as_ptr(), &raw mut model, ptr::null_mut())
        })?;
        Ok(Self(model))
    }
}

impl Drop for CModel {
    fn drop(&mut self) {
        // SAFETY: made above and freed once.
        unsafe { attribution_model_free(&raw mut self.0) }
    }
}

fn u64s(entries: &[u64]) -> attribution_u64_slice {
    attribution_u64_slice { data: entries.as_ptr(), length: entries.len() }
}

fn u32s(entries: &[u32]) -> attribution_u32_slice {
    attribution_u32_slice { data: entries.as_ptr(), length: entries.len() }
}

fn i64s(entries: &[i64]) -> attribution_i64_slice {
    attribution_i64_slice { data: entries.as_ptr(), length: entries.len() }
}

/// The columns as C lends them.
fn lent(columns: &BatchColumns<'_>) -> attribution_columns {
    // A column that is left out is NULL.
    let left_out = attribution_u64_slice { data: ptr::null(), length: 0 };
    let dimension =
        |scope_type| columns.dimensions.get(scope_type).map_or(left_out, |entries| u64s(entries));
    let offsets = columns.offsets;
    attribution_columns {
        size: size_of::<attribution_columns>(),
        conversion_ids: u64s(columns.conversion_ids),
        converting_click_ids: u64s(columns.converting_click_ids),
        conversion_times: u32s(columns.conversion_times),
        payouts: i64s(columns.payouts),
        costs: i64s(columns.costs),
        offsets: attribution_size_slice { data: offsets.as_ptr(), length: offsets.len() },
        click_ids: u64s(columns.click_ids),
        click_times: u32s(columns.click_times),
        campaign_ids: dimension(ScopeType::Campaign),
        account_ids: dimension(ScopeType::Account),
        landing_page_ids: dimension(ScopeType::LandingPage),
        advertiser_ids: dimension(ScopeType::Advertiser),
        traffic_source_ids: dimension(ScopeType::TrafficSource),
        adgroup_ids: dimension(ScopeType::Adgroup),
    }
}

fn options(scopes: u32, touchpoints: bool) -> attribution_engine_options {
    // SAFETY: numbers alone, for which zeros are values; what is not set here is to be zero.
    let mut options: attribution_engine_options = unsafe { std::mem::zeroed() };
    options.size = size_of::<attribution_engine_options>();
    options.scopes = scopes;
    options.threads = 1;
    options.touchpoints = touchpoints.into();
    options
}

/// Calculates over columns and gives the result to something before it frees it.
fn calculate_columns(
    model: &CModel,
    columns: &attribution_columns,
    options: &attribution_engine_options,
    look: impl FnOnce(*const attribution_result) -> Outcome,
) -> Outcome {
    let models = [model.0.cast_const()];
    let mut result = ptr::null_mut();
    // SAFETY: all that is pointed to is alive and is what the header says.
    unsafe {
        done(black_box(attribution_calculate_columns as CalculateColumns)(
            models.as_ptr(),
            models.len(),
            columns,
            options,
            &raw mut result,
            ptr::null_mut(),
        ))?;
        let looked = look(result);
        black_box(attribution_result_free as FreeResult)(&raw mut result);
        looked
    }
}

type CalculateColumns = unsafe extern "C" fn(
    *const *const attribution_model,
    usize,
    *const attribution_columns,
    *const attribution_engine_options,
    *mut *mut attribution_result,
    *mut attribution::error::attribution_error,
) -> attribution_status;
type Calculate = unsafe extern "C" fn(
    *const *const attribution_model,
    usize,
    *const attribution_batch,
    *const attribution_engine_options,
    *mut *mut attribution_result,
    *mut attribution::error::attribution_error,
) -> attribution_status;
type FreeResult = unsafe extern "C" fn(*mut *mut attribution_result);
type NewBatch = unsafe extern "C" fn(
    *mut *mut attribution_batch,
    *mut attribution::error::attribution_error,
) -> attribution_status;
type Append = unsafe extern "C" fn(
    *mut attribution_batch,
    *const attribution_conversion,
    *const attribution_touch,
    usize,
    *mut attribution::error::attribution_error,
) -> attribution_status;
type FreeBatch = unsafe extern "C" fn(*mut *mut attribution_batch);
type CreditsColumns = unsafe extern "C" fn(
    *const attribution_model,
    *const attribution_columns,
    u32,
    *mut f64,
    usize,
    *mut attribution::error::attribution_error,
) -> attribution_status;

fn credits_columns(model: &CModel, columns: &attribution_columns, credits: &mut [f64]) -> Outcome {
    // SAFETY: all that is pointed to is alive and is what the header says.
    done(unsafe {
        black_box(attribution_credits_columns as CreditsColumns)(
            model.0,
            columns,
            1,
            credits.as_mut_ptr(),
            credits.len(),
            ptr::null_mut(),
        )
    })
}

/// One conversion, appended to a batch that is calculated and freed.
fn append_and_calculate(
    model: &CModel,
    conversion: &attribution_conversion,
    touches: &[attribution_touch],
) -> Outcome {
    let models = [model.0.cast_const()];
    let (mut batch, mut result) = (ptr::null_mut(), ptr::null_mut());
    let error = ptr::null_mut();
    // SAFETY: all that is pointed to is alive and is what the header says.
    unsafe {
        done(black_box(attribution_batch_new as NewBatch)(&raw mut batch, error))?;
        done(black_box(attribution_batch_append as Append)(
            batch,
            conversion,
            touches.as_ptr(),
            touches.len(),
            error,
        ))?;
        done(black_box(attribution_calculate as Calculate)(
            models.as_ptr(),
            models.len(),
            batch,
            ptr::null(),
            &raw mut result,
            error,
        ))?;
        black_box(attribution_result_free as FreeResult)(&raw mut result);
        black_box(attribution_batch_free as FreeBatch)(&raw mut batch);
    }
    Ok(())
}

// ---------------------------------------------------------------- the pairs

/// A journey of three touches, as C and as Rust have it.
fn small_journey() -> ([attribution_touch; 3], attribution_conversion, [Touch; 3], Conversion) {
    let c_touches = [0, 1, 2].map(|number: u32| attribution_touch {
        click_id: 11 + u64::from(number),
        click_time: 1_717_200_000 + number * 7_200,
        campaign_id: 7,
        ..attribution_touch::default()
    });
    let c_conversion = attribution_conversion {
        conversion_id: 1,
        conversion_time: 1_717_230_000,
        payout: 3_500_000,
        cost: 75_000,
        click: c_touches[2],
    };
    let touches = c_touches.map(|touch| Touch {
        click_id: touch.click_id,
        click_time: touch.click_time,
        campaign_id: touch.campaign_id,
        account_id: touch.account_id,
        landing_page_id: touch.landing_page_id,
        advertiser_id: touch.advertiser_id,
        traffic_source_id: touch.traffic_source_id,
        adgroup_id: touch.adgroup_id,
    });
    let conversion = Conversion {
        conversion_id: c_conversion.conversion_id,
        conversion_time: c_conversion.conversion_time,
        payout: Money::from_units(c_conversion.payout),
        cost: Money::from_units(c_conversion.cost),
        click: touches[2],
    };
    (c_touches, c_conversion, touches, conversion)
}

fn small_pairs(builder: &BatchBuilder, calls: u32) -> Result<Vec<Pair<'_>>, Box<dyn Error>> {
    let spec = "time_decay:half_life_hours=48";
    let columns = builder.batch().columns().clone();
    let (c_touches, c_conversion, touches, conversion) = small_journey();
    let mut pairs = Vec::new();

    let (models, c_model) = ([Model::from_spec(spec)?], CModel::new(spec)?);
    let (c_columns, c_options) = (lent(&columns), options(ATTRIBUTION_SCOPES_GLOBAL, false));
    let of_rust = columns.clone();
    pairs.push(Pair {
        name: "3 touches: calculate_columns".to_owned(),
        calls,
        rounds: SMALL_ROUNDS,
        has_target: false,
        rust: Box::new(move || {
            let batch = Batch::new(black_box(&of_rust).clone())?;
            drop(black_box(Engine::new().calculate(&models, &batch)?));
            Ok(())
        }),
        c: Box::new(move || {
            calculate_columns(&c_model, black_box(&c_columns), &c_options, |_| Ok(()))
        }),
    });

    let (models, c_model) = ([Model::from_spec(spec)?], CModel::new(spec)?);
    pairs.push(Pair {
        name: "3 touches: append, calculate".to_owned(),
        calls,
        rounds: SMALL_ROUNDS,
        has_target: false,
        rust: Box::new(move || {
            let mut builder = BatchBuilder::new();
            builder.push(black_box(&conversion), black_box(&touches))?;
            drop(black_box(Engine::new().calculate(&models, &builder.batch())?));
            Ok(())
        }),
        c: Box::new(move || {
            append_and_calculate(&c_model, black_box(&c_conversion), black_box(&c_touches))
        }),
    });

    let (model, c_model) = (Model::from_spec(spec)?, CModel::new(spec)?);
    let c_columns = lent(&columns);
    let (mut credits, mut c_credits) = ([0.0; 3], [0.0; 3]);
    pairs.push(Pair {
        name: "3 touches: credits_columns".to_owned(),
        calls,
        rounds: SMALL_ROUNDS,
        has_target: false,
        rust: Box::new(move || {
            let batch = Batch::new(black_box(&columns).clone())?;
            Ok(Engine::new().credits(&model, &batch, black_box(&mut credits))?)
        }),
        c: Box::new(move || {
            credits_columns(&c_model, black_box(&c_columns), black_box(&mut c_credits))
        }),
    });
    Ok(pairs)
}

fn column_pairs<'a>(columns: &BatchColumns<'a>) -> Result<Vec<Pair<'a>>, Box<dyn Error>> {
    let mut pairs = Vec::new();
    for spec in SPECS {
        let name = Model::from_spec(spec)?.name().to_owned();
        for (scopes_name, scopes, bits) in SCOPES {
            for touchpoints in [false, true] {
                let (models, c_model) = ([Model::from_spec(spec)?], CModel::new(spec)?);
                let scopes: ScopeSet = scopes.parse()?;
                let engine = Engine::new().scopes(scopes).touchpoints(touchpoints);
                let (c_columns, c_options) = (lent(columns), options(bits, touchpoints));
                let columns = columns.clone();
                let with = if touchpoints { ", touchpoints" } else { "" };
                pairs.push(Pair {
                    name: format!("{name}, {scopes_name}{with}"),
                    calls: 1,
                    rounds: if touchpoints { TOUCHPOINT_ROUNDS } else { ROUNDS },
                    has_target: true,
                    rust: Box::new(move || {
                        let batch = Batch::new(black_box(&columns).clone())?;
                        drop(black_box(engine.calculate(&models, &batch)?));
                        Ok(())
                    }),
                    c: Box::new(move || {
                        calculate_columns(&c_model, black_box(&c_columns), &c_options, |_| Ok(()))
                    }),
                });
            }
        }
        let (model, c_model) = (Model::from_spec(spec)?, CModel::new(spec)?);
        let c_columns = lent(columns);
        let mut credits = vec![0.0; columns.click_ids.len()];
        let mut c_credits = credits.clone();
        let columns = columns.clone();
        pairs.push(Pair {
            name: format!("{name}, credits"),
            calls: 1,
            rounds: ROUNDS,
            has_target: true,
            rust: Box::new(move || {
                let batch = Batch::new(black_box(&columns).clone())?;
                Ok(Engine::new().credits(&model, &batch, black_box(&mut credits))?)
            }),
            c: Box::new(move || {
                credits_columns(&c_model, black_box(&c_columns), black_box(&mut c_credits))
            }),
        });
    }
    Ok(pairs)
}

// ---------------------------------------------------------------- that both do the same

/// What a result is, in short: rows and sums.
type Summary = (usize, u64, i64, i64, usize, u64, i64);

fn summary(result: &ModelResult) -> Summary {
    let (snapshots, touchpoints) = (&result.snapshots, &result.touchpoints);
    (
        snapshots.len(),
        snapshots.iter().map(|row| row.credited_conversions.units()).sum(),
        snapshots.iter().map(|row| row.revenue.units()).sum(),
        snapshots.iter().map(|row| row.cost.units()).sum(),
        touchpoints.len(),
        touchpoints.stored_credits.iter().map(|credit| u64::from(*credit)).sum(),
        touchpoints.revenues.iter().sum(),
    )
}

/// # Safety
/// As many entries as that can be read there.
unsafe fn entries<'a, T>(data: *const T, length: usize) -> &'a [T] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(data, length) }
}

fn c_summary(result: *const attribution_result) -> Result<Summary, Box<dyn Error>> {
    // SAFETY: numbers and pointers, for which zeros are values; a live result; columns as long as it says.
    unsafe {
        let mut snapshots: attribution_snapshots = std::mem::zeroed();
        snapshots.size = size_of::<attribution_snapshots>();
        let error = ptr::null_mut();
        done(attribution_result_snapshots(result, 0, &raw mut snapshots, error))?;
        let mut touchpoints: attribution_touchpoints = std::mem::zeroed();
        touchpoints.size = size_of::<attribution_touchpoints>();
        done(attribution_result_touchpoints(result, 0, &raw mut touchpoints, error))?;
        let (rows, touches) = (snapshots.length, touchpoints.length);
        let stored = entries(touchpoints.stored_credits, touches);
        Ok((
            rows,
            entries(snapshots.credited_conversions, rows).iter().sum(),
            entries(snapshots.revenues, rows).iter().sum(),
            entries(snapshots.costs, rows).iter().sum(),
            touches,
            stored.iter().map(|credit| u64::from(*credit)).sum(),
            entries(touchpoints.revenues, touches).iter().sum(),
        ))
    }
}

/// Compares what either side gives, so that the ratios are of equals.
fn check(columns: &BatchColumns<'_>) -> Outcome {
    let batch = Batch::new(columns.clone())?;
    let c_columns = lent(columns);
    for spec in SPECS {
        let (models, c_model) = ([Model::from_spec(spec)?], CModel::new(spec)?);
        for (_, scopes, bits) in SCOPES {
            for touchpoints in [false, true] {
                let engine = Engine::new().scopes(scopes.parse()?).touchpoints(touchpoints);
                let ours = summary(&engine.calculate(&models, &batch)?[0]);
                calculate_columns(&c_model, &c_columns, &options(bits, touchpoints), |result| {
                    let theirs = c_summary(result)?;
                    if ours == theirs {
                        return Ok(());
                    }
                    Err(format!("{spec}, {scopes}: Rust {ours:?}, C {theirs:?}").into())
                })?;
            }
        }
        let mut ours = vec![0.0_f64; batch.touches()];
        let mut theirs = ours.clone();
        Engine::new().credits(&models[0], &batch, &mut ours)?;
        credits_columns(&c_model, &c_columns, &mut theirs)?;
        if ours.iter().zip(&theirs).any(|(one, other)| one.to_bits() != other.to_bits()) {
            return Err(format!("{spec}: the credits differ").into());
        }
    }
    Ok(())
}

// ---------------------------------------------------------------- times and instructions

fn repeat(calls: u32, run: &mut dyn FnMut() -> Outcome) -> Outcome {
    for _ in 0..calls {
        run()?;
    }
    Ok(())
}

/// Seconds for one call, the least of several rounds, of Rust and of C.
fn times(pairs: &mut [Pair<'_>]) -> Result<Vec<[f64; 2]>, Box<dyn Error>> {
    let mut least = vec![[f64::INFINITY; 2]; pairs.len()];
    let rounds = pairs.iter().map(|pair| pair.rounds).max().unwrap_or(0);
    for round in 0..rounds {
        for (pair, least) in pairs.iter_mut().zip(&mut least) {
            if round >= pair.rounds {
                continue;
            }
            let mut sides = [(0, &mut pair.rust), (1, &mut pair.c)];
            if round % 2 == 1 {
                sides.reverse();
            }
            for (side, run) in sides {
                let start = Instant::now();
                repeat(pair.calls, run)?;
                let seconds = start.elapsed().as_secs_f64() / f64::from(pair.calls);
                least[side] = least[side].min(seconds);
            }
        }
    }
    Ok(least)
}

/// What valgrind counts, and nothing else; known to it by this name.
#[unsafe(no_mangle)]
#[inline(never)]
extern "Rust" fn attribution_border_counted(
    calls: u32,
    run: &mut dyn FnMut() -> Outcome,
) -> Outcome {
    repeat(calls, run)
}

const COUNTED: &str = "attribution_border_counted";
/// Tells a process that it is the one that valgrind runs.
const COUNTED_FLAG: &str = "--counted";

/// Under valgrind: runs each side of each pair once.
fn run_counted(pairs: &mut [Pair<'_>]) -> Outcome {
    // What the allocator does with large blocks depends on those it has freed before: copying them where
    // it could move them is not the border's doing. So nothing that is counted is the first of its kind.
    for pair in pairs.iter_mut() {
        repeat(1, &mut pair.rust)?;
        repeat(1, &mut pair.c)?;
    }
    for pair in pairs {
        for run in [&mut pair.rust, &mut pair.c] {
            attribution_border_counted(pair.calls, run)?;
        }
    }
    Ok(())
}

/// Instructions of one call, of Rust and of C; nothing where there is no valgrind.
fn instructions(pairs: &[Pair<'_>]) -> Result<Option<Vec<[f64; 2]>>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("counts");
    let ended = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--error-exitcode=9"])
        .args([format!("--toggle-collect={COUNTED}"), format!("--dump-after={COUNTED}")])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["--bench", COUNTED_FLAG])
        .output();
    let ended = match ended {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        ended => ended?,
    };
    if !ended.status.success() {
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        return Err(format!("valgrind: {}\n{told}", ended.status).into());
    }
    let count = |number: usize| counted(&out.with_extension(number.to_string()));
    let mut counts = Vec::new();
    for (place, pair) in pairs.iter().enumerate() {
        let calls = f64::from(pair.calls);
        counts.push([count(2 * place + 1)? / calls, count(2 * place + 2)? / calls]);
    }
    Ok(Some(counts))
}

/// The instructions that a file of callgrind's sums up.
fn counted(file: &Path) -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string(file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind has written no totals")?.trim().parse()?)
}

/// A unit and how many of it the number is; the same for a pair and its difference.
const SECONDS: [(f64, &str); 2] = [(1e-3, "ms"), (1e-9, "ns")];
const COUNTS: [(f64, &str); 2] = [(1e3, "k"), (1.0, "")];

fn table(title: &str, pairs: &[Pair<'_>], found: &[[f64; 2]], units: [(f64, &str); 2]) {
    println!("\n{title}");
    println!(
        "{:<40} {:>13} {:>13} {:>13} {:>8}  target",
        "", "Rust", "C ABI", "difference", "ratio"
    );
    for (pair, [rust, c]) in pairs.iter().zip(found) {
        let (unit, name) = if pair.has_target { units[0] } else { units[1] };
        let shown = |value: f64| format!("{:.1} {name}", value / unit).trim_end().to_owned();
        let ratio = c / rust;
        let verdict = match (pair.has_target, ratio <= 1.0 + TARGET) {
            (false, _) => String::new(),
            (true, true) => format!("{:.2}: met", 1.0 + TARGET),
            (true, false) => format!("{:.2}: not met", 1.0 + TARGET),
        };
        println!(
            "{:<40} {:>13} {:>13} {:>13} {ratio:>8.4}  {verdict}",
            pair.name,
            shown(*rust),
            shown(*c),
            shown(c - rust)
        );
    }
}

fn main() -> Outcome {
    let given = |flag: &str| std::env::args().any(|argument| argument == flag);
    let mut builder = BatchBuilder::new();
    let (_, _, touches, conversion) = small_journey();
    builder.push(&conversion, &touches)?;
    // As many conversions an hour whatever their number, since snapshots are by the hour.
    let generate = |conversions: usize| {
        Columns::within(conversions, 15, MONTH * conversions as u64 / CONVERSIONS as u64)
    };

    if given(COUNTED_FLAG) {
        let columns = generate(COUNTED_CONVERSIONS);
        let batch = columns.batch()?;
        let mut pairs = small_pairs(&builder, 1_000)?;
        pairs.append(&mut column_pairs(batch.columns())?);
        return run_counted(&mut pairs);
    }
    // `cargo test --benches` runs this too, without `--bench`: a quick look at whether it works.
    let smoke = !given("--bench") || given("--test");
    let small = generate(CONVERSIONS / 100);
    let batch = small.batch()?;
    check(batch.columns())?;
    check(builder.batch().columns())?;
    if smoke {
        let mut pairs = small_pairs(&builder, 10)?;
        pairs.append(&mut column_pairs(batch.columns())?);
        for pair in &mut pairs {
            pair.rounds = 1;
        }
        times(&mut pairs)?;
        return Ok(());
    }
    if !given("--instructions") {
        let columns = generate(CONVERSIONS);
        let batch = columns.batch()?;
        let mut pairs = small_pairs(&builder, SMALL_CALLS)?;
        let mut found = times(&mut pairs)?;
        let mut large = column_pairs(batch.columns())?;
        found.append(&mut times(&mut large)?);
        pairs.append(&mut large);
        let touches = batch.touches();
        let title = format!(
            "times on one thread; columns: {CONVERSIONS} conversions, {touches} touches; best of \
             {SMALL_ROUNDS} small, {ROUNDS}, {TOUCHPOINT_ROUNDS} with touchpoints"
        );
        table(&title, &pairs, &found, SECONDS);
    }
    if !given("--times") {
        let columns = generate(COUNTED_CONVERSIONS);
        let batch = columns.batch()?;
        let mut pairs = small_pairs(&builder, 1_000)?;
        pairs.append(&mut column_pairs(batch.columns())?);
        let title = format!("instructions; columns: {COUNTED_CONVERSIONS} conversions");
        match instructions(&pairs)? {
            Some(found) => table(&title, &pairs, &found, COUNTS),
            None => println!("\nno instructions: valgrind is not installed"),
        }
    }
    Ok(())
}
