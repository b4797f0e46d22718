//! What a dashboard shows of a model.

use std::ffi::{CString, c_char};
use std::ptr;

use attribution_core::{
    Anomaly, AnomalyMetric, AnomalySeverity, Error, Overview, OverviewOptions, Percent, TouchPlace,
    Window,
};

use super::figures::Count;
use super::store::attribution_store;
use crate::border::{
    Failure, Growing, Handle, borrow, c_text, clear, fill_growing, first, free, give, guard,
    read_growing, text, value_or,
};
use crate::error::{attribution_error, attribution_status};
use crate::scope::{number_of_name, one_scope_type};
use crate::signals::without_sigpipe;

/// The place of a touch in its own journey.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_place {
    /// The oldest of several touches.
    ATTRIBUTION_PLACE_FIRST = 1,
    /// Neither the oldest nor the newest.
    ATTRIBUTION_PLACE_ASSIST = 2,
    /// The newest of several touches.
    ATTRIBUTION_PLACE_LAST = 3,
    /// The only touch.
    ATTRIBUTION_PLACE_SINGLE = 4,
}

/// What is out of the ordinary.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_metric {
    /// The attributed conversions.
    ATTRIBUTION_METRIC_CONVERSIONS = 1,
    /// The attributed revenue.
    ATTRIBUTION_METRIC_REVENUE = 2,
}

/// How far out of the ordinary it is.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_anomaly_severity {
    /// A change of 25 % or more.
    ATTRIBUTION_ANOMALY_WARNING = 1,
    /// A change of 50 % or more.
    ATTRIBUTION_ANOMALY_CRITICAL = 2,
}

/// What to give an overview of. To be begun with ATTRIBUTION_OVERVIEW_OPTIONS_INIT, which asks for the newest
/// 24 hours of everything; the user, the model and the window are to be set.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_overview_options {
    /// sizeof(attribution_overview_options)
    pub size: usize,
    /// The account owner.
    pub user_id: u64,
    /// The model's slug.
    pub model: *const c_char,
    /// The first second of the window, in unix time; it falls to its hour.
    pub start: u32,
    /// The second after the window's last; it rises to the next whole hour unless it is on one.
    pub end: u32,
    /// One of the ATTRIBUTION_SCOPE_ numbers.
    pub scope_type: u32,
    /// The scope's id, which all but global need.
    pub scope_id: u64,
    /// How many hours a page has, 1 to 10000.
    pub limit: u64,
    /// How many of the newest hours come before the page's: 0 for the newest page.
    pub offset: u64,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_overview_options {
    const NAME: &'static str = "attribution_overview_options";
}

/// What a dashboard shows of one model and scope.
///
/// Made by attribution_store_overview, owned by the caller and freed with attribution_overview_free. It
/// never changes; threads may share it. The columns and texts that it gives are its own and stay until it is
/// freed.
pub struct attribution_overview {
    _private: (),
}

/// Percentages, and where there are any.
#[derive(Debug, Default)]
struct Percents {
    counts: Vec<i64>,
    present: Vec<u8>,
}

impl FromIterator<Option<Percent>> for Percents {
    fn from_iter<I: IntoIterator<Item = Option<Percent>>>(percents: I) -> Self {
        let split = |percent: Option<Percent>| {
            (percent.map_or(0, Count::count), u8::from(percent.is_some()))
        };
        let (counts, present) = percents.into_iter().map(split).unzip();
        Self { counts, present }
    }
}

/// What is behind an overview.
#[derive(Debug)]
pub(crate) struct OverviewValue {
    overview: Overview,
    model: CString,
    hours: HourColumns,
    mix: MixColumns,
    /// Of each anomaly, the latest value, the mean and the sentence.
    anomalies: Vec<[CString; 3]>,
    json: CString,
}

#[derive(Debug)]
struct HourColumns {
    date_hours: Vec<u32>,
    clicks: Vec<u64>,
    conversions: Vec<u64>,
    revenues: Vec<i64>,
    costs: Vec<i64>,
    profits: Vec<i64>,
    roi: Percents,
}

#[derive(Debug)]
struct MixColumns {
    places: Vec<u32>,
    touches: Vec<u64>,
    credits: Vec<u64>,
    shares: Percents,
}

impl Handle for attribution_overview {
    type Value = OverviewValue;
    const NAME: &'static str = "attribution_overview";
    const TAG: u64 = u64::from_le_bytes(*b"attr:ovw");
}

fn place_of(place: TouchPlace) -> attribution_place {
    match place {
        TouchPlace::First => attribution_place::ATTRIBUTION_PLACE_FIRST,
        TouchPlace::Assist => attribution_place::ATTRIBUTION_PLACE_ASSIST,
        TouchPlace::Last => attribution_place::ATTRIBUTION_PLACE_LAST,
        TouchPlace::Single => attribution_place::ATTRIBUTION_PLACE_SINGLE,
    }
}

impl OverviewValue {
    fn new(overview: Overview) -> Result<Self, Error> {
        let (hours, mix) = (&overview.hours, &overview.touchpoint_mix);
        let texts = |anomaly: &Anomaly| {
            [&anomaly.latest, &anomaly.mean, &anomaly.message].map(|text| c_text(text))
        };
        Ok(Self {
            model: c_text(&overview.model),
            hours: HourColumns {
                date_hours: hours.iter().map(|hour| hour.date_hour).collect(),
                clicks: hours.iter().map(|hour| hour.attributed_clicks).collect(),
                conversions: hours.iter().map(|hour| hour.attributed_conversions).collect(),
                revenues: hours.iter().map(|hour| hour.revenue.units()).collect(),
                costs: hours.iter().map(|hour| hour.cost.units()).collect(),
                profits: hours.iter().map(|hour| hour.profit.units()).collect(),
                roi: hours.iter().map(|hour| hour.roi_percent).collect(),
            },
            mix: MixColumns {
                places: mix.iter().map(|share| place_of(share.place) as u32).collect(),
                touches: mix.iter().map(|share| share.touches).collect(),
                credits: mix.iter().map(|share| share.credit.units()).collect(),
                shares: mix.iter().map(|share| share.share_percent).collect(),
            },
            anomalies: overview.anomalies.iter().map(texts).collect(),
            json: c_text(&overview.to_json()?),
            overview,
        })
    }
}

/// The totals of the whole window, as they are stored: money with 4 decimals. Its text is the overview's, and
/// stays until that is freed. To be begun with ATTRIBUTION_OVERVIEW_FIELDS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_overview_fields {
    /// sizeof(attribution_overview_fields)
    pub size: usize,
    /// The account owner.
    pub user_id: u64,
    /// The model's slug.
    pub model: *const c_char,
    /// The window's first second.
    pub start: u64,
    /// The second after the window's last.
    pub end: u64,
    /// The scope, one of the ATTRIBUTION_SCOPE_ numbers.
    pub scope_type: u32,
    /// The scope's id; 0 for global.
    pub scope_id: u64,
    /// Hours that have a snapshot.
    pub hours: u64,
    /// Credited touches.
    pub attributed_clicks: u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: u64,
    /// The sum of the stored revenues, as a count of 0.00001.
    pub revenue: i64,
    /// The sum of the stored costs, as a count of 0.00001.
    pub cost: i64,
    /// Revenue less cost, as a count of 0.00001.
    pub profit: i64,
    /// The return on the cost as a count of 0.01 %; 0 where there is no cost.
    pub roi_percent: i64,
    /// 1 where there is a cost, else 0.
    pub has_roi: u8,
    /// How many anomalies there are in the page's latest hour.
    pub anomalies: usize,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_overview_fields {
    const NAME: &'static str = "attribution_overview_fields";
}

/// A page of hours that have a snapshot, counted from the newest and listed from the oldest; each pointer is
/// to `length` entries, or NULL where there are none. The entries are the overview's, never change, and stay
/// until it is freed. To be begun with ATTRIBUTION_HOUR_COLUMNS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_hour_columns {
    /// sizeof(attribution_hour_columns)
    pub size: usize,
    /// The number of hours.
    pub length: usize,
    /// The unix second at which the hour begins, UTC.
    pub date_hours: *const u32,
    /// Credited touches.
    pub attributed_clicks: *const u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: *const u64,
    /// The stored revenue, as a count of 0.00001.
    pub revenues: *const i64,
    /// The stored cost, as a count of 0.00001.
    pub costs: *const i64,
    /// Revenue less cost, as a count of 0.00001.
    pub profits: *const i64,
    /// The return on the cost as a count of 0.01 %; 0 where there is no cost.
    pub roi_percents: *const i64,
    /// 1 where there is a cost, else 0.
    pub roi_present: *const u8,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_hour_columns {
    const NAME: &'static str = "attribution_hour_columns";
}

/// The stored credits of the whole window by the places of their touches: first, assist, last, single; each
/// pointer is to `length` entries, or NULL where there are none. The entries are the overview's, never change,
/// and stay until it is freed. To be begun with ATTRIBUTION_MIX_COLUMNS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_mix_columns {
    /// sizeof(attribution_mix_columns)
    pub size: usize,
    /// The number of places.
    pub length: usize,
    /// The place, one of the ATTRIBUTION_PLACE_ numbers.
    pub places: *const u32,
    /// Credited touches.
    pub touches: *const u64,
    /// The sum of their stored credits, as a count of 0.00001.
    pub credits: *const u64,
    /// Their share of the credit of all places as a count of 0.01 %, each rounded on its own; 0 where there
    /// is no credit at all.
    pub share_percents: *const i64,
    /// 1 where there is any credit, else 0.
    pub share_present: *const u8,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_mix_columns {
    const NAME: &'static str = "attribution_mix_columns";
}

/// The latest hour of a page, far from the mean of the earlier ones. Its texts are the overview's, and stay
/// until that is freed. To be begun with ATTRIBUTION_ANOMALY_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_anomaly {
    /// sizeof(attribution_anomaly)
    pub size: usize,
    /// Of what, one of the ATTRIBUTION_METRIC_ numbers.
    pub metric: u32,
    /// How far, one of the ATTRIBUTION_ANOMALY_ numbers.
    pub severity: u32,
    /// The change, (latest - mean) / mean, as a count of 0.01 %; negative where it went down.
    pub change_percent: i64,
    /// The latest hour, as the unix second at which it begins, UTC.
    pub date_hour: u32,
    /// The latest hour's value: a count, or money with 5 decimals.
    pub latest: *const c_char,
    /// The mean of the earlier hours: with 2 decimals for a count, with 5 for money.
    pub mean: *const c_char,
    /// All that in a sentence.
    pub message: *const c_char,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_anomaly {
    const NAME: &'static str = "attribution_anomaly";
}

/// What a dashboard shows of one of a user's models and a scope, from what is stored: totals of the window, a
/// page of hours, the mix of touches by their places in their journeys, and anomalies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_overview(
    store: *const attribution_store,
    options: *const attribution_overview_options,
    overview: *mut *mut attribution_overview,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (store, options, model) = unsafe {
            clear(overview, "overview")?;
            let (store, options) = (borrow(store)?, read_growing(options)?);
            (store, options, text(options.model, "model")?)
        };
        let asked = OverviewOptions {
            scope_type: one_scope_type(options.scope_type, "scope_type")?,
            scope_id: (options.scope_id != 0).then_some(options.scope_id),
            limit: options.limit,
            offset: options.offset,
            ..OverviewOptions::new(model, Window::new(options.start, options.end)?)
        };
        let seen = without_sigpipe(|| store.overview(options.user_id, &asked))?;
        // SAFETY: cleared above.
        unsafe { give(overview, OverviewValue::new(seen)?) };
        Ok(())
    })
}

/// The totals.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_overview_get(
    overview: *const attribution_overview,
    fields: *mut attribution_overview_fields,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let OverviewValue { overview, model, .. } = unsafe { borrow(overview)? };
        let totals = &overview.totals;
        let filled = attribution_overview_fields {
            size: 0,
            user_id: overview.user_id,
            model: model.as_ptr(),
            start: overview.start,
            end: overview.end,
            scope_type: number_of_name(&overview.scope_type),
            scope_id: overview.scope_id.unwrap_or(0),
            hours: totals.hours,
            attributed_clicks: totals.attributed_clicks,
            attributed_conversions: totals.attributed_conversions,
            revenue: totals.revenue.units(),
            cost: totals.cost.units(),
            profit: totals.profit.units(),
            roi_percent: totals.roi_percent.map_or(0, Count::count),
            has_roi: totals.roi_percent.is_some().into(),
            anomalies: overview.anomalies.len(),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(fields, filled) }
    })
}

/// The page of hours as columns, valid until the overview is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_overview_hours(
    overview: *const attribution_overview,
    columns: *mut attribution_hour_columns,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let hours = &unsafe { borrow(overview)? }.hours;
        let filled = attribution_hour_columns {
            size: 0,
            length: hours.date_hours.len(),
            date_hours: first(&hours.date_hours),
            attributed_clicks: first(&hours.clicks),
            attributed_conversions: first(&hours.conversions),
            revenues: first(&hours.revenues),
            costs: first(&hours.costs),
            profits: first(&hours.profits),
            roi_percents: first(&hours.roi.counts),
            roi_present: first(&hours.roi.present),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(columns, filled) }
    })
}

/// The mix of touches as columns, valid until the overview is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_overview_mix(
    overview: *const attribution_overview,
    columns: *mut attribution_mix_columns,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let mix = &unsafe { borrow(overview)? }.mix;
        let filled = attribution_mix_columns {
            size: 0,
            length: mix.places.len(),
            places: first(&mix.places),
            touches: first(&mix.touches),
            credits: first(&mix.credits),
            share_percents: first(&mix.shares.counts),
            share_present: first(&mix.shares.present),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(columns, filled) }
    })
}

/// The anomaly at an index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_overview_anomaly(
    overview: *const attribution_overview,
    index: usize,
    anomaly: *mut attribution_anomaly,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let value = unsafe { borrow(overview)? };
        let all = &value.overview.anomalies;
        let (Some(found), Some([latest, mean, message])) =
            (all.get(index), value.anomalies.get(index))
        else {
            return Err(Failure::index(index, all.len(), "anomalies"));
        };
        let metric = match found.metric {
            AnomalyMetric::Conversions => attribution_metric::ATTRIBUTION_METRIC_CONVERSIONS,
            AnomalyMetric::Revenue => attribution_metric::ATTRIBUTION_METRIC_REVENUE,
        };
        let severity = match found.severity {
            AnomalySeverity::Warning => attribution_anomaly_severity::ATTRIBUTION_ANOMALY_WARNING,
            AnomalySeverity::Critical => attribution_anomaly_severity::ATTRIBUTION_ANOMALY_CRITICAL,
        };
        let filled = attribution_anomaly {
            size: 0,
            metric: metric as u32,
            severity: severity as u32,
            change_percent: found.change_percent.count(),
            date_hour: found.date_hour,
            latest: latest.as_ptr(),
            mean: mean.as_ptr(),
            message: message.as_ptr(),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(anomaly, filled) }
    })
}

/// The overview as a JSON object, as the command's overview --json prints it; NULL for what is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_overview_json(
    overview: *const attribution_overview,
) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(overview)? }.json.as_ptr()))
}

/// Frees an overview and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_overview_free(overview: *mut *mut attribution_overview) {
    // SAFETY: the caller's promise.
    unsafe { free(overview) }
}
