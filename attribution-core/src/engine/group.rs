//! Touches in any order, grouped by conversion.

use std::ops::Range;
use std::thread;

use super::calculate::Chunked;
use crate::domain::batch::{Batch, BatchBuilder, MAX_TOUCHES};
use crate::domain::dimensions::Dimensions;
use crate::domain::id_index::IdIndex;
use crate::ground::error::{Defect, Defects, Error};
use crate::ground::scope::ScopeType;

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

/// A touch where its conversion's run of touches is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    click_time: u32,
    /// The row in the touch columns.
    row: u32,
    click_id: u64,
}

/// Touches in runs, one for each conversion; the order within a run is made chunk by chunk.
pub(crate) struct GroupedTouches<'a> {
    conversions: &'a ConversionColumns<'a>,
    touches: &'a TouchColumns<'a>,
    offsets: Vec<u32>,
    placed: Vec<Placed>,
}

const UNKNOWN: u32 = u32::MAX;

impl<'a> GroupedTouches<'a> {
    pub(crate) fn group(
        conversions: &'a ConversionColumns<'a>,
        touches: &'a TouchColumns<'a>,
        threads: usize,
    ) -> Result<Self, Error> {
        check_lengths(conversions, touches)?;
        let mut defects = Defects::default();
        let ids = conversions.conversion_ids;
        let index = IdIndex::build(ids, |first, later| {
            defects.push(Defect::new(
                format!("conversion_ids[{later}]"),
                format!("found conversion {} again", ids[later as usize]),
                format!("each conversion once (it is at [{first}])"),
            ));
        });
        let of_touch = conversion_of_each(touches, ids, &index, threads);
        if of_touch.contains(&UNKNOWN) {
            for (row, _) in of_touch.iter().enumerate().filter(|(_, of)| **of == UNKNOWN) {
                defects.push(Defect::new(
                    format!("touches.conversion_ids[{row}]"),
                    format!("found {}", touches.conversion_ids[row]),
                    "one of the conversions' ids",
                ));
            }
        }
        defects.into_result()?;
        drop(index);
        let mut offsets = vec![0_u32; ids.len() + 1];
        for &of in &of_touch {
            offsets[of as usize + 1] += 1;
        }
        for conversion in 1..offsets.len() {
            offsets[conversion] += offsets[conversion - 1];
        }
        let placed = place(touches, &of_touch, &offsets, threads);
        Ok(Self { conversions, touches, offsets, placed })
    }

    /// Orders one conversion's touches into `journey`, which is cleared first.
    fn order(&self, conversion: usize, journey: &mut Vec<Placed>) -> Result<usize, Error> {
        let run = self.offsets[conversion] as usize..self.offsets[conversion + 1] as usize;
        journey.clear();
        journey.extend_from_slice(&self.placed[run]);
        let converting = self.conversions.converting_click_ids[conversion];
        if !journey.iter().any(|touch| touch.click_id == converting) {
            let Some(times) = self.conversions.converting_click_times else {
                return Err(Error::input(
                    format!("converting_click_ids[{conversion}]"),
                    format!("found click {converting}, which is not among the touches"),
                    "one of the conversion's touches, or a column converting_click_times",
                ));
            };
            let click_time = times[conversion];
            journey.push(Placed { click_time, click_id: converting, row: UNKNOWN });
        }
        let ordered = |touch: &Placed| (touch.click_time, touch.click_id);
        journey.sort_unstable_by(|left, right| {
            ordered(left).cmp(&ordered(right)).then_with(|| self.compare_dimensions(left, right))
        });
        self.drop_repeated(journey);
        if journey.len() > MAX_TOUCHES {
            return Err(Error::input(
                format!("conversion_ids[{conversion}]"),
                format!("found {} touches", journey.len()),
                format!("at most {MAX_TOUCHES}"),
            ));
        }
        let position = journey.iter().position(|touch| touch.click_id == converting);
        position.ok_or_else(|| Error::Internal("a journey lacks its converting click".into()))
    }

    /// Among equal touches the dimensions decide, so that the order of the rows does not.
    fn compare_dimensions(&self, left: &Placed, right: &Placed) -> std::cmp::Ordering {
        let ids = |touch: &Placed| {
            let row = touch.row as usize;
            // As touches in rows compare: campaign, account, landing page and the rest.
            [
                ScopeType::Campaign,
                ScopeType::Account,
                ScopeType::LandingPage,
                ScopeType::Advertiser,
                ScopeType::TrafficSource,
                ScopeType::Adgroup,
            ]
            .map(|scope_type| self.touches.dimensions.get(scope_type).and_then(|ids| ids.get(row)))
        };
        ids(left).cmp(&ids(right))
    }

    /// Keeps the first of the touches of each click.
    fn drop_repeated(&self, journey: &mut Vec<Placed>) {
        const FEW: usize = 24;
        if journey.windows(2).all(|pair| pair[0].click_id < pair[1].click_id) {
            return;
        }
        if journey.len() <= FEW {
            let mut kept = 0;
            for at in 0..journey.len() {
                let touch = journey[at];
                if !journey[..kept].iter().any(|earlier| earlier.click_id == touch.click_id) {
                    journey[kept] = touch;
                    kept += 1;
                }
            }
            journey.truncate(kept);
        } else {
            let mut seen = hashbrown::HashSet::with_capacity(journey.len());
            journey.retain(|touch| seen.insert(touch.click_id));
        }
    }
}

/// The row of each touch's conversion.
fn conversion_of_each(
    touches: &TouchColumns<'_>,
    ids: &[u64],
    index: &IdIndex,
    threads: usize,
) -> Vec<u32> {
    let mut of_touch = vec![UNKNOWN; touches.conversion_ids.len()];
    let share = of_touch.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        for (of_touch, wanted) in
            of_touch.chunks_mut(share).zip(touches.conversion_ids.chunks(share))
        {
            scope.spawn(move || {
                for (of, id) in of_touch.iter_mut().zip(wanted) {
                    *of = index.row(*id, ids).unwrap_or(UNKNOWN);
                }
            });
        }
    });
    of_touch
}

/// Moves every touch to its conversion's run. Each thread fills the runs of its share of the
/// conversions and passes over the touches of the others.
fn place(
    touches: &TouchColumns<'_>,
    of_touch: &[u32],
    offsets: &[u32],
    threads: usize,
) -> Vec<Placed> {
    let conversions = offsets.len() - 1;
    let mut placed = vec![Placed::default(); of_touch.len()];
    let share = conversions.div_ceil(threads).max(1);
    thread::scope(|scope| {
        let mut rest = &mut placed[..];
        for start in (0..conversions).step_by(share) {
            let end = (start + share).min(conversions);
            let first = offsets[start];
            let (own, others) = rest.split_at_mut((offsets[end] - first) as usize);
            rest = others;
            scope.spawn(move || {
                let mut next: Vec<u32> = offsets[start..end].to_vec();
                let columns = touches.click_times.iter().zip(touches.click_ids);
                for (row, (of, (time, id))) in of_touch.iter().zip(columns).enumerate() {
                    let Some(next) = next.get_mut((*of as usize).wrapping_sub(start)) else {
                        continue;
                    };
                    own[(*next - first) as usize] =
                        Placed { click_time: *time, row: row as u32, click_id: *id };
                    *next += 1;
                }
            });
        }
    });
    placed
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
        rows: Range<usize>,
        out: &mut BatchBuilder,
        take: impl FnOnce(&Batch<'_>, Range<usize>) -> R,
    ) -> Result<R, Error> {
        out.clear();
        let mut journey = Vec::new();
        for conversion in rows.clone() {
            let position = self.order(conversion, &mut journey)?;
            out.converting_positions.push(position as u32);
            out.click_ids.extend(journey.iter().map(|touch| touch.click_id));
            out.click_times.extend(journey.iter().map(|touch| touch.click_time));
            out.offsets.push(out.click_ids.len());
            for (column, ids) in out.dimensions.0.iter_mut().zip(&self.touches.dimensions.0) {
                if let (Some(column), Some(ids)) = (column, ids) {
                    let id = |touch: &Placed| ids.get(touch.row as usize).copied().unwrap_or(0);
                    column.extend(journey.iter().map(id));
                }
            }
        }
        out.conversion_ids.extend_from_slice(&self.conversions.conversion_ids[rows.clone()]);
        out.converting_click_ids
            .extend_from_slice(&self.conversions.converting_click_ids[rows.clone()]);
        out.conversion_times.extend_from_slice(&self.conversions.conversion_times[rows.clone()]);
        out.payouts.extend_from_slice(&self.conversions.payouts[rows.clone()]);
        out.costs.extend_from_slice(&self.conversions.costs[rows.clone()]);
        let conversions = rows.len();
        Ok(take(&out.batch(), 0..conversions))
    }
}
