//! Models side by side.

use std::ffi::{CString, c_char, c_void};
use std::ptr;

use attribution_core::{CompareOptions, Comparison, ComparisonRow, Difference, Error, Window};

use super::figures::{Count, attribution_figures, ends};
use super::jobs::{Callback, attribution_progress};
use super::store::attribution_store;
use crate::border::{
    CTexts, Failure, Growing, Handle, borrow, c_text, clear, fill_growing, first, free, give,
    guard, read_growing, text_or_none, texts, value_or,
};
use crate::error::{attribution_error, attribution_status};
use crate::scope::{number_of_name, one_scope_type};
use crate::signals::without_sigpipe;

/// What to compare. To be begun with ATTRIBUTION_COMPARE_OPTIONS_INIT, which has the defaults of all but the
/// user, the models and the window.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_compare_options {
    /// sizeof(attribution_compare_options)
    pub size: usize,
    /// The account owner.
    pub user_id: u64,
    /// The models, each by the slug of a stored one or as a text that attribution_model_from_spec takes.
    /// What could be both is the slug.
    pub models: *const *const c_char,
    /// How many there are.
    pub model_count: usize,
    /// The model that the others are compared to, by its slug or name; NULL for the first.
    pub baseline: *const c_char,
    /// The first second of the window, in unix time; it falls to its hour.
    pub start: u32,
    /// The second after the window's last; it rises to the next whole hour unless it is on one.
    pub end: u32,
    /// What the totals are of, one of the ATTRIBUTION_SCOPE_ numbers: everything, or each id of its kind.
    pub scope_type: u32,
    /// Of this id alone; 0 for all.
    pub scope_id: u64,
    /// From how many resamples the intervals are taken, 40 to 10000; 0 for no intervals.
    pub resamples: u32,
    /// On how many threads; 0 for one for each processor. The results are the same for any number.
    pub threads: u32,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_compare_options {
    const NAME: &'static str = "attribution_compare_options";
}

/// Models side by side on the same conversions.
///
/// Made by attribution_store_compare, owned by the caller and freed with attribution_comparison_free. It
/// never changes; threads may share it. The texts that it gives are its own and stay until it is freed.
pub struct attribution_comparison {
    _private: (),
}

/// What is behind a comparison.
#[derive(Debug)]
pub(crate) struct ComparisonValue {
    comparison: Comparison,
    baseline: CString,
    /// Of each row, the model and the hints.
    texts: Vec<(CString, CTexts)>,
    json: CString,
}

impl Handle for attribution_comparison {
    type Value = ComparisonValue;
    const NAME: &'static str = "attribution_comparison";
    const TAG: u64 = u64::from_le_bytes(*b"attr:cmp");
}

impl ComparisonValue {
    fn new(comparison: Comparison) -> Result<Self, Error> {
        let texts = |row: &ComparisonRow| (c_text(&row.model), CTexts::new(&row.hints));
        Ok(Self {
            baseline: c_text(&comparison.baseline),
            texts: comparison.rows.iter().map(texts).collect(),
            json: c_text(&comparison.to_json()?),
            comparison,
        })
    }
}

/// What was compared. Its text is the comparison's, and stays until that is freed. To be begun with
/// ATTRIBUTION_COMPARISON_FIELDS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_comparison_fields {
    /// sizeof(attribution_comparison_fields)
    pub size: usize,
    /// The window's first second.
    pub start: u64,
    /// The second after the window's last.
    pub end: u64,
    /// What the totals are of, one of the ATTRIBUTION_SCOPE_ numbers.
    pub scope_type: u32,
    /// The one id that was asked for; 0 for all.
    pub scope_id: u64,
    /// The name of the model that the others are compared to.
    pub baseline: *const c_char,
    /// How many resamples the intervals are taken from; 0 for no intervals.
    pub resamples: u32,
    /// Conversions in the window.
    pub conversions: u64,
    /// Touches of all their journeys together.
    pub touches: u64,
    /// Conversions whose journeys have more than one touch.
    pub multi_touch_journeys: u64,
    /// Conversions whose converting click is missing.
    pub missing_clicks: u64,
    /// For each scope id in order, a row for each model in the order given: how many rows.
    pub rows: usize,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_comparison_fields {
    const NAME: &'static str = "attribution_comparison_fields";
}

/// One model and scope id. Its texts are the comparison's, and stay until that is freed. To be begun with
/// ATTRIBUTION_COMPARISON_ROW_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_comparison_row {
    /// sizeof(attribution_comparison_row)
    pub size: usize,
    /// The model: a stored one's slug, or the name of another.
    pub model: *const c_char,
    /// The scope's id; 0 for global.
    pub scope_id: u64,
    /// Credited touches in the scope.
    pub attributed_clicks: u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: u64,
    /// Those of them whose journeys have more than one touch.
    pub multi_touch_journeys: u64,
    /// The figures, exact.
    pub figures: attribution_figures,
    /// What is more than the baseline's in the same scope; zeros for the baseline.
    pub difference: attribution_figures,
    /// The lower ends of the figures' 95 % intervals; zeros without intervals.
    pub figures_low: attribution_figures,
    /// The upper ends.
    pub figures_high: attribution_figures,
    /// The lower ends of the differences' 95 % intervals.
    pub difference_low: attribution_figures,
    /// The upper ends.
    pub difference_high: attribution_figures,
    /// What to mind when reading the row, each with its rule; NULL where there is nothing.
    pub hints: *const *const c_char,
    /// How many hints there are.
    pub hint_count: usize,
    /// 1 where there are intervals, else 0.
    pub has_intervals: u8,
    /// 1 where there is a difference, 0 for the baseline.
    pub has_difference: u8,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_comparison_row {
    const NAME: &'static str = "attribution_comparison_row";
}

/// A difference with the ends of its intervals.
fn difference_of(difference: &Difference) -> [attribution_figures; 3] {
    let counts = [
        difference.credited_conversions.count(),
        difference.revenue.count(),
        difference.cost.count(),
        difference.profit.count(),
    ];
    let exact = attribution_figures::new(counts, difference.roi_percent.map(Count::count));
    let [low, high] = difference.intervals.map_or_else(Default::default, |intervals| {
        let figures = [
            ends(intervals.credited_conversions),
            ends(intervals.revenue),
            ends(intervals.cost),
            ends(intervals.profit),
        ];
        attribution_figures::of_ends(figures, intervals.roi_percent.map(ends))
    });
    [exact, low, high]
}

impl attribution_comparison_row {
    fn of(row: &ComparisonRow, model: &CString, hints: &CTexts) -> Self {
        let counts = [
            row.credited_conversions.count(),
            row.revenue.count(),
            row.cost.count(),
            row.profit.count(),
        ];
        let [figures_low, figures_high] =
            row.intervals.map_or_else(Default::default, |intervals| {
                let figures = [
                    ends(intervals.credited_conversions),
                    ends(intervals.revenue),
                    ends(intervals.cost),
                    ends(intervals.profit),
                ];
                attribution_figures::of_ends(figures, intervals.roi_percent.map(ends))
            });
        let [difference, difference_low, difference_high] =
            row.difference.as_ref().map_or_else(Default::default, difference_of);
        Self {
            size: 0,
            model: model.as_ptr(),
            scope_id: row.scope_id.unwrap_or(0),
            attributed_clicks: row.attributed_clicks,
            attributed_conversions: row.attributed_conversions,
            multi_touch_journeys: row.multi_touch_journeys,
            figures: attribution_figures::new(counts, row.roi_percent.map(Count::count)),
            difference,
            figures_low,
            figures_high,
            difference_low,
            difference_high,
            hints: first(hints.pointers()),
            hint_count: hints.pointers().len(),
            has_intervals: row.intervals.is_some().into(),
            has_difference: row.difference.is_some().into(),
        }
    }
}

/// Compares models over a user's stored conversions and journeys: exact totals, their differences to a
/// baseline, and 95 % intervals of both by a bootstrap over conversions. Nothing is written and no lock is
/// taken. `progress` may be NULL; `context` is given to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_compare(
    store: *const attribution_store,
    options: *const attribution_compare_options,
    progress: attribution_progress,
    context: *mut c_void,
    comparison: *mut *mut attribution_comparison,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (store, options, models, baseline) = unsafe {
            clear(comparison, "comparison")?;
            let (store, options) = (borrow(store)?, read_growing(options)?);
            let models = texts(options.models, options.model_count, "models")?;
            (store, options, models, text_or_none(options.baseline, "baseline")?)
        };
        let models: Vec<String> = models.into_iter().map(str::to_owned).collect();
        let asked = CompareOptions {
            scope_type: one_scope_type(options.scope_type, "scope_type")?,
            scope_id: (options.scope_id != 0).then_some(options.scope_id),
            baseline: baseline.map(str::to_owned),
            resamples: options.resamples,
            threads: (options.threads != 0).then_some(options.threads as usize),
            ..CompareOptions::new(Some(Window::new(options.start, options.end)?))
        };
        let progress = Callback::new(progress, context);
        let compared =
            without_sigpipe(|| store.compare(options.user_id, &models, &asked, &progress))?;
        // SAFETY: cleared above.
        unsafe { give(comparison, ComparisonValue::new(compared)?) };
        Ok(())
    })
}

/// What was compared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_comparison_get(
    comparison: *const attribution_comparison,
    fields: *mut attribution_comparison_fields,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let ComparisonValue { comparison, baseline, .. } = unsafe { borrow(comparison)? };
        let filled = attribution_comparison_fields {
            size: 0,
            start: comparison.start.unwrap_or(0),
            end: comparison.end.unwrap_or(0),
            scope_type: number_of_name(&comparison.scope_type),
            scope_id: comparison.scope_id.unwrap_or(0),
            baseline: baseline.as_ptr(),
            resamples: comparison.resamples,
            conversions: comparison.conversions,
            touches: comparison.touches,
            multi_touch_journeys: comparison.multi_touch_journeys,
            missing_clicks: comparison.missing_clicks,
            rows: comparison.rows.len(),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(fields, filled) }
    })
}

/// The row at an index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_comparison_row_get(
    comparison: *const attribution_comparison,
    index: usize,
    row: *mut attribution_comparison_row,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let value = unsafe { borrow(comparison)? };
        let rows = &value.comparison.rows;
        let (Some(found), Some((model, hints))) = (rows.get(index), value.texts.get(index)) else {
            return Err(Failure::index(index, rows.len(), "rows"));
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(row, attribution_comparison_row::of(found, model, hints)) }
    })
}

/// The comparison as a JSON object, as the command's compare --json prints it; NULL for what is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_comparison_json(
    comparison: *const attribution_comparison,
) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(comparison)? }.json.as_ptr()))
}

/// Frees a comparison and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_comparison_free(comparison: *mut *mut attribution_comparison) {
    // SAFETY: the caller's promise.
    unsafe { free(comparison) }
}
