//! Journeys assembled from clicks.

use attribution_core::{
    Clicks, Conversions, Dimensions, JourneyKey, JourneyOptions, Journeys, ScopeType,
};

use crate::batch::{BatchValue, attribution_batch};
use crate::border::{
    Failure, Growing, Handle, borrow, check_reserved, clear, fill_growing, first, free, give,
    guard, read_growing, read_growing_or, refused,
};
use crate::columns::{
    Lent, attribution_i64_slice, attribution_u8_slice, attribution_u32_slice, attribution_u64_slice,
};
use crate::error::{attribution_error, attribution_status};
use crate::scope::scope_set;

/// Which clicks can be touches of a conversion.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_journey_key {
    /// Those of the converting click's visitor in the conversion's campaign.
    ATTRIBUTION_JOURNEY_KEY_VISITOR_CAMPAIGN = 0,
    /// Those of the converting click's visitor in any campaign.
    ATTRIBUTION_JOURNEY_KEY_VISITOR = 1,
    /// Those of any visitor in the conversion's campaign.
    ATTRIBUTION_JOURNEY_KEY_CAMPAIGN = 2,
    /// The converting click alone.
    ATTRIBUTION_JOURNEY_KEY_NONE = 3,
}

/// Each key at the place of its number.
const KEYS: [JourneyKey; 4] =
    [JourneyKey::VisitorCampaign, JourneyKey::Visitor, JourneyKey::Campaign, JourneyKey::None];

/// How journeys are assembled. To be begun with ATTRIBUTION_JOURNEY_OPTIONS_INIT, which has the defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_journey_options {
    /// sizeof(attribution_journey_options)
    pub size: usize,
    /// One of the ATTRIBUTION_JOURNEY_KEY_ numbers.
    pub key: u32,
    /// How long before the conversion a touch may be, in seconds.
    pub lookback_seconds: u32,
    /// How many of the newest touches are kept, from 1 to 65535; a converting click that is not among
    /// them comes on top.
    pub max_touches: u32,
    /// Nothing but zeros.
    pub reserved: [u8; 4],
}

// SAFETY: repr(C), a size first, numbers alone.
unsafe impl Growing for attribution_journey_options {
    const NAME: &'static str = "attribution_journey_options";
}

impl attribution_journey_options {
    pub(crate) fn defaults() -> Self {
        let defaults = JourneyOptions::default();
        Self {
            size: size_of::<Self>(),
            key: attribution_journey_key::ATTRIBUTION_JOURNEY_KEY_VISITOR_CAMPAIGN as u32,
            lookback_seconds: defaults.lookback_seconds,
            max_touches: defaults.max_touches,
            reserved: [0; 4],
        }
    }
}

/// Journey options as the core takes them.
pub(crate) fn journey_options(
    key: u32,
    lookback_seconds: u32,
    max_touches: u32,
) -> Result<JourneyOptions, Failure> {
    let Some(&key) = KEYS.get(key as usize) else {
        let allowed = "one of the ATTRIBUTION_JOURNEY_KEY_ numbers";
        return Err(Failure::argument("key", format!("found {key}"), allowed));
    };
    Ok(JourneyOptions { key, lookback_seconds, max_touches })
}

/// Clicks as columns, which the caller lends for the time of a call. To be begun with
/// ATTRIBUTION_CLICKS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_clicks {
    /// sizeof(attribution_clicks)
    pub size: usize,
    /// Per click: its id, each once.
    pub click_ids: attribution_u64_slice,
    /// Per click: its time in unix seconds, UTC.
    pub click_times: attribution_u32_slice,
    /// Per click: its visitor as a number of the caller's, 0 for unknown.
    pub visitors: attribution_u64_slice,
    /// Per click: the upper half of the visitor's number, where it has 128 bits; may be left out.
    pub visitors_high: attribution_u64_slice,
    /// Per click: its cost as a count of 0.00001, not negative; may be left out for 0.
    pub costs: attribution_i64_slice,
    /// Per click: 1 where it is filtered and no candidate, else 0; may be left out for 0.
    pub filtered: attribution_u8_slice,
    /// Per click: its campaign, 0 for none. This and the columns below may be left out where neither the
    /// key nor a scope that is asked for needs them.
    pub campaign_ids: attribution_u64_slice,
    /// Per click: its traffic-source account, 0 for none.
    pub account_ids: attribution_u64_slice,
    /// Per click: its landing page, 0 for none.
    pub landing_page_ids: attribution_u64_slice,
    /// Per click: its advertiser, 0 for none.
    pub advertiser_ids: attribution_u64_slice,
    /// Per click: its traffic source, 0 for none.
    pub traffic_source_ids: attribution_u64_slice,
    /// Per click: its ad group, 0 for none.
    pub adgroup_ids: attribution_u64_slice,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_clicks {
    const NAME: &'static str = "attribution_clicks";
}

/// Conversions as columns, which the caller lends for the time of a call. To be begun with
/// ATTRIBUTION_CONVERSIONS_INIT.
///
/// A column `x` that need not say something of every row has another, `x_present`, of 1 where it does
/// and 0 where it does not. Where that is left out, it does everywhere.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_conversions {
    /// sizeof(attribution_conversions)
    pub size: usize,
    /// Per conversion: its id.
    pub conversion_ids: attribution_u64_slice,
    /// Per conversion: its converting click's id, which need not be among the clicks.
    pub click_ids: attribution_u64_slice,
    /// Per conversion: its time in unix seconds, UTC.
    pub conversion_times: attribution_u32_slice,
    /// Per conversion: its payout as a count of 0.00001; negative for a refund.
    pub payouts: attribution_i64_slice,
    /// Per conversion: its own cost as a count of 0.00001, not negative; where it has none, or this is left
    /// out, its converting click's.
    pub costs: attribution_i64_slice,
    /// Per conversion: whether it has a cost of its own.
    pub costs_present: attribution_u8_slice,
    /// Per conversion: its own campaign, of which 0 is one like any other; where it has none, or this is
    /// left out, its converting click's.
    pub campaign_ids: attribution_u64_slice,
    /// Per conversion: whether it has a campaign of its own.
    pub campaign_ids_present: attribution_u8_slice,
    /// Per conversion: the time of its converting click where that is not among the clicks; where it is not
    /// known, or this is left out, the conversion's time.
    pub click_times: attribution_u32_slice,
    /// Per conversion: whether that time is known.
    pub click_times_present: attribution_u8_slice,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_conversions {
    const NAME: &'static str = "attribution_conversions";
}

/// Refuses another length than a column's. Those of the columns that are copied as they are the core
/// checks.
fn check_rows(found: usize, rows: usize, place: &str) -> Result<(), Failure> {
    if found == rows {
        return Ok(());
    }
    let allowed = format!("{rows}, as many as ids");
    Err(refused(place, format!("found {found} entries"), allowed))
}

fn switches(bytes: &[u8], place: &str) -> Result<Vec<bool>, Failure> {
    let flag = |(row, byte): (usize, &u8)| match byte {
        0 => Ok(false),
        1 => Ok(true),
        other => {
            let place = format!("{place}[{row}]");
            Err(refused(&place, format!("found {other}"), "0 or 1"))
        }
    };
    bytes.iter().enumerate().map(flag).collect()
}

/// A column that need not say something of every row.
///
/// # Safety
/// As many entries as the slices say can be read there, and nothing writes to them.
unsafe fn present<C: Lent>(
    column: C,
    present: attribution_u8_slice,
    rows: usize,
    place: &str,
) -> Result<Vec<Option<C::Entry>>, Failure>
where
    C::Entry: Copy,
{
    let marks = format!("{place}_present");
    // SAFETY: the caller's promise.
    let (values, present) =
        unsafe { (column.optional(rows, place)?, present.optional(rows, &marks)?) };
    let Some(values) = values else {
        if present.is_some() {
            return Err(refused(marks, "found marks of a column that is left out", "none"));
        }
        return Ok((0..rows).map(|_| None).collect());
    };
    check_rows(values.len(), rows, place)?;
    let Some(present) = present else {
        return Ok(values.iter().copied().map(Some).collect());
    };
    check_rows(present.len(), rows, &marks)?;
    let present = switches(present, &marks)?;
    Ok(values.iter().zip(present).map(|(value, here)| here.then_some(*value)).collect())
}

impl attribution_clicks {
    /// A copy of the clicks.
    ///
    /// # Safety
    /// As many entries as the slices say can be read there, and nothing writes to them.
    unsafe fn copied(&self) -> Result<Clicks, Failure> {
        let rows = self.click_ids.length;
        // SAFETY: the caller's promise.
        let (click_ids, click_times, low, high, costs, filtered, lent) = unsafe {
            (
                self.click_ids.entries("clicks.click_ids")?,
                self.click_times.entries("clicks.click_times")?,
                self.visitors.entries("clicks.visitors")?,
                self.visitors_high.optional(rows, "clicks.visitors_high")?,
                self.costs.optional(rows, "clicks.costs")?,
                self.filtered.optional(rows, "clicks.filtered")?,
                crate::batch::dimensions(
                    [
                        (ScopeType::Campaign, self.campaign_ids),
                        (ScopeType::Account, self.account_ids),
                        (ScopeType::LandingPage, self.landing_page_ids),
                        (ScopeType::Advertiser, self.advertiser_ids),
                        (ScopeType::TrafficSource, self.traffic_source_ids),
                        (ScopeType::Adgroup, self.adgroup_ids),
                    ],
                    rows,
                    "clicks.",
                )?,
            )
        };
        check_rows(low.len(), rows, "clicks.visitors")?;
        let mut visitors: Vec<u128> = low.iter().copied().map(u128::from).collect();
        if let Some(high) = high {
            check_rows(high.len(), rows, "clicks.visitors_high")?;
            for (visitor, high) in visitors.iter_mut().zip(high) {
                *visitor |= u128::from(*high) << 64;
            }
        }
        let mut dimensions = Dimensions::default();
        for scope_type in ScopeType::DIMENSIONS {
            if let Some(column) = lent.get(scope_type) {
                dimensions = dimensions.with(scope_type, column.to_vec());
            }
        }
        Ok(Clicks {
            click_ids: click_ids.to_vec(),
            click_times: click_times.to_vec(),
            visitors,
            costs: costs.map_or_else(|| vec![0; rows], <[i64]>::to_vec),
            filtered: match filtered {
                Some(filtered) => switches(filtered, "clicks.filtered")?,
                None => vec![false; rows],
            },
            dimensions,
        })
    }
}

impl attribution_conversions {
    /// A copy of the conversions.
    ///
    /// # Safety
    /// As many entries as the slices say can be read there, and nothing writes to them.
    unsafe fn copied(&self) -> Result<Conversions, Failure> {
        let rows = self.conversion_ids.length;
        // SAFETY: the caller's promise.
        unsafe {
            Ok(Conversions {
                conversion_ids: self.conversion_ids.entries("conversions.conversion_ids")?.to_vec(),
                click_ids: self.click_ids.entries("conversions.click_ids")?.to_vec(),
                conversion_times: self
                    .conversion_times
                    .entries("conversions.conversion_times")?
                    .to_vec(),
                payouts: self.payouts.entries("conversions.payouts")?.to_vec(),
                costs: present(self.costs, self.costs_present, rows, "conversions.costs")?,
                campaign_ids: present(
                    self.campaign_ids,
                    self.campaign_ids_present,
                    rows,
                    "conversions.campaign_ids",
                )?,
                click_times: present(
                    self.click_times,
                    self.click_times_present,
                    rows,
                    "conversions.click_times",
                )?,
            })
        }
    }
}

/// Journeys assembled from clicks, with a copy of these and of the conversions.
///
/// Made by attribution_journeys_assemble, owned by the caller and freed with attribution_journeys_free.
/// It never changes; threads may share it.
pub struct attribution_journeys {
    _private: (),
}

/// What is behind journeys.
#[derive(Debug)]
pub(crate) struct JourneysValue {
    journeys: Journeys,
    clicks: Clicks,
    conversions: Conversions,
}

impl Handle for attribution_journeys {
    type Value = JourneysValue;
    const NAME: &'static str = "attribution_journeys";
    const TAG: u64 = u64::from_le_bytes(*b"attr:jou");
}

/// In `rows` of attribution_journey_columns: a converting click that is not among the clicks.
pub const ATTRIBUTION_MISSING_CLICK: u32 = 0xffff_ffff;

/// The journeys as columns, which are those of the attribution_journeys, never change, and stay until it is
/// freed. To be begun with ATTRIBUTION_JOURNEY_COLUMNS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_journey_columns {
    /// sizeof(attribution_journey_columns)
    pub size: usize,
    /// The number of conversions.
    pub conversions: usize,
    /// The number of touches of all journeys.
    pub touches: usize,
    /// Where each conversion's touches begin, and at last where they end: `conversions` + 1 entries.
    pub offsets: *const usize,
    /// Per touch: its row among the clicks, or ATTRIBUTION_MISSING_CLICK; NULL where there are none.
    pub rows: *const u32,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_journey_columns {
    const NAME: &'static str = "attribution_journey_columns";
}

/// Assembles the journey of each conversion from the clicks. Both are checked and copied; they are not
/// needed afterwards. `options` may be NULL for the defaults.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_journeys_assemble(
    clicks: *const attribution_clicks,
    conversions: *const attribution_conversions,
    options: *const attribution_journey_options,
    journeys: *mut *mut attribution_journeys,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (clicks, conversions, options) = unsafe {
            clear(journeys, "journeys")?;
            let options = read_growing_or(options, attribution_journey_options::defaults())?;
            (read_growing(clicks)?.copied()?, read_growing(conversions)?.copied()?, options)
        };
        check_reserved(&options.reserved)?;
        let options = journey_options(options.key, options.lookback_seconds, options.max_touches)?;
        let assembled = Journeys::assemble(&clicks, &conversions, &options)?;
        let value = JourneysValue { journeys: assembled, clicks, conversions };
        // SAFETY: cleared above.
        unsafe { give(journeys, value) };
        Ok(())
    })
}

/// The journeys as columns, valid until the journeys are freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_journeys_columns(
    journeys: *const attribution_journeys,
    columns: *mut attribution_journey_columns,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let value = unsafe { borrow(journeys)? };
        let (offsets, rows) = value.journeys.columns();
        let filled = attribution_journey_columns {
            size: 0,
            conversions: value.journeys.len(),
            touches: rows.len(),
            offsets: offsets.as_ptr(),
            rows: first(rows),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(columns, filled) }
    })
}

/// A batch of the journeys with what the clicks have: their times, and their ids in the dimensions of
/// `scopes`, which are ATTRIBUTION_SCOPES_ bits joined by |. A conversion's cost is its own or its
/// converting click's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_journeys_batch(
    journeys: *const attribution_journeys,
    scopes: u32,
    batch: *mut *mut attribution_batch,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let value = unsafe {
            clear(batch, "batch")?;
            borrow(journeys)?
        };
        let scopes = scope_set(scopes, "scopes")?;
        let JourneysValue { journeys, clicks, conversions } = value;
        let built = journeys.clone().into_batch(conversions, clicks, scopes)?;
        // SAFETY: cleared above.
        unsafe { give(batch, BatchValue::Whole(built)) };
        Ok(())
    })
}

/// Frees journeys and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
/// Batches do not need the journeys that they were made from.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_journeys_free(journeys: *mut *mut attribution_journeys) {
    // SAFETY: the caller's promise.
    unsafe { free(journeys) }
}
