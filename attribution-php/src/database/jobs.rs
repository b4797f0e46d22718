//! Backfill and rebuild.

use std::time::Duration;

use attribution_core::{BackfillOptions, MysqlStore, RebuildOptions, Window};
use ext_php_rs::types::{ZendHashTable, Zval};

use super::address::open;
use super::asked::{one_or_all, perform, progress, scope, to_array, window};
use crate::failure::Failure;
use crate::journeys::journey_options;
use crate::options::{Options, Scopes};
use crate::zend::table::Made;

/// The options that both jobs have.
const COMMON: [&str; 7] = ["user", "start", "end", "wait", "connections", "replica", "progress"];
const BACKFILL: [&str; 6] =
    ["journey_key", "lookback", "max_touches", "scope_type", "scope_id", "remove"];
const REBUILD: [&str; 2] = ["scopes", "credits"];

/// What both jobs are told.
struct Common<'a> {
    store: MysqlStore,
    user_id: u64,
    window: Window,
    wait: Duration,
    connections: Option<usize>,
    progress: Option<&'a Zval>,
}

fn options_of<'a>(
    table: Option<&'a ZendHashTable>,
    known: &[&str],
) -> Result<Option<Options<'a>>, Failure> {
    let all = [&COMMON[..], known].concat();
    table.map(|table| Options::new(table, "options", &all)).transpose()
}

impl<'a> Common<'a> {
    fn read(database: &Zval, options: Option<Options<'a>>) -> Result<Self, Failure> {
        let window = window(options)?;
        let Some(options) = options else {
            return Ok(Self {
                store: open(database, None)?,
                user_id: 0,
                window,
                wait: Duration::from_secs(crate::options::default_wait()?.into()),
                connections: None,
                progress: None,
            });
        };
        Ok(Self {
            user_id: one_or_all(options)?,
            window,
            wait: Duration::from_secs(options.wait()?.into()),
            connections: options.bounded("connections", 1, 64)?.map(|number| number as usize),
            progress: progress(options)?,
            store: open(database, options.get("replica"))?,
        })
    }
}

fn backfilled(
    database: &Zval,
    options: Option<&ZendHashTable>,
) -> Result<serde_json::Value, Failure> {
    let options = options_of(options, &BACKFILL)?;
    let common = Common::read(database, options)?;
    let mut job = BackfillOptions { wait: common.wait, ..BackfillOptions::new(common.window) };
    if let Some(connections) = common.connections {
        job.connections = connections;
    }
    if let Some(options) = options {
        job.journeys = journey_options(options)?;
        job.remove = options.switch("remove", false)?;
        job.scope = scope(options, "global, advertiser or campaign")?;
    }
    let user_id = common.user_id;
    let job = &job;
    perform(
        &common.store,
        user_id,
        common.progress,
        "backfill",
        |store, progress| store.backfill(user_id, job, progress),
        |store, progress| store.backfill_all(job, progress),
    )
}

fn rebuilt(database: &Zval, options: Option<&ZendHashTable>) -> Result<serde_json::Value, Failure> {
    let options = options_of(options, &REBUILD)?;
    let common = Common::read(database, options)?;
    let mut job = RebuildOptions { wait: common.wait, ..RebuildOptions::new(common.window) };
    if let Some(connections) = common.connections {
        job.connections = connections;
    }
    if let Some(options) = options {
        // All is what nothing said means, too.
        job.scopes = match options.scopes()? {
            Scopes::Some(scopes) => Some(scopes),
            Scopes::Default | Scopes::All => None,
        };
        job.credits = options.switch("credits", true)?;
    }
    let user_id = common.user_id;
    let job = &job;
    perform(
        &common.store,
        user_id,
        common.progress,
        "rebuild",
        |store, progress| store.rebuild(user_id, job, progress),
        |store, progress| store.rebuild_all(job, progress),
    )
}

/// What `attribution_backfill` gives.
pub(crate) fn backfill(database: &Zval, options: Option<&ZendHashTable>) -> Result<Made, Failure> {
    backfilled(database, options).map(to_array)
}

/// What `attribution_rebuild` gives.
pub(crate) fn rebuild(database: &Zval, options: Option<&ZendHashTable>) -> Result<Made, Failure> {
    rebuilt(database, options).map(to_array)
}
