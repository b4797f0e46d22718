//! Backfill and rebuild.

use std::time::{Duration, SystemTime};

use attribution_core::{
    BackfillOptions, Error, JobReport, MysqlStore, Progress, RebuildOptions, Scope, ScopeType,
    UserOutcome, Window,
};
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::BailoutGuard;
use serde::Serialize;

use super::address::open;
use crate::failure::{Failure, refused};
use crate::input::described;
use crate::job;
use crate::journeys::journey_options;
use crate::options::{Options, Scopes, scope_type};
use crate::output::array_from_json;
use crate::rows::moved;
use crate::zend::table::Made;

/// The options that both jobs have.
const COMMON: [&str; 7] = ["user", "start", "end", "wait", "connections", "replica", "progress"];
const BACKFILL: [&str; 6] =
    ["journey_key", "lookback", "max_touches", "scope_type", "scope_id", "remove"];
const REBUILD: [&str; 2] = ["scopes", "credits"];

/// How long the default window is.
const DAY: u32 = 86_400;

/// JSON of the core's.
pub(super) fn parsed(json: &str) -> Result<serde_json::Value, Failure> {
    serde_json::from_str(json)
        .map_err(|error| Error::Internal(format!("a report cannot be read: {error}")).into())
}

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

/// The last 24 hours, where nothing is said.
fn window(options: Option<Options<'_>>) -> Result<Window, Failure> {
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = u32::try_from(now).unwrap_or(u32::MAX);
    let (start, end) = match options {
        Some(options) => (options.time("start")?, options.time("end")?),
        None => (None, None),
    };
    let end = end.unwrap_or(now);
    let window = Window::new(start.unwrap_or(end.saturating_sub(DAY)), end);
    window.map_err(|error| moved(error, || "options.start".to_owned()))
}

/// The user, 0 for all. A null is more likely a variable that was never set than a wish to do all of them.
fn one_or_all(options: Options<'_>) -> Result<u64, Failure> {
    match options.unsigned("user")? {
        Some(user_id) => Ok(user_id),
        None if options.has("user") => {
            Err(refused(options.place("user"), "found null", "an id, or 0 for every user"))
        }
        None => Ok(0),
    }
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
        let progress = options.get("progress");
        if let Some(value) = progress.filter(|value| !value.is_callable()) {
            return Err(refused(options.place("progress"), described(value), "a callable"));
        }
        Ok(Self {
            user_id: one_or_all(options)?,
            window,
            wait: Duration::from_secs(options.wait()?.into()),
            connections: options.bounded("connections", 1, 64)?.map(|number| number as usize),
            progress,
            store: open(database, options.get("replica"))?,
        })
    }

    /// Does the job for one user or for all, and gives its report as the command's `--json` has it.
    fn perform<R: Send + Serialize>(
        &self,
        name: &'static str,
        one: impl FnOnce(&MysqlStore, &dyn Progress) -> Result<R, Error> + Send,
        all: impl FnOnce(&MysqlStore, &dyn Progress) -> Result<Vec<UserOutcome<R>>, Error> + Send,
    ) -> Result<serde_json::Value, Failure> {
        let (store, user_id) = (&self.store, self.user_id);
        let json = job::run(self.progress, |progress| {
            let users = if user_id == 0 {
                all(store, progress)?
            } else {
                vec![UserOutcome { user_id, result: Ok(one(store, progress)?) }]
            };
            JobReport { job: name, users: &users }.to_json()
        })?;
        parsed(&json)
    }
}

/// A report as an array, kept by a guard while it is made.
fn to_array(report: serde_json::Value) -> Made {
    let guarded = BailoutGuard::new(report);
    array_from_json(guarded.get())
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
        let kind = match options.get("scope_type") {
            None => ScopeType::Global,
            Some(value) => scope_type(value).ok_or_else(|| {
                let allowed = "global, advertiser or campaign";
                refused(options.place("scope_type"), described(value), allowed)
            })?,
        };
        let scope = Scope::new(kind, options.unsigned("scope_id")?);
        job.scope = scope.map_err(|error| moved(error, || options.place("scope_id")))?;
    }
    let user_id = common.user_id;
    let job = &job;
    common.perform(
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
    common.perform(
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
