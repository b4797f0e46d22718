//! Touches in any order, grouped by conversion.
//!
//! Two passes that stay in cache take the place of one that does not: each thread first deals its
//! share of the touches out to chunks of conversions, then each chunk's few touches are sorted by
//! conversion where they are needed.

use std::ops::Range;
use std::thread;

use super::calculate::{CHUNK, Chunked};
use super::parallel::{join, spawn};
use crate::domain::batch::{Batch, BatchBuilder, MAX_TOUCHES};
use crate::domain::dimensions::Dimensions;
use crate::domain::id_index::IdIndex;
use crate::ground::error::{Defect, Defects, Error};
use crate::ground::scope::ScopeType;
use crate::ground::time::SECONDS_PER_HOUR;

/// Conversions as columns, without their touches.
///
/// ```
/// let none = attribution_core::ConversionColumns::default();
/// assert!(none.conversion_ids.is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct ConversionColumns<'a> {
    /// The conversion's id, each once.
    pub conversion_ids: &'a [u64],
    /// Its converting click.
    pub converting_click_ids: &'a [u64],
    /// Its time in unix seconds.
    pub conversion_times: &'a [u32],
    /// Its payout as a count of 0.00001; negative for a refund.
    pub payouts: &'a [i64],
    /// Its cost as a count of 0.00001; not negative.
    pub costs: &'a [i64],
    /// The converting click's time, for where it is not among the touches. It then has no
    /// dimension. Without this column, every converting click has to be among the touches.
    pub converting_click_times: Option<&'a [u32]>,
}

/// Touches as columns, in any order.
///
/// ```
/// let none = attribution_core::TouchColumns::default();
/// assert!(none.click_ids.is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct TouchColumns<'a> {
    /// The conversion that the touch led to.
    pub conversion_ids: &'a [u64],
    /// The touch's click.
    pub click_ids: &'a [u64],
    /// Its time in unix seconds.
    pub click_times: &'a [u32],
    /// Its ids in the dimensions that there are; 0 for none.
    pub dimensions: Dimensions<&'a [u64]>,
}

/// A touch on its way to its conversion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Dealt {
    /// The place of the touch's conversion in the order of work.
    conversion: u32,
    click_time: u32,
    click_id: u64,
}

/// One thread's share of the touches, dealt out to the chunks.
struct Hand {
    /// Where each chunk's touches begin, and at last where they end.
    offsets: Vec<usize>,
    touches: Vec<Dealt>,
    dimensions: Dimensions<Vec<u64>>,
}

/// Touches dealt out to chunks of conversions.
pub(crate) struct GroupedTouches<'a> {
    conversions: &'a ConversionColumns<'a>,
    touches: &'a TouchColumns<'a>,
    /// The conversions' rows in the order of work.
    order: Vec<u32>,
    /// The conversions' ids in the order of work.
    ids: Vec<u64>,
    hands: Vec<Hand>,
}

const UNKNOWN: u32 = u32::MAX;

impl<'a> GroupedTouches<'a> {
    /// Deals the touches out. The order of work is that of the rows where `keep_order` asks for it;
    /// otherwise it is by hour, so that totals are added up hour by hour.
    pub(crate) fn deal(
        conversions: &'a ConversionColumns<'a>,
        touches: &'a TouchColumns<'a>,
        keep_order: bool,
        threads: usize,
    ) -> Result<Self, Error> {
        check_lengths(conversions, touches)?;
        let mut defects = Defects::default();
        let rows = conversions.conversion_ids.len();
        let order = if keep_order {
            (0..rows as u32).collect()
        } else {
            by_hour(conversions.conversion_times)
        };
        // In the order of work, so that one look-up leads from a touch to its conversion's place.
        let ids: Vec<u64> =
            order.iter().map(|row| conversions.conversion_ids[*row as usize]).collect();
        let index = IdIndex::build(&ids, |first, later| {
            let rows = [order[first as usize], order[later as usize]];
            defects.push(Defect::new(
                format!("conversion_ids[{}]", rows[0].max(rows[1])),
                format!("found conversion {} again", ids[later as usize]),
                format!("each conversion once (it is at [{}])", rows[0].min(rows[1])),
            ));
        });
        std::mem::take(&mut defects).into_result()?;
        let place_of = |id: u64| index.row(id, &ids).unwrap_or(UNKNOWN);

        let rows = touches.conversion_ids.len();
        let chunks = ids.len().div_ceil(CHUNK);
        let share = rows.div_ceil(threads).max(1);
        let dealt: Result<Vec<_>, Error> = thread::scope(|scope| {
            let place_of = &place_of;
            let handles: Result<Vec<_>, Error> = (0..rows)
                .step_by(share)
                .map(|start| {
                    let rows = start..(start + share).min(rows);
                    spawn(scope, move || Hand::deal(touches, rows, chunks, place_of))
                })
                .collect();
            handles?.into_iter().map(join).collect()
        });
        let mut hands = Vec::new();
        for (hand, of_hand) in dealt? {
            hands.push(hand);
            defects.append(of_hand);
        }
        defects.into_result()?;
        Ok(Self { conversions, touches, order, ids, hands })
    }

    /// Makes a journey of a run of touches that lacks its converting click or has a click more than
    /// once. Gives the position of the converting click.
    #[cold]
    fn mend(
        &self,
        row: usize,
        converting: u64,
        run: &[Placed],
        journey: &mut Vec<Placed>,
        dimensions: &[Vec<u64>],
    ) -> Result<Option<usize>, Error> {
        journey.clear();
        journey.extend_from_slice(run);
        if !journey.iter().any(|touch| touch.click_id == converting) {
            let Some(times) = self.conversions.converting_click_times else {
                return Err(Error::input(
                    format!("converting_click_ids[{row}]"),
                    format!("found click {converting}, which is not among the touches"),
                    "one of the conversion's touches, or a column converting_click_times",
                ));
            };
            journey.push(Placed { click_time: times[row], click_id: converting, at: UNKNOWN });
        }
        drop_repeated(journey, dimensions);
        if journey.len() > MAX_TOUCHES {
            return Err(Error::input(
                format!("conversion_ids[{row}]"),
                format!("found {} touches", journey.len()),
                format!("at most {MAX_TOUCHES}"),
            ));
        }
        Ok(journey.iter().position(|touch| touch.click_id == converting))
    }
}

/// The rows of conversions by hour, then as they come: a counting sort.
fn by_hour(times: &[u32]) -> Vec<u32> {
    let hour = |time: &u32| (time / SECONDS_PER_HOUR) as usize;
    let (first, last) = times
        .iter()
        .map(hour)
        .fold((usize::MAX, 0), |(first, last), hour| (first.min(hour), last.max(hour)));
    let mut next = vec![0_u32; (last + 2).saturating_sub(first)];
    for time in times {
        next[hour(time) - first + 1] += 1;
    }
    for hour in 1..next.len() {
        next[hour] += next[hour - 1];
    }
    let mut order = vec![0; times.len()];
    for (row, time) in times.iter().enumerate() {
        let place = &mut next[hour(time) - first];
        order[*place as usize] = row as u32;
        *place += 1;
    }
    order
}

impl Hand {
    fn deal(
        touches: &TouchColumns<'_>,
        rows: Range<usize>,
        chunks: usize,
        place_of: impl Fn(u64) -> u32,
    ) -> (Self, Defects) {
        let mut offsets = vec![0; chunks + 1];
        let mut places = Vec::with_capacity(rows.len());
        let mut defects = Defects::default();
        for (row, id) in rows.clone().zip(&touches.conversion_ids[rows.clone()]) {
            let place = place_of(*id);
            places.push(place);
            match offsets.get_mut(place as usize / CHUNK + 1) {
                Some(count) if place != UNKNOWN => *count += 1,
                _ => defects.push(Defect::new(
                    format!("touches.conversion_ids[{row}]"),
                    format!("found {id}"),
                    "one of the conversions' ids",
                )),
            }
        }
        if defects.total() > 0 {
            // Nothing will be made of these touches.
            let nothing = Self { offsets, touches: Vec::new(), dimensions: Dimensions::default() };
            return (nothing, defects);
        }
        for chunk in 1..offsets.len() {
            offsets[chunk] += offsets[chunk - 1];
        }
        let mut next = offsets.clone();
        let mut dealt = vec![Dealt::default(); rows.len()];
        let columns =
            touches.click_times[rows.clone()].iter().zip(&touches.click_ids[rows.clone()]);
        for (place, (click_time, click_id)) in places.iter_mut().zip(columns) {
            let next = &mut next[*place as usize / CHUNK];
            dealt[*next] =
                Dealt { conversion: *place, click_time: *click_time, click_id: *click_id };
            // From here on, the place that the touch was dealt to.
            *place = *next as u32;
            *next += 1;
        }
        let dimensions = Dimensions(touches.dimensions.0.map(|ids| {
            let mut column = vec![0; rows.len()];
            for (place, id) in places.iter().zip(&ids?[rows.clone()]) {
                column[*place as usize] = *id;
            }
            Some(column)
        }));
        (Self { offsets, touches: dealt, dimensions }, defects)
    }
}

/// A touch beside the others of its conversion.
#[derive(Debug, Clone, Copy, Default)]
struct Placed {
    click_time: u32,
    /// Where the chunk's columns have its dimensions.
    at: u32,
    click_id: u64,
}

/// Sorts touches by (time, click id).
fn sort_run(run: &mut [Placed]) {
    let sorted = match run.len() {
        0..=8 => sort_in_lanes::<8>(run),
        9..=16 => sort_in_lanes::<16>(run),
        _ => false,
    };
    if !sorted {
        run.sort_unstable_by_key(|touch| (touch.click_time, touch.click_id));
    }
}

/// Sorts at most `LANES` touches by time, if their times all differ: each touch's place is then the
/// number of touches before it, which takes no branch.
#[inline(always)]
fn sort_in_lanes<const LANES: usize>(run: &mut [Placed]) -> bool {
    let mut times = [u32::MAX; LANES];
    for (lane, touch) in times.iter_mut().zip(&*run) {
        *lane = touch.click_time;
    }
    let (mut places, mut not_after) = ([0_u32; LANES], 0);
    for time in &times[..run.len()] {
        for lane in 0..LANES {
            places[lane] += u32::from(*time < times[lane]);
            not_after += u32::from(*time <= times[lane]);
        }
    }
    // With times that all differ, each touch is at or before itself, those after it, and the lanes
    // that are empty.
    let (touches, empty) = (run.len() as u32, (LANES - run.len()) as u32);
    if not_after != touches * (touches + 1) / 2 + touches * empty {
        return false;
    }
    let mut sorted = [Placed::default(); LANES];
    for (touch, place) in run.iter().zip(places) {
        sorted[place as usize % LANES] = *touch;
    }
    run.copy_from_slice(&sorted[..run.len()]);
    true
}

/// Whether a click is there more than once; a long run is taken to be one that has.
fn any_repeated(run: &[Placed]) -> bool {
    const FEW: usize = 32;
    if run.len() > FEW {
        // Sorting settles it, and drops what there is to drop.
        return true;
    }
    // A bit for each click: as many bits as touches means that all differ.
    let bit = |touch: &Placed| 1_u64 << (touch.click_id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
    let bits = run.iter().fold(0, |bits, touch| bits | bit(touch));
    if bits.count_ones() as usize == run.len() {
        return false;
    }
    let earlier = |at: usize| run[..at].iter().any(|touch| touch.click_id == run[at].click_id);
    (1..run.len()).any(earlier)
}

/// Keeps the earliest of the touches of each click. Among those of one time the dimensions decide,
/// as among touches in rows, so that the order they came in does not.
fn drop_repeated(journey: &mut Vec<Placed>, dimensions: &[Vec<u64>]) {
    const AS_IN_ROWS: [ScopeType; 6] = [
        ScopeType::Campaign,
        ScopeType::Account,
        ScopeType::LandingPage,
        ScopeType::Advertiser,
        ScopeType::TrafficSource,
        ScopeType::Adgroup,
    ];
    let ids = |touch: &Placed| {
        AS_IN_ROWS.map(|scope_type| {
            let column = scope_type.dimension().and_then(|place| dimensions.get(place));
            column.and_then(|ids| ids.get(touch.at as usize)).copied().unwrap_or(0)
        })
    };
    journey.sort_unstable_by_key(|touch| (touch.click_id, touch.click_time, ids(touch)));
    journey.dedup_by_key(|touch| touch.click_id);
    journey.sort_unstable_by_key(|touch| (touch.click_time, touch.click_id));
}

fn check_lengths(
    conversions: &ConversionColumns<'_>,
    touches: &TouchColumns<'_>,
) -> Result<(), Error> {
    let mut defects = Defects::default();
    let mut expect = |column: &str, found: usize, allowed: usize, of: &str| {
        if found != allowed {
            defects.push(Defect::new(
                column,
                format!("found {found} entries"),
                format!("{allowed}, one for each of {of}"),
            ));
        }
    };
    let (rows, of) = (conversions.conversion_ids.len(), "conversion_ids");
    expect("converting_click_ids", conversions.converting_click_ids.len(), rows, of);
    expect("conversion_times", conversions.conversion_times.len(), rows, of);
    expect("payouts", conversions.payouts.len(), rows, of);
    expect("costs", conversions.costs.len(), rows, of);
    if let Some(times) = conversions.converting_click_times {
        expect("converting_click_times", times.len(), rows, of);
    }
    let (touch_rows, of) = (touches.conversion_ids.len(), "touches.conversion_ids");
    expect("touches.click_ids", touches.click_ids.len(), touch_rows, of);
    expect("touches.click_times", touches.click_times.len(), touch_rows, of);
    for (scope_type, column) in touches.dimensions.present() {
        expect(&format!("touches.{scope_type}_ids"), column.len(), touch_rows, of);
    }
    for (column, found) in [("conversion_ids", rows), ("touches.conversion_ids", touch_rows)] {
        if found >= UNKNOWN as usize {
            defects.push(Defect::new(
                column,
                format!("found {found} rows"),
                format!("below {UNKNOWN}"),
            ));
        }
    }
    for (row, cost) in conversions.costs.iter().enumerate().filter(|(_, cost)| **cost < 0) {
        defects.push(Defect::new(format!("costs[{row}]"), format!("found {cost}"), "0 or more"));
    }
    defects.into_result()
}

impl Chunked for GroupedTouches<'_> {
    fn conversions(&self) -> usize {
        self.conversions.conversion_ids.len()
    }

    fn has_dimension(&self, scope_type: ScopeType) -> bool {
        self.touches.dimensions.get(scope_type).is_some()
    }

    fn amounts(&self, row: usize) -> (u64, i64, i64) {
        let columns = self.conversions;
        (columns.conversion_ids[row], columns.payouts[row], columns.costs[row])
    }

    fn with_chunk<R>(
        &self,
        places: Range<usize>,
        out: &mut BatchBuilder,
        take: impl FnOnce(&Batch<'_>, Range<usize>) -> R,
    ) -> Result<R, Error> {
        let chunk = places.start / CHUNK;
        let dealt = || {
            self.hands.iter().map(|hand| {
                let bounds = hand.offsets[chunk]..hand.offsets[chunk + 1];
                (hand, bounds)
            })
        };
        // The chunk's touches in a counting sort by conversion.
        let mut next = vec![0_u32; places.len() + 1];
        for (hand, bounds) in dealt() {
            for touch in &hand.touches[bounds] {
                next[touch.conversion as usize - places.start + 1] += 1;
            }
        }
        for conversion in 1..next.len() {
            next[conversion] += next[conversion - 1];
        }
        let offsets = next.clone();
        let mut placed = vec![Placed::default(); offsets[places.len()] as usize];
        let mut dimensions = [const { Vec::new() }; 6];
        let mut at = 0;
        for (hand, bounds) in dealt() {
            for (column, ids) in dimensions.iter_mut().zip(&hand.dimensions.0) {
                column.extend_from_slice(ids.as_ref().map_or(&[][..], |ids| &ids[bounds.clone()]));
            }
            for touch in &hand.touches[bounds] {
                let next = &mut next[touch.conversion as usize - places.start];
                let Dealt { click_time, click_id, .. } = *touch;
                placed[*next as usize] = Placed { click_time, at, click_id };
                *next += 1;
                at += 1;
            }
        }

        out.clear();
        let conversions = places.len();
        let rows = &self.order[places.clone()];
        // Column by column: the rows lie far apart, and a plain loop fetches many at a time.
        let columns = self.conversions;
        let converting = rows.iter().map(|row| columns.converting_click_ids[*row as usize]);
        out.converting_click_ids.extend(converting);
        out.conversion_times.extend(rows.iter().map(|row| columns.conversion_times[*row as usize]));
        out.payouts.extend(rows.iter().map(|row| columns.payouts[*row as usize]));
        out.costs.extend(rows.iter().map(|row| columns.costs[*row as usize]));
        out.conversion_ids.extend_from_slice(&self.ids[places]);
        let mut mended = Vec::new();
        let mut journeys = Vec::with_capacity(placed.len() + conversions);
        for (at, (bounds, row)) in offsets.windows(2).zip(rows).enumerate() {
            let run = &mut placed[bounds[0] as usize..bounds[1] as usize];
            sort_run(run);
            let converting = out.converting_click_ids[at];
            let mut run = &*run;
            let mut position = run.iter().position(|touch| touch.click_id == converting);
            if position.is_none() || any_repeated(run) {
                position = self.mend(*row as usize, converting, run, &mut mended, &dimensions)?;
                run = &mended;
            }
            let Some(position) = position else {
                return Err(Error::Internal("a journey lacks its converting click".into()));
            };
            out.converting_positions.push(position as u32);
            journeys.extend_from_slice(run);
            out.offsets.push(journeys.len());
        }
        out.click_ids.extend(journeys.iter().map(|touch| touch.click_id));
        out.click_times.extend(journeys.iter().map(|touch| touch.click_time));
        for (column, ids) in out.dimensions.0.iter_mut().zip(&dimensions) {
            if let Some(column) = column {
                // A converting click that was added has no dimension.
                let id = |touch: &Placed| ids.get(touch.at as usize).copied().unwrap_or(0);
                column.extend(journeys.iter().map(id));
            }
        }
        Ok(take(&out.batch(), 0..conversions))
    }
}
