//! The calculation: many models over one batch in one pass.

use std::ops::{ControlFlow, Range};

use super::apportion::{NARROW_TOTAL, Shares, split_lanes};
use super::credits::{FillCredits, Scratch, sum_of, weigh_block};
use super::group::{ConversionColumns, GroupedTouches, TouchColumns};
use super::lanes::{Kernel, widened};
use super::parallel::{in_order, join, spawn};
use super::snapshot::{Amounts, Snapshot, SnapshotTable};
use super::touchpoints::Touchpoints;
use crate::domain::batch::{Batch, BatchBuilder};
use crate::domain::model::{Model, Weighting};
use crate::ground::error::{Defect, Defects, Error};
use crate::ground::money::UNITS_PER_ONE;
use crate::ground::scope::{ScopeSet, ScopeType};
use crate::ground::time::hour_of;
use crate::strategy::Split;

/// How to calculate: the scopes of the snapshots, whether touchpoints are wanted, and on how many
/// threads. The results are the same bytes for any number of threads.
///
/// ```
/// use attribution_core::{BatchBuilder, Conversion, Engine, Model, ScopeSet};
/// let mut batch = BatchBuilder::new();
/// batch.push(&Conversion::default(), &[])?;
/// let models = [Model::from_spec("linear")?, Model::from_spec("last_touch")?];
/// let engine = Engine::new().scopes("global,campaign".parse::<ScopeSet>()?).threads(2);
/// let results = engine.calculate(&models, &batch.batch())?;
/// assert_eq!(results.len(), 2);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    scopes: ScopeSet,
    touchpoints: bool,
    threads: usize,
}

/// What one model gave.
///
/// ```
/// use attribution_core::{BatchBuilder, Engine, Model};
/// let batch = BatchBuilder::new();
/// let results = Engine::new().calculate(&[Model::from_spec("linear")?], &batch.batch())?;
/// assert!(results[0].snapshots.is_empty() && results[0].touchpoints.is_empty());
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelResult {
    /// The snapshots, ordered by scope type, scope id and hour.
    pub snapshots: Vec<Snapshot>,
    /// The credited touches, where they were asked for.
    pub touchpoints: Touchpoints,
}

impl Default for Engine {
    fn default() -> Self {
        Self { scopes: ScopeSet::GLOBAL, touchpoints: false, threads: 1 }
    }
}

/// How many conversions a thread takes at a time.
pub(crate) const CHUNK: usize = 4_096;

impl Engine {
    /// An engine for global snapshots alone, on one thread.
    ///
    /// ```
    /// assert_eq!(attribution_core::Engine::new(), attribution_core::Engine::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Which snapshots to make; the batch needs a column for each of these but global.
    ///
    /// ```
    /// use attribution_core::{Engine, ScopeSet};
    /// assert_ne!(Engine::new().scopes(ScopeSet::NONE), Engine::new());
    /// ```
    #[must_use]
    pub const fn scopes(mut self, scopes: ScopeSet) -> Self {
        self.scopes = scopes;
        self
    }

    /// Whether to give the credited touches.
    ///
    /// ```
    /// assert_ne!(attribution_core::Engine::new().touchpoints(true), Default::default());
    /// ```
    #[must_use]
    pub const fn touchpoints(mut self, wanted: bool) -> Self {
        self.touchpoints = wanted;
        self
    }

    /// On how many threads, at most 1024; 0 means one for each processor.
    ///
    /// ```
    /// assert_ne!(attribution_core::Engine::new().threads(0), Default::default());
    /// ```
    #[must_use]
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Calculates models over a batch: for each model, in the order given, its snapshots and, where
    /// asked for, its credited touches.
    ///
    /// # Errors
    /// [`Error::Input`] for a scope whose column the batch lacks.
    ///
    /// ```
    /// use attribution_core::{Batch, BatchColumns, Engine, Model, ScopeSet};
    /// let batch = Batch::new(BatchColumns { offsets: &[0], ..BatchColumns::default() })?;
    /// let engine = Engine::new().scopes("campaign".parse::<ScopeSet>()?);
    /// let error = engine.calculate(&[Model::from_spec("linear")?], &batch).unwrap_err();
    /// assert!(error.to_string().starts_with("campaign_ids: found no such column"));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn calculate(
        &self,
        models: &[Model],
        batch: &Batch<'_>,
    ) -> Result<Vec<ModelResult>, Error> {
        self.collect(models, batch, |_| ControlFlow::Continue(()))
    }

    /// As [`Engine::calculate`], with a function that is told now and then, on this thread, how many
    /// conversions are done, and can end the calculation by `ControlFlow::Break`. It is told for the first
    /// time once all threads have been started.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where it was ended, and those of [`Engine::calculate`].
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use attribution_core::{BatchBuilder, Conversion, Engine, ErrorCode, Model};
    /// let mut batch = BatchBuilder::new();
    /// batch.push(&Conversion::default(), &[])?;
    /// let models = [Model::from_spec("linear")?];
    /// let ended = Engine::new().calculate_heeding(&models, &batch.batch(), |_| ControlFlow::Break(()));
    /// assert_eq!(ended.unwrap_err().code(), ErrorCode::Cancelled);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn calculate_heeding(
        &self,
        models: &[Model],
        batch: &Batch<'_>,
        heed: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Vec<ModelResult>, Error> {
        self.collect(models, batch, heed)
    }

    /// As [`Engine::calculate`], of touches that are not yet grouped by conversion: they may come
    /// in any order, and are grouped, ordered and merged on the way.
    ///
    /// # Errors
    /// [`Error::Input`] for columns that do not fit together, a conversion id that is there twice,
    /// a touch of an unknown conversion, a converting click that is missing and has no time, and a
    /// scope whose column is missing; [`Error::Limit`] for amounts whose sum is out of range.
    ///
    /// ```
    /// use attribution_core::{ConversionColumns, Engine, Model, TouchColumns};
    /// let conversions = ConversionColumns {
    ///     conversion_ids: &[1],
    ///     converting_click_ids: &[8],
    ///     conversion_times: &[7_200],
    ///     payouts: &[100],
    ///     costs: &[0],
    ///     converting_click_times: None,
    /// };
    /// let touches = TouchColumns {
    ///     conversion_ids: &[1, 1],
    ///     click_ids: &[8, 7],
    ///     click_times: &[7_200, 3_600],
    ///     ..TouchColumns::default()
    /// };
    /// let engine = Engine::new().touchpoints(true);
    /// let models = [Model::from_spec("first_touch")?];
    /// let results = engine.calculate_ungrouped(&models, &conversions, &touches)?;
    /// assert_eq!(results[0].touchpoints.click_ids, [7]);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn calculate_ungrouped(
        &self,
        models: &[Model],
        conversions: &ConversionColumns<'_>,
        touches: &TouchColumns<'_>,
    ) -> Result<Vec<ModelResult>, Error> {
        let threads = resolve_threads(self.threads);
        let grouped = GroupedTouches::deal(conversions, touches, self.touchpoints, threads)?;
        self.collect(models, &grouped, |_| ControlFlow::Continue(()))
    }

    fn collect(
        &self,
        models: &[Model],
        source: &impl Chunked,
        mut heed: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Vec<ModelResult>, Error> {
        source.check(self.scopes)?;
        let mut results = vec![ModelResult::default(); models.len()];
        let mut done = 0;
        let tables = self.stream(
            models,
            source,
            |rows, parts| Ok((rows.len(), parts)),
            |(rows, parts)| {
                for (result, part) in results.iter_mut().zip(&parts) {
                    result.touchpoints.append(part);
                }
                done += rows;
                match heed(done) {
                    ControlFlow::Continue(()) => Ok(()),
                    ControlFlow::Break(()) => Err(Error::Cancelled),
                }
            },
        )?;
        for (result, table) in results.iter_mut().zip(tables) {
            result.snapshots = table.into_snapshots();
        }
        Ok(results)
    }

    /// Calculates chunk by chunk: `map` turns a chunk's touchpoints, one for each model, into
    /// something (on any thread), and `consume` takes those in order (on this one). The first
    /// argument of `map` is the chunk's rows. Gives the totals of each model. The source has been
    /// checked.
    pub(crate) fn stream<T: Send>(
        &self,
        models: &[Model],
        source: &impl Chunked,
        map: impl Fn(Range<usize>, Vec<Touchpoints>) -> Result<T, Error> + Sync,
        consume: impl FnMut(T) -> Result<(), Error>,
    ) -> Result<Vec<SnapshotTable>, Error> {
        let conversions = source.conversions();
        let workers = in_order(
            conversions.div_ceil(CHUNK),
            resolve_threads(self.threads),
            || Worker::new(models.len(), self.scopes),
            |worker, chunk| {
                let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(conversions);
                let Worker { scratch, calculator, tables } = worker;
                let parts = source.with_chunk(rows.clone(), scratch, |batch, within| {
                    let mut parts = Vec::new();
                    for (model, table) in models.iter().zip(tables) {
                        let mut part = self.touchpoints.then(Touchpoints::default);
                        let first_row = rows.start - within.start;
                        widened(AddConversions {
                            calculator: &mut *calculator,
                            model,
                            batch,
                            within: within.clone(),
                            first_row,
                            table,
                            touchpoints: part.as_mut(),
                        });
                        parts.extend(part);
                    }
                    parts
                })?;
                map(rows, parts)
            },
            consume,
        )?;
        let mut tables = merge_tables(workers);
        if tables.is_empty() {
            tables = Worker::new(models.len(), self.scopes).tables;
        }
        Ok(tables)
    }

    /// Writes each touch's credit under one model, weight over the sum of weights, 0 for a touch
    /// without weight. `credits` has one place for each touch of the batch.
    ///
    /// # Errors
    /// [`Error::Input`] where `credits` has another length than the batch has touches.
    ///
    /// ```
    /// use attribution_core::{BatchBuilder, Conversion, Engine, Model, Touch};
    /// let mut batch = BatchBuilder::new();
    /// let other = Touch { click_id: 1, ..Touch::default() };
    /// batch.push(&Conversion::default(), &[other])?;
    /// let mut credits = [0.0; 2];
    /// Engine::new().credits(&Model::from_spec("linear")?, &batch.batch(), &mut credits)?;
    /// assert_eq!(credits, [0.5, 0.5]);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn credits(
        &self,
        model: &Model,
        batch: &Batch<'_>,
        credits: &mut [f64],
    ) -> Result<(), Error> {
        if credits.len() != batch.touches() {
            return Err(Error::input(
                "credits",
                format!("found {} places", credits.len()),
                format!("{}, one for each touch", batch.touches()),
            ));
        }
        let threads = resolve_threads(self.threads);
        if threads == 1 {
            widened(FillCredits { model, batch, within: 0..batch.conversions(), credits });
            return Ok(());
        }
        let share = batch.conversions().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let (mut rest, mut handles) = (credits, Vec::new());
            for start in (0..batch.conversions()).step_by(share) {
                let within = start..(start + share).min(batch.conversions());
                let offsets = batch.columns.offsets;
                let (own, others) = rest.split_at_mut(offsets[within.end] - offsets[within.start]);
                rest = others;
                let kernel = FillCredits { model, batch, within, credits: own };
                handles.push(spawn(scope, move || widened(kernel))?);
            }
            handles.into_iter().try_for_each(join)
        })
    }
}

/// More threads than this never help.
const MOST_THREADS: usize = 1_024;

pub(crate) fn resolve_threads(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads.min(MOST_THREADS),
    }
}

/// Conversions with their journeys that can be had as batches, chunk by chunk.
pub(crate) trait Chunked: Sync {
    /// The number of conversions.
    fn conversions(&self) -> usize;

    /// Whether there is a column for the scope type.
    fn has_dimension(&self, scope_type: ScopeType) -> bool;

    /// Gives some of the conversions to `take`, as a batch and the rows of it that are meant.
    fn with_chunk<R>(
        &self,
        rows: Range<usize>,
        scratch: &mut BatchBuilder,
        take: impl FnOnce(&Batch<'_>, Range<usize>) -> R,
    ) -> Result<R, Error>;

    /// A conversion's id, payout and cost.
    fn amounts(&self, row: usize) -> (u64, i64, i64);

    /// Refuses scopes without a column, and amounts whose magnitudes do not add up within an i64:
    /// while they do, so does every total that the engine can form of them, whatever the model.
    fn check(&self, scopes: ScopeSet) -> Result<(), Error> {
        let (mut payouts, mut costs) = (0, 0);
        for row in 0..self.conversions() {
            let (id, payout, cost) = self.amounts(row);
            for (what, sum, amount) in
                [("payout", &mut payouts, payout), ("cost", &mut costs, cost)]
            {
                let more = i64::try_from(amount.unsigned_abs()).ok();
                *sum = more.and_then(|more| more.checked_add(*sum)).ok_or_else(|| {
                    Error::limit(
                        format!("{what} of conversion {id}"),
                        "found an amount that takes the sum of all out of range",
                        "sums within 92,233,720,368,547.75807",
                    )
                })?;
            }
        }
        let mut defects = Defects::default();
        for scope_type in scopes.iter().filter(|scope_type| *scope_type != ScopeType::Global) {
            if !self.has_dimension(scope_type) {
                defects.push(Defect::new(
                    format!("{scope_type}_ids"),
                    "found no such column",
                    "a column for each scope asked for",
                ));
            }
        }
        defects.into_result()
    }
}

impl Chunked for Batch<'_> {
    fn conversions(&self) -> usize {
        Batch::conversions(self)
    }

    fn has_dimension(&self, scope_type: ScopeType) -> bool {
        self.columns.dimensions.get(scope_type).is_some()
    }

    fn amounts(&self, row: usize) -> (u64, i64, i64) {
        (self.columns.conversion_ids[row], self.columns.payouts[row], self.columns.costs[row])
    }

    fn with_chunk<R>(
        &self,
        rows: Range<usize>,
        _scratch: &mut BatchBuilder,
        take: impl FnOnce(&Batch<'_>, Range<usize>) -> R,
    ) -> Result<R, Error> {
        Ok(take(self, rows))
    }
}

/// One thread's scratch and totals.
struct Worker {
    scratch: BatchBuilder,
    calculator: Calculator,
    /// One for each model.
    tables: Vec<SnapshotTable>,
}

impl Worker {
    fn new(models: usize, scopes: ScopeSet) -> Self {
        Self {
            scratch: BatchBuilder::with_dimensions(scopes),
            calculator: Calculator::default(),
            tables: (0..models).map(|_| SnapshotTable::new(scopes)).collect(),
        }
    }
}

/// The workers' totals added up, one table for each model.
fn merge_tables(workers: Vec<Worker>) -> Vec<SnapshotTable> {
    let mut workers = workers.into_iter();
    let mut tables = workers.next().map(|worker| worker.tables).unwrap_or_default();
    for worker in workers {
        for (table, more) in tables.iter_mut().zip(worker.tables) {
            table.merge(more);
        }
    }
    tables
}

/// Touches whose weights are worked out together.
const BLOCK: usize = 1_024;

/// Splits conversions exactly and adds up the parts, keeping its scratch from call to call.
#[derive(Debug, Default)]
struct Calculator {
    weights: Vec<f64>,
    scratch: Scratch,
    parts: Parts,
}

/// What each touch of one journey gets, in counts of 0.00001, and its credit as a float. There is
/// room for [`MOST_LANES`] touches at least.
#[derive(Debug, Default)]
struct Parts {
    credits: Vec<f64>,
    stored_credits: Vec<i64>,
    revenues: Vec<i64>,
    costs: Vec<i64>,
}

/// Adds some conversions under one model to its totals and, where given, to its touchpoints.
struct AddConversions<'a> {
    calculator: &'a mut Calculator,
    model: &'a Model,
    batch: &'a Batch<'a>,
    within: Range<usize>,
    /// What the touchpoints add to the batch's rows.
    first_row: usize,
    table: &'a mut SnapshotTable,
    touchpoints: Option<&'a mut Touchpoints>,
}

impl Kernel for AddConversions<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { calculator, model, batch, within, first_row, table, mut touchpoints } = self;
        let weighting = model.weighting();
        let dimensions: Vec<Option<&[u64]>> = table
            .scope_types()
            .iter()
            .map(|scope_type| batch.columns.dimensions.get(*scope_type).copied())
            .collect();
        for block in batch.blocks(within, BLOCK) {
            let offsets = batch.columns.offsets;
            let first = offsets[block.start];
            calculator.weights.resize(offsets[block.end] - first, 0.0);
            let decayed = match weighting {
                Weighting::TimeDecay { half_life_hours } => {
                    weigh_block(
                        batch,
                        block.clone(),
                        half_life_hours,
                        &mut calculator.weights,
                        &mut calculator.scratch,
                    );
                    true
                }
                _ => false,
            };
            for conversion in block {
                let (touches, journey) = batch.journey(conversion);
                let weights = &mut calculator.weights[touches.start - first..touches.end - first];
                let split =
                    if decayed { Split::Weighted } else { weighting.split(journey, weights) };
                let (credited, skip_zeros) = calculator.parts.split(
                    split,
                    weights,
                    batch.columns.payouts[conversion],
                    batch.columns.costs[conversion],
                );
                let skip = |at: usize| skip_zeros && weights[at] == 0.0;
                let journey = CreditedJourney {
                    conversion,
                    first_touch: touches.start,
                    credited,
                    parts: &calculator.parts,
                };
                journey.add_to(batch, table, &dimensions, skip);
                if let Some(touchpoints) = touchpoints.as_deref_mut() {
                    journey.push_to(batch, first_row, touchpoints, skip);
                }
            }
        }
    }
}

impl Parts {
    /// The parts at some positions.
    #[inline(always)]
    fn of(&self, positions: Range<usize>) -> impl Iterator<Item = (&i64, (&i64, &i64))> {
        let amounts = self.revenues[positions.clone()].iter().zip(&self.costs[positions.clone()]);
        self.stored_credits[positions].iter().zip(amounts)
    }

    /// Splits one conversion, its payout and its cost over its touches. Gives the positions that
    /// are credited, and whether those with weight 0 among them are to be left out.
    #[inline(always)]
    fn split(
        &mut self,
        split: Split,
        weights: &[f64],
        payout: i64,
        cost: i64,
    ) -> (Range<usize>, bool) {
        let room = weights.len().max(MOST_LANES);
        if self.credits.len() < room {
            self.credits.resize(room, 0.0);
            self.stored_credits.resize(room, 0);
            self.revenues.resize(room, 0);
            self.costs.resize(room, 0);
        }
        match split {
            Split::Whole(at) => {
                self.stored_credits[at] = UNITS_PER_ONE;
                self.revenues[at] = payout;
                self.costs[at] = cost;
                self.credits[at] = 1.0;
                (at..at + 1, false)
            }
            Split::Even(count) => {
                self.credits[..count].fill(1.0 / count as f64);
                split_evenly(UNITS_PER_ONE, &mut self.stored_credits[..count]);
                split_evenly(payout, &mut self.revenues[..count]);
                split_evenly(cost, &mut self.costs[..count]);
                (0..count, false)
            }
            Split::Weighted => {
                let any_zero = match weights.len() {
                    0..=8 => self.split_few::<8>(weights, payout, cost),
                    9..=16 => self.split_few::<16>(weights, payout, cost),
                    17..=MOST_LANES => self.split_few::<MOST_LANES>(weights, payout, cost),
                    _ => self.split_many(weights, payout, cost),
                };
                (0..weights.len(), any_zero)
            }
        }
    }

    /// Splits over at most `LANES` weights; says whether any of them is 0.
    #[inline(always)]
    fn split_few<const LANES: usize>(&mut self, weights: &[f64], payout: i64, cost: i64) -> bool {
        let narrow = |total: i64| total.unsigned_abs() < NARROW_TOTAL;
        let (true, Some(credits), Some(stored_credits), Some(revenues), Some(costs)) = (
            narrow(payout) && narrow(cost),
            self.credits.first_chunk_mut(),
            self.stored_credits.first_chunk_mut(),
            self.revenues.first_chunk_mut(),
            self.costs.first_chunk_mut(),
        ) else {
            return self.split_many(weights, payout, cost);
        };
        let mut lanes = [0.0; LANES];
        for (lane, weight) in lanes.iter_mut().zip(weights) {
            *lane = *weight;
        }
        // Whole numbers, whose sum is exact in any order.
        let sum: f64 = lanes.iter().sum();
        for lane in 0..LANES {
            credits[lane] = lanes[lane] / sum;
        }
        split_lanes(UNITS_PER_ONE, &lanes, sum, credits, stored_credits);
        split_lanes(payout, &lanes, sum, credits, revenues);
        split_lanes(cost, &lanes, sum, credits, costs);
        weights.contains(&0.0)
    }

    /// As [`Parts::split_few`], for any number of weights and any totals.
    #[inline(never)]
    fn split_many(&mut self, weights: &[f64], payout: i64, cost: i64) -> bool {
        let (touches, sum) = (weights.len(), sum_of(weights));
        let credits = &mut self.credits[..touches];
        for (credit, weight) in credits.iter_mut().zip(weights) {
            *credit = weight / sum as f64;
        }
        let shares = Shares { weights, sum, credits };
        shares.split(UNITS_PER_ONE, &mut self.stored_credits[..touches]);
        shares.split(payout, &mut self.revenues[..touches]);
        shares.split(cost, &mut self.costs[..touches]);
        weights.contains(&0.0)
    }
}

/// Journeys of up to so many touches are split in lanes.
const MOST_LANES: usize = 32;

/// Equal weights leave equal remainders, so the units left over go to the first positions.
#[inline(always)]
fn split_evenly(total: i64, parts: &mut [i64]) {
    let count = parts.len() as u64;
    let sign = if total < 0 { -1 } else { 1 };
    let magnitude = total.unsigned_abs();
    let (quotient, left) = (magnitude / count, (magnitude % count) as usize);
    for (at, part) in parts.iter_mut().enumerate() {
        *part = (quotient.wrapping_add(u64::from(at < left)) as i64).wrapping_mul(sign);
    }
}

/// One conversion's split, on its way into totals and rows.
struct CreditedJourney<'a> {
    conversion: usize,
    first_touch: usize,
    credited: Range<usize>,
    parts: &'a Parts,
}

impl CreditedJourney<'_> {
    #[inline(always)]
    fn add_to(
        &self,
        batch: &Batch<'_>,
        table: &mut SnapshotTable,
        dimensions: &[Option<&[u64]>],
        skip: impl Fn(usize) -> bool,
    ) {
        let hour = hour_of(batch.columns.conversion_times[self.conversion]);
        let mut totals = table.begin_conversion(hour);
        for (place, ids) in dimensions.iter().enumerate() {
            let Some(ids) = ids else {
                // Global: the parts add up to the whole.
                totals.add_global(Amounts {
                    clicks: self.credited.clone().filter(|at| !skip(*at)).count() as u64,
                    credit: UNITS_PER_ONE as u64,
                    revenue: batch.columns.payouts[self.conversion],
                    cost: batch.columns.costs[self.conversion],
                });
                continue;
            };
            let mut scope = totals.scope(place);
            let ids = &ids[self.first_touch..][self.credited.clone()];
            let parts = self.parts.of(self.credited.clone());
            for (at, (id, (credit, (revenue, cost)))) in ids.iter().zip(parts).enumerate() {
                if *id != 0 && !skip(self.credited.start + at) {
                    let credit = *credit as u64;
                    scope.add(*id, Amounts { clicks: 1, credit, revenue: *revenue, cost: *cost });
                }
            }
        }
    }

    #[inline(always)]
    fn push_to(
        &self,
        batch: &Batch<'_>,
        first_row: usize,
        touchpoints: &mut Touchpoints,
        skip: impl Fn(usize) -> bool,
    ) {
        for at in self.credited.clone().filter(|at| !skip(*at)) {
            touchpoints.conversions.push((first_row + self.conversion) as u32);
            touchpoints.click_ids.push(batch.columns.click_ids[self.first_touch + at]);
            touchpoints.positions.push(at as u32);
            touchpoints.credits.push(self.parts.credits[at]);
            touchpoints.stored_credits.push(self.parts.stored_credits[at] as u32);
            touchpoints.revenues.push(self.parts.revenues[at]);
            touchpoints.costs.push(self.parts.costs[at]);
        }
    }
}
