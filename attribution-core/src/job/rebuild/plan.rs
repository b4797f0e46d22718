//! What is the same for every slice of a rebuild, and how one is written.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use hashbrown::{HashMap, HashSet};

use super::found::{FoundSnapshots, Stretch};
use super::report::{InvalidModel, RebuildOptions, RebuildReport, RebuiltModel};
use super::slices::Slice;
use crate::domain::model::Model;
use crate::engine::calculate::{Engine, ModelResult};
use crate::ground::error::Error;
use crate::ground::money::{divide_half_even, write_decimal};
use crate::ground::scope::{Scope, ScopeSet, ScopeType};
use crate::ground::time::{SECONDS_PER_HOUR, hour_of};
use crate::job::difference::difference;
use crate::job::journeys::{Loader, Lookup, Piece};
use crate::job::settings::MultiTouch;
use crate::job::tables::{
    Checkpoint, CreditValues, ModelRow, Parents, Reader, ResultTable, Run, SnapshotKey,
    SnapshotTotals, Worker,
};
use crate::job::workers::{in_parts, stopped};

/// The most that a DECIMAL(12,4) holds, as a count of 0.0001.
pub(super) const MOST_AMOUNT: i64 = 999_999_999_999;

/// Totals as they grow; money as counts of 0.00001.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) clicks: u64,
    pub(super) conversions: u64,
    pub(super) revenue: i128,
    pub(super) cost: i128,
}

/// What of a slice is said in the report.
#[derive(Debug, Clone, Default)]
pub(super) struct SliceReport {
    pub(super) conversions: u64,
    pub(super) touches: u64,
    pub(super) missing_clicks: u64,
    pub(super) models: Vec<SliceModel>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SliceModel {
    pub(super) hours: u64,
    pub(super) snapshots: u64,
    pub(super) sums: Sums,
    pub(super) rows_written: u64,
}

/// Scopes with those that are always made right: global, and ad groups, as no table has ids of those,
/// so that any snapshots of them are stale.
pub(super) fn always(scopes: ScopeSet) -> ScopeSet {
    scopes.with(ScopeType::Global).with(ScopeType::Adgroup)
}

/// What is the same for all slices.
pub(super) struct Plan {
    rows: Vec<ModelRow>,
    pub(super) ids: Vec<u64>,
    pub(super) models: Vec<Model>,
    /// What each model gets snapshots of.
    pub(super) scopes: Vec<ScopeSet>,
    engine: Engine,
    loader: Loader,
    credits: bool,
}

impl Plan {
    pub(super) fn new<R: Run>(
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
        let asked = always(options.scopes.unwrap_or(feedable));
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
        report.models = rows
            .iter()
            .map(|row| RebuiltModel {
                model_id: row.model_id,
                slug: row.slug.clone(),
                ..RebuiltModel::default()
            })
            .collect();
        let parents = if models.is_empty() { Parents::default() } else { worker.parents()? };
        let multi_touch = MultiTouch::new(worker.settings()?);
        Ok(Self::of(rows, models, scopes, options.credits, feedable, multi_touch, parents))
    }

    /// For these models, each with its scopes.
    pub(super) fn of(
        rows: Vec<ModelRow>,
        models: Vec<Model>,
        scopes: Vec<ScopeSet>,
        credits: bool,
        feedable: ScopeSet,
        multi_touch: MultiTouch,
        parents: Parents,
    ) -> Self {
        let calculated: ScopeSet = feedable
            .iter()
            .filter(|scope_type| scopes.iter().any(|set| set.contains(*scope_type)))
            .collect();
        let loader = Loader::new(multi_touch, parents, calculated, models.len(), Lookup::Touches);
        Self {
            ids: rows.iter().map(|row| row.model_id).collect(),
            rows,
            models,
            scopes,
            engine: Engine::new().scopes(calculated).touchpoints(credits).threads(1),
            loader,
            credits,
        }
    }

    /// The totals of a slice, written nowhere: an error where they do not fit.
    pub(super) fn totals_of(
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
        // In order, so that the same one is named whatever the order of the map.
        let mut totals: Vec<_> = totals.into_iter().collect();
        totals.sort_unstable_by_key(|(key, _)| *key);
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
            if u32::try_from(count).is_ok() {
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

    pub(super) fn rebuild_slice(
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

    pub(super) fn write_slice(
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
                self.write_credits(worker, &found, &piece, wanted, stretch, stop, &mut report)?;
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

    pub(super) fn place_of(&self, model_id: u64) -> usize {
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
                    // Made right below, when all of the hour is known; until then it may be anything.
                    insert.push((key, self.rounded(&key, &sums).unwrap_or_default()));
                    report.models[place].rows_written += 1;
                }
            }
        }
        if insert.is_empty() {
            return Ok(());
        }
        worker.insert_snapshots(&insert)?;
        // The ids are looked up, as the server may number rows in steps.
        found.add_inserted(&worker.snapshots(&self.ids, hours.clone())?, &insert);
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
    #[allow(clippy::too_many_arguments)]
    fn write_credits(
        &self,
        worker: &mut impl Worker,
        found: &FoundSnapshots,
        piece: &Piece,
        wanted: Vec<CreditValues>,
        stretch: Stretch,
        stop: &AtomicBool,
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
        in_parts(&delete, stop, |part| worker.delete(ResultTable::Credits, part))?;
        in_parts(&insert, stop, |part| worker.insert_credits(part))
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
                    worker.update_snapshot(key.model_id, *snapshot_id, &rounded)?;
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
