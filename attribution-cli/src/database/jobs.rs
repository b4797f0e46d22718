//! `attribution backfill`, `rebuild` and `multi-touch`

use std::time::Duration;

use attribution_core::{
    BackfillOptions, BackfillReport, Error, JobReport, JourneyOptions, MysqlStore, RebuildOptions,
    RebuildReport, Scope, ScopeType, UserOutcome,
};
use serde::Serialize;

use super::{open, print_json, window};
use crate::arguments::{
    BackfillArguments, Credits, JobArguments, MultiTouchArguments, RebuildArguments, Switch,
};
use crate::progress::Bar;
use crate::{DONE, FAILED, screen, status_of};

pub(crate) fn backfill(arguments: &BackfillArguments) -> Result<u8, Error> {
    let job = &arguments.job;
    let options = BackfillOptions {
        journeys: JourneyOptions {
            key: arguments.journey,
            lookback_seconds: arguments.lookback,
            max_touches: arguments.max_touches,
        },
        wait: Duration::from_secs(job.wait),
        connections: job.connections.into(),
        ..BackfillOptions::new(window(&job.window)?)
    };
    perform(
        "backfill",
        job,
        |store, user_id, bar| store.backfill(user_id, &options, bar),
        |store, bar| store.backfill_all(&options, bar),
        show_backfill,
    )
}

pub(crate) fn rebuild(arguments: &RebuildArguments) -> Result<u8, Error> {
    let job = &arguments.job;
    let options = RebuildOptions {
        scopes: arguments.scopes,
        credits: arguments.credits == Credits::All,
        wait: Duration::from_secs(job.wait),
        connections: job.connections.into(),
        ..RebuildOptions::new(window(&job.window)?)
    };
    perform(
        "rebuild",
        job,
        |store, user_id, bar| store.rebuild(user_id, &options, bar),
        |store, bar| store.rebuild_all(&options, bar),
        show_rebuild,
    )
}

pub(crate) fn multi_touch(arguments: &MultiTouchArguments) -> Result<(), Error> {
    let scope = match (arguments.advertiser, arguments.campaign) {
        (Some(id), _) => Scope::new(ScopeType::Advertiser, Some(id))?,
        (None, Some(id)) => Scope::new(ScopeType::Campaign, Some(id))?,
        (None, None) => Scope::GLOBAL,
    };
    let store = open(&arguments.user.database)?;
    let bar = Bar::new()?;
    let outcome = store.set_multi_touch(
        arguments.user.user,
        scope,
        arguments.switch == Switch::On,
        Duration::from_secs(arguments.wait),
        &bar,
    );
    bar.finish();
    let report = outcome?;
    if arguments.json {
        return print_json(&report);
    }
    screen::print(&show_backfill(&report))
}

/// Does a job for one user or all, and tells what came of it. Of several users, any may have failed.
fn perform<R: Serialize>(
    job: &'static str,
    arguments: &JobArguments,
    one: impl FnOnce(&MysqlStore, u64, &Bar) -> Result<R, Error>,
    all: impl FnOnce(&MysqlStore, &Bar) -> Result<Vec<UserOutcome<R>>, Error>,
    show: impl Fn(&R) -> String,
) -> Result<u8, Error> {
    let store = open(&arguments.database)?;
    let bar = Bar::new()?;
    let outcomes = match arguments.user {
        Some(user_id) => Ok(vec![UserOutcome { user_id, result: one(&store, user_id, &bar) }]),
        None => all(&store, &bar),
    };
    bar.finish();
    let outcomes = outcomes?;
    if arguments.json {
        let report = JobReport { job, users: &outcomes };
        screen::print(&(report.to_json()? + "\n"))?;
    }
    let mut status = DONE;
    for UserOutcome { user_id, result } in &outcomes {
        match result {
            Ok(report) if !arguments.json => screen::print(&show(report))?,
            Ok(_) => {}
            Err(error) => {
                status = if arguments.user.is_some() { status_of(error) } else { FAILED };
                // With one user it goes without saying whose it is.
                let text = screen::error_text(error);
                if arguments.user.is_some() {
                    eprintln!("{text}");
                } else {
                    eprintln!("user {user_id}: {text}");
                }
            }
        }
    }
    Ok(status)
}

fn seconds(duration_ms: u64) -> String {
    format!("{}.{} s", duration_ms / 1_000, duration_ms % 1_000 / 100)
}

/// The first line of a report.
fn headline(
    user_id: u64,
    conversions: u64,
    touches: u64,
    rows_written: u64,
    duration_ms: u64,
) -> String {
    format!(
        "user {user_id}: {} conversions, {} touches, {} rows written in {}",
        screen::thousands(conversions),
        screen::thousands(touches),
        screen::thousands(rows_written),
        seconds(duration_ms),
    )
}

fn show_backfill(report: &BackfillReport) -> String {
    let mut lines = vec![headline(
        report.user_id,
        report.conversions,
        report.touches,
        report.rows_written,
        report.duration_ms,
    )];
    for (count, what) in [
        (report.single_touch_conversions, "conversions have multi-touch off and no journey"),
        (report.deleted_conversions, "deleted conversions have no journey"),
        (report.missing_clicks, "conversions lack their click"),
    ] {
        if count > 0 {
            lines.push(format!("  {} {what}", screen::thousands(count)));
        }
    }
    lines.join("\n") + "\n"
}

fn show_rebuild(report: &RebuildReport) -> String {
    for model in &report.invalid_models {
        eprintln!(
            "warning: user {}: model {} was left out: {}",
            report.user_id, model.slug, model.problem
        );
    }
    let rows: Vec<Vec<String>> = report
        .models
        .iter()
        .map(|model| {
            vec![
                model.slug.clone(),
                screen::thousands(model.snapshots),
                screen::thousands(model.clicks),
                screen::amount(model.revenue.units()),
                screen::amount(model.cost.units()),
                screen::thousands(model.rows_written),
            ]
        })
        .collect();
    let mut lines = vec![headline(
        report.user_id,
        report.conversions,
        report.touches,
        report.rows_written,
        report.duration_ms,
    )];
    if report.missing_clicks > 0 {
        lines.push(format!(
            "  {} touches lack their click",
            screen::thousands(report.missing_clicks)
        ));
    }
    let titles = ["model", "snapshots", "clicks", "revenue", "cost", "written"];
    let table = if rows.is_empty() { String::new() } else { screen::table(&titles, &rows, 1) };
    lines.join("\n") + "\n" + &table
}
