//! Batches: conversions with their journeys.

use std::sync::Arc;

use attribution_core::{
    Batch, BatchBuilder, BatchColumns, Conversion, Dimensions, Money, ScopeType, Touch,
};

use crate::border::{
    Failure, Growing, Handle, borrow, borrow_mut, check_pointer, clear, free, give, guard,
    read_growing, slice, value_or,
};
use crate::columns::{
    Lent, attribution_i64_slice, attribution_size_slice, attribution_u32_slice,
    attribution_u64_slice,
};
use crate::error::{attribution_error, attribution_status};

/// A click seen as a step on the way to a conversion. An id of 0 in a dimension means none. Its layout
/// never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct attribution_touch {
    /// The click's id.
    pub click_id: u64,
    /// The click's time in unix seconds, UTC.
    pub click_time: u32,
    /// The campaign.
    pub campaign_id: u64,
    /// The traffic-source account.
    pub account_id: u64,
    /// The landing page.
    pub landing_page_id: u64,
    /// The advertiser.
    pub advertiser_id: u64,
    /// The traffic source.
    pub traffic_source_id: u64,
    /// The ad group.
    pub adgroup_id: u64,
}

/// A payout posted back for one click. Its layout never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct attribution_conversion {
    /// The conversion's id.
    pub conversion_id: u64,
    /// The conversion's time in unix seconds, UTC.
    pub conversion_time: u32,
    /// What it paid, as a count of 0.00001; negative for a refund.
    pub payout: i64,
    /// What it cost, as a count of 0.00001; not negative.
    pub cost: i64,
    /// The converting click, which is added to the journey where the journey lacks it.
    pub click: attribution_touch,
}

/// The columns of a batch, which the caller lends for the time of a call and which nothing may write to
/// meanwhile. To be begun with ATTRIBUTION_COLUMNS_INIT.
///
/// Each conversion's touches are one run of the touch columns, cut by `offsets`. Every journey is
/// ordered by (click time, click id), names no click twice, and holds its converting click. All of this
/// is checked; what is wrong is refused with ATTRIBUTION_STATUS_INVALID_INPUT by column and row.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_columns {
    /// sizeof(attribution_columns)
    pub size: usize,
    /// Per conversion: its id.
    pub conversion_ids: attribution_u64_slice,
    /// Per conversion: its converting click's id.
    pub converting_click_ids: attribution_u64_slice,
    /// Per conversion: its time in unix seconds, UTC.
    pub conversion_times: attribution_u32_slice,
    /// Per conversion: its payout as a count of 0.00001; negative for a refund.
    pub payouts: attribution_i64_slice,
    /// Per conversion: its cost as a count of 0.00001; not negative.
    pub costs: attribution_i64_slice,
    /// Where each conversion's touches begin, and at last where they end: one entry more than there are
    /// conversions, from 0 to the number of touches, each above the one before.
    pub offsets: attribution_size_slice,
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
unsafe impl Growing for attribution_columns {
    const NAME: &'static str = "attribution_columns";
}

/// The dimension columns that were given.
///
/// # Safety
/// As many entries as the slices say can be read there for `'a`, and nothing writes to them.
pub(crate) unsafe fn dimensions<'a>(
    columns: [(ScopeType, attribution_u64_slice); 6],
    rows: usize,
    prefix: &str,
) -> Result<Dimensions<&'a [u64]>, Failure> {
    let mut dimensions = Dimensions::default();
    for (scope_type, column) in columns {
        // SAFETY: the caller's promise.
        let entries = unsafe { column.optional(rows, "") };
        // The place is put together where it is needed alone: small calls would feel it.
        let entries = entries.map_err(|failure| match failure {
            Failure::Argument(defect) => {
                let place = format!("{prefix}{scope_type}_ids");
                Failure::argument(place, defect.found, defect.allowed)
            }
            other => other,
        })?;
        if let Some(entries) = entries {
            dimensions = dimensions.with(scope_type, entries);
        }
    }
    Ok(dimensions)
}

impl attribution_columns {
    /// The columns as the core takes them.
    ///
    /// # Safety
    /// As many entries as the slices say can be read there for `'a`, and nothing writes to them.
    pub(crate) unsafe fn lent<'a>(&self) -> Result<BatchColumns<'a>, Failure> {
        let by_dimension = [
            (ScopeType::Campaign, self.campaign_ids),
            (ScopeType::Account, self.account_ids),
            (ScopeType::LandingPage, self.landing_page_ids),
            (ScopeType::Advertiser, self.advertiser_ids),
            (ScopeType::TrafficSource, self.traffic_source_ids),
            (ScopeType::Adgroup, self.adgroup_ids),
        ];
        // SAFETY: the caller's promise.
        unsafe {
            Ok(BatchColumns {
                conversion_ids: self.conversion_ids.entries("conversion_ids")?,
                converting_click_ids: self.converting_click_ids.entries("converting_click_ids")?,
                conversion_times: self.conversion_times.entries("conversion_times")?,
                payouts: self.payouts.entries("payouts")?,
                costs: self.costs.entries("costs")?,
                offsets: self.offsets.entries("offsets")?,
                click_ids: self.click_ids.entries("click_ids")?,
                click_times: self.click_times.entries("click_times")?,
                dimensions: dimensions(by_dimension, self.click_ids.length, "")?,
            })
        }
    }
}

/// Conversions with their journeys, owned by the library.
///
/// Made empty by attribution_batch_new and filled row by row, or made whole from columns, Arrow or
/// journeys. Owned by the caller and freed with attribution_batch_free. While no thread appends to it or
/// frees it, threads may share it.
pub struct attribution_batch {
    _private: (),
}

impl Handle for attribution_batch {
    type Value = BatchValue;
    const NAME: &'static str = "attribution_batch";
    const TAG: u64 = u64::from_le_bytes(*b"attr:bat");
}

/// What is behind a batch.
#[derive(Debug)]
pub(crate) enum BatchValue {
    /// Row by row.
    Rows(BatchBuilder),
    /// Made whole from journeys.
    Whole(BatchBuilder),
    /// Made whole from columns.
    Columns(OwnedColumns),
}

impl BatchValue {
    /// Gives the batch to something.
    pub(crate) fn with<R>(&self, take: impl FnOnce(&Batch<'_>) -> R) -> R {
        match self {
            Self::Rows(builder) | Self::Whole(builder) => take(&builder.batch()),
            Self::Columns(columns) => take(&columns.batch),
        }
    }
}

/// A column that a batch keeps: its own, or lent by an owner that the batch keeps, too.
#[derive(Debug)]
pub(crate) enum Column<T: 'static> {
    Owned(Vec<T>),
    /// For as long as the owner lives, whatever the type says.
    Lent(&'static [T]),
}

impl<T> Column<T> {
    /// The entries.
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::Owned(entries) => entries,
            Self::Lent(entries) => entries,
        }
    }

    /// The entries, for as long as the column and its owner live, whatever the type says.
    fn entries(&self) -> &'static [T] {
        match self {
            // SAFETY: the entries of a vector stay where they are when it moves, and it is not changed.
            // `OwnedColumns` keeps the column for as long as it keeps this.
            Self::Owned(entries) => unsafe {
                std::slice::from_raw_parts(entries.as_ptr(), entries.len())
            },
            Self::Lent(entries) => entries,
        }
    }
}

impl<T: Clone> From<&[T]> for Column<T> {
    fn from(entries: &[T]) -> Self {
        Self::Owned(entries.to_vec())
    }
}

/// Columns as a batch keeps them.
#[derive(Debug)]
pub(crate) struct KeptColumns {
    pub(crate) conversion_ids: Column<u64>,
    pub(crate) converting_click_ids: Column<u64>,
    pub(crate) conversion_times: Column<u32>,
    pub(crate) payouts: Column<i64>,
    pub(crate) costs: Column<i64>,
    pub(crate) offsets: Column<usize>,
    pub(crate) click_ids: Column<u64>,
    pub(crate) click_times: Column<u32>,
    pub(crate) dimensions: Vec<(ScopeType, Column<u64>)>,
}

/// What columns are lent by: it is dropped after them.
pub(crate) trait Owner: std::fmt::Debug + Send + Sync {}

/// A checked batch with all that it is made of.
#[derive(Debug)]
pub(crate) struct OwnedColumns {
    // Dropped in this order: what borrows before what is borrowed from.
    batch: Batch<'static>,
    _columns: KeptColumns,
    _owners: Vec<Arc<dyn Owner>>,
}

impl OwnedColumns {
    /// Checks the columns.
    pub(crate) fn new(columns: KeptColumns, owners: Vec<Arc<dyn Owner>>) -> Result<Self, Failure> {
        let mut dimensions = Dimensions::default();
        for (scope_type, column) in &columns.dimensions {
            dimensions = dimensions.with(*scope_type, column.entries());
        }
        let batch = Batch::new(BatchColumns {
            conversion_ids: columns.conversion_ids.entries(),
            converting_click_ids: columns.converting_click_ids.entries(),
            conversion_times: columns.conversion_times.entries(),
            payouts: columns.payouts.entries(),
            costs: columns.costs.entries(),
            offsets: columns.offsets.entries(),
            click_ids: columns.click_ids.entries(),
            click_times: columns.click_times.entries(),
            dimensions,
        })?;
        Ok(Self { batch, _columns: columns, _owners: owners })
    }

    /// Copies columns and checks them.
    pub(crate) fn copy_of(columns: &BatchColumns<'_>) -> Result<Self, Failure> {
        let present = |scope_type: &ScopeType| columns.dimensions.get(*scope_type).is_some();
        let copy = |scope_type: ScopeType| {
            let column = columns.dimensions.get(scope_type).copied().unwrap_or_default();
            (scope_type, Column::from(column))
        };
        let copies = KeptColumns {
            conversion_ids: columns.conversion_ids.into(),
            converting_click_ids: columns.converting_click_ids.into(),
            conversion_times: columns.conversion_times.into(),
            payouts: columns.payouts.into(),
            costs: columns.costs.into(),
            offsets: columns.offsets.into(),
            click_ids: columns.click_ids.into(),
            click_times: columns.click_times.into(),
            dimensions: ScopeType::DIMENSIONS.into_iter().filter(present).map(copy).collect(),
        };
        Self::new(copies, Vec::new())
    }
}

/// A new, empty batch, to be filled with attribution_batch_append and freed with attribution_batch_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_batch_new(
    batch: *mut *mut attribution_batch,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            clear(batch, "batch")?;
            give(batch, BatchValue::Rows(BatchBuilder::new()));
        }
        Ok(())
    })
}

/// A batch from columns, which are checked and copied; they are not needed afterwards. For a single
/// calculation, attribution_calculate_columns spares the copy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_batch_from_columns(
    columns: *const attribution_columns,
    batch: *mut *mut attribution_batch,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            clear(batch, "batch")?;
            let columns = read_growing(columns)?.lent()?;
            give(batch, BatchValue::Columns(OwnedColumns::copy_of(&columns)?));
        }
        Ok(())
    })
}

fn touch_of(touch: &attribution_touch) -> Touch {
    Touch {
        click_id: touch.click_id,
        click_time: touch.click_time,
        campaign_id: touch.campaign_id,
        account_id: touch.account_id,
        landing_page_id: touch.landing_page_id,
        advertiser_id: touch.advertiser_id,
        traffic_source_id: touch.traffic_source_id,
        adgroup_id: touch.adgroup_id,
    }
}

/// Adds a conversion with its touches, which may come in any order and lack the converting click: they
/// are ordered, merged where a click is there twice, and completed. Where it fails, the batch is as it
/// was before.
///
/// Refuses a negative cost, a journey of more than 65536 touches, and a batch that was made whole.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_batch_append(
    batch: *mut attribution_batch,
    conversion: *const attribution_conversion,
    touches: *const attribution_touch,
    touch_count: usize,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (value, touches) =
            unsafe { (borrow_mut(batch)?, slice(touches, touch_count, "touches")?) };
        let BatchValue::Rows(builder) = value else {
            let found = "found one that was made whole";
            let allowed = "a batch from attribution_batch_new";
            return Err(Failure::argument("attribution_batch", found, allowed));
        };
        check_pointer(conversion, "conversion")?;
        // SAFETY: not NULL and aligned; the rest is the caller's promise.
        let conversion = unsafe { &*conversion };
        let conversion = Conversion {
            conversion_id: conversion.conversion_id,
            conversion_time: conversion.conversion_time,
            payout: Money::from_units(conversion.payout),
            cost: Money::from_units(conversion.cost),
            click: touch_of(&conversion.click),
        };
        let touches: Vec<Touch> = touches.iter().map(touch_of).collect();
        Ok(builder.push(&conversion, &touches)?)
    })
}

/// The number of conversions; 0 for what is no batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_batch_conversions(batch: *const attribution_batch) -> usize {
    // SAFETY: the caller's promise.
    value_or(0, || Ok(unsafe { borrow(batch)? }.with(|batch| batch.columns().conversion_ids.len())))
}

/// The number of touches; 0 for what is no batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_batch_touches(batch: *const attribution_batch) -> usize {
    // SAFETY: the caller's promise.
    value_or(0, || Ok(unsafe { borrow(batch)? }.with(|batch| batch.columns().click_ids.len())))
}

/// Frees a batch and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
/// Results do not need the batch that they were calculated from.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_batch_free(batch: *mut *mut attribution_batch) {
    // SAFETY: the caller's promise.
    unsafe { free(batch) }
}
