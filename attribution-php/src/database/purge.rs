//! Retention and erasure.

use std::time::Duration;

use attribution_core::{PurgeOptions, PurgeTarget, RetentionLimits};
use ext_php_rs::types::{ZendHashTable, Zval};

use super::address::open;
use super::asked::{list, missing, one_or_all, path, perform, placed, progress, to_array};
use crate::failure::{Failure, refused};
use crate::input::{self, described, shown};
use crate::journeys::journey_options;
use crate::options::Options;
use crate::zend::table::{Made, Table, Value, value_of};

const PURGE: [&str; 12] = [
    "user",
    "target",
    "ids",
    "visitor",
    "limits",
    "dry_run",
    "wait",
    "export_directory",
    "journey_key",
    "lookback",
    "max_touches",
    "progress",
];
const LIMITS: [&str; 5] = ["journeys", "credits", "snapshots", "exports", "audit"];

fn limits(options: Options<'_>) -> Result<RetentionLimits, Failure> {
    let allowed = "an array with a length of time for some of journeys, credits, snapshots, \
        exports and audit";
    let Some(value) = options.get("limits") else {
        return Err(missing(options, "limits", allowed));
    };
    let Value::Table(Table(table)) = value_of(value) else {
        return Err(refused(options.place("limits"), described(value), allowed));
    };
    let limits = Options::new(table, "options.limits", &LIMITS)?;
    Ok(RetentionLimits {
        journeys: limits.duration("journeys")?,
        credits: limits.duration("credits")?,
        snapshots: limits.duration("snapshots")?,
        exports: limits.duration("exports")?,
        audit: limits.duration("audit")?,
    })
}

fn target(options: Options<'_>) -> Result<PurgeTarget, Failure> {
    const ALLOWED: &str = "owner, clicks, conversions, visitor or age";
    let name = options.text("target")?.ok_or_else(|| missing(options, "target", ALLOWED))?;
    let needs = match name {
        "owner" => "",
        "clicks" | "conversions" => "ids",
        "visitor" => "visitor",
        "age" => "limits",
        other => {
            let found = format!("found {}", shown(other.as_bytes()));
            return Err(refused(options.place("target"), found, ALLOWED));
        }
    };
    // Who names a part does not mean the whole.
    for option in ["ids", "visitor", "limits"] {
        if option != needs && options.get(option).is_some() {
            let found = "found one beside the target ".to_owned() + name;
            return Err(refused(options.place(option), found, "none for that target"));
        }
    }
    let ids = || {
        let ids = list(options, "ids", |value, place| {
            input::id(value).map_err(|refusal| refusal.at(place()))
        })?;
        ids.ok_or_else(|| missing(options, "ids", "a list of ids"))
    };
    Ok(match name {
        "clicks" => PurgeTarget::Clicks(ids()?),
        "conversions" => PurgeTarget::Conversions(ids()?),
        "visitor" => PurgeTarget::Visitor(
            options.unsigned("visitor")?.ok_or_else(|| missing(options, "visitor", "an ip_id"))?,
        ),
        "age" => PurgeTarget::Age(limits(options)?),
        _ => PurgeTarget::Owner,
    })
}

fn purged(database: &Zval, table: &ZendHashTable) -> Result<serde_json::Value, Failure> {
    let options = Options::new(table, "options", &PURGE)?;
    let user_id = one_or_all(options)?;
    let purge = PurgeOptions {
        dry_run: options.switch("dry_run", false)?,
        wait: Duration::from_secs(options.wait()?.into()),
        export_directory: path(options, "export_directory")?.map(Into::into),
        journeys: journey_options(options)?,
        ..PurgeOptions::new(target(options)?)
    };
    if user_id == 0 && !matches!(purge.target, PurgeTarget::Age(_)) {
        let found = if options.has("user") { "found 0" } else { "found nothing" };
        return Err(refused(options.place("user"), found, "an id, but for the target age"));
    }
    let progress = progress(options)?;
    let store = open(database, None)?;
    let purge = &purge;
    perform(
        &store,
        user_id,
        progress,
        "purge",
        |store, progress| store.purge(user_id, purge, progress),
        |store, progress| store.purge_all(purge, progress),
    )
    .map_err(|failure| placed(failure, options, &PURGE))
}

/// What `attribution_purge` gives.
pub(crate) fn purge(database: &Zval, options: &ZendHashTable) -> Result<Made, Failure> {
    purged(database, options).map(to_array)
}
