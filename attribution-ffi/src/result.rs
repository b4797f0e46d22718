//! What a calculation gave, as columns.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Arc;

use attribution_core::{Model, ModelResult, Snapshot, Touchpoints};

use crate::border::{
    Failure, Growing, Handle, borrow, c_text, fill_growing, first, free, guard, value_or,
};
use crate::error::{attribution_error, attribution_status};
use crate::scope::number_of;

/// What a calculation gave: for each model, in the order they were given, its snapshots and, where
/// asked for, its credited touches.
///
/// Made by one of the attribution_calculate functions, owned by the caller and freed with
/// attribution_result_free. It never changes; threads may share it. The columns and texts that it gives
/// are its own and stay until it is freed. Arrow arrays that were made from it may outlive it.
pub struct attribution_result {
    _private: (),
}

impl Handle for attribution_result {
    type Value = ResultValue;
    const NAME: &'static str = "attribution_result";
    const TAG: u64 = u64::from_le_bytes(*b"attr:res");
}

/// What is behind a result. Arrow arrays share it.
#[derive(Debug, Clone)]
pub(crate) struct ResultValue(pub(crate) Arc<Results>);

#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) models: Vec<ModelColumns>,
    /// Of the batch; empty where no touchpoints were asked for.
    pub(crate) conversion_ids: Vec<u64>,
}

/// One model's results.
#[derive(Debug, Default)]
pub(crate) struct ModelColumns {
    pub(crate) name: String,
    c_name: CString,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) columns: SnapshotColumns,
    pub(crate) touchpoints: Touchpoints,
}

/// Snapshots column by column.
#[derive(Debug, Default)]
pub(crate) struct SnapshotColumns {
    pub(crate) scope_types: Vec<u32>,
    pub(crate) scope_ids: Vec<u64>,
    pub(crate) date_hours: Vec<u32>,
    pub(crate) attributed_clicks: Vec<u64>,
    pub(crate) attributed_conversions: Vec<u64>,
    pub(crate) credited_conversions: Vec<u64>,
    pub(crate) revenues: Vec<i64>,
    pub(crate) costs: Vec<i64>,
}

impl SnapshotColumns {
    fn of(snapshots: &[Snapshot]) -> Self {
        fn column<T>(snapshots: &[Snapshot], value: impl Fn(&Snapshot) -> T) -> Vec<T> {
            snapshots.iter().map(value).collect()
        }
        Self {
            scope_types: column(snapshots, |row| number_of(row.scope.scope_type())),
            scope_ids: column(snapshots, |row| row.scope.id().unwrap_or(0)),
            date_hours: column(snapshots, |row| row.date_hour),
            attributed_clicks: column(snapshots, |row| row.attributed_clicks),
            attributed_conversions: column(snapshots, |row| row.attributed_conversions),
            credited_conversions: column(snapshots, |row| row.credited_conversions.units()),
            revenues: column(snapshots, |row| row.revenue.units()),
            costs: column(snapshots, |row| row.cost.units()),
        }
    }
}

impl ResultValue {
    pub(crate) fn new(
        models: &[Model],
        results: Vec<ModelResult>,
        conversion_ids: Vec<u64>,
    ) -> Self {
        let models = models.iter().zip(results).map(|(model, result)| ModelColumns {
            name: model.name().to_owned(),
            c_name: c_text(model.name()),
            columns: SnapshotColumns::of(&result.snapshots),
            snapshots: result.snapshots,
            touchpoints: result.touchpoints,
        });
        Self(Arc::new(Results { models: models.collect(), conversion_ids }))
    }
}

impl Results {
    pub(crate) fn model(&self, index: usize) -> Result<&ModelColumns, Failure> {
        self.models.get(index).ok_or_else(|| {
            let allowed = format!("an index below {}, the number of models", self.models.len());
            Failure::argument("model", format!("found {index}"), allowed)
        })
    }
}

/// The snapshots of one model, ordered by the names of their scopes, scope id and hour; each pointer is to
/// `length` entries, or NULL where there are none. The entries are the result's, never change, and stay until it
/// is freed. To be begun with ATTRIBUTION_SNAPSHOTS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_snapshots {
    /// sizeof(attribution_snapshots)
    pub size: usize,
    /// The number of snapshots.
    pub length: usize,
    /// The scope, one of the ATTRIBUTION_SCOPE_ numbers.
    pub scope_types: *const u32,
    /// The scope's id; 0 for global.
    pub scope_ids: *const u64,
    /// The unix second at which the conversions' hour begins, UTC.
    pub date_hours: *const u32,
    /// Credited touches in the scope.
    pub attributed_clicks: *const u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: *const u64,
    /// The sum of the stored credits, as a count of 0.00001.
    pub credited_conversions: *const u64,
    /// The sum of the touches' shares of payouts, as a count of 0.00001.
    pub revenues: *const i64,
    /// The sum of the touches' shares of costs, as a count of 0.00001.
    pub costs: *const i64,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_snapshots {
    const NAME: &'static str = "attribution_snapshots";
}

/// The credited touches of one model, ordered by conversion as in the batch, then by position; each pointer
/// is to `length` entries, or NULL where there are none. A touch without credit is not among them. The entries
/// are the result's, never change, and stay until it is freed. To be begun with ATTRIBUTION_TOUCHPOINTS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_touchpoints {
    /// sizeof(attribution_touchpoints)
    pub size: usize,
    /// The number of credited touches.
    pub length: usize,
    /// The row of the conversion in the batch.
    pub conversions: *const u32,
    /// The touch's click.
    pub click_ids: *const u64,
    /// The place in the journey, from 0 for the oldest touch.
    pub positions: *const u32,
    /// The credit, weight over the sum of weights, in 0..1.
    pub credits: *const f64,
    /// The stored credit as a count of 0.00001; a conversion's add up to 100000.
    pub stored_credits: *const u32,
    /// The share of the payout as a count of 0.00001; a conversion's add up to its payout.
    pub revenues: *const i64,
    /// The share of the cost as a count of 0.00001; a conversion's add up to its cost.
    pub costs: *const i64,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_touchpoints {
    const NAME: &'static str = "attribution_touchpoints";
}

/// The number of models; 0 for what is no result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_models(result: *const attribution_result) -> usize {
    // SAFETY: the caller's promise.
    value_or(0, || Ok(unsafe { borrow(result)? }.0.models.len()))
}

/// The name of the model at an index; NULL where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_model_name(
    result: *const attribution_result,
    model: usize,
) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(result)? }.0.model(model)?.c_name.as_ptr()))
}

/// The snapshots of the model at an index, valid until the result is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_snapshots(
    result: *const attribution_result,
    model: usize,
    snapshots: *mut attribution_snapshots,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let columns = &unsafe { borrow(result)? }.0.model(model)?.columns;
        let filled = attribution_snapshots {
            size: 0,
            length: columns.scope_types.len(),
            scope_types: first(&columns.scope_types),
            scope_ids: first(&columns.scope_ids),
            date_hours: first(&columns.date_hours),
            attributed_clicks: first(&columns.attributed_clicks),
            attributed_conversions: first(&columns.attributed_conversions),
            credited_conversions: first(&columns.credited_conversions),
            revenues: first(&columns.revenues),
            costs: first(&columns.costs),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(snapshots, filled) }
    })
}

/// The credited touches of the model at an index, valid until the result is freed; none where they were
/// not asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_touchpoints(
    result: *const attribution_result,
    model: usize,
    touchpoints: *mut attribution_touchpoints,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let columns = &unsafe { borrow(result)? }.0.model(model)?.touchpoints;
        let filled = attribution_touchpoints {
            size: 0,
            length: columns.len(),
            conversions: first(&columns.conversions),
            click_ids: first(&columns.click_ids),
            positions: first(&columns.positions),
            credits: first(&columns.credits),
            stored_credits: first(&columns.stored_credits),
            revenues: first(&columns.revenues),
            costs: first(&columns.costs),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(touchpoints, filled) }
    })
}

/// Frees a result and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_free(result: *mut *mut attribution_result) {
    // SAFETY: the caller's promise.
    unsafe { free(result) }
}
