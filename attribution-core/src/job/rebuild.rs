//! The rebuild: snapshots and credits of every active model of an owner, from stored journeys.
//!
//! The window's conversions are sorted by hour and cut into slices of whole hours. Each slice is one
//! transaction: what its rows should be is calculated, what they are is read, and the difference is
//! written. So a slice can be done again at any time, and rows that are right are left alone.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hashbrown::{HashMap, HashSet};
use serde::Serialize;

use super::difference::difference;
use super::external_sort::{ExternalSort, Sorted};
use super::journeys::{Loader, Piece};
use super::progress::{Phase, Progress, go_on};
use super::settings::MultiTouch;
use super::spool::{Record, Spool};
use super::tables::{
    AuditRow, Checkpoint, CreditValues, ModelRow, Parents, ResultTable, Run, RunKind, SnapshotKey,
    SnapshotTotals, StoredConversion, StoredSnapshot, Tables, Worker,
};
use super::workers::share;
use crate::domain::model::Model;
use crate::engine::calculate::{Engine, ModelResult};
use crate::ground::error::Error;
use crate::ground::money::{Money, divide_half_even, write_decimal};
use crate::ground::scope::{Scope, ScopeSet, ScopeType};
use crate::ground::time::{SECONDS_PER_HOUR, Window, hour_of};

/// How to rebuild.
///
/// ```
/// use attribution_core::{RebuildOptions, Window};
/// let options = RebuildOptions::new(Window::new(1_717_200_000, 1_717_286_400)?);
/// assert!(options.credits);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildOptions {
    /// The hours of the conversions.
    pub window: Window,
    /// Which snapshots are made; none means all that the tables have ids for. Global ones always are,
    /// and so are those of scopes that a model already has snapshots of in the window.
    pub scopes: Option<ScopeSet>,
    /// Whether credits are stored; where not, those that are there are removed.
    pub credits: bool,
    /// How long to wait for another run of the same owner to end.
    pub wait: Duration,
    /// On how many connections rows are read and written.
    pub connections: usize,
}

impl RebuildOptions {
    /// All scopes, credits stored, no waiting, two connections.
    ///
    /// ```
    /// use attribution_core::{RebuildOptions, Window};
    /// let window = Window::new(0, 3_600)?;
    /// assert_eq!(RebuildOptions::new(window).connections, 2);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn new(window: Window) -> Self {
        Self { window, scopes: None, credits: true, wait: Duration::ZERO, connections: 2 }
    }
}

/// What a rebuild of one owner did.
///
/// ```
/// assert_eq!(attribution_core::RebuildReport::default().conversions, 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RebuildReport {
    /// The account owner.
    pub user_id: u64,
    /// The window's first second.
    pub start: u64,
    /// The second after the window's last.
    pub end: u64,
    /// Conversions in the window.
    pub conversions: u64,
    /// Touches of all their journeys together.
    pub touches: u64,
    /// Touches, converting clicks among them, that are not among the owner's clicks. With the global
    /// scope alone, only converting clicks are looked up.
    pub missing_clicks: u64,
    /// Transactions.
    pub batches: u64,
    /// Rows inserted, changed or deleted.
    pub rows_written: u64,
    /// How often something was done again after a deadlock, a lock wait or a lost connection.
    pub retries: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// Each active model, in the order of their ids.
    pub models: Vec<RebuiltModel>,
    /// Active models that are not valid, which were left alone.
    pub invalid_models: Vec<InvalidModel>,
}

/// What a rebuild did for one model.
///
/// ```
/// assert_eq!(attribution_core::RebuiltModel::default().hours, 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RebuiltModel {
    /// The model's id.
    pub model_id: u64,
    /// The model's slug.
    pub slug: String,
    /// Hours in which something converted.
    pub hours: u64,
    /// Snapshots of all scopes.
    pub snapshots: u64,
    /// Credited touches.
    pub clicks: u64,
    /// Conversions.
    pub conversions: u64,
    /// The sum of the payouts, exact.
    pub revenue: Money,
    /// The sum of the costs, exact.
    pub cost: Money,
    /// Rows inserted, changed or deleted.
    pub rows_written: u64,
}

/// An active model that could not be run.
///
/// ```
/// assert_eq!(attribution_core::InvalidModel::default().slug, "");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InvalidModel {
    /// The model's id.
    pub model_id: u64,
    /// The model's slug.
    pub slug: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A slice has at least so many conversions, but for the last.
const SLICE: u64 = 4_096;

pub(crate) fn rebuild<T: Tables>(
    tables: &T,
    owner: u64,
    options: &RebuildOptions,
    progress: &dyn Progress,
) -> Result<RebuildReport, Error> {
    if let Some(scopes) = options.scopes {
        for scope_type in scopes.iter().filter(|scope_type| !T::SCOPES.contains(*scope_type)) {
            let known: Vec<_> = T::SCOPES.iter().map(ScopeType::name).collect();
            return Err(Error::input(
                "scopes",
                format!("found {scope_type}, which the tables have no ids for"),
                known.join(", "),
            ));
        }
    }
    let run = tables.begin(owner, RunKind::Rebuild, options.window, options.wait)?;
    let outcome = rebuild_owner(&run, owner, T::SCOPES, options, progress);
    if let Err(error) = &outcome {
        run.fail(error);
    }
    outcome
}

fn rebuild_owner<R: Run>(
    run: &R,
    owner: u64,
    feedable: ScopeSet,
    options: &RebuildOptions,
    progress: &dyn Progress,
) -> Result<RebuildReport, Error> {
    let start = Instant::now();
    let window = options.window;
    let mut report = RebuildReport {
        user_id: owner,
        start: window.start(),
        end: window.end(),
        ..RebuildReport::default()
    };
    let mut worker = run.worker()?;
    let plan = Plan::new(run, &mut worker, feedable, options, &mut report)?;
    if !plan.models.is_empty() {
        let mut conversions = ExternalSort::new();
        let hours = read_conversions(&mut worker, window, &mut conversions, progress)?;
        // Whatever does not fit its column is found before anything is written.
        let doubtful = |slice: &Slice| {
            let range = hours.range(slice.hours.start as u32..);
            range
                .take_while(|(hour, _)| u64::from(**hour) < slice.hours.end)
                .any(|(_, bounds)| bounds.may_overflow())
        };
        if hours.values().any(HourBounds::may_overflow) {
            let mut slices = Slices::new(conversions.read()?, window);
            while let Some(mut slice) = slices.next()? {
                go_on(progress, Phase::Reading, 0, 1)?;
                if doubtful(&slice) {
                    plan.totals_of(&mut worker, &mut slice, &AtomicBool::new(false))?;
                }
            }
        }
        drop(hours);
        let total = conversions.len();
        let connections = if total > SLICE { options.connections } else { 1 };
        let mut slices = Slices::new(conversions.read()?, window);
        let mut done = 0;
        share(
            run,
            &mut worker,
            connections,
            || slices.next(),
            |worker, mut slice, stop| plan.rebuild_slice(worker, &mut slice, stop),
            |finished| {
                if let Some((slice, rows_written)) = finished {
                    done += slice.conversions;
                    add_slice(&mut report, slice, rows_written);
                }
                go_on(progress, Phase::Writing, done, total)
            },
        )?;
    }
    report.retries = run.retries();
    report.duration_ms = start.elapsed().as_millis() as u64;
    run.succeed(&audit_rows(&report))?;
    Ok(report)
}

/// What the conversions of an hour can add up to, in any scope.
#[derive(Debug, Default)]
struct HourBounds {
    conversions: u64,
    /// Counts of 0.00001.
    positive: i128,
    negative: i128,
}

impl HourBounds {
    /// The most that a click may cost, `click_cpc` being a DECIMAL(7,5).
    const MOST_COST: i128 = 9_999_999;

    fn may_overflow(&self) -> bool {
        let most = i128::from(MOST_AMOUNT) * 10;
        let costs = i128::from(self.conversions) * Self::MOST_COST;
        self.positive > most || self.negative > most || costs > most
    }
}

fn read_conversions(
    worker: &mut impl Worker,
    window: Window,
    sorted: &mut ExternalSort<ByHour>,
    progress: &dyn Progress,
) -> Result<BTreeMap<u32, HourBounds>, Error> {
    let mut hours: BTreeMap<u32, HourBounds> = BTreeMap::new();
    let mut read = 0_u64;
    go_on(progress, Phase::Reading, 0, 0)?;
    worker.conversions(window, &mut |conversion| {
        read += 1;
        if read.is_multiple_of(4_096) {
            go_on(progress, Phase::Reading, read, read)?;
        }
        if conversion.deleted {
            return Ok(());
        }
        let bounds = hours.entry(hour_of(conversion.conversion_time)).or_default();
        bounds.conversions += 1;
        let payout = i128::from(conversion.payout);
        bounds.positive += payout.max(0);
        bounds.negative += -payout.min(0);
        sorted.push(ByHour(conversion))
    })?;
    Ok(hours)
}

/// A conversion, ordered by hour and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ByHour(StoredConversion);

impl ByHour {
    const fn key(&self) -> (u32, u64) {
        (hour_of(self.0.conversion_time), self.0.conversion_id)
    }
}

impl Ord for ByHour {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for ByHour {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Record for ByHour {
    const WORDS: usize = StoredConversion::WORDS;

    fn to_words(self, words: &mut [u64]) {
        self.0.to_words(words);
    }

    fn from_words(words: &[u64]) -> Self {
        Self(StoredConversion::from_words(words))
    }
}

/// Whole hours with their conversions, ordered by hour and id.
struct Slice {
    hours: Range<u64>,
    conversions: Spool<StoredConversion>,
}

/// Cuts sorted conversions into slices that together cover the window.
struct Slices<'a> {
    sorted: Sorted<'a, ByHour>,
    /// What was read of the next slice.
    pending: Option<ByHour>,
    from: u64,
    end: u64,
}

impl<'a> Slices<'a> {
    fn new(sorted: Sorted<'a, ByHour>, window: Window) -> Self {
        Self { sorted, pending: None, from: window.start(), end: window.end() }
    }

    fn next(&mut self) -> Result<Option<Slice>, Error> {
        if self.from >= self.end {
            return Ok(None);
        }
        let mut conversions = Spool::new();
        let mut end = self.from;
        loop {
            let next = match self.pending.take() {
                Some(next) => Some(next),
                None => self.sorted.next()?,
            };
            let Some(next) = next else {
                end = self.end;
                break;
            };
            if u64::from(next.0.conversion_time) >= end {
                if conversions.len() >= SLICE {
                    self.pending = Some(next);
                    break;
                }
                end = u64::from(hour_of(next.0.conversion_time)) + u64::from(SECONDS_PER_HOUR);
            }
            conversions.push(next.0)?;
        }
        let hours = self.from..end;
        self.from = end;
        Ok(Some(Slice { hours, conversions }))
    }
}

/// The most that a DECIMAL(12,4) holds, as a count of 0.0001.
const MOST_AMOUNT: i64 = 999_999_999_999;

/// Totals as they grow; money as counts of 0.00001.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    clicks: u64,
    conversions: u64,
    revenue: i128,
    cost: i128,
}

/// What of a slice is said in the report.
#[derive(Debug, Clone, Default)]
struct SliceReport {
    conversions: u64,
    touches: u64,
    missing_clicks: u64,
    models: Vec<SliceModel>,
}

#[derive(Debug, Clone, Copy, Default)]
struct SliceModel {
    hours: u64,
    snapshots: u64,
    sums: Sums,
    rows_written: u64,
}

/// What is the same for all slices.
struct Plan {
    rows: Vec<ModelRow>,
    ids: Vec<u64>,
    models: Vec<Model>,
    /// What each model gets snapshots of.
    scopes: Vec<ScopeSet>,
    engine: Engine,
    loader: Loader,
    credits: bool,
}

impl Plan {
    fn new<R: Run>(
        run: &R,
        worker: &mut R::Worker,
        feedable: ScopeSet,
        options: &RebuildOptions,
        report: &mut RebuildReport,
    ) -> Result<Self, Error> {
        let (mut rows, mut models) = (Vec::new(), Vec::new());
        for row in run.models()?.into_iter().filter(|row| row.active) {
            match Model::from_stored(&row.kind, row.config.as_deref()) {
                Ok(model) => {
                    rows.push(row);
                    models.push(model);
                }
                Err(problem) => report.invalid_models.push(InvalidModel {
                    model_id: row.model_id,
                    slug: row.slug,
                    problem: problem.to_string(),
                }),
            }
        }
        let ids: Vec<u64> = rows.iter().map(|row| row.model_id).collect();
        // No table has ids of ad groups, so that any snapshots of them are stale.
        let asked = options.scopes.unwrap_or(feedable).with(ScopeType::Global);
        let asked = asked.with(ScopeType::Adgroup);
        let others: ScopeSet =
            feedable.iter().filter(|scope_type| !asked.contains(*scope_type)).collect();
        let mut scopes = vec![asked; rows.len()];
        if others != ScopeSet::NONE {
            for (model_id, scope_type) in worker.scopes_in_use(&ids, options.window, others)? {
                if let Some(place) = ids.iter().position(|id| *id == model_id) {
                    scopes[place] = scopes[place].with(scope_type);
                }
            }
        }
        let calculated: ScopeSet = feedable
            .iter()
            .filter(|scope_type| scopes.iter().any(|set| set.contains(*scope_type)))
            .collect();
        report.models = rows
            .iter()
            .map(|row| RebuiltModel {
                model_id: row.model_id,
                slug: row.slug.clone(),
                ..RebuiltModel::default()
            })
            .collect();
        let parents = if calculated == ScopeSet::GLOBAL && models.is_empty() {
            Parents::default()
        } else {
            worker.parents()?
        };
        let multi_touch = MultiTouch::new(worker.settings()?);
        Ok(Self {
            rows,
            ids,
            models,
            scopes,
            engine: Engine::new().scopes(calculated).touchpoints(options.credits).threads(1),
            loader: Loader { multi_touch, parents, scopes: calculated },
            credits: options.credits,
        })
    }

    /// The totals of a slice, written nowhere: an error where they do not fit.
    fn totals_of(
        &self,
        worker: &mut impl Worker,
        slice: &mut Slice,
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        let mut totals = HashMap::new();
        let mut pieces = self.loader.pieces(slice.conversions.read()?);
        while let Some(piece) = pieces.next(worker)? {
            stopped(stop)?;
            let results = self.engine.calculate(&self.models, &piece.batch.batch())?;
            self.add_totals(&mut totals, &results);
        }
        for (key, sums) in &totals {
            self.rounded(key, sums)?;
        }
        Ok(())
    }

    fn add_totals(&self, totals: &mut HashMap<SnapshotKey, Sums>, results: &[ModelResult]) {
        for (place, result) in results.iter().enumerate() {
            let wanted = self.scopes[place];
            for snapshot in &result.snapshots {
                if !wanted.contains(snapshot.scope.scope_type()) {
                    continue;
                }
                let key = SnapshotKey {
                    model_id: self.ids[place],
                    scope: snapshot.scope,
                    hour: snapshot.date_hour,
                };
                let sums = totals.entry(key).or_default();
                sums.clicks += snapshot.attributed_clicks;
                sums.conversions += snapshot.attributed_conversions;
                sums.revenue += i128::from(snapshot.revenue.units());
                sums.cost += i128::from(snapshot.cost.units());
            }
        }
    }

    /// Sums as they are stored, rounded once.
    fn rounded(&self, key: &SnapshotKey, sums: &Sums) -> Result<SnapshotTotals, Error> {
        let place = |column: &str| {
            let model = self.ids.iter().position(|id| *id == key.model_id);
            let slug = model.map_or("", |model| &self.rows[model].slug);
            format!("{column} of model {slug}, {}, hour {}", key.scope, key.hour)
        };
        let amount = |column: &str, units: i128| {
            let rounded = divide_half_even(units, 10);
            i64::try_from(rounded).ok().filter(|amount| amount.abs() <= MOST_AMOUNT).ok_or_else(
                || {
                    let mut text = String::new();
                    write_decimal(&mut text, rounded, 4);
                    Error::limit(place(column), format!("found {text}"), "at most 99999999.9999")
                },
            )
        };
        let count = |column: &str, count: u64| {
            if count <= u64::from(u32::MAX) {
                return Ok(count);
            }
            Err(Error::limit(place(column), format!("found {count}"), "at most 4294967295"))
        };
        Ok(SnapshotTotals {
            clicks: count("attributed_clicks", sums.clicks)?,
            conversions: count("attributed_conversions", sums.conversions)?,
            revenue: amount("attributed_revenue", sums.revenue)?,
            cost: amount("attributed_cost", sums.cost)?,
        })
    }

    fn rebuild_slice(
        &self,
        worker: &mut impl Worker,
        slice: &mut Slice,
        stop: &AtomicBool,
    ) -> Result<(SliceReport, u64), Error> {
        let mut outcome = Err(Error::Internal("a transaction did no work".into()));
        worker.transaction(&self.rows, &mut |worker| {
            let report = self.write_slice(worker, slice, stop)?;
            let hours = slice.hours.end - slice.hours.start;
            let rows_written = report.models.iter().map(|model| model.rows_written).sum();
            outcome = Ok((report, rows_written));
            Ok(Checkpoint { done: hours / u64::from(SECONDS_PER_HOUR), rows_written })
        })?;
        outcome
    }

    fn write_slice(
        &self,
        worker: &mut impl Worker,
        slice: &mut Slice,
        stop: &AtomicBool,
    ) -> Result<SliceReport, Error> {
        let hours = slice.hours.clone();
        let mut report = SliceReport {
            models: vec![SliceModel::default(); self.models.len()],
            ..SliceReport::default()
        };
        let mut found = FoundSnapshots::read(worker, self, &hours)?;
        let mut totals: HashMap<SnapshotKey, Sums> = HashMap::new();
        let mut pieces = self.loader.pieces(slice.conversions.read()?);
        let mut after = None;
        while let Some(piece) = pieces.next(worker)? {
            stopped(stop)?;
            report.conversions += piece.batch.batch().conversions() as u64;
            report.touches += piece.batch.batch().touches() as u64;
            report.missing_clicks += piece.missing_clicks;
            let results = self.engine.calculate(&self.models, &piece.batch.batch())?;
            self.add_totals(&mut totals, &results);
            if self.credits {
                self.add_missing_global(
                    worker,
                    &mut found,
                    &totals,
                    &results,
                    &hours,
                    &mut report,
                )?;
                // A piece that ends within an hour leaves the rest of it to the next.
                let last = if pieces.at_end()? { None } else { Some(piece.last) };
                let wanted = self.credits_wanted(&found, &piece, &results)?;
                let stretch = Stretch { after, last };
                self.write_credits(worker, &found, &piece, wanted, stretch, &mut report)?;
                after = last;
            }
        }
        if !self.credits {
            let globals: Vec<u64> = found.globals.iter().map(|(_, id)| *id).collect();
            self.delete_credits_under(worker, &found, &globals, &mut report)?;
        }
        self.write_snapshots(worker, &found, &totals, &mut report)?;
        Ok(report)
    }

    fn place_of(&self, model_id: u64) -> usize {
        // Every row that is read is of one of these models.
        self.ids.iter().position(|id| *id == model_id).unwrap_or(0)
    }

    /// Inserts global snapshots that are not there yet, for credits to hang on.
    fn add_missing_global(
        &self,
        worker: &mut impl Worker,
        found: &mut FoundSnapshots,
        totals: &HashMap<SnapshotKey, Sums>,
        results: &[ModelResult],
        hours: &Range<u64>,
        report: &mut SliceReport,
    ) -> Result<(), Error> {
        let mut insert = Vec::new();
        for (place, result) in results.iter().enumerate() {
            for snapshot in result.snapshots.iter().filter(|row| row.scope == Scope::GLOBAL) {
                let key = SnapshotKey {
                    model_id: self.ids[place],
                    scope: Scope::GLOBAL,
                    hour: snapshot.date_hour,
                };
                if !found.kept.contains_key(&key) {
                    let sums = totals.get(&key).copied().unwrap_or_default();
                    insert.push((key, self.rounded(&key, &sums)?));
                    report.models[place].rows_written += 1;
                }
            }
        }
        if insert.is_empty() {
            return Ok(());
        }
        worker.insert_snapshots(&insert)?;
        // The ids are looked up, as the server may number rows in steps.
        found.add_inserted(worker.snapshots(&self.ids, hours.clone())?, &insert);
        Ok(())
    }

    fn credits_wanted(
        &self,
        found: &FoundSnapshots,
        piece: &Piece,
        results: &[ModelResult],
    ) -> Result<Vec<CreditValues>, Error> {
        let batch = piece.batch.batch();
        let columns = batch.columns();
        let count = results.iter().map(|result| result.touchpoints.len()).sum();
        let mut wanted = Vec::with_capacity(count);
        for (place, result) in results.iter().enumerate() {
            let touchpoints = &result.touchpoints;
            let (mut last_hour, mut snapshot_id) = (None, 0);
            for (row, &conversion) in touchpoints.conversions.iter().enumerate() {
                let conversion = conversion as usize;
                let hour = hour_of(columns.conversion_times[conversion]);
                if last_hour != Some(hour) {
                    let key = SnapshotKey { model_id: self.ids[place], scope: Scope::GLOBAL, hour };
                    let Some(kept) = found.kept.get(&key) else {
                        return Err(Error::Internal("a snapshot was not found again".into()));
                    };
                    (last_hour, snapshot_id) = (Some(hour), kept.0);
                }
                let credit = i64::from(touchpoints.stored_credits[row]);
                wanted.push(CreditValues {
                    snapshot_id,
                    conversion_id: columns.conversion_ids[conversion],
                    position: touchpoints.positions[row],
                    click_id: touchpoints.click_ids[row],
                    credit,
                    weight: credit,
                });
            }
        }
        Ok(wanted)
    }

    /// Makes the credits of a stretch be these.
    fn write_credits(
        &self,
        worker: &mut impl Worker,
        found: &FoundSnapshots,
        piece: &Piece,
        wanted: Vec<CreditValues>,
        stretch: Stretch,
        report: &mut SliceReport,
    ) -> Result<(), Error> {
        let mut rows = Vec::new();
        let batch = piece.batch.batch();
        let converted: HashSet<u32> =
            batch.columns().conversion_times.iter().map(|time| hour_of(*time)).collect();
        for (hours, conversion_ids) in stretch.parts() {
            // Hours in which nothing converts lose their snapshots with all that hangs on them.
            let ids: Vec<u64> = found
                .globals
                .iter()
                .filter(|(hour, _)| hours.contains(hour) && converted.contains(&hour_of(*hour)))
                .map(|(_, id)| *id)
                .collect();
            rows.append(&mut worker.credits(&ids, conversion_ids)?);
        }
        let (delete, insert) = difference(rows, wanted);
        for row in delete.iter().map(|(row, _)| row).chain(&insert) {
            if let Some(model_id) = found.model_of.get(&row.snapshot_id) {
                report.models[self.place_of(*model_id)].rows_written += 1;
            }
        }
        let delete: Vec<u64> = delete.into_iter().map(|(_, id)| id).collect();
        worker.delete(ResultTable::Credits, &delete)?;
        worker.insert_credits(&insert)
    }

    fn delete_credits_under(
        &self,
        worker: &mut impl Worker,
        found: &FoundSnapshots,
        snapshot_ids: &[u64],
        report: &mut SliceReport,
    ) -> Result<(), Error> {
        for (place, model_id) in self.ids.iter().enumerate() {
            let of_model: Vec<u64> = snapshot_ids
                .iter()
                .copied()
                .filter(|id| found.model_of.get(id) == Some(model_id))
                .collect();
            report.models[place].rows_written += worker.delete_credits_under(&of_model)?;
        }
        Ok(())
    }

    /// Makes the snapshots be these totals.
    fn write_snapshots(
        &self,
        worker: &mut impl Worker,
        found: &FoundSnapshots,
        totals: &HashMap<SnapshotKey, Sums>,
        report: &mut SliceReport,
    ) -> Result<(), Error> {
        let mut keys: Vec<&SnapshotKey> = totals.keys().collect();
        keys.sort_unstable();
        let mut insert = Vec::new();
        for key in keys {
            let sums = &totals[key];
            let rounded = self.rounded(key, sums)?;
            let model = &mut report.models[self.place_of(key.model_id)];
            model.snapshots += 1;
            if key.scope == Scope::GLOBAL {
                model.hours += 1;
                model.sums.clicks += sums.clicks;
                model.sums.conversions += sums.conversions;
                model.sums.revenue += sums.revenue;
                model.sums.cost += sums.cost;
            }
            match found.kept.get(key) {
                Some((_, stored)) if *stored == rounded => {}
                Some((snapshot_id, _)) => {
                    worker.update_snapshot(*snapshot_id, &rounded)?;
                    model.rows_written += 1;
                }
                None => {
                    insert.push((*key, rounded));
                    model.rows_written += 1;
                }
            }
        }
        worker.insert_snapshots(&insert)?;
        let stale = found.kept.iter().filter(|(key, _)| !totals.contains_key(*key));
        let mut delete: Vec<u64> = stale.map(|(_, (id, _))| *id).collect();
        delete.extend(&found.superfluous);
        delete.sort_unstable();
        for model_id in delete.iter().filter_map(|id| found.model_of.get(id)) {
            report.models[self.place_of(*model_id)].rows_written += 1;
        }
        // Whatever hangs on them goes with them.
        self.delete_credits_under(worker, found, &delete, report)?;
        worker.delete(ResultTable::Snapshots, &delete)
    }
}

fn stopped(stop: &AtomicBool) -> Result<(), Error> {
    if stop.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
}

fn add_slice(report: &mut RebuildReport, slice: SliceReport, rows_written: u64) {
    report.conversions += slice.conversions;
    report.touches += slice.touches;
    report.missing_clicks += slice.missing_clicks;
    report.batches += 1;
    report.rows_written += rows_written;
    for (model, more) in report.models.iter_mut().zip(slice.models) {
        model.hours += more.hours;
        model.snapshots += more.snapshots;
        model.clicks += more.sums.clicks;
        model.conversions += more.sums.conversions;
        model.revenue = add_money(model.revenue, more.sums.revenue);
        model.cost = add_money(model.cost, more.sums.cost);
        model.rows_written += more.rows_written;
    }
}

/// Beyond the range of money, which takes a window of trillions, a report stays at its end.
fn add_money(sum: Money, more: i128) -> Money {
    let units = i128::from(sum.units()) + more;
    Money::from_units(units.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

/// The snapshots that are there.
struct FoundSnapshots {
    /// For each snapshot of a scope that is rebuilt, the row that stays, and what it says.
    kept: HashMap<SnapshotKey, (u64, SnapshotTotals)>,
    /// Rows of those scopes that are another's twin or have an id that cannot be.
    superfluous: Vec<u64>,
    model_of: HashMap<u64, u64>,
    /// The hours and ids of the global ones, twins among them, that were there before this
    /// transaction: what credits hang on.
    globals: Vec<(u32, u64)>,
}

impl FoundSnapshots {
    fn read(worker: &mut impl Worker, plan: &Plan, hours: &Range<u64>) -> Result<Self, Error> {
        let mut rows = worker.snapshots(&plan.ids, hours.clone())?;
        // The oldest of twins stays.
        rows.sort_unstable_by_key(|row| row.snapshot_id);
        let mut found = Self {
            kept: HashMap::new(),
            superfluous: Vec::new(),
            model_of: rows.iter().map(|row| (row.snapshot_id, row.model_id)).collect(),
            globals: rows
                .iter()
                .filter(|row| row.scope_type == Some(ScopeType::Global))
                .map(|row| (row.hour, row.snapshot_id))
                .collect(),
        };
        for row in rows {
            let wanted = plan.scopes[plan.place_of(row.model_id)];
            let Some(scope_type) = row.scope_type.filter(|scope| wanted.contains(*scope)) else {
                continue;
            };
            let key = Scope::new(scope_type, row.scope_id).ok().map(|scope| SnapshotKey {
                model_id: row.model_id,
                scope,
                hour: row.hour,
            });
            match key
                .filter(|key| key.hour % SECONDS_PER_HOUR == 0 && !found.kept.contains_key(key))
            {
                Some(key) => {
                    found.kept.insert(key, (row.snapshot_id, row.totals));
                }
                None => found.superfluous.push(row.snapshot_id),
            }
        }
        Ok(found)
    }

    fn add_inserted(
        &mut self,
        rows: Vec<StoredSnapshot>,
        inserted: &[(SnapshotKey, SnapshotTotals)],
    ) {
        let wanted: HashMap<_, _> = inserted.iter().copied().collect();
        for row in rows.iter().filter(|row| row.scope_type == Some(ScopeType::Global)) {
            let key = SnapshotKey { model_id: row.model_id, scope: Scope::GLOBAL, hour: row.hour };
            if row.scope_id.is_none()
                && !self.model_of.contains_key(&row.snapshot_id)
                && let Some(totals) = wanted.get(&key)
            {
                self.kept.insert(key, (row.snapshot_id, *totals));
                self.model_of.insert(row.snapshot_id, row.model_id);
            }
        }
    }
}

/// Part of a slice in the order of (hour, conversion id): all after one conversion up to another.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// The hour and id that it begins after, or none for the slice's beginning.
    after: Option<(u32, u64)>,
    /// The last hour and id, or none for the slice's end.
    last: Option<(u32, u64)>,
}

impl Stretch {
    /// As hours and the conversion ids within them.
    fn parts(self) -> Vec<(RangeInclusive<u32>, RangeInclusive<u64>)> {
        let all = 0..=u64::MAX;
        let (mut first_whole, mut last_whole) = (0, u32::MAX);
        let mut parts = Vec::new();
        if let Some((hour, id)) = self.after {
            let highest = match self.last {
                Some((last_hour, last)) if last_hour == hour => last,
                _ => u64::MAX,
            };
            parts.push((hour..=hour, id.saturating_add(1)..=highest));
            first_whole = hour.saturating_add(1);
        }
        if let Some((hour, id)) = self.last {
            if self.after.is_none_or(|(first_hour, _)| first_hour != hour) {
                parts.push((hour..=hour, 0..=id));
            }
            last_whole = hour.saturating_sub(1);
        }
        if first_whole <= last_whole && self.last.is_none_or(|(hour, _)| hour > 0) {
            parts.push((first_whole..=last_whole, all));
        }
        parts
    }
}

/// An audit row for each model, as the host writes it, and then some.
fn audit_rows(report: &RebuildReport) -> Vec<AuditRow> {
    let row = |model: &RebuiltModel| {
        // Numbers are written as they are: money exactly, as a JSON number.
        let metadata = format!(
            "{{\"lookback_start\":{},\"lookback_end\":{},\"batches\":{},\"hours_processed\":{},\
             \"clicks\":{},\"conversions\":{},\"revenue\":{},\"cost\":{},\"duration_ms\":{},\
             \"rows_written\":{},\"engine_version\":\"{}\"}}",
            report.start,
            report.end,
            report.batches,
            model.hours,
            model.clicks,
            model.conversions,
            model.revenue,
            model.cost,
            report.duration_ms,
            model.rows_written,
            env!("CARGO_PKG_VERSION"),
        );
        AuditRow { model_id: Some(model.model_id), action: "snapshot_rebuild", metadata }
    };
    report.models.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_meet_and_miss_nothing() {
        let parts = |after, last| Stretch { after, last }.parts();
        let all = 0..=u64::MAX;
        assert_eq!(parts(None, None), [(0..=u32::MAX, all.clone())]);
        assert_eq!(
            parts(None, Some((3_600, 9))),
            [(3_600..=3_600, 0..=9), (0..=3_599, all.clone())]
        );
        assert_eq!(parts(Some((3_600, 9)), Some((3_600, 20))), [(3_600..=3_600, 10..=20)]);
        assert_eq!(
            parts(Some((3_600, 9)), Some((10_800, 4))),
            [
                (3_600..=3_600, 10..=u64::MAX),
                (10_800..=10_800, 0..=4),
                (3_601..=10_799, all.clone())
            ]
        );
        assert_eq!(
            parts(Some((3_600, 9)), None),
            [(3_600..=3_600, 10..=u64::MAX), (3_601..=u32::MAX, all)]
        );
    }
}
