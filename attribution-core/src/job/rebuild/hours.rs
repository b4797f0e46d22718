//! Single hours rebuilt within another job's transactions, for the models that have snapshots of them.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use hashbrown::{HashMap, HashSet};

use super::plan::{Plan, always};
use super::slices::{ByHour, Slice};
use crate::domain::model::Model;
use crate::ground::error::Error;
use crate::ground::scope::{ScopeSet, ScopeType};
use crate::ground::time::{SECONDS_PER_HOUR, Window, hour_of};
use crate::job::external_sort::{ExternalSort, Sorted};
use crate::job::progress::{Phase, Progress, go_on};
use crate::job::settings::MultiTouch;
use crate::job::spool::Spool;
use crate::job::tables::{
    ModelRow, Parents, Reader, ResultTable, Run, StoredConversion, StoredSnapshot, Worker,
};

/// The models that a plan is for, by their places, each with its scopes, and whether it has credits.
type PlanKey = (Vec<(usize, ScopeSet)>, bool);

/// From when to when the runs went that wrote a model's snapshots of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WrittenBy {
    pub(crate) model_id: u64,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Rebuilds hours as they are: no model gets snapshots of an hour, or credits, that it had none of, nor
/// a scope that the runs that wrote the hour had none of.
pub(crate) struct HourRebuild {
    rows: Vec<ModelRow>,
    /// None for what is no valid model, whose hours cannot be calculated.
    models: Vec<Option<Model>>,
    /// The scopes that a model has snapshots of in the windows of its runs.
    in_use: HashMap<WrittenBy, ScopeSet>,
    feedable: ScopeSet,
    parents: Parents,
    multi_touch: MultiTouch,
    /// The last plans, as most hours are alike.
    plans: Vec<(PlanKey, Plan)>,
}

impl HourRebuild {
    pub(crate) fn new<R: Run>(
        run: &R,
        worker: &mut R::Worker,
        feedable: ScopeSet,
    ) -> Result<Self, Error> {
        let rows = run.models()?;
        let models = rows
            .iter()
            .map(|row| Model::from_stored(&row.kind, row.config.as_deref()).ok())
            .collect();
        Ok(Self {
            rows,
            models,
            in_use: HashMap::new(),
            feedable,
            parents: worker.parents()?,
            multi_touch: MultiTouch::new(worker.settings()?),
            plans: Vec::new(),
        })
    }

    pub(crate) fn model_rows(&self) -> &[ModelRow] {
        &self.rows
    }

    /// Where multi-touch is on for a conversion of this campaign.
    pub(crate) fn is_on(&self, campaign_id: u64) -> bool {
        self.multi_touch.is_on(campaign_id, self.parents.advertisers.get(&campaign_id).copied())
    }

    /// The scopes that a run of a model over the same window would make right in an hour: an hour may
    /// have no rows of one of them, for want of touches that have the dimension.
    fn scopes(
        &mut self,
        worker: &mut impl Worker,
        hour: u32,
        by: WrittenBy,
    ) -> Result<ScopeSet, Error> {
        if let Some(scopes) = self.in_use.get(&by) {
            return Ok(*scopes);
        }
        let end = by.end.max(hour.saturating_add(1));
        let window = Window::new(by.start.min(hour), end)?;
        let found = worker.scopes_in_use(&[by.model_id], window, self.feedable)?;
        let scopes = found.iter().fold(ScopeSet::GLOBAL, |scopes, (_, scope)| scopes.with(*scope));
        self.in_use.insert(by, scopes);
        Ok(scopes)
    }

    /// Within a transaction, makes an hour right. `found` are its snapshots, `written_by` the runs
    /// that wrote them, and `credited` those of them that have credits. Those of models that are gone or not valid are removed, as they cannot
    /// be made right. Says how many rows were written.
    pub(crate) fn rebuild(
        &mut self,
        worker: &mut impl Worker,
        hour: u32,
        found: &[StoredSnapshot],
        written_by: &[WrittenBy],
        credited: &HashSet<u64>,
        conversions: &mut Spool<StoredConversion>,
    ) -> Result<u64, Error> {
        let mut keys: [PlanKey; 2] = [(Vec::new(), true), (Vec::new(), false)];
        for place in 0..self.rows.len() {
            let model_id = self.rows[place].model_id;
            let of_model = || found.iter().filter(|row| row.model_id == model_id);
            if self.models[place].is_none() || of_model().next().is_none() {
                continue;
            }
            let is_global = |row: &&StoredSnapshot| row.scope_type == Some(ScopeType::Global);
            let by = written_by.iter().find(|by| by.model_id == model_id).copied();
            let scopes = match by {
                Some(by) if !of_model().all(|row| is_global(&row)) => {
                    self.scopes(worker, hour, by)?
                }
                _ => ScopeSet::GLOBAL,
            };
            let has_credits = of_model().any(|row| credited.contains(&row.snapshot_id))
                || !of_model().any(|row| is_global(&row));
            keys[usize::from(!has_credits)].0.push((place, always(scopes)));
        }
        let mut rows_written = 0;
        for key in keys.into_iter().filter(|key| !key.0.is_empty()) {
            let hours = u64::from(hour)..u64::from(hour) + u64::from(SECONDS_PER_HOUR);
            let mut slice =
                Slice { hours, conversions: std::mem::replace(conversions, Spool::new()) };
            let plan = self.plan(key);
            let outcome = plan.write_slice(worker, &mut slice, &AtomicBool::new(false));
            *conversions = slice.conversions;
            let report = outcome?;
            rows_written += report.models.iter().map(|model| model.rows_written).sum::<u64>();
        }
        let place_of = |id: u64| self.rows.iter().position(|row| row.model_id == id);
        let lost: Vec<u64> = found
            .iter()
            .filter(|row| place_of(row.model_id).is_none_or(|place| self.models[place].is_none()))
            .map(|row| row.snapshot_id)
            .collect();
        if !lost.is_empty() {
            rows_written += worker.delete_credits_under(&lost)? + lost.len() as u64;
            worker.delete(ResultTable::Snapshots, &lost)?;
        }
        Ok(rows_written)
    }

    fn plan(&mut self, key: PlanKey) -> &Plan {
        const KEPT: usize = 8;
        let place = self.plans.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            if self.plans.len() == KEPT {
                self.plans.remove(0);
            }
            let (mut rows, mut models, mut scopes) = (Vec::new(), Vec::new(), Vec::new());
            for (place, of_model) in &key.0 {
                if let Some(model) = &self.models[*place] {
                    rows.push(self.rows[*place].clone());
                    models.push(model.clone());
                    scopes.push(*of_model);
                }
            }
            let (multi_touch, parents) = (self.multi_touch.clone(), self.parents.clone());
            let plan = Plan::of(rows, models, scopes, key.1, self.feedable, multi_touch, parents);
            self.plans.push((key, plan));
            self.plans.len() - 1
        });
        &self.plans[place].1
    }
}

/// The conversions of some hours, but for the deleted ones and those that are left out.
pub(crate) struct HourConversions(ExternalSort<ByHour>);

impl HourConversions {
    pub(crate) fn read(
        worker: &mut impl Worker,
        hours: &BTreeSet<u32>,
        left_out: &HashSet<u64>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let mut sorted = ExternalSort::new();
        let (Some(first), Some(last)) = (hours.first(), hours.last()) else {
            return Ok(Self(sorted));
        };
        let mut read = 0_u64;
        worker.conversions(Window::new(*first, last.saturating_add(1))?, &mut |conversion| {
            if read.is_multiple_of(4_096) {
                go_on(progress, Phase::Reading, read, 0)?;
            }
            read += 1;
            let is_wanted = !conversion.deleted
                && hours.contains(&hour_of(conversion.conversion_time))
                && !left_out.contains(&conversion.conversion_id);
            if is_wanted { sorted.push(ByHour(conversion)) } else { Ok(()) }
        })?;
        Ok(Self(sorted))
    }

    /// Gives them hour by hour.
    pub(crate) fn hours(&mut self) -> Result<EachHour<'_>, Error> {
        Ok(EachHour { sorted: self.0.read()?, ahead: None })
    }
}

/// Conversions hour by hour.
pub(crate) struct EachHour<'a> {
    sorted: Sorted<'a, ByHour>,
    ahead: Option<ByHour>,
}

impl EachHour<'_> {
    /// Those of an hour. Hours have to be asked for in order.
    pub(crate) fn of(&mut self, hour: u32) -> Result<Spool<StoredConversion>, Error> {
        let mut conversions = Spool::new();
        loop {
            let next = match self.ahead.take() {
                Some(next) => Some(next),
                None => self.sorted.next()?,
            };
            let Some(next) = next else { return Ok(conversions) };
            match hour_of(next.0.conversion_time).cmp(&hour) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => conversions.push(next.0)?,
                std::cmp::Ordering::Greater => {
                    self.ahead = Some(next);
                    return Ok(conversions);
                }
            }
        }
    }
}
