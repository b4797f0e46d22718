//! Credits and snapshots of conversions that are given as rows.

use std::ops::ControlFlow;

use attribution_core::{Batch, Engine, Model, ModelResult, ScopeSet};
use ext_php_rs::types::ZendHashTable;
use ext_php_rs::zend::BailoutGuard;

use crate::failure::Failure;
use crate::job::SignalsHeld;
use crate::keys;
use crate::memory;
use crate::model::read_model;
use crate::options::Options;
use crate::output::{snapshot_rows, touchpoint_rows};
use crate::rows::read_conversions;
use crate::zend::globals;
use crate::zend::table::{Made, NewList, NewRow, Table};

/// What is calculated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    pub(crate) scopes: ScopeSet,
    pub(crate) touchpoints: bool,
    pub(crate) threads: usize,
}

/// The names of the options that make a [`Task`].
pub(crate) const OPTIONS: [&str; 3] = ["scopes", "touchpoints", "threads"];

impl Task {
    pub(crate) fn read(options: Options<'_>) -> Result<Self, Failure> {
        Ok(Self {
            scopes: options.scope_set()?,
            touchpoints: options.switch("touchpoints", true)?,
            threads: options.threads()?,
        })
    }

    pub(crate) fn of(options: Option<&ZendHashTable>) -> Result<Self, Failure> {
        match options {
            Some(options) => Self::read(Options::new(options, "options", &OPTIONS)?),
            None => Ok(Self {
                scopes: ScopeSet::GLOBAL,
                touchpoints: true,
                threads: crate::options::default_threads()?,
            }),
        }
    }

    fn engine(&self) -> Engine {
        Engine::new().scopes(self.scopes).touchpoints(self.touchpoints).threads(self.threads)
    }

    /// Calculates the models. PHP can end the call, or its memory be used up, wherever the core tells how far it is.
    pub(crate) fn calculate(
        &self,
        models: &[Model],
        batch: &Batch<'_>,
        place: &str,
    ) -> Result<Vec<ModelResult>, Failure> {
        self.check_memory(models.len(), batch.touches(), place)?;
        let mut wish = Ok(());
        // The threads start without signals; this one takes them again as soon as they have.
        let mut held = SignalsHeld::hold();
        let results = self.engine().calculate_heeding(models, batch, |_| {
            held = None;
            wish = globals::poll().map_err(Failure::from).and_then(|()| memory::check(place, 0));
            if wish.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        drop(held);
        wish?;
        let results = results?;
        memory::check(place, 0)?;
        Ok(results)
    }

    /// Refuses a calculation that would need more memory than is allowed: the core works with at most 64 bytes
    /// a touch, and a touchpoint has 44.
    fn check_memory(&self, models: usize, touches: usize, place: &str) -> Result<(), Failure> {
        const WORKING: usize = 64;
        const TOUCHPOINT: usize = 44;
        let results = if self.touchpoints { models.saturating_mul(TOUCHPOINT) } else { 0 };
        memory::check(place, touches.saturating_mul(results + WORKING))
    }
}

/// What one model gave, with what the rows need of the batch. PHP may run out of its own memory while rows are
/// made, so that this is kept by a guard meanwhile.
#[derive(Debug)]
pub(crate) struct Calculated {
    pub(crate) result: ModelResult,
    pub(crate) conversion_ids: Vec<u64>,
    pub(crate) conversion_times: Vec<u32>,
}

/// Reads conversions and calculates one model over them.
pub(crate) fn calculate(
    model: &Model,
    conversions: &ZendHashTable,
    task: Task,
) -> Result<Calculated, Failure> {
    let batch = read_conversions(conversions, task.scopes)?;
    let batch = batch.batch();
    let results = task.calculate(std::slice::from_ref(model), &batch, "conversions")?;
    let columns = batch.columns();
    let (conversion_ids, conversion_times) = if task.touchpoints {
        (columns.conversion_ids.to_vec(), columns.conversion_times.to_vec())
    } else {
        (Vec::new(), Vec::new())
    };
    let result = results.into_iter().next().unwrap_or_default();
    Ok(Calculated { result, conversion_ids, conversion_times })
}

/// The lists of rows of snapshots and of touchpoints.
pub(crate) fn to_lists(calculated: Calculated) -> Result<(NewList, NewList), Failure> {
    let guarded = BailoutGuard::new(calculated);
    let Calculated { result, conversion_ids, conversion_times } = guarded.get();
    let snapshots = snapshot_rows(&result.snapshots)?;
    let touchpoints = touchpoint_rows(&result.touchpoints, conversion_ids, conversion_times)?;
    Ok((snapshots, touchpoints))
}

/// What `attribution_calculate` gives.
pub(crate) fn calculate_rows(
    model: &ZendHashTable,
    conversions: &ZendHashTable,
    options: Option<&ZendHashTable>,
) -> Result<Made, Failure> {
    let model = read_model(Table(model), None)?.model;
    let calculated = calculate(&model, conversions, Task::of(options)?)?;
    drop(model);
    let (snapshots, touchpoints) = to_lists(calculated)?;
    let mut row = NewRow::new(2);
    row.set(&keys::SNAPSHOTS, snapshots.into_new_value());
    row.set(&keys::TOUCHPOINTS, touchpoints.into_new_value());
    Ok(row.into_made())
}
