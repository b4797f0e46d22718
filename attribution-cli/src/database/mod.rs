//! The commands that work on a database.

pub(crate) mod check;
pub(crate) mod exports;
pub(crate) mod jobs;
pub(crate) mod models;
pub(crate) mod overview;
pub(crate) mod purge;
pub(crate) mod snapshots;

use std::time::{SystemTime, UNIX_EPOCH};

use attribution_core::{Error, MysqlStore, Window};
use serde::Serialize;

use crate::arguments::{DatabaseArguments, WindowArguments};
use crate::screen;

/// How long a window is where no start is given, in seconds.
const DAY: u32 = 24 * 3_600;

pub(crate) fn open(arguments: &DatabaseArguments) -> Result<MysqlStore, Error> {
    let store = MysqlStore::open(&arguments.database)?;
    match &arguments.replica {
        Some(replica) => store.with_replica(replica),
        None => Ok(store),
    }
}

pub(crate) fn window(arguments: &WindowArguments) -> Result<Window, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let end = arguments.end.unwrap_or_else(|| u32::try_from(now).unwrap_or(u32::MAX));
    Window::new(arguments.start.unwrap_or_else(|| end.saturating_sub(DAY)), end)
}

fn print_json(value: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Internal(format!("a report has no JSON form: {error}")))?;
    screen::print(&(text + "\n"))
}
