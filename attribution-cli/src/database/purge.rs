//! `attribution purge`

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use attribution_core::{
    Error, JobReport, JourneyOptions, ModelError, MysqlStore, PurgeOptions, PurgeReport,
    PurgeTarget, RetentionLimits, UserOutcome,
};

use super::open;
use crate::arguments::{
    DatabaseArguments, IdArguments, JourneyArguments, LimitArguments, PurgeAction, PurgeArguments,
};
use crate::progress::Bar;
use crate::{DONE, FAILED, screen, status_of};

pub(crate) fn purge(action: &PurgeAction) -> Result<u8, Error> {
    match action {
        PurgeAction::Owner { user, confirm, how } => {
            if !how.dry_run {
                check_confirmed(user.user, *confirm)?;
            }
            let options = options(PurgeTarget::Owner, how, None);
            perform(&user.database, Some(user.user), &options, how.json)
        }
        PurgeAction::Clicks { user, ids, journeys, how } => {
            let target = PurgeTarget::Clicks(read_ids(ids)?);
            let options = options(target, how, Some(journeys));
            perform(&user.database, Some(user.user), &options, how.json)
        }
        PurgeAction::Conversions { user, ids, journeys, how } => {
            let target = PurgeTarget::Conversions(read_ids(ids)?);
            let options = options(target, how, Some(journeys));
            perform(&user.database, Some(user.user), &options, how.json)
        }
        PurgeAction::Visitor { user, visitor, journeys, how } => {
            let options = options(PurgeTarget::Visitor(*visitor), how, Some(journeys));
            perform(&user.database, Some(user.user), &options, how.json)
        }
        PurgeAction::Age { database, user, limits, how } => {
            let LimitArguments { journeys, credits, snapshots, exports, audit } = *limits;
            let limits = RetentionLimits { journeys, credits, snapshots, exports, audit };
            perform(database, *user, &options(PurgeTarget::Age(limits), how, None), how.json)
        }
    }
}

fn options(
    target: PurgeTarget,
    how: &PurgeArguments,
    journeys: Option<&JourneyArguments>,
) -> PurgeOptions {
    PurgeOptions {
        dry_run: how.dry_run,
        wait: Duration::from_secs(how.wait),
        export_directory: how.export_directory.clone(),
        journeys: journeys.map_or_else(JourneyOptions::default, |journeys| JourneyOptions {
            key: journeys.journey,
            lookback_seconds: journeys.lookback,
            max_touches: journeys.max_touches,
        }),
        ..PurgeOptions::new(target)
    }
}

fn refused(field: &str, given: String, allowed: &str) -> Error {
    Error::Model(ModelError { field: field.to_owned(), given, allowed: allowed.to_owned() })
}

/// All of a user is not purged by a slip of the hand.
fn check_confirmed(user_id: u64, confirm: Option<u64>) -> Result<(), Error> {
    let confirmed = match confirm {
        Some(confirm) => confirm.to_string(),
        None if io::stdin().is_terminal() => {
            eprint!("All of user {user_id} will be erased for good. Type the user's id to go on: ");
            io::stderr().flush().map_err(crate::terminal)?;
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).map_err(crate::terminal)?;
            line.trim().to_owned()
        }
        None => String::new(),
    };
    if confirmed == user_id.to_string() {
        return Ok(());
    }
    let given = if confirmed.is_empty() { "nothing".to_owned() } else { format!("{confirmed:?}") };
    Err(refused("confirm", format!("{given} was given"), &format!("--confirm {user_id}")))
}

fn read_ids(arguments: &IdArguments) -> Result<Vec<u64>, Error> {
    let mut ids = arguments.ids.clone();
    if let Some(path) = &arguments.ids_from {
        ids.append(&mut read_file(path)?);
    }
    Ok(ids)
}

fn read_file(path: &Path) -> Result<Vec<u64>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Io { what: path.display().to_string(), source })?;
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| {
            line.parse().map_err(|_| {
                let place = format!("{}:{number}", path.display());
                refused(&place, format!("{line:?} was given"), "one id a line")
            })
        })
        .collect()
}

fn perform(
    database: &DatabaseArguments,
    user: Option<u64>,
    options: &PurgeOptions,
    json: bool,
) -> Result<u8, Error> {
    let store = open(database)?;
    let bar = Bar::new()?;
    let outcomes = outcomes(&store, user, options, &bar);
    bar.finish();
    let outcomes = outcomes?;
    if json {
        let report = JobReport { job: "purge", users: &outcomes };
        screen::print(&(report.to_json()? + "\n"))?;
    }
    let mut status = DONE;
    for UserOutcome { user_id, result } in &outcomes {
        match result {
            Ok(report) => {
                let left = report.tables.iter().any(|table| table.left > 0);
                if left && !report.dry_run {
                    status = FAILED;
                }
                if !json {
                    screen::print(&show(report))?;
                }
            }
            Err(error) => {
                status = if user.is_some() { status_of(error) } else { FAILED };
                eprintln!("user {user_id}: {}", screen::error_text(error));
            }
        }
    }
    Ok(status)
}

fn outcomes(
    store: &MysqlStore,
    user: Option<u64>,
    options: &PurgeOptions,
    bar: &Bar,
) -> Result<Vec<UserOutcome<PurgeReport>>, Error> {
    match user {
        Some(user_id) => {
            Ok(vec![UserOutcome { user_id, result: store.purge(user_id, options, bar) }])
        }
        None => store.purge_all(options, bar),
    }
}

fn show(report: &PurgeReport) -> String {
    let found: u64 = report.tables.iter().map(|table| table.found).sum();
    let removed: u64 = report.tables.iter().map(|table| table.removed).sum();
    let mut lines = vec![if report.dry_run {
        let rows = screen::thousands(found);
        format!("user {}: {rows} rows would be removed; nothing was written", report.user_id)
    } else {
        format!("user {}: {} rows removed", report.user_id, screen::thousands(removed))
    }];
    for (count, what) in [
        (report.hours_rebuilt, "hours with snapshots are affected and made right"),
        (report.not_found, "ids were not found"),
        (report.files_removed, "export files removed"),
        (report.files_missing, "export files were gone already"),
        (report.exports_in_progress, "exports are being made and were left"),
        (report.exports_of_rebuilt_hours, "finished exports cover those hours and were left"),
    ] {
        if count > 0 {
            lines.push(format!("  {} {what}", screen::thousands(count)));
        }
    }
    for file in &report.files_left {
        eprintln!("warning: export {} was left: {}", file.export_id, file.problem);
    }
    let rows: Vec<Vec<String>> = report
        .tables
        .iter()
        .map(|table| {
            let counts = [table.found, table.removed, table.left].map(screen::thousands);
            std::iter::once(table.table.to_owned()).chain(counts).collect()
        })
        .collect();
    lines.join("\n") + "\n" + &screen::table(&["table", "found", "removed", "left"], &rows, 1)
}
