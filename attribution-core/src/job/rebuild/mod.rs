//! The rebuild: snapshots and credits of every active model of an owner, from stored journeys.
//!
//! The window's conversions are sorted by hour and cut into slices of whole hours. Each slice is one
//! transaction: what its rows should be is calculated, what they are is read, and the difference is
//! written. So a slice can be done again at any time, and rows that are right are left alone.

mod found;
pub(crate) mod hours;
mod plan;
mod report;
mod slices;

use std::sync::atomic::AtomicBool;
use std::time::Instant;

pub use report::{InvalidModel, RebuildOptions, RebuildReport, RebuiltModel};

use self::plan::Plan;
use self::report::{add_slice, audit_rows};
use self::slices::{HourBounds, SLICE, Slice, Slices, read_conversions};
use super::external_sort::ExternalSort;
use super::progress::{Phase, Progress, go_on};
use super::tables::{JobCoverage, Run, RunKind, Tables};
use super::workers::share;
use crate::ground::error::Error;
use crate::ground::scope::{ScopeSet, ScopeType};

pub(crate) fn rebuild<T: Tables>(
    tables: &T,
    owner: u64,
    options: &RebuildOptions,
    coverage: JobCoverage,
    progress: &dyn Progress,
) -> Result<RebuildReport, Error> {
    check_options::<T>(options)?;
    let heed = || go_on(progress, Phase::Waiting, 0, 0);
    let run = tables.begin(owner, RunKind::Rebuild, options.window, options.wait, &heed)?;
    let outcome = rebuild_owner(&run, owner, T::SCOPES, options, coverage, progress);
    if let Err(error) = &outcome {
        run.fail(error);
    }
    outcome
}

/// Refuses scopes that the tables have no ids for.
pub(crate) fn check_options<T: Tables>(options: &RebuildOptions) -> Result<(), Error> {
    let unknown = |scopes: ScopeSet| scopes.iter().find(|scope| !T::SCOPES.contains(*scope));
    if let Some(scope_type) = options.scopes.and_then(unknown) {
        let known: Vec<_> = T::SCOPES.iter().map(ScopeType::name).collect();
        return Err(Error::input(
            "scopes",
            format!("found {scope_type}, which the tables have no ids for"),
            known.join(", "),
        ));
    }
    Ok(())
}

fn rebuild_owner<R: Run>(
    run: &R,
    owner: u64,
    feedable: ScopeSet,
    options: &RebuildOptions,
    coverage: JobCoverage,
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
    run.succeed(&audit_rows(&report), coverage)?;
    Ok(report)
}
