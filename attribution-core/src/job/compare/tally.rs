//! The sums of each model and scope id, over conversions that come batch by batch.

use std::ops::Range;
use std::sync::Mutex;

use hashbrown::HashMap;

use super::bootstrap::{MOST_DRAWN, add_drawn, draw};
use super::report::CompareOptions;
use crate::domain::batch::Batch;
use crate::domain::model::Model;
use crate::engine::calculate::{Chunked, Engine};
use crate::engine::lanes::{Kernel, widened};
use crate::engine::touchpoints::Touchpoints;
use crate::ground::error::Error;
use crate::ground::money::UNITS_PER_ONE;
use crate::ground::scope::{ScopeSet, ScopeType};

/// The most resampled sums that are held, 8 bytes each, on each thread.
const MOST_SUMS: usize = 1 << 24;

/// What is added up and resampled of a scope id and a model.
const FIGURES: usize = 3;

/// Sums as they grow; money and credit as counts of 0.00001.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) clicks: u64,
    pub(super) conversions: u64,
    pub(super) multi_touch: u64,
    pub(super) credit: i64,
    pub(super) revenue: i64,
    pub(super) cost: i64,
}

impl Sums {
    fn merge(&mut self, more: &Self) {
        self.clicks += more.clicks;
        self.conversions += more.conversions;
        self.multi_touch += more.multi_touch;
        self.credit += more.credit;
        self.revenue += more.revenue;
        self.cost += more.cost;
    }
}

/// What one conversion gives a scope id under a model.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: u64,
    clicks: u64,
    credit: i64,
    revenue: i64,
    cost: i64,
}

impl Entry {
    fn merge(&mut self, more: &Self) {
        self.clicks += more.clicks;
        self.credit += more.credit;
        self.revenue += more.revenue;
        self.cost += more.cost;
    }
}

/// The sums of some conversions.
#[derive(Debug, Default)]
struct Cells {
    /// From a scope id, 0 for global, to its place.
    places: HashMap<u64, usize>,
    /// For each place, for each model.
    sums: Vec<Sums>,
    /// For each place, for each model (under global for all together, as none differs from another), for
    /// credit, revenue and cost, each resample's sum.
    resampled: Vec<i64>,
    entries: Vec<Entry>,
    draws: Vec<i32>,
}

/// The growing sums of a comparison.
pub(super) struct Tally<'a> {
    models: &'a [Model],
    scope_type: ScopeType,
    scope_id: Option<u64>,
    resamples: usize,
    engine: Engine,
    /// As many as threads were at work at once. What is added to which does not matter in the end.
    cells: Mutex<Vec<Cells>>,
    counts: Mutex<Counts>,
}

/// What is counted over all conversions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// The sum of the magnitudes of all amounts.
    magnitude: i64,
    pub(super) conversions: u64,
    pub(super) touches: u64,
    pub(super) multi_touch: u64,
}

impl<'a> Tally<'a> {
    pub(super) fn new(models: &'a [Model], options: &CompareOptions, threads: usize) -> Self {
        Self {
            models,
            scope_type: options.scope_type,
            scope_id: options.scope_id,
            resamples: options.resamples as usize,
            engine: Engine::new().scopes(ScopeSet::NONE).touchpoints(true).threads(threads),
            cells: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// How many models have resampled sums of their own.
    fn slots(&self) -> usize {
        if self.scope_type == ScopeType::Global { 1 } else { self.models.len() }
    }

    /// Adds conversions that are not among those added before. `heed` is told of every few thousand.
    /// Threads may add at the same time.
    pub(super) fn add(
        &self,
        batch: &Batch<'_>,
        heed: impl FnMut(usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        batch.check(ScopeSet::NONE.with(self.scope_type))?;
        self.count(batch)?;
        self.engine.stream(
            self.models,
            batch,
            |rows, parts| {
                let mut cells = self.pool()?.pop().unwrap_or_default();
                let mut outcome = Ok(());
                let rows_done = rows.len();
                widened(AddChunk {
                    tally: self,
                    batch,
                    rows,
                    parts: &parts,
                    cells: &mut cells,
                    outcome: &mut outcome,
                });
                self.pool()?.push(cells);
                outcome.map(|()| rows_done)
            },
            heed,
        )?;
        Ok(())
    }

    fn pool(&self) -> Result<std::sync::MutexGuard<'_, Vec<Cells>>, Error> {
        self.cells.lock().map_err(|_| Error::Internal("a worker thread panicked".into()))
    }

    /// Refuses amounts whose sums, profits and differences of these in any resample might be out of range.
    fn count(&self, batch: &Batch<'_>) -> Result<(), Error> {
        let most_drawn = if self.resamples == 0 { 1 } else { MOST_DRAWN };
        let most = i64::MAX / (2 * most_drawn);
        let columns = batch.columns();
        let counts = self.counts.lock();
        let mut counts = counts.map_err(|_| Error::Internal("a worker thread panicked".into()))?;
        for (row, (payout, cost)) in columns.payouts.iter().zip(columns.costs).enumerate() {
            let more = payout.checked_abs().and_then(|payout| payout.checked_add(*cost));
            let sum = more.and_then(|more| counts.magnitude.checked_add(more));
            counts.magnitude = sum.filter(|sum| *sum <= most).ok_or_else(|| {
                Error::limit(
                    format!("payout and cost of conversion {}", columns.conversion_ids[row]),
                    "found amounts that take the sum of all out of range",
                    format!("payouts and costs within {} together", most / UNITS_PER_ONE),
                )
            })?;
        }
        counts.conversions += batch.conversions() as u64;
        counts.touches += batch.touches() as u64;
        let several = columns.offsets.windows(2).filter(|bounds| bounds[1] - bounds[0] > 1);
        counts.multi_touch += several.count() as u64;
        Ok(())
    }

    /// The sums of all that was added.
    pub(super) fn finish(self) -> Result<Tallied, Error> {
        let (models, slots) = (self.models.len(), self.slots());
        let counts = self.counts.into_inner();
        let counts = counts.map_err(|_| Error::Internal("a worker thread panicked".into()))?;
        let width = FIGURES * self.resamples;
        let pool = self.cells.into_inner();
        let pool = pool.map_err(|_| Error::Internal("a worker thread panicked".into()))?;
        let mut pool = pool.into_iter();
        let mut all = pool.next().unwrap_or_default();
        for more in pool {
            for (id, from) in more.places {
                let place = all.place(id, models, slots * width)?;
                let sums = &mut all.sums[place * models..][..models];
                for (sums, more) in sums.iter_mut().zip(&more.sums[from * models..]) {
                    sums.merge(more);
                }
                let resampled = &mut all.resampled[place * slots * width..][..slots * width];
                for (sum, more) in resampled.iter_mut().zip(&more.resampled[from * slots * width..])
                {
                    *sum += more;
                }
            }
        }
        // What was asked for is shown where there is nothing of it, too.
        let asked = match self.scope_type {
            ScopeType::Global => Some(0),
            _ => self.scope_id,
        };
        if let Some(id) = asked {
            all.place(id, models, slots * width)?;
        }
        Ok(Tallied { counts, cells: all, models, slots, resamples: self.resamples })
    }
}

impl Cells {
    /// The place of a scope id, made where there is none.
    fn place(&mut self, id: u64, models: usize, width: usize) -> Result<usize, Error> {
        if let Some(place) = self.places.get(&id) {
            return Ok(*place);
        }
        let place = self.places.len();
        let most = MOST_SUMS / width.max(1);
        if place >= most {
            return Err(Error::limit(
                "scope",
                format!("found more than {most} ids, whose resampled sums take too much memory"),
                "one id of the scope, fewer models, or fewer resamples",
            ));
        }
        self.places.insert(id, place);
        self.sums.resize((place + 1) * models, Sums::default());
        self.resampled.resize((place + 1) * width, 0);
        Ok(place)
    }
}

/// Adds a chunk's credited touches to the sums.
struct AddChunk<'a> {
    tally: &'a Tally<'a>,
    batch: &'a Batch<'a>,
    rows: Range<usize>,
    /// One for each model.
    parts: &'a [Touchpoints],
    cells: &'a mut Cells,
    outcome: &'a mut Result<(), Error>,
}

impl Kernel for AddChunk<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { tally, batch, rows, parts, cells, outcome } = self;
        *outcome = add_chunk(tally, batch, rows, parts, cells);
    }
}

#[inline(always)]
fn add_chunk(
    tally: &Tally<'_>,
    batch: &Batch<'_>,
    rows: Range<usize>,
    parts: &[Touchpoints],
    cells: &mut Cells,
) -> Result<(), Error> {
    let columns = batch.columns();
    let (models, slots, resamples) = (tally.models.len(), tally.slots(), tally.resamples);
    let width = slots * FIGURES * resamples;
    let ids = columns.dimensions.get(tally.scope_type).copied();
    let mut entries = std::mem::take(&mut cells.entries);
    let mut draws = std::mem::take(&mut cells.draws);
    draws.resize(resamples, 0);
    let mut next = vec![0; parts.len()];
    for row in rows {
        let (start, end) = (columns.offsets[row], columns.offsets[row + 1]);
        let multi_touch = u64::from(end - start > 1);
        let mut drawn = false;
        for (model, part) in parts.iter().enumerate() {
            entries.clear();
            let at = &mut next[model];
            while *at < part.len() && part.conversions[*at] as usize == row {
                let touch = start + part.positions[*at] as usize;
                let entry = Entry {
                    id: ids.map_or(0, |ids| ids[touch]),
                    clicks: 1,
                    credit: part.stored_credits[*at].into(),
                    revenue: part.revenues[*at],
                    cost: part.costs[*at],
                };
                *at += 1;
                let wanted = ids.is_none()
                    || (entry.id != 0 && tally.scope_id.is_none_or(|id| id == entry.id));
                match entries.last_mut() {
                    _ if !wanted => {}
                    Some(last) if last.id == entry.id => last.merge(&entry),
                    _ => entries.push(entry),
                }
            }
            if entries.len() > 1 {
                entries.sort_unstable_by_key(|entry| entry.id);
                entries.dedup_by(|more, kept| {
                    let same = more.id == kept.id;
                    if same {
                        kept.merge(more);
                    }
                    same
                });
            }
            for entry in &entries {
                let place = cells.place(entry.id, models, width)?;
                cells.sums[place * models + model].merge(&Sums {
                    clicks: entry.clicks,
                    conversions: 1,
                    multi_touch,
                    credit: entry.credit,
                    revenue: entry.revenue,
                    cost: entry.cost,
                });
                if resamples == 0 || model >= slots {
                    continue;
                }
                if !drawn {
                    draw(columns.conversion_ids[row], &mut draws);
                    drawn = true;
                }
                let first = place * width + model * FIGURES * resamples;
                let sums = &mut cells.resampled[first..first + FIGURES * resamples];
                let amounts = [entry.credit, entry.revenue, entry.cost];
                for (sums, amount) in sums.chunks_exact_mut(resamples).zip(amounts) {
                    add_drawn(sums, &draws, amount);
                }
            }
        }
    }
    cells.entries = entries;
    cells.draws = draws;
    Ok(())
}

/// The sums of a comparison.
pub(super) struct Tallied {
    pub(super) counts: Counts,
    cells: Cells,
    models: usize,
    slots: usize,
    resamples: usize,
}

/// Each resample's credit, revenue and cost.
pub(super) struct Resampled<'a> {
    pub(super) credits: &'a [i64],
    pub(super) revenues: &'a [i64],
    pub(super) costs: &'a [i64],
}

impl Tallied {
    /// The scope ids that anything was credited to, in order; 0 for global.
    pub(super) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.cells.places.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    fn place(&self, id: u64) -> usize {
        // The ids are those of the places.
        self.cells.places.get(&id).copied().unwrap_or(0)
    }

    pub(super) fn sums(&self, id: u64, model: usize) -> Sums {
        self.cells.sums[self.place(id) * self.models + model]
    }

    /// None where nothing was resampled.
    pub(super) fn resampled(&self, id: u64, model: usize) -> Option<Resampled<'_>> {
        if self.resamples == 0 {
            return None;
        }
        let slot = self.place(id) * self.slots + model.min(self.slots - 1);
        let all = &self.cells.resampled[slot * FIGURES * self.resamples..];
        let (credits, rest) = all.split_at(self.resamples);
        let (revenues, rest) = rest.split_at(self.resamples);
        Some(Resampled { credits, revenues, costs: &rest[..self.resamples] })
    }
}
