//! Batches and results through the Arrow interfaces, with the arrow crates on the other side: they share
//! nothing with this one, and check what they are given.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::items_after_statements)]
// Each call of the ABI here gives it pointers to what the test has made itself.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{CStr, c_void};
use std::mem::size_of;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Float64Type, Int32Type, Int64Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, PrimitiveArray, RecordBatch, RecordBatchIterator, StructArray, make_array,
};
use arrow_data::{ArrayData, ArrayDataBuilder};
use arrow_schema::{DataType, Field, Fields, Schema};
use attribution::arrow::batch::{
    attribution_batch_from_arrow, attribution_batch_from_arrow_stream, attribution_batch_to_arrow,
};
use attribution::arrow::result::{
    attribution_result_snapshots_arrow, attribution_result_snapshots_stream,
    attribution_result_touchpoints_arrow, attribution_result_touchpoints_stream,
};
use attribution::arrow::{ArrowArray, ArrowArrayStream, ArrowSchema};
use attribution::batch::{
    attribution_batch, attribution_batch_append, attribution_batch_conversions,
    attribution_batch_free, attribution_batch_new, attribution_batch_touches,
    attribution_conversion, attribution_touch,
};
use attribution::calculate::{attribution_calculate, attribution_engine_options};
use attribution::error::{
    attribution_error_free, attribution_error_new, attribution_error_place, attribution_status,
};
use attribution::model::{attribution_model, attribution_model_free, attribution_model_from_spec};
use attribution::result::{
    attribution_result, attribution_result_free, attribution_result_touchpoints,
    attribution_touchpoints,
};

// ---------------------------------------------------------------- memory

/// Counts what this thread takes and has not given back.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get() + layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as isize);
        unsafe { System.dealloc(at, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What something gives, and how many bytes it holds on to.
fn holding<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    let value = work();
    (value, usize::try_from(HELD.get() - before).unwrap())
}

// ---------------------------------------------------------------- the ABI as values

const OK: attribution_status = attribution_status::ATTRIBUTION_STATUS_OK;
const REFUSED: attribution_status = attribution_status::ATTRIBUTION_STATUS_INVALID_INPUT;

struct Batch(*mut attribution_batch);

impl Drop for Batch {
    fn drop(&mut self) {
        unsafe { attribution_batch_free(&raw mut self.0) };
        assert!(self.0.is_null());
    }
}

struct Results(*mut attribution_result);

impl Drop for Results {
    fn drop(&mut self) {
        unsafe { attribution_result_free(&raw mut self.0) };
    }
}

/// The arrow crates' structs as the ABI takes them; both are laid out as Arrow says.
trait AsAbi {
    type Abi;

    fn abi(&mut self) -> *mut Self::Abi {
        (&raw mut *self).cast()
    }
}
impl AsAbi for FFI_ArrowArray {
    type Abi = ArrowArray;
}
impl AsAbi for FFI_ArrowSchema {
    type Abi = ArrowSchema;
}
impl AsAbi for FFI_ArrowArrayStream {
    type Abi = ArrowArrayStream;
}

const _: () = assert!(size_of::<FFI_ArrowArray>() == size_of::<ArrowArray>());
const _: () = assert!(size_of::<FFI_ArrowSchema>() == size_of::<ArrowSchema>());
const _: () = assert!(size_of::<FFI_ArrowArrayStream>() == size_of::<ArrowArrayStream>());

/// A batch of these structs, or the place of what is refused. Both are released afterwards.
fn from_structs(array: &mut FFI_ArrowArray, schema: &mut FFI_ArrowSchema) -> Result<Batch, String> {
    let mut batch = Batch(null_mut());
    let mut error = attribution_error_new();
    let status =
        unsafe { attribution_batch_from_arrow(array.abi(), schema.abi(), &raw mut batch.0, error) };
    let place =
        unsafe { CStr::from_ptr(attribution_error_place(error)) }.to_str().unwrap().to_owned();
    unsafe { attribution_error_free(&raw mut error) };
    assert!(array.is_released() && schema.release().is_none());
    assert_eq!(batch.0.is_null(), status != OK);
    if status == OK {
        return Ok(batch);
    }
    assert_eq!(status, REFUSED);
    Err(place)
}

fn from_data(data: &ArrayData) -> Result<Batch, String> {
    let (mut array, mut schema) = to_ffi(data).unwrap();
    from_structs(&mut array, &mut schema)
}

fn from_batches(schema: &Arc<Schema>, batches: Vec<RecordBatch>) -> Batch {
    let reader = RecordBatchIterator::new(batches.into_iter().map(Ok), Arc::clone(schema));
    let mut stream = FFI_ArrowArrayStream::new(Box::new(reader));
    let mut batch = Batch(null_mut());
    let status =
        unsafe { attribution_batch_from_arrow_stream(stream.abi(), &raw mut batch.0, null_mut()) };
    assert_eq!(status, OK);
    assert!(stream.release().is_none());
    batch
}

/// An array that a function of the ABI gives, checked in full.
fn imported(
    give: impl FnOnce(*mut ArrowArray, *mut ArrowSchema) -> attribution_status,
) -> ArrayData {
    let (mut array, mut schema) = (FFI_ArrowArray::empty(), FFI_ArrowSchema::empty());
    assert_eq!(give(array.abi(), schema.abi()), OK);
    let data = unsafe { from_ffi(array, &schema) }.unwrap();
    data.validate_full().unwrap();
    data
}

fn to_data(batch: &Batch) -> ArrayData {
    imported(|array, schema| unsafe {
        attribution_batch_to_arrow(batch.0, array, schema, null_mut())
    })
}

fn calculate(batch: &Batch, specs: &[&CStr]) -> Results {
    let mut models: Vec<*mut attribution_model> = vec![null_mut(); specs.len()];
    for (spec, model) in specs.iter().zip(&mut models) {
        let status = unsafe { attribution_model_from_spec(spec.as_ptr(), model, null_mut()) };
        assert_eq!(status, OK);
    }
    let options = attribution_engine_options {
        size: size_of::<attribution_engine_options>(),
        scopes: 0b11,
        threads: 1,
        touchpoints: 1,
        reserved: [0; 7],
    };
    let mut results = Results(null_mut());
    let status = unsafe {
        attribution_calculate(
            models.as_ptr().cast(),
            models.len(),
            batch.0,
            &raw const options,
            &raw mut results.0,
            null_mut(),
        )
    };
    assert_eq!(status, OK);
    for mut model in models {
        unsafe { attribution_model_free(&raw mut model) };
    }
    results
}

// ---------------------------------------------------------------- a batch of the tests' own

const CONVERSIONS: usize = 5;
const LENGTHS: [usize; CONVERSIONS] = [2, 1, 4, 3, 1];

/// Each conversion's touches are its row * 100 and on, a minute apart; the last converts.
fn rows() -> Batch {
    let mut batch = Batch(null_mut());
    assert_eq!(unsafe { attribution_batch_new(&raw mut batch.0, null_mut()) }, OK);
    for (row, length) in LENGTHS.into_iter().enumerate() {
        let touches: Vec<_> = (0..length)
            .map(|at| attribution_touch {
                click_id: click_id(row, at),
                click_time: click_time(row, at),
                campaign_id: campaign_id(row, at).unwrap_or(0),
                ..attribution_touch::default()
            })
            .collect();
        let conversion = attribution_conversion {
            conversion_id: row as u64 + 1,
            conversion_time: click_time(row, length),
            payout: payout(row),
            cost: row as i64,
            click: touches[length - 1],
        };
        let status = unsafe {
            attribution_batch_append(
                batch.0,
                &raw const conversion,
                touches.as_ptr(),
                length,
                null_mut(),
            )
        };
        assert_eq!(status, OK);
    }
    batch
}

fn click_id(row: usize, at: usize) -> u64 {
    (row * 100 + at) as u64
}

fn click_time(row: usize, at: usize) -> u32 {
    (1_700_000_000 + row * 3_600 + at * 60) as u32
}

fn campaign_id(row: usize, at: usize) -> Option<u64> {
    (!(row + at).is_multiple_of(3)).then_some((row + at) as u64)
}

fn payout(row: usize) -> i64 {
    row as i64 * 1_234_567 - 2_000_000
}

/// For each level, how many entries of its buffers come before its first.
#[derive(Debug, Clone, Copy, Default)]
struct Offsets {
    root: usize,
    list: usize,
    item: usize,
    leaf: usize,
}

/// A column whose values have `offset` others before them in the buffer. Where `None` is among them it has a
/// bitmap, which has as many bits before its first; what lies where a null is looks like a value.
fn leaf<T: ArrowPrimitiveType>(
    values: impl IntoIterator<Item = Option<T::Native>>,
    offset: usize,
    kind: &DataType,
) -> ArrayData {
    let values: Vec<_> = values.into_iter().collect();
    let junk = values.iter().rev().find_map(|value| *value).unwrap_or_default();
    let all =
        std::iter::repeat_n(junk, offset).chain(values.iter().map(|value| value.unwrap_or(junk)));
    let array = PrimitiveArray::<T>::from_iter_values(all.chain([junk]));
    let bits: Vec<bool> =
        std::iter::repeat_n(false, offset).chain(values.iter().map(Option::is_some)).collect();
    let builder = ArrayDataBuilder::new(kind.clone()).len(values.len()).offset(offset);
    let builder = builder.add_buffer(array.to_data().buffers()[0].clone());
    if !values.contains(&None) {
        return builder.build().unwrap();
    }
    let nulls = PrimitiveArray::<T>::new(array.values().slice(0, bits.len()), Some(bits.into()));
    let nulls = nulls.nulls().map(|nulls| nulls.slice(offset, values.len()));
    builder.nulls(nulls).build().unwrap()
}

fn structs(columns: Vec<(&str, ArrayData)>, offset: usize, length: usize) -> ArrayData {
    let fields: Fields = columns
        .iter()
        .map(|(name, data)| Field::new(*name, data.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, data)| data).collect();
    let builder = ArrayDataBuilder::new(DataType::Struct(fields)).len(length).offset(offset);
    builder.child_data(columns).build().unwrap()
}

/// The batch of [`rows`] with offsets at every level. What comes before them would be refused.
fn sliced(offsets: Offsets, large: bool) -> ArrayData {
    let Offsets { root, list, item, leaf: pad } = offsets;
    let touches: Vec<(usize, usize)> = LENGTHS
        .into_iter()
        .enumerate()
        .flat_map(|(row, length)| (0..length).map(move |at| (row, at)))
        .collect();
    // Items that are in no list, too: before the first and after the last.
    let (before, count) = (3, touches.len());
    let junk = item + before;
    let items = |value: &dyn Fn(usize, usize) -> Option<u64>| {
        let own = touches.iter().map(|(row, at)| value(*row, *at));
        let values = std::iter::repeat_n(None, junk).chain(own).chain([None, None]);
        leaf::<UInt64Type>(values, pad, &DataType::UInt64)
    };
    let times = touches.iter().map(|(row, at)| Some(click_time(*row, *at)));
    let times = std::iter::repeat_n(None, junk).chain(times).chain([None, None]);
    let items = structs(
        vec![
            ("click_id", items(&|row, at| Some(click_id(row, at)))),
            ("campaign_id", items(&campaign_id)),
            ("click_time", leaf::<UInt32Type>(times, pad, &DataType::UInt32)),
        ],
        item,
        before + count + 2,
    );

    let mut ends = vec![before as i64; list + root + 1];
    for length in LENGTHS {
        ends.push(ends.last().unwrap() + length as i64);
    }
    let field = Arc::new(Field::new("item", items.data_type().clone(), true));
    let (kind, ends) = if large {
        let ends: PrimitiveArray<Int64Type> = ends.into_iter().map(Some).collect();
        (DataType::LargeList(field), ends.to_data())
    } else {
        let ends: PrimitiveArray<Int32Type> =
            ends.into_iter().map(|end| Some(end as i32)).collect();
        (DataType::List(field), ends.to_data())
    };
    let length = root + CONVERSIONS;
    let lists = ArrayDataBuilder::new(kind).len(length).offset(list).child_data(vec![items]);
    let lists = lists.add_buffer(ends.buffers()[0].clone()).build().unwrap();

    fn column<T: ArrowPrimitiveType>(
        offsets: Offsets,
        kind: &DataType,
        value: impl Fn(usize) -> T::Native,
    ) -> ArrayData {
        let own = (0..CONVERSIONS).map(|row| Some(value(row)));
        leaf::<T>(std::iter::repeat_n(None, offsets.root).chain(own), offsets.leaf, kind)
    }
    let money = DataType::Decimal128(19, 5);
    let last = |row: usize| click_id(row, LENGTHS[row] - 1);
    structs(
        vec![
            ("touches", lists),
            ("cost", column::<Decimal128Type>(offsets, &money, |row| row as i128)),
            ("payout", column::<Decimal128Type>(offsets, &money, |row| payout(row).into())),
            (
                "conversion_time",
                column::<UInt32Type>(offsets, &DataType::UInt32, |row| {
                    click_time(row, LENGTHS[row])
                }),
            ),
            ("converting_click_id", column::<UInt64Type>(offsets, &DataType::UInt64, last)),
            (
                "conversion_id",
                column::<UInt64Type>(offsets, &DataType::UInt64, |row| row as u64 + 1),
            ),
        ],
        root,
        CONVERSIONS,
    )
}

/// What the batch of [`rows`] is in Arrow, without the dimensions that [`sliced`] leaves out.
fn expected() -> ArrayData {
    let batch = from_data(&sliced(Offsets::default(), true)).unwrap();
    let (own, data) = (to_data(&rows()), to_data(&batch));
    for name in ["conversion_id", "converting_click_id", "conversion_time", "payout", "cost"] {
        let [own, data] = [&own, &data].map(|data| StructArray::from(data.clone()));
        assert_eq!(own.column_by_name(name).unwrap(), data.column_by_name(name).unwrap(), "{name}");
    }
    for name in ["click_id", "click_time", "campaign_id"] {
        let [own, data] = [&own, &data].map(|data| {
            let rows = StructArray::from(data.clone());
            let lists = rows.column_by_name("touches").unwrap().as_list::<i64>().clone();
            (
                lists.offsets().clone(),
                lists.values().as_struct().column_by_name(name).unwrap().clone(),
            )
        });
        assert_eq!(own, data, "{name}");
    }
    data
}

// ---------------------------------------------------------------- batches

#[test]
fn a_batch_is_of_the_types_that_the_header_tells() {
    let data = to_data(&rows());
    let ids = [
        "campaign_id",
        "account_id",
        "landing_page_id",
        "advertiser_id",
        "traffic_source_id",
        "adgroup_id",
    ];
    let mut touch = vec![
        Field::new("click_id", DataType::UInt64, false),
        Field::new("click_time", DataType::UInt32, false),
    ];
    touch.extend(ids.map(|name| Field::new(name, DataType::UInt64, true)));
    let touch = Arc::new(Field::new("item", DataType::Struct(touch.into()), false));
    let money = DataType::Decimal128(19, 5);
    let fields = vec![
        Field::new("conversion_id", DataType::UInt64, false),
        Field::new("converting_click_id", DataType::UInt64, false),
        Field::new("conversion_time", DataType::UInt32, false),
        Field::new("payout", money.clone(), false),
        Field::new("cost", money, false),
        Field::new("touches", DataType::LargeList(touch), false),
    ];
    assert_eq!(*data.data_type(), DataType::Struct(fields.into()));
    assert_eq!((data.len(), data.offset(), data.null_count()), (CONVERSIONS, 0, 0));
    let rows = StructArray::from(data);
    let lists = rows.column_by_name("touches").unwrap().as_list::<i64>();
    let lengths: Vec<usize> = (0..CONVERSIONS).map(|row| lists.value(row).len()).collect();
    assert_eq!(lengths, LENGTHS);
    let campaigns = lists.values().as_struct().column_by_name("campaign_id").unwrap();
    let campaigns: Vec<_> = campaigns.as_primitive::<UInt64Type>().iter().collect();
    let own = LENGTHS.into_iter().enumerate();
    let own = own.flat_map(|(row, length)| (0..length).map(move |at| campaign_id(row, at)));
    assert_eq!(campaigns, own.collect::<Vec<_>>());
    let payouts = rows.column_by_name("payout").unwrap().as_primitive::<Decimal128Type>();
    assert_eq!(
        payouts.values().to_vec(),
        (0..CONVERSIONS).map(|row| payout(row).into()).collect::<Vec<i128>>()
    );
}

#[test]
fn batches_go_round_as_arrays_and_streams() {
    let data = to_data(&rows());
    let again = to_data(&from_data(&data).unwrap());
    assert_eq!(data, again);

    let whole = RecordBatch::from(StructArray::from(data.clone()));
    let schema = whole.schema();
    for cuts in [vec![0, 5], vec![0, 2, 5], vec![0, 0, 1, 1, 4, 5, 5], vec![0, 1, 2, 3, 4, 5]] {
        let chunks = cuts.windows(2).map(|cut| whole.slice(cut[0], cut[1] - cut[0])).collect();
        let batch = from_batches(&schema, chunks);
        assert_eq!(to_data(&batch), data, "{cuts:?}");
    }
    // A part of a batch is the batch of that part.
    let part = whole.slice(1, 3);
    let found = to_data(&from_data(&StructArray::from(part.clone()).into_data()).unwrap());
    assert_eq!(StructArray::from(found), StructArray::from(part));
}

#[test]
fn offsets_are_counted_at_every_level() {
    let expected = expected();
    let mut tried = 0;
    for root in [0, 1, 9] {
        for list in [0, 2] {
            for item in [0, 5] {
                for leaf in [0, 1, 7, 8, 11] {
                    for large in [false, true] {
                        let offsets = Offsets { root, list, item, leaf };
                        let data = sliced(offsets, large);
                        // The arrow crates pass them on as they are.
                        let (array, _schema) = to_ffi(&data).unwrap();
                        let lists = array.child(0);
                        let items = lists.child(0);
                        let found =
                            [&array, lists, items, items.child(0)].map(FFI_ArrowArray::offset);
                        assert_eq!(found, [root, list, item, leaf]);
                        let batch =
                            from_data(&data).unwrap_or_else(|place| panic!("{offsets:?}: {place}"));
                        assert_eq!(to_data(&batch), expected, "{offsets:?} {large}");
                        tried += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, 120);
}

#[test]
fn empty_arrays_are_batches_of_nothing() {
    let whole = RecordBatch::from(StructArray::from(to_data(&rows())));
    let schema = whole.schema();
    let nothing = ArrayData::new_empty(&DataType::Struct(schema.fields().clone()));
    let slice = StructArray::from(whole.slice(2, 0)).into_data();
    let mut batches = vec![from_data(&nothing).unwrap(), from_data(&slice).unwrap()];
    for chunks in [0, 1, 3] {
        batches.push(from_batches(&schema, vec![whole.slice(5, 0); chunks]));
    }
    for large in [false, true] {
        // Offsets all the same, with no rows behind them.
        let data = sliced(Offsets { root: 2, list: 3, item: 4, leaf: 5 }, large);
        batches.push(from_data(&data.into_builder().len(0).build().unwrap()).unwrap());
    }
    for batch in batches {
        let sizes =
            unsafe { (attribution_batch_conversions(batch.0), attribution_batch_touches(batch.0)) };
        assert_eq!(sizes, (0, 0));
        let data = to_data(&batch);
        assert_eq!(data.len(), 0);
        let results = calculate_global(&batch);
        let data = touchpoints(&results, 0);
        assert_eq!(data.len(), 0);
    }
}

/// As [`calculate`], for a batch that need not have any dimension.
fn calculate_global(batch: &Batch) -> Results {
    let mut model = null_mut();
    let options = attribution_engine_options {
        size: size_of::<attribution_engine_options>(),
        scopes: 1,
        threads: 1,
        touchpoints: 1,
        reserved: [0; 7],
    };
    let mut results = Results(null_mut());
    unsafe {
        assert_eq!(attribution_model_from_spec(c"linear".as_ptr(), &raw mut model, null_mut()), OK);
        let models = [model.cast_const()];
        let (options, out) = (&raw const options, &raw mut results.0);
        assert_eq!(
            attribution_calculate(models.as_ptr(), 1, batch.0, options, out, null_mut()),
            OK
        );
        attribution_model_free(&raw mut model);
    }
    results
}

#[test]
fn a_bitmap_of_nulls_is_looked_at_from_its_offset() {
    for pad in [0, 1, 7, 8, 13] {
        for root in [0, 3] {
            let offsets = Offsets { root, leaf: pad, ..Offsets::default() };
            let data = sliced(offsets, true);
            for (name, at) in
                [("payout", 0), ("cost", 4), ("conversion_time", 2), ("conversion_id", 3)]
            {
                let spoiled = with_null(&data, name, root + at);
                assert_eq!(from_data(&spoiled).err(), Some(format!("{name}[{at}]")), "{offsets:?}");
            }
            // A null that no row has is none, and so is a bitmap without any.
            if root > 0 {
                assert!(from_data(&with_null(&data, "payout", root - 1)).is_ok());
            }
        }
    }
}

/// The same with one entry of a column null, counted from the column's own offset.
fn with_null(data: &ArrayData, name: &str, row: usize) -> ArrayData {
    let DataType::Struct(fields) = data.data_type() else { panic!("no struct") };
    let (at, _) = fields.find(name).unwrap();
    let mut columns = data.child_data().to_vec();
    let column = columns[at].clone();
    let bits: Vec<bool> = (0..column.len()).map(|entry| entry != row).collect();
    columns[at] = column.into_builder().nulls(Some(bits.into())).build().unwrap();
    data.clone().into_builder().child_data(columns).build().unwrap()
}

#[test]
fn an_unknown_number_of_nulls_is_counted() {
    // Bitmaps at every level that say that all is there, and a number that says nothing.
    let data = sliced(Offsets { root: 2, list: 1, item: 3, leaf: 5 }, false);
    fn with_bitmaps(data: &ArrayData) -> ArrayData {
        let children = data.child_data().iter().map(with_bitmaps).collect();
        let nulls = data.nulls().cloned().unwrap_or_else(|| vec![true; data.len()].into());
        data.clone().into_builder().nulls(Some(nulls)).child_data(children).build().unwrap()
    }
    fn forget(array: &mut ArrowArray) {
        array.null_count = -1;
        for at in 0..array.n_children as usize {
            forget(unsafe { &mut **array.children.add(at) });
        }
    }
    let (mut array, mut schema) = to_ffi(&with_bitmaps(&data)).unwrap();
    forget(unsafe { &mut *array.abi() });
    // The conversions before the root's offset are null in their columns, and not looked at.
    let batch = from_structs(&mut array, &mut schema).unwrap();
    assert_eq!(to_data(&batch), expected());
}

// ---------------------------------------------------------------- who owns what

/// What stands for an array's release callback, counts it, and passes it on.
struct Hook {
    release: unsafe extern "C" fn(*mut ArrowArray),
    private_data: *mut c_void,
    released: Arc<AtomicUsize>,
}

fn hook(array: &mut ArrowArray) -> Arc<AtomicUsize> {
    unsafe extern "C" fn release(array: *mut ArrowArray) {
        unsafe {
            let hook = Box::from_raw((*array).private_data.cast::<Hook>());
            (*array).private_data = hook.private_data;
            hook.released.fetch_add(1, Ordering::SeqCst);
            (hook.release)(array);
        }
    }
    let released = Arc::new(AtomicUsize::new(0));
    let hook = Hook {
        release: array.release.unwrap(),
        private_data: array.private_data,
        released: Arc::clone(&released),
    };
    array.private_data = Box::into_raw(Box::new(hook)).cast();
    array.release = Some(release);
    released
}

#[test]
fn an_array_is_released_when_its_batch_is_freed_and_not_before() {
    let data = sliced(Offsets { root: 1, list: 1, item: 1, leaf: 1 }, true);
    let (mut array, mut schema) = to_ffi(&data).unwrap();
    let released = hook(unsafe { &mut *array.abi() });
    let batch = from_structs(&mut array, &mut schema).unwrap();
    drop((array, schema, data));
    assert_eq!(released.load(Ordering::SeqCst), 0);
    assert_eq!(to_data(&batch), expected());
    let results = calculate(&batch, &[c"linear"]);
    assert_eq!(released.load(Ordering::SeqCst), 0);
    drop(batch);
    assert_eq!(released.load(Ordering::SeqCst), 1);
    assert_eq!(touchpoints(&results, 0).len(), LENGTHS.iter().sum::<usize>());

    // One that is refused is released at once.
    let (mut array, mut schema) =
        to_ffi(&with_null(&sliced(Offsets::default(), true), "cost", 1)).unwrap();
    let released = hook(unsafe { &mut *array.abi() });
    assert!(from_structs(&mut array, &mut schema).is_err());
    assert_eq!(released.load(Ordering::SeqCst), 1);
}

/// Journeys of ten touches each, in columns of these types.
fn long(conversions: usize, ids: &DataType, large: bool) -> ArrayData {
    let touches = conversions * 10;
    let id_column = |values: &mut dyn Iterator<Item = u64>| match ids {
        DataType::UInt32 => leaf::<UInt32Type>(values.map(|id| Some(id as u32)), 0, ids),
        DataType::Int64 => leaf::<Int64Type>(values.map(|id| Some(id as i64)), 0, ids),
        _ => leaf::<UInt64Type>(values.map(Some), 0, ids),
    };
    let times = (0..touches).map(|at| Some(at as u32));
    let items = structs(
        vec![
            ("click_id", id_column(&mut (0..touches as u64))),
            ("click_time", leaf::<UInt32Type>(times, 0, &DataType::UInt32)),
        ],
        0,
        touches,
    );
    let field = Arc::new(Field::new("item", items.data_type().clone(), true));
    let lists = if large {
        let ends: PrimitiveArray<Int64Type> =
            (0..=conversions).map(|row| Some(row as i64 * 10)).collect();
        ArrayDataBuilder::new(DataType::LargeList(field))
            .add_buffer(ends.to_data().buffers()[0].clone())
    } else {
        let ends: PrimitiveArray<Int32Type> =
            (0..=conversions).map(|row| Some(row as i32 * 10)).collect();
        ArrayDataBuilder::new(DataType::List(field)).add_buffer(ends.to_data().buffers()[0].clone())
    };
    let lists = lists.len(conversions).child_data(vec![items]).build().unwrap();
    let money = DataType::Decimal128(19, 5);
    let last = |row: usize| row as u64 * 10 + 9;
    let times = (0..conversions).map(|row| Some(last(row) as u32));
    let payouts = leaf::<Decimal128Type>((0..conversions).map(|row| Some(row as i128)), 0, &money);
    structs(
        vec![
            ("conversion_id", id_column(&mut (0..conversions as u64))),
            ("converting_click_id", id_column(&mut (0..conversions).map(last))),
            ("conversion_time", leaf::<UInt32Type>(times, 0, &DataType::UInt32)),
            ("payout", payouts.clone()),
            ("cost", payouts),
            ("touches", lists),
        ],
        0,
        conversions,
    )
}

#[test]
fn columns_of_the_engines_types_are_not_copied() {
    // A power of two: what grows by doubling ends at what it needs.
    const CONVERSIONS: usize = 1 << 15;
    let word = size_of::<u64>();
    // Payouts and costs are narrowed, whatever else is, and the batch notes where each journey's converting
    // click is; a little is for names. The smallest column would be ten times that.
    let least = CONVERSIONS * (2 * word + size_of::<u32>());
    let least = least - 10_000..least + 10_000;
    let from = |data: &ArrayData| {
        let (mut array, mut schema) = to_ffi(data).unwrap();
        holding(|| from_structs(&mut array, &mut schema).unwrap())
    };
    for ids in [DataType::UInt64, DataType::Int64] {
        let (_batch, bytes) = from(&long(CONVERSIONS, &ids, true));
        assert!(least.contains(&bytes), "{ids} holds {bytes} bytes");
    }
    // The offsets of a list are widened, and so are ids of 32 bits: 10 of touches and 2 of the conversion.
    for (ids, large, more) in [(DataType::UInt64, false, 1), (DataType::UInt32, true, 12)] {
        let (_batch, bytes) = from(&long(CONVERSIONS, &ids, large));
        let copied = more * CONVERSIONS * word;
        assert!(bytes >= least.start + copied, "{ids} holds {bytes} bytes");
    }
    // One array of a stream is used as it lies; two are copied together.
    let whole = RecordBatch::from(StructArray::from(long(CONVERSIONS, &DataType::UInt64, true)));
    let schema = whole.schema();
    let halves =
        vec![whole.slice(0, CONVERSIONS / 2), whole.slice(CONVERSIONS / 2, CONVERSIONS / 2)];
    let (_one, bytes) = holding(|| from_batches(&schema, vec![whole.clone()]));
    assert!(least.contains(&bytes), "a stream of one holds {bytes} bytes");
    let (_two, bytes) = holding(|| from_batches(&schema, halves));
    assert!(bytes > least.end + 12 * CONVERSIONS * word, "a stream of two holds {bytes} bytes");
}

#[test]
fn nothing_is_left_behind() {
    let once = || {
        let data = sliced(Offsets { root: 2, list: 2, item: 2, leaf: 2 }, false);
        let batch = from_data(&data).unwrap();
        assert!(from_data(&with_null(&data, "payout", 4)).is_err());
        let results = calculate(&batch, &[c"linear", c"last_touch"]);
        drop(batch);
        let (points, shots) = (touchpoints(&results, 1), snapshots(&results, 0));
        let stream = stream(&results, attribution_result_touchpoints_stream);
        let unread = self::stream(&results, attribution_result_snapshots_stream);
        drop(results);
        let all: Vec<RecordBatch> = reader(stream).map(Result::unwrap).collect();
        drop((points, shots, all, unread));
    };
    // Whatever is made once for a thread or a process.
    once();
    let before = HELD.get();
    for _ in 0..100 {
        once();
    }
    assert_eq!(HELD.get(), before);
}

#[test]
fn a_child_may_be_moved_out_of_its_parent() {
    let (mut array, mut schema) = (released_array(), released_schema());
    let status = unsafe {
        attribution_batch_to_arrow(rows().0, &raw mut array, &raw mut schema, null_mut())
    };
    assert_eq!(status, OK);
    // As Arrow has it: the child is copied away, and marked as released where it was.
    let mut child = unsafe {
        let place = *array.children;
        let child = place.read();
        (*place).release = None;
        child
    };
    let mut name = unsafe {
        let place = *schema.children;
        let child = place.read();
        (*place).release = None;
        child
    };
    drop((array, schema));
    let data = unsafe {
        let array = FFI_ArrowArray::from_raw((&raw mut child).cast());
        let schema = FFI_ArrowSchema::from_raw((&raw mut name).cast());
        assert_eq!(schema.name(), Some("conversion_id"));
        from_ffi(array, &schema)
    };
    let data = make_array(data.unwrap());
    data.to_data().validate_full().unwrap();
    assert_eq!(data.as_primitive::<UInt64Type>().values().to_vec(), [1, 2, 3, 4, 5]);
    assert!(child.release.is_none() && name.release.is_none());
}

fn released_array() -> ArrowArray {
    ArrowArray {
        length: 0,
        null_count: 0,
        offset: 0,
        n_buffers: 0,
        n_children: 0,
        buffers: null_mut(),
        children: null_mut(),
        dictionary: null_mut(),
        release: None,
        private_data: null_mut(),
    }
}

fn released_schema() -> ArrowSchema {
    ArrowSchema {
        format: null(),
        name: null(),
        metadata: null(),
        flags: 0,
        n_children: 0,
        children: null_mut(),
        dictionary: null_mut(),
        release: None,
        private_data: null_mut(),
    }
}

// ---------------------------------------------------------------- results

fn touchpoints(results: &Results, model: usize) -> ArrayData {
    imported(|array, schema| unsafe {
        attribution_result_touchpoints_arrow(results.0, model, array, schema, null_mut())
    })
}

fn snapshots(results: &Results, model: usize) -> ArrayData {
    imported(|array, schema| unsafe {
        attribution_result_snapshots_arrow(results.0, model, array, schema, null_mut())
    })
}

type GiveStream = unsafe extern "C" fn(
    *const attribution_result,
    *mut ArrowArrayStream,
    *mut attribution::error::attribution_error,
) -> attribution_status;

fn stream(results: &Results, give: GiveStream) -> FFI_ArrowArrayStream {
    let mut stream = FFI_ArrowArrayStream::empty();
    assert_eq!(unsafe { give(results.0, stream.abi(), null_mut()) }, OK);
    stream
}

fn reader(stream: FFI_ArrowArrayStream) -> RecordBatchStreamReader {
    RecordBatchStreamReader::try_new(stream).unwrap()
}

const SPECS: [&CStr; 3] = [c"linear", c"last_touch", c"time_decay:half_life_hours=1"];

#[test]
fn results_are_of_the_types_that_the_header_tells() {
    let text = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
    let money = DataType::Decimal128(19, 5);
    let results = calculate(&rows(), &SPECS);
    let fields = |columns: &[(&str, DataType)], nullable: &str| -> DataType {
        let field =
            |(name, kind): &(&str, DataType)| Field::new(*name, kind.clone(), *name == nullable);
        DataType::Struct(columns.iter().map(field).collect())
    };
    let expected = fields(
        &[
            ("model", text.clone()),
            ("scope_type", text.clone()),
            ("scope_id", DataType::UInt64),
            ("date_hour", DataType::Int64),
            ("attributed_clicks", DataType::UInt64),
            ("attributed_conversions", DataType::UInt64),
            ("credited_conversions", money.clone()),
            ("attributed_revenue", money.clone()),
            ("attributed_cost", money.clone()),
        ],
        "scope_id",
    );
    let data = snapshots(&results, 1);
    assert_eq!(*data.data_type(), expected);
    let rows = StructArray::from(data);
    let scopes = rows.column_by_name("scope_type").unwrap().as_dictionary::<Int32Type>();
    let scopes = scopes.downcast_dict::<arrow_array::StringArray>().unwrap();
    let ids = rows.column_by_name("scope_id").unwrap();
    for (row, scope) in scopes.into_iter().enumerate() {
        assert_eq!(scope == Some("global"), ids.is_null(row));
    }
    let revenues =
        rows.column_by_name("attributed_revenue").unwrap().as_primitive::<Decimal128Type>();
    let global = (0..rows.len()).filter(|row| ids.is_null(*row)).map(|row| revenues.value(row));
    assert_eq!(
        global.sum::<i128>(),
        (0..CONVERSIONS).map(|row| i128::from(payout(row))).sum::<i128>()
    );

    let expected = fields(
        &[
            ("model", text),
            ("conversion_id", DataType::UInt64),
            ("click_id", DataType::UInt64),
            ("position", DataType::UInt32),
            ("credit", DataType::Float64),
            ("stored_credit", money.clone()),
            ("revenue", money.clone()),
            ("cost", money),
        ],
        "",
    );
    let data = touchpoints(&results, 0);
    assert_eq!(*data.data_type(), expected);
    let rows = StructArray::from(data);
    let own: Vec<(u64, u64, u32)> = LENGTHS
        .into_iter()
        .enumerate()
        .flat_map(|(row, length)| {
            (0..length).map(move |at| (row as u64 + 1, click_id(row, at), at as u32))
        })
        .collect();
    let column = |name: &str| rows.column_by_name(name).unwrap();
    let conversions = column("conversion_id").as_primitive::<UInt64Type>().values();
    let clicks = column("click_id").as_primitive::<UInt64Type>().values();
    let positions = column("position").as_primitive::<UInt32Type>().values();
    let found = conversions.iter().zip(clicks).zip(positions);
    assert_eq!(found.map(|((row, click), at)| (*row, *click, *at)).collect::<Vec<_>>(), own);
    let names = column("model").as_dictionary::<Int32Type>();
    let mut names = names.downcast_dict::<arrow_array::StringArray>().unwrap().into_iter();
    assert!(names.all(|name| name == Some("linear")));
}

#[test]
fn what_need_not_be_copied_of_results_is_not() {
    let results = calculate(&rows(), &SPECS);
    for model in 0..SPECS.len() {
        let mut columns = attribution_touchpoints {
            size: size_of::<attribution_touchpoints>(),
            length: 0,
            conversions: null(),
            click_ids: null(),
            positions: null(),
            credits: null(),
            stored_credits: null(),
            revenues: null(),
            costs: null(),
        };
        let status = unsafe {
            attribution_result_touchpoints(results.0, model, &raw mut columns, null_mut())
        };
        assert_eq!(status, OK);
        let rows = StructArray::from(touchpoints(&results, model));
        let column = |name: &str| rows.column_by_name(name).unwrap();
        let address = column("click_id").as_primitive::<UInt64Type>().values().as_ptr();
        assert_eq!(address, columns.click_ids);
        let address = column("position").as_primitive::<UInt32Type>().values().as_ptr();
        assert_eq!(address, columns.positions);
        let address = column("credit").as_primitive::<Float64Type>().values().as_ptr();
        assert_eq!(address, columns.credits);
    }
}

#[test]
fn results_outlive_their_handle_in_arrays_and_streams() {
    type Give = fn(&Results, usize) -> ArrayData;
    let kinds: [(Give, GiveStream); 2] = [
        (touchpoints, attribution_result_touchpoints_stream),
        (snapshots, attribution_result_snapshots_stream),
    ];
    for (array, give) in kinds {
        let results = calculate(&rows(), &SPECS);
        // Copies of the arrow crates' own, to compare with.
        let expected: Vec<String> = (0..SPECS.len())
            .map(|model| format!("{:?}", StructArray::from(array(&results, model))))
            .collect();
        let arrays: Vec<ArrayData> = (0..SPECS.len()).map(|model| array(&results, model)).collect();
        let stream = stream(&results, give);
        drop(results);
        // What was freed is used for something else.
        drop((0..20).map(|_| calculate(&rows(), &SPECS)).collect::<Vec<_>>());
        for (data, expected) in arrays.into_iter().zip(&expected) {
            data.validate_full().unwrap();
            assert_eq!(format!("{:?}", StructArray::from(data)), *expected);
        }
        let found = std::thread::spawn(move || {
            let reader = reader(stream);
            let rows = reader.map(|batch| StructArray::from(batch.unwrap()));
            rows.inspect(|rows| rows.to_data().validate_full().unwrap())
                .map(|rows| format!("{rows:?}"))
                .collect::<Vec<_>>()
        });
        assert_eq!(found.join().unwrap(), expected);
    }
}

#[test]
fn a_stream_ends_and_stays_so() {
    let results = calculate(&rows(), &SPECS);
    let mut own = stream(&results, attribution_result_snapshots_stream);
    let stream = unsafe { &mut *own.abi() };
    let (get_schema, get_next) = (stream.get_schema.unwrap(), stream.get_next.unwrap());
    unsafe {
        for _ in 0..2 {
            let mut schema = released_schema();
            assert_eq!(get_schema(stream, &raw mut schema), 0);
            assert!(schema.release.is_some());
        }
        for _ in 0..SPECS.len() {
            let mut array = released_array();
            assert_eq!(get_next(stream, &raw mut array), 0);
            assert!(array.release.is_some() && array.length > 0);
        }
        for _ in 0..3 {
            let mut array = released_array();
            // Whatever is there is overwritten.
            array.length = 7;
            assert_eq!(get_next(stream, &raw mut array), 0);
            assert!(array.release.is_none());
        }
        assert!(stream.get_last_error.unwrap()(stream).is_null());
        assert_ne!(get_next(stream, null_mut()), 0);
    }
    drop(own);
}
