//! The calculation.

use attribution_core::{
    Batch, ConversionColumns, Engine, Model, ModelResult, ScopeType, TouchColumns,
};

use crate::batch::{attribution_batch, attribution_columns, dimensions};
use crate::border::{
    Failure, Growing, borrow, check_reserved, clear, give, guard, read_growing, read_growing_or,
    slice, slice_mut, switch,
};
use crate::columns::{Lent, attribution_i64_slice, attribution_u32_slice, attribution_u64_slice};
use crate::error::{attribution_error, attribution_status};
use crate::model::attribution_model;
use crate::result::{ResultValue, attribution_result};
use crate::scope::{ATTRIBUTION_SCOPES_GLOBAL, scope_set};

/// How to calculate. To be begun with ATTRIBUTION_ENGINE_OPTIONS_INIT, which has the defaults: global
/// snapshots, no touchpoints, one thread. The results are the same bytes for any number of threads.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_engine_options {
    /// sizeof(attribution_engine_options)
    pub size: usize,
    /// Which snapshots to make: ATTRIBUTION_SCOPES_ bits joined by |. The batch needs a column for each
    /// but global.
    pub scopes: u32,
    /// On how many threads, which live for the call alone; 0 means one for each processor.
    pub threads: u32,
    /// 1 to have the credited touches, too, else 0.
    pub touchpoints: u8,
    /// Nothing but zeros.
    pub reserved: [u8; 7],
}

// SAFETY: repr(C), a size first, numbers alone.
unsafe impl Growing for attribution_engine_options {
    const NAME: &'static str = "attribution_engine_options";
}

impl attribution_engine_options {
    const fn defaults() -> Self {
        Self {
            size: size_of::<Self>(),
            scopes: ATTRIBUTION_SCOPES_GLOBAL,
            threads: 1,
            touchpoints: 0,
            reserved: [0; 7],
        }
    }
}

/// What is to be calculated, and how.
struct Task {
    engine: Engine,
    touchpoints: bool,
    models: Vec<Model>,
}

impl Task {
    /// # Safety
    /// As the functions of this module say of their arguments.
    unsafe fn read(
        models: *const *const attribution_model,
        model_count: usize,
        options: *const attribution_engine_options,
    ) -> Result<Self, Failure> {
        // SAFETY: the caller's promise.
        let (handles, options) = unsafe {
            let defaults = attribution_engine_options::defaults();
            (slice(models, model_count, "models")?, read_growing_or(options, defaults)?)
        };
        let mut models = Vec::with_capacity(handles.len());
        for handle in handles {
            // SAFETY: the caller's promise.
            models.push(unsafe { borrow(*handle)? }.model.clone());
        }
        let touchpoints = switch(options.touchpoints, "touchpoints")?;
        check_reserved(&options.reserved)?;
        let engine = Engine::new()
            .scopes(scope_set(options.scopes, "scopes")?)
            .threads(options.threads as usize)
            .touchpoints(touchpoints);
        Ok(Self { engine, touchpoints, models })
    }

    fn calculate(&self, batch: &Batch<'_>) -> Result<ResultValue, Failure> {
        let results = self.engine.calculate(&self.models, batch)?;
        Ok(self.result(results, batch.columns().conversion_ids))
    }

    fn result(&self, results: Vec<ModelResult>, conversion_ids: &[u64]) -> ResultValue {
        // They are for the touchpoints' conversions alone.
        let conversion_ids = if self.touchpoints { conversion_ids.to_vec() } else { Vec::new() };
        ResultValue::new(&self.models, results, conversion_ids)
    }
}

/// Calculates models over a batch. `models` are `model_count` pointers to models; the result has theirs
/// in that order, and none where there are none. `options` may be NULL for the defaults.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_calculate(
    models: *const *const attribution_model,
    model_count: usize,
    batch: *const attribution_batch,
    options: *const attribution_engine_options,
    result: *mut *mut attribution_result,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            clear(result, "result")?;
            let batch = borrow(batch)?;
            let task = Task::read(models, model_count, options)?;
            give(result, batch.with(|batch| task.calculate(batch))?);
        }
        Ok(())
    })
}

/// As attribution_calculate, of columns that are lent for the time of the call, which are checked and not
/// copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_calculate_columns(
    models: *const *const attribution_model,
    model_count: usize,
    columns: *const attribution_columns,
    options: *const attribution_engine_options,
    result: *mut *mut attribution_result,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            clear(result, "result")?;
            let columns = read_growing(columns)?.lent()?;
            let task = Task::read(models, model_count, options)?;
            give(result, task.calculate(&Batch::new(columns)?)?);
        }
        Ok(())
    })
}

/// Conversions whose touches stand elsewhere, as columns that are lent for the time of a call. To be begun
/// with ATTRIBUTION_CONVERSION_COLUMNS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_conversion_columns {
    /// sizeof(attribution_conversion_columns)
    pub size: usize,
    /// Per conversion: its id, each once.
    pub conversion_ids: attribution_u64_slice,
    /// Per conversion: its converting click's id.
    pub converting_click_ids: attribution_u64_slice,
    /// Per conversion: its time in unix seconds, UTC.
    pub conversion_times: attribution_u32_slice,
    /// Per conversion: its payout as a count of 0.00001; negative for a refund.
    pub payouts: attribution_i64_slice,
    /// Per conversion: its cost as a count of 0.00001; not negative.
    pub costs: attribution_i64_slice,
    /// Per conversion: its converting click's time, for where that is not among its touches; may be left
    /// out where it always is.
    pub converting_click_times: attribution_u32_slice,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_conversion_columns {
    const NAME: &'static str = "attribution_conversion_columns";
}

/// Touches in any order, each with its conversion, as columns that are lent for the time of a call. To be
/// begun with ATTRIBUTION_TOUCH_COLUMNS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_touch_columns {
    /// sizeof(attribution_touch_columns)
    pub size: usize,
    /// Per touch: its conversion's id.
    pub conversion_ids: attribution_u64_slice,
    /// Per touch: its click's id.
    pub click_ids: attribution_u64_slice,
    /// Per touch: its click's time in unix seconds, UTC.
    pub click_times: attribution_u32_slice,
    /// Per touch: its campaign, 0 for none. This and the columns below may be left out where no scope
    /// that is asked for needs them.
    pub campaign_ids: attribution_u64_slice,
    /// Per touch: its traffic-source account, 0 for none.
    pub account_ids: attribution_u64_slice,
    /// Per touch: its landing page, 0 for none.
    pub landing_page_ids: attribution_u64_slice,
    /// Per touch: its advertiser, 0 for none.
    pub advertiser_ids: attribution_u64_slice,
    /// Per touch: its traffic source, 0 for none.
    pub traffic_source_ids: attribution_u64_slice,
    /// Per touch: its ad group, 0 for none.
    pub adgroup_ids: attribution_u64_slice,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_touch_columns {
    const NAME: &'static str = "attribution_touch_columns";
}

/// As attribution_calculate, of touches that are not yet grouped by conversion: they may come in any
/// order, and are grouped, ordered and merged on the way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_calculate_ungrouped(
    models: *const *const attribution_model,
    model_count: usize,
    conversions: *const attribution_conversion_columns,
    touches: *const attribution_touch_columns,
    options: *const attribution_engine_options,
    result: *mut *mut attribution_result,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            clear(result, "result")?;
            let conversions = read_growing(conversions)?;
            let touches = read_growing(touches)?;
            let rows = conversions.conversion_ids.length;
            let conversions = ConversionColumns {
                conversion_ids: conversions.conversion_ids.entries("conversion_ids")?,
                converting_click_ids: conversions
                    .converting_click_ids
                    .entries("converting_click_ids")?,
                conversion_times: conversions.conversion_times.entries("conversion_times")?,
                payouts: conversions.payouts.entries("payouts")?,
                costs: conversions.costs.entries("costs")?,
                converting_click_times: conversions
                    .converting_click_times
                    .optional(rows, "converting_click_times")?,
            };
            let by_dimension = [
                (ScopeType::Campaign, touches.campaign_ids),
                (ScopeType::Account, touches.account_ids),
                (ScopeType::LandingPage, touches.landing_page_ids),
                (ScopeType::Advertiser, touches.advertiser_ids),
                (ScopeType::TrafficSource, touches.traffic_source_ids),
                (ScopeType::Adgroup, touches.adgroup_ids),
            ];
            let touches = TouchColumns {
                conversion_ids: touches.conversion_ids.entries("touches.conversion_ids")?,
                click_ids: touches.click_ids.entries("touches.click_ids")?,
                click_times: touches.click_times.entries("touches.click_times")?,
                dimensions: dimensions(by_dimension, touches.conversion_ids.length, "touches.")?,
            };
            let task = Task::read(models, model_count, options)?;
            let results = task.engine.calculate_ungrouped(&task.models, &conversions, &touches)?;
            give(result, task.result(results, conversions.conversion_ids));
        }
        Ok(())
    })
}

/// # Safety
/// As the functions below say of their arguments.
unsafe fn write_credits(
    model: *const attribution_model,
    batch: &Batch<'_>,
    threads: u32,
    credits: *mut f64,
    credit_count: usize,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let (model, credits) =
        unsafe { (&borrow(model)?.model, slice_mut(credits, credit_count, "credits")?) };
    Ok(Engine::new().threads(threads as usize).credits(model, batch, credits)?)
}

/// Writes each touch's credit under one model, weight over the sum of weights, 0 for a touch without
/// weight, to `credits`, which has `credit_count` places: as many as the batch has touches. `threads` 0
/// means one for each processor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_credits(
    model: *const attribution_model,
    batch: *const attribution_batch,
    threads: u32,
    credits: *mut f64,
    credit_count: usize,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            borrow(batch)?.with(|batch| write_credits(model, batch, threads, credits, credit_count))
        }
    })
}

/// As attribution_credits, of columns that are lent for the time of the call, which are checked and not
/// copied. `credits` must not be one of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_credits_columns(
    model: *const attribution_model,
    columns: *const attribution_columns,
    threads: u32,
    credits: *mut f64,
    credit_count: usize,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            let batch = Batch::new(read_growing(columns)?.lent()?)?;
            write_credits(model, &batch, threads, credits, credit_count)
        }
    })
}
