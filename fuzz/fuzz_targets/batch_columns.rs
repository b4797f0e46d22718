//! Columns through the C ABI: whatever the caller says of them is refused, or split exactly.
//!
//! Good columns are made first; then some entries are changed, and some of what is said of the columns is
//! not so. As the header asks, a slice that can be read is as long as it says.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use attribution::batch::{attribution_batch, attribution_batch_from_columns, attribution_columns};
use attribution::calculate::{
    attribution_calculate, attribution_calculate_columns, attribution_calculate_ungrouped,
    attribution_conversion_columns, attribution_credits_columns, attribution_engine_options,
    attribution_touch_columns,
};
use attribution::columns::{
    attribution_i64_slice, attribution_size_slice, attribution_u32_slice, attribution_u64_slice,
};
use attribution::result::attribution_result;
use attribution_fuzz::abi::{self, Models, Told, Variable};
use attribution_fuzz::memory::Memory;
use attribution_fuzz::outcome::{self, assert_exact};
use attribution_fuzz::rows::Rows;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    rows: Rows,
    scopes: u8,
    threads: u8,
    changes: Vec<Change>,
    lies: Vec<(u8, Lie)>,
    size: Size,
    options_size: Size,
    touchpoints: u8,
    pointer: u8,
    places: u8,
}

/// A change of what is in a column, which stays as long as it says.
#[derive(Debug, Arbitrary)]
struct Change {
    column: u8,
    row: u8,
    kind: ChangeKind,
}

#[derive(Debug, Arbitrary)]
enum ChangeKind {
    Set(u64),
    /// As in another row.
    Copy(u8),
    Insert(u64),
    Remove,
    Largest,
    LargestSigned,
}

/// What is said of a column that is not so.
#[derive(Debug, Arbitrary)]
enum Lie {
    /// It is at NULL.
    Null,
    /// It is at an address that no number of its type has.
    Misaligned(u8),
    /// It is shorter.
    Shorter(u8),
    /// It is longer than memory can be.
    Endless(u8),
}

/// The size that a struct tells. It has so many bytes, unless that is too many to be true.
#[derive(Debug, Arbitrary)]
enum Size {
    Right,
    Small(u8),
    /// Larger, the rest being zeros but for one byte.
    Larger(u8, u8),
    Absurd(usize),
}

static MODELS: LazyLock<Models> = LazyLock::new(Models::all);

/// Entries of a type that a slice of the header has.
trait Entry: Copy {
    fn of(value: u64) -> Self;
}
impl Entry for u64 {
    fn of(value: u64) -> Self {
        value
    }
}
impl Entry for i64 {
    fn of(value: u64) -> Self {
        value as Self
    }
}
impl Entry for u32 {
    fn of(value: u64) -> Self {
        value as Self
    }
}
impl Entry for usize {
    fn of(value: u64) -> Self {
        value as Self
    }
}

fn change<T: Entry>(column: &mut Vec<T>, row: u8, kind: &ChangeKind) {
    if let ChangeKind::Insert(value) = kind {
        column.insert(usize::from(row) % (column.len() + 1), T::of(*value));
        return;
    }
    if column.is_empty() {
        return;
    }
    let row = usize::from(row) % column.len();
    match kind {
        ChangeKind::Set(value) => column[row] = T::of(*value),
        ChangeKind::Copy(other) => column[row] = column[usize::from(*other) % column.len()],
        ChangeKind::Remove => drop(column.remove(row)),
        ChangeKind::Largest => column[row] = T::of(u64::MAX),
        ChangeKind::LargestSigned => column[row] = T::of(i64::MAX as u64),
        ChangeKind::Insert(_) => {}
    }
}

const COLUMNS: usize = 14;

fn change_rows(rows: &mut Rows, of: &Change) {
    match usize::from(of.column) % COLUMNS {
        0 => change(&mut rows.conversion_ids, of.row, &of.kind),
        1 => change(&mut rows.converting_click_ids, of.row, &of.kind),
        2 => change(&mut rows.conversion_times, of.row, &of.kind),
        3 => change(&mut rows.payouts, of.row, &of.kind),
        4 => change(&mut rows.costs, of.row, &of.kind),
        5 => change(&mut rows.offsets, of.row, &of.kind),
        6 => change(&mut rows.click_ids, of.row, &of.kind),
        7 => change(&mut rows.click_times, of.row, &of.kind),
        other => change(&mut rows.dimensions[other - 8], of.row, &of.kind),
    }
}

/// Where a column is said to be, and how long.
fn said<T>(column: &[T], lie: Option<&Lie>) -> (*const T, usize) {
    let (data, length) = (column.as_ptr(), column.len());
    match lie {
        None => (data, length),
        Some(Lie::Null) => (std::ptr::null(), length),
        Some(Lie::Misaligned(by)) => {
            let by = 1 + usize::from(*by) % (align_of::<T>() - 1);
            (data.wrapping_byte_add(by), length)
        }
        Some(Lie::Shorter(by)) => (data, length.saturating_sub(usize::from(*by))),
        Some(Lie::Endless(by)) => {
            let most = isize::MAX as usize / size_of::<T>();
            (data, if *by < 128 { most + 1 + usize::from(*by) } else { usize::MAX })
        }
    }
}

macro_rules! said {
    ($slice:ident, $column:expr, $lie:expr) => {{
        let (data, length) = said(&$column, $lie);
        $slice { data, length }
    }};
}

/// A struct whose first field is its size, in as many bytes as it tells.
fn growing<T: Copy>(value: &T, size: &Size) -> Memory {
    let own = size_of::<T>();
    let (told, length) = match size {
        Size::Right => (own, own),
        Size::Small(size) => (usize::from(*size) % own, usize::from(*size).max(size_of::<usize>())),
        Size::Larger(by, _) => (own + usize::from(*by), own + usize::from(*by)),
        Size::Absurd(size) => (4_097 + size % (usize::MAX - 4_097), own),
    };
    let mut memory = Memory::zeros(length);
    let known = own.min(length);
    // SAFETY: both have so many bytes.
    unsafe {
        std::ptr::copy_nonoverlapping((&raw const *value).cast::<u8>(), memory.address(), known);
    }
    if let Size::Larger(by, last) = size
        && *by > 0
    {
        memory.bytes()[length - 1] = *last;
    }
    memory.bytes()[..size_of::<usize>()].copy_from_slice(&told.to_ne_bytes());
    memory
}

fuzz_target!(|input: Input| {
    let mut rows = input.rows.clone();
    for change in &input.changes {
        change_rows(&mut rows, change);
    }
    // No room beyond their ends, so that reading there is seen.
    let lie = |column: usize| {
        let mut lies = input.lies.iter();
        lies.find(|(of, _)| usize::from(*of) % COLUMNS == column).map(|(_, lie)| lie)
    };
    let conversion_ids = rows.conversion_ids.into_boxed_slice();
    let converting_click_ids = rows.converting_click_ids.into_boxed_slice();
    let conversion_times = rows.conversion_times.into_boxed_slice();
    let payouts = rows.payouts.into_boxed_slice();
    let costs = rows.costs.into_boxed_slice();
    let offsets = rows.offsets.into_boxed_slice();
    let click_ids = rows.click_ids.into_boxed_slice();
    let click_times = rows.click_times.into_boxed_slice();
    let dimensions = rows.dimensions.map(Vec::into_boxed_slice);
    let dimension = |at: usize| said!(attribution_u64_slice, dimensions[at], lie(8 + at));
    let columns = attribution_columns {
        size: 0,
        conversion_ids: said!(attribution_u64_slice, conversion_ids, lie(0)),
        converting_click_ids: said!(attribution_u64_slice, converting_click_ids, lie(1)),
        conversion_times: said!(attribution_u32_slice, conversion_times, lie(2)),
        payouts: said!(attribution_i64_slice, payouts, lie(3)),
        costs: said!(attribution_i64_slice, costs, lie(4)),
        offsets: said!(attribution_size_slice, offsets, lie(5)),
        click_ids: said!(attribution_u64_slice, click_ids, lie(6)),
        click_times: said!(attribution_u32_slice, click_times, lie(7)),
        campaign_ids: dimension(0),
        account_ids: dimension(1),
        landing_page_ids: dimension(2),
        advertiser_ids: dimension(3),
        traffic_source_ids: dimension(4),
        adgroup_ids: dimension(5),
    };
    let memory = growing(&columns, &input.size);
    let pointer: *const attribution_columns = match input.pointer {
        1 => std::ptr::null(),
        2 => memory.address().wrapping_add(3).cast(),
        _ => memory.address().cast(),
    };
    let threads = if input.threads == 7 { 2 } else { 1 };
    let mut options = abi::options(u32::from(input.scopes), threads);
    options.touchpoints = if input.touchpoints > 200 { input.touchpoints } else { 1 };
    let options = growing(&options, &input.options_size);
    let options: *const attribution_engine_options = options_pointer(&options, input.pointer);
    let models = MODELS.handles();
    let told = Told::new();

    // SAFETY: each slice that is not NULL, aligned and not endless is as long as it says, and each struct
    // as large; the rest is what the library promises to refuse.
    unsafe {
        let mut result = Variable::<attribution_result>::new();
        let status = attribution_calculate_columns(
            models.as_ptr(),
            models.len(),
            pointer,
            options,
            result.out(),
            told.handle(),
        );
        let done = told.is_ok(status);
        assert_eq!(done, result.is_some());

        let mut batch = Variable::<attribution_batch>::new();
        let status = attribution_batch_from_columns(pointer, batch.out(), told.handle());
        let good = told.is_ok(status);
        assert_eq!(good, batch.is_some());
        let mut copied = Variable::<attribution_result>::new();
        let status = attribution_calculate(
            models.as_ptr(),
            models.len(),
            batch.handle(),
            options,
            copied.out(),
            told.handle(),
        );
        // From a copy of the columns as from the columns themselves.
        assert_eq!(told.is_ok(status), done);
        let outcomes = outcome::read(result.handle(), &told);
        assert_eq!(outcome::read(copied.handle(), &told), outcomes);
        // NULL options are those without touchpoints.
        if done && !options.is_null() {
            // Nothing but the last entries may have been left out.
            let count = columns.conversion_ids.length;
            for outcome in &outcomes {
                assert_exact(outcome, &payouts[..count], &costs[..count]);
            }
        }

        let touches = columns.click_ids.length.min(click_ids.len());
        let places = if input.places == 1 { touches / 2 } else { touches };
        for (at, model) in models.iter().enumerate() {
            let mut credits = vec![f64::NAN; places].into_boxed_slice();
            let data = match input.places {
                2 => std::ptr::null_mut(),
                3 => credits.as_mut_ptr().wrapping_byte_add(1),
                _ => credits.as_mut_ptr(),
            };
            let status =
                attribution_credits_columns(*model, pointer, threads, data, places, told.handle());
            let filled = told.is_ok(status);
            assert!(good || !filled);
            if filled
                && !options.is_null()
                && let Some(outcome) = outcomes.get(at)
            {
                let credited: Vec<f64> = credits.iter().copied().filter(|it| *it > 0.0).collect();
                assert_eq!(credited, outcome.touchpoints.credits);
            }
        }

        // The same touches, each with its conversion's id.
        let conversion_of = |touch: usize| {
            let row = offsets.iter().rposition(|offset| *offset <= touch).unwrap_or(0);
            conversion_ids.get(row).copied().unwrap_or(u64::MAX)
        };
        let of: Box<[u64]> = (0..click_ids.len()).map(conversion_of).collect();
        let conversions = attribution_conversion_columns {
            size: 0,
            conversion_ids: columns.conversion_ids,
            converting_click_ids: columns.converting_click_ids,
            conversion_times: columns.conversion_times,
            payouts: columns.payouts,
            costs: columns.costs,
            converting_click_times: columns.conversion_times,
        };
        let conversions = growing(&conversions, &input.size);
        let touches = attribution_touch_columns {
            size: 0,
            conversion_ids: said!(attribution_u64_slice, of, lie(5)),
            click_ids: columns.click_ids,
            click_times: columns.click_times,
            campaign_ids: columns.campaign_ids,
            account_ids: columns.account_ids,
            landing_page_ids: columns.landing_page_ids,
            advertiser_ids: columns.advertiser_ids,
            traffic_source_ids: columns.traffic_source_ids,
            adgroup_ids: columns.adgroup_ids,
        };
        let touches = growing(&touches, &input.size);
        let mut ungrouped = Variable::<attribution_result>::new();
        let status = attribution_calculate_ungrouped(
            models.as_ptr(),
            models.len(),
            conversions.address().cast(),
            touches.address().cast(),
            options,
            ungrouped.out(),
            told.handle(),
        );
        if told.is_ok(status) {
            let outcomes_ungrouped = outcome::read(ungrouped.handle(), &told);
            let count = columns.conversion_ids.length;
            for outcome in outcomes_ungrouped.iter().filter(|_| !options.is_null()) {
                assert_exact(outcome, &payouts[..count], &costs[..count]);
            }
            if done {
                assert_eq!(outcomes_ungrouped, outcomes);
            }
        }
    }
});

fn options_pointer(memory: &Memory, pointer: u8) -> *const attribution_engine_options {
    match pointer {
        3 => std::ptr::null(),
        4 => memory.address().wrapping_add(1).cast(),
        _ => memory.address().cast(),
    }
}
