//! Batches from Arrow and to it.

use std::ffi::{CStr, c_int};

use attribution_core::{Batch, ScopeType};

use super::build::Outgoing;
use super::read::{concatenated, owner, read_columns};
use super::{
    ArrowArray, ArrowArrayStream, ArrowSchema, Releasable, clear_struct, put, take_checked,
};
use crate::batch::{BatchValue, OwnedColumns, attribution_batch};
use crate::border::{Failure, borrow, clear, give, guard, refused};
use crate::error::{attribution_error, attribution_status};

/// A batch from an Arrow array: a struct of
///
///     conversion_id, converting_click_id   uint64, int64, uint32 or int32
///     conversion_time                      uint32, int64, uint64, int32 or timestamp, in UTC
///     payout, cost                         decimal128 with at most 5 decimals
///     touches                              list or large_list of struct:
///         click_id                         as the ids above
///         click_time                       as the time above
///         campaign_id, account_id, landing_page_id, advertiser_id, traffic_source_id, adgroup_id
///                                          as the ids above, or null; each may be left out
///
/// Other columns are not looked at. Nulls are refused elsewhere, and so is any other type, by the column's
/// name and the type's. Journeys are checked as those of attribution_columns. Ids of 64 bits, times of
/// uint32 and the offsets of a large_list that begins at 0 are used where they lie; the rest is copied.
///
/// Both structs are taken over, whatever the status: the caller's are then released, and the batch releases
/// the array when it is freed, on the thread that frees it. What an array says of the lengths of its buffers
/// cannot be checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_batch_from_arrow(
    array: *mut ArrowArray,
    schema: *mut ArrowSchema,
    batch: *mut *mut attribution_batch,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // Whichever of the three is refused, the others are cleared or taken over.
        // SAFETY: the caller's promise.
        let (cleared, array, schema) = unsafe {
            (clear(batch, "batch"), take_checked(array, "array"), take_checked(schema, "schema"))
        };
        let (array, schema) = (array?, schema?);
        cleared?;
        let columns = read_columns(&array, &schema)?;
        let value = OwnedColumns::new(columns, owner(array))?;
        // SAFETY: cleared above.
        unsafe { give(batch, BatchValue::Columns(value)) };
        Ok(())
    })
}

/// A stream's arrays, one after the other.
fn arrays_of(stream: &mut ArrowArrayStream) -> Result<(ArrowSchema, Vec<ArrowArray>), Failure> {
    let (Some(get_schema), Some(get_next)) = (stream.get_schema, stream.get_next) else {
        return Err(refused("stream", "found one that is released", "one that is not"));
    };
    let failed = |stream: &mut ArrowArrayStream, what: &str, code: c_int| {
        // SAFETY: the producer's own function, after a call of it that failed.
        let text = stream.get_last_error.map(|last| unsafe { last(stream) });
        let text = text.filter(|text| !text.is_null());
        // SAFETY: Arrow has it be text that ends with a NUL, which stays until the next call.
        let text = text.map(|text| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned());
        let found = format!("{what} failed with {code}: {}", text.unwrap_or_default());
        refused("stream", found, "a stream that can be read")
    };
    let mut schema = ArrowSchema::RELEASED;
    // SAFETY: the producer's own function for this very stream, with room for a schema.
    let code = unsafe { get_schema(stream, &raw mut schema) };
    if code != 0 {
        return Err(failed(stream, "get_schema", code));
    }
    let mut arrays = Vec::new();
    loop {
        let mut array = ArrowArray::RELEASED;
        // SAFETY: the producer's own function for this very stream, with room for an array.
        let code = unsafe { get_next(stream, &raw mut array) };
        if code != 0 {
            return Err(failed(stream, "get_next", code));
        }
        if array.is_released() {
            return Ok((schema, arrays));
        }
        arrays.push(array);
    }
}

/// As attribution_batch_from_arrow, of all arrays of a stream, one after the other. Where there is one alone,
/// it is used as it lies; several are copied together, and what is refused while they are read has a place
/// such as "arrays[2].payout[7]". The stream is taken over,
/// whatever the status, and read to its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_batch_from_arrow_stream(
    stream: *mut ArrowArrayStream,
    batch: *mut *mut attribution_batch,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (cleared, stream) = unsafe { (clear(batch, "batch"), take_checked(stream, "stream")) };
        let mut stream = stream?;
        cleared?;
        let (schema, mut arrays) = arrays_of(&mut stream)?;
        if arrays.is_empty() {
            // The columns that there would be, and whether they are understood, its schema tells.
            arrays.push(Outgoing::nothing_of(&schema)?.array());
        }
        let value = if arrays.len() == 1
            && let Some(array) = arrays.pop()
        {
            OwnedColumns::new(read_columns(&array, &schema)?, owner(array))?
        } else {
            let chunks = arrays.iter().enumerate().map(|(index, array)| {
                let columns = read_columns(array, &schema);
                columns.map_err(|failure| failure.within(&format!("arrays[{index}].")))
            });
            let chunks: Vec<_> = chunks.collect::<Result<_, _>>()?;
            OwnedColumns::new(concatenated(&chunks)?, Vec::new())?
        };
        // SAFETY: cleared above.
        unsafe { give(batch, BatchValue::Columns(value)) };
        Ok(())
    })
}

fn outgoing(batch: &Batch<'_>) -> Outgoing {
    let columns = batch.columns();
    let numbers = |name, ids: &[u64]| Outgoing::numbers(name, ids.to_vec());
    let mut touch = vec![
        numbers("click_id", columns.click_ids),
        Outgoing::numbers("click_time", columns.click_times.to_vec()),
    ];
    for (name, scope_type) in [
        ("campaign_id", ScopeType::Campaign),
        ("account_id", ScopeType::Account),
        ("landing_page_id", ScopeType::LandingPage),
        ("advertiser_id", ScopeType::Advertiser),
        ("traffic_source_id", ScopeType::TrafficSource),
        ("adgroup_id", ScopeType::Adgroup),
    ] {
        if let Some(ids) = columns.dimensions.get(scope_type) {
            touch.push(Outgoing::nullable_ids(name, ids));
        }
    }
    let offsets = columns.offsets.iter().map(|offset| *offset as i64).collect();
    Outgoing::rows(
        batch.conversions(),
        vec![
            numbers("conversion_id", columns.conversion_ids),
            numbers("converting_click_id", columns.converting_click_ids),
            Outgoing::numbers("conversion_time", columns.conversion_times.to_vec()),
            Outgoing::decimals("payout", columns.payouts),
            Outgoing::decimals("cost", columns.costs),
            Outgoing::lists("touches", offsets, Outgoing::rows(batch.touches(), touch)),
        ],
    )
}

/// A copy of a batch as an Arrow array, of the columns that attribution_batch_from_arrow takes. Whatever was
/// in the caller's structs is overwritten, and not released. Where the call fails, they are released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_batch_to_arrow(
    batch: *const attribution_batch,
    array: *mut ArrowArray,
    schema: *mut ArrowSchema,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            let cleared = [clear_struct(array, "array"), clear_struct(schema, "schema")];
            cleared.into_iter().collect::<Result<(), _>>()?;
            let outgoing = borrow(batch)?.with(outgoing);
            put(schema, outgoing.schema());
            put(array, outgoing.array());
        }
        Ok(())
    })
}
