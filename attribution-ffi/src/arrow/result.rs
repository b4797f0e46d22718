//! Results to Arrow.

use std::ffi::{CString, c_char, c_int};
use std::ops::Range;
use std::ptr::{self, null, null_mut};
use std::sync::Arc;

use super::build::{Keeper, Outgoing};
use super::{ArrowArray, ArrowArrayStream, ArrowSchema, Releasable, clear_struct, put};
use crate::border::{Failure, borrow, c_text, guard, value_or};
use crate::error::{attribution_error, attribution_status};
use crate::result::{ModelColumns, Results, attribution_result};

/// The names of scopes, each at the place of its number.
const SCOPE_NAMES: [&str; 7] =
    ["global", "campaign", "account", "advertiser", "traffic_source", "landing_page", "adgroup"];

/// What a result has of a model.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Snapshots,
    Touchpoints,
}

/// A stream has arrays of at most so many rows, so that what has to be copied takes little memory.
const CHUNK: usize = 1 << 20;

impl Kind {
    fn length(self, model: &ModelColumns) -> usize {
        match self {
            Self::Snapshots => model.snapshots.len(),
            Self::Touchpoints => model.touchpoints.len(),
        }
    }

    /// Some rows of a model.
    fn outgoing(
        self,
        results: &Arc<Results>,
        model: &ModelColumns,
        rows: Range<usize>,
    ) -> Outgoing {
        let name = Outgoing::texts("model", vec![0; rows.len()], &[&model.name]);
        let keeper: Keeper = Arc::<Results>::clone(results);
        let length = rows.len();
        let columns = match self {
            Self::Snapshots => snapshots(model, rows, &keeper),
            Self::Touchpoints => touchpoints(results, model, rows, &keeper),
        };
        Outgoing::rows(length, std::iter::once(name).chain(columns).collect())
    }
}

fn part<T>(column: &[T], rows: Range<usize>) -> &[T] {
    column.get(rows).unwrap_or(&[])
}

fn snapshots(model: &ModelColumns, rows: Range<usize>, keeper: &Keeper) -> Vec<Outgoing> {
    let columns = &model.columns;
    let part_u64 = |column| part::<u64>(column, rows.clone());
    let scopes = part(&columns.scope_types, rows.clone()).iter().map(|scope| *scope as i32);
    let hours = part(&columns.date_hours, rows.clone()).iter().map(|hour| i64::from(*hour));
    let clicks = part_u64(&columns.attributed_clicks);
    let conversions = part_u64(&columns.attributed_conversions);
    vec![
        Outgoing::texts("scope_type", scopes.collect(), &SCOPE_NAMES),
        Outgoing::nullable_ids("scope_id", part_u64(&columns.scope_ids)),
        Outgoing::numbers("date_hour", hours.collect()),
        Outgoing::shared("attributed_clicks", clicks, keeper),
        Outgoing::shared("attributed_conversions", conversions, keeper),
        Outgoing::decimals("credited_conversions", part_u64(&columns.credited_conversions)),
        Outgoing::decimals("attributed_revenue", part(&columns.revenues, rows.clone())),
        Outgoing::decimals("attributed_cost", part(&columns.costs, rows)),
    ]
}

fn touchpoints(
    results: &Results,
    model: &ModelColumns,
    rows: Range<usize>,
    keeper: &Keeper,
) -> Vec<Outgoing> {
    let columns = &model.touchpoints;
    let ids = part(&columns.conversions, rows.clone())
        .iter()
        .map(|row| results.conversion_ids.get(*row as usize).copied().unwrap_or(0));
    vec![
        Outgoing::numbers("conversion_id", ids.collect()),
        Outgoing::shared("click_id", part(&columns.click_ids, rows.clone()), keeper),
        Outgoing::shared("position", part(&columns.positions, rows.clone()), keeper),
        Outgoing::shared("credit", part(&columns.credits, rows.clone()), keeper),
        Outgoing::decimals("stored_credit", part(&columns.stored_credits, rows.clone())),
        Outgoing::decimals("revenue", part(&columns.revenues, rows.clone())),
        Outgoing::decimals("cost", part(&columns.costs, rows)),
    ]
}

/// # Safety
/// As the functions below say of their arguments.
unsafe fn give_array(
    kind: Kind,
    result: *const attribution_result,
    model: usize,
    array: *mut ArrowArray,
    schema: *mut ArrowSchema,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    unsafe {
        let cleared = [clear_struct(array, "array"), clear_struct(schema, "schema")];
        cleared.into_iter().collect::<Result<(), _>>()?;
        let results = &borrow(result)?.0;
        let model = results.model(model)?;
        let outgoing = kind.outgoing(results, model, 0..kind.length(model));
        put(schema, outgoing.schema());
        put(array, outgoing.array());
    }
    Ok(())
}

/// The snapshots of the model at an index as an Arrow array: a struct of
///
///     model                    dictionary of utf8
///     scope_type               dictionary of utf8
///     scope_id                 uint64, null for global
///     date_hour                int64, unix seconds in UTC
///     attributed_clicks        uint64
///     attributed_conversions   uint64
///     credited_conversions     decimal128(19, 5)
///     attributed_revenue       decimal128(19, 5)
///     attributed_cost          decimal128(19, 5)
///
/// The array keeps what it needs of the result, which may be freed before it. Whatever was in the caller's
/// structs is overwritten, and not released. Where the call fails, they are released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_snapshots_arrow(
    result: *const attribution_result,
    model: usize,
    array: *mut ArrowArray,
    schema: *mut ArrowSchema,
    error: *mut attribution_error,
) -> attribution_status {
    // SAFETY: the caller's promise.
    guard(error, || unsafe { give_array(Kind::Snapshots, result, model, array, schema) })
}

/// The credited touches of the model at an index as an Arrow array: a struct of
///
///     model           dictionary of utf8
///     conversion_id   uint64
///     click_id        uint64
///     position        uint32, from 0 for the oldest touch
///     credit          float64
///     stored_credit   decimal128(19, 5)
///     revenue         decimal128(19, 5)
///     cost            decimal128(19, 5)
///
/// Click ids, positions and credits are not copied. Otherwise as attribution_result_snapshots_arrow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_touchpoints_arrow(
    result: *const attribution_result,
    model: usize,
    array: *mut ArrowArray,
    schema: *mut ArrowSchema,
    error: *mut attribution_error,
) -> attribution_status {
    // SAFETY: the caller's promise.
    guard(error, || unsafe { give_array(Kind::Touchpoints, result, model, array, schema) })
}

/// What a stream from here owns: where it is, and what was wrong last.
struct OwnStream {
    kind: Kind,
    results: Arc<Results>,
    model: usize,
    row: usize,
    error: CString,
}

impl OwnStream {
    fn schema(&self) -> ArrowSchema {
        let nothing = ModelColumns::default();
        self.kind.outgoing(&self.results, &nothing, 0..0).schema()
    }

    /// The next array; one that is released at the end.
    fn next(&mut self) -> ArrowArray {
        while let Some(model) = self.results.models.get(self.model) {
            let end = self.kind.length(model).min(self.row + CHUNK);
            if self.row < end {
                let rows = self.row..end;
                self.row = end;
                return self.kind.outgoing(&self.results, model, rows).array();
            }
            (self.model, self.row) = (self.model + 1, 0);
        }
        ArrowArray::RELEASED
    }
}

/// The error number for what went wrong inside: EIO.
const FAILED: c_int = 5;
/// The error number for what was given: EINVAL.
const INVALID: c_int = 22;

/// Does something with a stream from here, and puts what comes of it into the caller's struct.
///
/// # Safety
/// `stream` is one from here that is not released, or NULL; `out` can be written, or is NULL.
unsafe fn on_stream<T: Releasable>(
    stream: *mut ArrowArrayStream,
    out: *mut T,
    work: impl FnOnce(&mut OwnStream) -> T,
) -> c_int {
    if stream.is_null() || out.is_null() {
        return INVALID;
    }
    // SAFETY: the caller's promise.
    let own = unsafe { (*stream).private_data.cast::<OwnStream>() };
    if own.is_null() {
        return INVALID;
    }
    value_or(FAILED, || {
        // SAFETY: made by `give_stream`, and used by one thread at a time, as Arrow has it.
        let own = unsafe { &mut *own };
        own.error = c_text("the library panicked; please report it");
        let value = work(own);
        own.error = CString::default();
        // SAFETY: the caller's promise.
        unsafe { put(out, value) };
        Ok(0)
    })
}

unsafe extern "C" fn get_schema(stream: *mut ArrowArrayStream, out: *mut ArrowSchema) -> c_int {
    // SAFETY: Arrow's promise.
    unsafe { on_stream(stream, out, |own| own.schema()) }
}

unsafe extern "C" fn get_next(stream: *mut ArrowArrayStream, out: *mut ArrowArray) -> c_int {
    // SAFETY: Arrow's promise.
    unsafe { on_stream(stream, out, OwnStream::next) }
}

unsafe extern "C" fn get_last_error(stream: *mut ArrowArrayStream) -> *const c_char {
    value_or(null(), || {
        // SAFETY: Arrow has it be called on a stream that is not released.
        let own = unsafe { (*stream).private_data.cast::<OwnStream>() };
        // SAFETY: made by `give_stream`, or NULL.
        let own = unsafe { own.as_ref() };
        Ok(own.map_or(null(), |own| if own.error.is_empty() { null() } else { own.error.as_ptr() }))
    })
}

unsafe extern "C" fn release_stream(stream: *mut ArrowArrayStream) {
    value_or((), || {
        // SAFETY: Arrow has a stream be released once, by itself.
        unsafe {
            let own = ptr::replace(&raw mut (*stream).private_data, null_mut());
            (*stream).release = None;
            if !own.is_null() {
                drop(Box::from_raw(own.cast::<OwnStream>()));
            }
        }
        Ok(())
    });
}

/// # Safety
/// As the functions below say of their arguments.
unsafe fn give_stream(
    kind: Kind,
    result: *const attribution_result,
    stream: *mut ArrowArrayStream,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    unsafe {
        clear_struct(stream, "stream")?;
        let results = Arc::clone(&borrow(result)?.0);
        let own =
            Box::new(OwnStream { kind, results, model: 0, row: 0, error: CString::default() });
        put(
            stream,
            ArrowArrayStream {
                get_schema: Some(get_schema),
                get_next: Some(get_next),
                get_last_error: Some(get_last_error),
                release: Some(release_stream),
                private_data: Box::into_raw(own).cast(),
            },
        );
    }
    Ok(())
}

/// The snapshots of all models as an Arrow stream, in arrays of the columns that
/// attribution_result_snapshots_arrow has. The stream and its arrays keep what they need of the result,
/// which may be freed before them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_snapshots_stream(
    result: *const attribution_result,
    stream: *mut ArrowArrayStream,
    error: *mut attribution_error,
) -> attribution_status {
    // SAFETY: the caller's promise.
    guard(error, || unsafe { give_stream(Kind::Snapshots, result, stream) })
}

/// The credited touches of all models as an Arrow stream, in arrays of the columns that
/// attribution_result_touchpoints_arrow has. The stream and its arrays keep what they need of the result,
/// which may be freed before them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_touchpoints_stream(
    result: *const attribution_result,
    stream: *mut ArrowArrayStream,
    error: *mut attribution_error,
) -> attribution_status {
    // SAFETY: the caller's promise.
    guard(error, || unsafe { give_stream(Kind::Touchpoints, result, stream) })
}
