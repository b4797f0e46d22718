//! Arrow's structs through the C ABI: whatever they tell is refused, or split exactly, and every one is
//! released once.
//!
//! Good arrays are made first; then some of what they tell is changed. Without a change, an array has to be
//! taken, and has to give what the same columns give.
#![no_main]

use std::ffi::CString;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use attribution::arrow::batch::{
    attribution_batch_from_arrow, attribution_batch_from_arrow_stream, attribution_batch_to_arrow,
};
use attribution::arrow::result::{
    attribution_result_snapshots_arrow, attribution_result_snapshots_stream,
    attribution_result_touchpoints_arrow, attribution_result_touchpoints_stream,
};
use attribution::arrow::{ArrowArray, ArrowArrayStream, ArrowSchema};
use attribution::batch::{attribution_batch, attribution_batch_from_columns, attribution_columns};
use attribution::calculate::attribution_calculate;
use attribution::columns::{
    attribution_i64_slice, attribution_size_slice, attribution_u32_slice, attribution_u64_slice,
};
use attribution::result::attribution_result;
use attribution_fuzz::abi::{self, Models, Told, Variable};
use attribution_fuzz::arrow::{self, Field, MOST, Stream};
use attribution_fuzz::outcome::{self, Outcome, assert_exact};
use attribution_fuzz::rows::Rows;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    first: Chunk,
    /// More arrays of a stream, where it is one.
    stream: Option<StreamInput>,
    order: u8,
}

#[derive(Debug, Arbitrary)]
struct Chunk {
    rows: Rows,
    layout: Layout,
    lies: Vec<(u8, Lie)>,
}

#[derive(Debug, Arbitrary)]
struct StreamInput {
    more: Vec<Chunk>,
    fails: Option<u8>,
    error: Option<String>,
    lacks: u8,
}

/// How good columns are laid out.
#[derive(Debug, Arbitrary)]
struct Layout {
    formats: [u8; 8],
    scale: u8,
    offsets: [u8; 4],
    first_item: u8,
    nulls_as_bits: bool,
    extra: bool,
}

#[derive(Debug, Arbitrary)]
enum Lie {
    Format(u8),
    Name(u8),
    Length(Number),
    Offset(Number),
    NullCount(Number),
    Bitmap(u8),
    NoBitmap,
    NullBuffers(u8),
    Misaligned,
    Value(u8, i64),
    CopyValue(u8, u8),
    Drop(u8),
    Twice(u8),
    Children(Side, Number),
    Buffers(Number),
    NullLists(Side),
    NullChild(Side),
    MisalignedChild(Side),
    Released(Side),
    Dictionary(Side),
}

#[derive(Debug, Arbitrary)]
enum Side {
    Array,
    Schema,
}

/// A number that is small enough to be true, or too large or too small for that.
#[derive(Debug, Arbitrary)]
enum Number {
    Small(u8),
    Negative(i64),
    Huge(u32),
    Near(bool),
}

impl Number {
    fn value(&self, now: i64) -> i64 {
        match self {
            Self::Small(number) => i64::from(*number),
            Self::Negative(number) => *number | i64::MIN,
            Self::Huge(below) => i64::MAX - i64::from(*below),
            Self::Near(more) => now.saturating_add(if *more { 1 } else { -1 }),
        }
    }
}

const FORMATS: [&str; 24] = [
    "i",
    "I",
    "l",
    "L",
    "+l",
    "+L",
    "+s",
    "tss:",
    "tsm:",
    "tsu:UTC",
    "tsn:",
    "d:19,5",
    "d:38,0",
    "d:38,6",
    "d:38,-1",
    "d:9,2,64",
    "d:19,5,128",
    "u",
    "z",
    "+w:2",
    "+vl",
    "",
    "d:",
    "tdD",
];
const NAMES: [&str; 14] = [
    "conversion_id",
    "converting_click_id",
    "conversion_time",
    "payout",
    "cost",
    "touches",
    "click_id",
    "click_time",
    "campaign_id",
    "account_id",
    "landing_page_id",
    "advertiser_id",
    "traffic_source_id",
    "adgroup_id",
];

static MODELS: LazyLock<Models> = LazyLock::new(Models::all);

fn wide<T: Copy + Into<i128>>(before: usize, values: &[T]) -> Vec<i128> {
    // What lies before the rows of a parent's offset is never looked at.
    std::iter::repeat_n(-1, before).chain(values.iter().map(|value| (*value).into())).collect()
}

fn ids(name: &'static str, format: u8, before: usize, ids: &[u64]) -> Field {
    let most = ids.iter().copied().max().unwrap_or(0);
    let limits = [("i", i32::MAX as u64), ("I", u32::MAX.into()), ("l", i64::MAX as u64)];
    let format = limits.get(usize::from(format) % 4).filter(|(_, limit)| most <= *limit);
    Field::numbers(name, format.map_or("L", |(format, _)| format), wide(before, ids))
}

fn times(name: &'static str, format: u8, before: usize, times: &[u32]) -> Field {
    let most = times.iter().copied().max().unwrap_or(0);
    let (format, unit) = match format % 8 {
        0 if most <= i32::MAX as u32 => ("i", 1),
        1 => ("l", 1),
        2 => ("L", 1),
        3 => ("tss:", 1),
        4 => ("tsm:UTC", 1_000),
        5 => ("tsu:", 1_000_000),
        6 => ("tsn:Etc/UTC", 1_000_000_000),
        _ => ("I", 1),
    };
    let times = wide(before, times).into_iter().map(|time| time * unit).collect();
    Field::numbers(name, format, times)
}

fn money(name: &'static str, scale: u8, before: usize, units: &[i64]) -> Field {
    let formats = ["d:38,0", "d:19,1", "d:30,2,128", "d:19,3", "d:18,4", "d:19,5"];
    let factor = 10_i128.pow(5 - u32::from(scale));
    let units = wide(before, units).into_iter().map(|units| units / factor).collect();
    Field::numbers(name, formats[usize::from(scale)], units)
}

impl Chunk {
    /// The rows as an array of this layout can say them.
    fn rows(&self) -> (Rows, u8) {
        let mut rows = self.rows.clone();
        let scale = self.layout.scale % 6;
        let factor = 10_i64.pow(5 - u32::from(scale));
        for units in rows.payouts.iter_mut().chain(&mut rows.costs) {
            *units = *units / factor * factor;
        }
        (rows, scale)
    }

    /// Which columns there are that need not be: a bit for each dimension, and one for what is no column of
    /// a batch.
    fn optional(&self) -> u8 {
        let present = |(at, column): (usize, &Vec<u64>)| u8::from(!column.is_empty()) << at;
        let dimensions = self.rows.dimensions.iter().enumerate().map(present).sum::<u8>();
        dimensions | u8::from(self.layout.extra) << 6
    }

    fn field(&self, optional: u8) -> Field {
        let (mut rows, scale) = self.rows();
        let layout = &self.layout;
        let [root, list, item, column] = layout.offsets.map(|offset| usize::from(offset % 5));
        let first = usize::from(layout.first_item % 4);
        let format = |at: usize| layout.formats[at];
        let before = item + first;
        let mut touch = vec![
            ids("click_id", format(0), before, &rows.click_ids),
            times("click_time", format(1), before, &rows.click_times),
        ];
        for (at, name) in NAMES[8..].iter().enumerate() {
            let dimension = &mut rows.dimensions[at];
            if optional >> at & 1 == 1 {
                dimension.resize(rows.click_ids.len(), 0);
                let mut field = ids(name, format(at + 2), before, dimension);
                if layout.nulls_as_bits {
                    // Every third is null, and has to be no id.
                    field.bitmap = Some(0b1101_1011);
                    field.null_count = -1;
                }
                touch.push(field);
            }
        }
        let mut item_field = Field::rows(first + rows.click_ids.len(), touch);
        item_field.name = Some("item");
        item_field.offset = item as i64;
        let offsets = rows.offsets.iter().map(|offset| (offset + first) as i128);
        let offsets = std::iter::repeat_n(first as i128, root).chain(offsets).collect();
        let list_format = if format(7) % 2 == 0 { "+l" } else { "+L" };
        let mut lists = Field::lists("touches", list_format, offsets, item_field);
        lists.offset = list as i64;
        let mut columns = vec![
            ids("conversion_id", format(3), root, &rows.conversion_ids),
            ids("converting_click_id", format(4), root, &rows.converting_click_ids),
            times("conversion_time", format(5), root, &rows.conversion_times),
            money("payout", scale, root, &rows.payouts),
            money("cost", scale, root, &rows.costs),
            lists,
        ];
        columns[0].offset = column as i64;
        if optional >> 6 == 1 {
            columns.push(Field::numbers("note", "u", Vec::new()));
        }
        let mut table = Field::rows(rows.conversion_ids.len(), columns);
        table.offset = root as i64;
        for (place, lie) in &self.lies {
            let place = usize::from(*place) % table.count();
            tell(table.at(place), lie);
        }
        table
    }
}

fn tell(field: &mut Field, lie: &Lie) {
    let set = |number: &mut i64, to: &Number| *number = to.value(*number);
    let is_empty = field.children.is_empty();
    let at = |index: &u8| usize::from(*index);
    match lie {
        Lie::Format(format) => field.format = FORMATS[at(format) % FORMATS.len()],
        Lie::Name(name) => field.name = NAMES.get(at(name) % (NAMES.len() + 1)).copied(),
        Lie::Length(number) => set(&mut field.length, number),
        Lie::Offset(number) => set(&mut field.offset, number),
        Lie::NullCount(number) => set(&mut field.null_count, number),
        Lie::Bitmap(bits) => field.bitmap = Some(*bits),
        Lie::NoBitmap => field.bitmap = None,
        Lie::NullBuffers(bits) => field.null_buffers = *bits,
        Lie::Misaligned => field.misaligned = true,
        Lie::Value(index, value) => {
            let count = field.values.len();
            if count > 0 {
                field.values[at(index) % count] = (*value).into();
            }
        }
        Lie::CopyValue(to, from) => {
            let count = field.values.len();
            if count > 0 {
                field.values[at(to) % count] = field.values[at(from) % count];
            }
        }
        Lie::Drop(index) if !is_empty => {
            field.children.remove(at(index) % field.children.len());
        }
        Lie::Twice(index) if !is_empty && field.children.len() < 40 => {
            let child = field.children[at(index) % field.children.len()].clone();
            field.children.push(child);
        }
        Lie::Drop(_) | Lie::Twice(_) => {}
        Lie::Children(side, number) => {
            let count = field.children.len() as i64;
            side.of(field).n_children = Some(number.value(count));
        }
        Lie::Buffers(number) => field.array.n_buffers = Some(number.value(2)),
        Lie::NullLists(side) => side.of(field).null_lists = true,
        Lie::NullChild(side) => side.of(field).null_child = true,
        Lie::MisalignedChild(side) => side.of(field).misaligned_child = true,
        Lie::Released(side) => side.of(field).released = true,
        Lie::Dictionary(side) => side.of(field).dictionary = true,
    }
    // What is told of a length has to be true where it can be, together with the offset.
    assert!(field.length <= MOST || field.length > i64::MAX / 2);
}

impl Side {
    fn of<'a>(&self, field: &'a mut Field) -> &'a mut arrow::Told {
        match self {
            Self::Array => &mut field.array,
            Self::Schema => &mut field.schema,
        }
    }
}

/// Structs for the library to write to.
fn nothing() -> (ArrowArray, ArrowSchema) {
    // SAFETY: zeros are structs that are released.
    unsafe { (std::mem::zeroed(), std::mem::zeroed()) }
}

/// The results of all models over a batch, through Arrow and back, and once more over the batch.
fn use_batch(batch: Variable<attribution_batch>, order: u8) -> Option<Vec<Outcome>> {
    let told = Told::new();
    let models = MODELS.handles();
    let options = abi::options(1, 1);
    // SAFETY: handles and structs of the library's, and models that stay.
    unsafe {
        let calculate = |batch: &Variable<attribution_batch>| {
            let mut result = Variable::<attribution_result>::new();
            let status = attribution_calculate(
                models.as_ptr(),
                models.len(),
                batch.handle(),
                &raw const options,
                result.out(),
                told.handle(),
            );
            told.is_ok(status).then_some(result)
        };
        let (mut array, mut schema) = nothing();
        let status = attribution_batch_to_arrow(
            batch.handle(),
            &raw mut array,
            &raw mut schema,
            told.handle(),
        );
        told.expect_ok(status);
        arrow::walk(&array, &schema);
        let (payouts, costs) = (units(&array, 3), units(&array, 4));
        let mut again = Variable::new();
        let status = attribution_batch_from_arrow(
            &raw mut array,
            &raw mut schema,
            again.out(),
            told.handle(),
        );
        told.expect_ok(status);
        assert!(array.release.is_none() && schema.release.is_none());

        // Sums beyond what can be held are refused here.
        let result = calculate(&batch)?;
        let outcomes = outcome::read(result.handle(), &told);
        for outcome in &outcomes {
            assert_exact(outcome, &payouts, &costs);
        }
        let result_again = calculate(&again).expect("the same batch");
        assert_eq!(outcome::read(result_again.handle(), &told), outcomes);
        drop((batch, again));
        use_result(result, outcomes.len(), order, &told);
        Some(outcomes)
    }
}

/// The decimals of a column of the library's, as counts of 0.00001.
///
/// # Safety
/// The array is one from attribution_batch_to_arrow.
unsafe fn units(array: &ArrowArray, column: usize) -> Vec<i64> {
    // SAFETY: the caller's promise.
    unsafe {
        let column = &**array.children.add(column);
        let values = (*column.buffers.add(1)).cast::<i128>();
        let value = |at| i64::try_from(values.add(at).read_unaligned()).expect("64 bits");
        (0..column.length as usize).map(value).collect()
    }
}

/// Reads all that a result gives to Arrow, some of it after the result is gone.
///
/// # Safety
/// A live result and error object.
unsafe fn use_result(
    mut result: Variable<attribution_result>,
    models: usize,
    order: u8,
    told: &Told,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for give in [attribution_result_snapshots_arrow, attribution_result_touchpoints_arrow] {
            let (mut array, mut schema) = nothing();
            let model = usize::from(order) % (models + 1);
            let status =
                give(result.handle(), model, &raw mut array, &raw mut schema, told.handle());
            assert_eq!(told.is_ok(status), model < models);
            if model < models {
                if order & 16 != 0 {
                    // Arrow lets children be moved away, to be released on their own.
                    let moved = (*array.children.add(1)).replace(nothing().0);
                    let moved_schema = (*schema.children.add(1)).replace(nothing().1);
                    drop((array, schema));
                    arrow::walk(&moved, &moved_schema);
                } else {
                    arrow::walk(&array, &schema);
                }
            }
        }
        let mut streams = Vec::new();
        for give in [attribution_result_snapshots_stream, attribution_result_touchpoints_stream] {
            let mut stream: ArrowArrayStream = std::mem::zeroed();
            let status = give(result.handle(), &raw mut stream, told.handle());
            told.expect_ok(status);
            streams.push(stream);
        }
        if order & 32 != 0 {
            result = Variable::new();
        }
        for mut stream in streams {
            let (get_schema, get_next) = (stream.get_schema.unwrap(), stream.get_next.unwrap());
            let (mut array, mut schema) = nothing();
            assert_eq!(get_schema(&raw mut stream, &raw mut schema), 0);
            let mut arrays = Vec::new();
            loop {
                assert_eq!(get_next(&raw mut stream, &raw mut array), 0);
                if array.release.is_none() {
                    break;
                }
                arrays.push(std::mem::replace(&mut array, nothing().0));
            }
            assert!(stream.get_last_error.unwrap()(&raw mut stream).is_null());
            drop(stream);
            for array in &arrays {
                arrow::walk(array, &schema);
            }
        }
        drop(result);
    }
}

/// The outcomes of good rows, given as columns.
fn expected(rows: &Rows, order: u8) -> Option<Option<Vec<Outcome>>> {
    macro_rules! slice {
        ($slice:ident, $column:expr) => {
            $slice { data: $column.as_ptr(), length: $column.len() }
        };
    }
    // A dimension that the layout leaves out is left out here, too, by NULL.
    let dimension = |at: usize| match &rows.dimensions[at] {
        ids if ids.is_empty() => attribution_u64_slice { data: std::ptr::null(), length: 0 },
        ids => slice!(attribution_u64_slice, ids),
    };
    let columns = attribution_columns {
        size: size_of::<attribution_columns>(),
        conversion_ids: slice!(attribution_u64_slice, rows.conversion_ids),
        converting_click_ids: slice!(attribution_u64_slice, rows.converting_click_ids),
        conversion_times: slice!(attribution_u32_slice, rows.conversion_times),
        payouts: slice!(attribution_i64_slice, rows.payouts),
        costs: slice!(attribution_i64_slice, rows.costs),
        offsets: slice!(attribution_size_slice, rows.offsets),
        click_ids: slice!(attribution_u64_slice, rows.click_ids),
        click_times: slice!(attribution_u32_slice, rows.click_times),
        campaign_ids: dimension(0),
        account_ids: dimension(1),
        landing_page_ids: dimension(2),
        advertiser_ids: dimension(3),
        traffic_source_ids: dimension(4),
        adgroup_ids: dimension(5),
    };
    let told = Told::new();
    let mut batch = Variable::new();
    // SAFETY: columns as long as they say.
    let status =
        unsafe { attribution_batch_from_columns(&raw const columns, batch.out(), told.handle()) };
    told.is_ok(status).then(|| use_batch(batch, order))
}

fuzz_target!(|input: Input| {
    // Longer than what is kept.
    let more = input.stream.iter().flat_map(|stream| &stream.more);
    let mut chunks = std::iter::once(&input.first).chain(more);
    if chunks.any(|chunk| chunk.rows.click_ids.len() > MOST as usize - 16) {
        return;
    }
    let optional = input.first.optional();
    let field = input.first.field(optional);
    let told = Told::new();
    let mut batch = Variable::<attribution_batch>::new();
    let status = if let Some(stream) = input.stream {
        let mut arrays = vec![field];
        for chunk in stream.more.iter().take(4) {
            let mut more = chunk.field(optional);
            // The schema is that of the first; a buffer has what the schema says.
            more.adopt_formats(&arrays[0]);
            arrays.push(more);
        }
        let stream = Stream {
            schema: arrays[0].clone(),
            arrays,
            fails: stream.fails.map(usize::from),
            error: stream.error.and_then(|error| CString::new(error).ok()),
            lacks: if stream.lacks < 8 { stream.lacks } else { 0 },
            calls: 0,
        };
        let mut stream = stream.stream();
        // SAFETY: a stream that keeps Arrow's promises.
        let status = unsafe {
            attribution_batch_from_arrow_stream(&raw mut stream, batch.out(), told.handle())
        };
        assert!(stream.release.is_none());
        told.is_ok(status)
    } else {
        let (mut array, mut schema) = (field.array(), field.schema());
        // SAFETY: structs whose buffers are what they say, where that can be.
        let status = unsafe {
            attribution_batch_from_arrow(
                &raw mut array,
                &raw mut schema,
                batch.out(),
                told.handle(),
            )
        };
        assert!(array.release.is_none() && schema.release.is_none());
        let taken = told.is_ok(status);
        if input.first.lies.is_empty() && !input.first.layout.nulls_as_bits {
            let (rows, _) = input.first.rows();
            let known = expected(&rows, input.order);
            assert_eq!(known.is_some(), taken, "{}", told.message());
            if let Some(known) = known {
                let copy = std::mem::take(&mut batch);
                assert_eq!(use_batch(copy, input.order), known);
                assert_eq!(arrow::live(), 0);
                return;
            }
        }
        taken
    };
    assert_eq!(status, batch.is_some());
    if status {
        use_batch(batch, input.order);
    }
    assert_eq!(arrow::live(), 0, "structs that were not released");
});
