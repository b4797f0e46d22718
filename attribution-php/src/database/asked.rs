//! What functions on a database are asked for, as far as several of them share it.

use std::time::SystemTime;

use attribution_core::{
    Defect, Defects, Error, JobReport, MysqlStore, Progress, Scope, ScopeType, UserOutcome, Window,
};
use ext_php_rs::types::Zval;
use ext_php_rs::zend::BailoutGuard;
use serde::Serialize;

use crate::failure::{Failure, refused};
use crate::input::{self, described};
use crate::job;
use crate::options::{Options, scope_type};
use crate::output::array_from_json;
use crate::rows::moved;
use crate::zend::paths;
use crate::zend::table::Made;

/// How long the default window is.
const DAY: u32 = 86_400;

/// JSON of the core's.
pub(super) fn parsed(json: &str) -> Result<serde_json::Value, Failure> {
    serde_json::from_str(json)
        .map_err(|error| Error::Internal(format!("a report cannot be read: {error}")).into())
}

/// A report as the core serialises it.
pub(super) fn reported(report: &impl Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(report)
        .map_err(|error| Error::Internal(format!("a report has no JSON form: {error}")).into())
}

/// A report as an array, kept by a guard while it is made.
pub(super) fn to_array(report: serde_json::Value) -> Made {
    let guarded = BailoutGuard::new(report);
    array_from_json(guarded.get())
}

/// Does a job for one user or, for 0, for all, and gives its report as the command's `--json` has it.
pub(super) fn perform<R: Send + Serialize>(
    store: &MysqlStore,
    user_id: u64,
    progress: Option<&Zval>,
    name: &'static str,
    one: impl FnOnce(&MysqlStore, &dyn Progress) -> Result<R, Error> + Send,
    all: impl FnOnce(&MysqlStore, &dyn Progress) -> Result<Vec<UserOutcome<R>>, Error> + Send,
) -> Result<serde_json::Value, Failure> {
    let json = job::run(progress, |progress| {
        let users = if user_id == 0 {
            all(store, progress)?
        } else {
            vec![UserOutcome { user_id, result: Ok(one(store, progress)?) }]
        };
        JobReport { job: name, users: &users }.to_json()
    })?;
    parsed(&json)
}

/// The refusal of an option that is not there.
pub(super) fn missing(options: Options<'_>, name: &str, allowed: &str) -> Failure {
    let found = if options.has(name) { "found null" } else { "found nothing" };
    refused(options.place(name), found, allowed)
}

/// The account owner, who has to be named.
pub(super) fn user(options: Options<'_>) -> Result<u64, Failure> {
    options.unsigned("user")?.ok_or_else(|| missing(options, "user", "an id"))
}

/// The user, 0 for all. A null is more likely a variable that was never set than a wish to do all of them.
pub(super) fn one_or_all(options: Options<'_>) -> Result<u64, Failure> {
    match options.unsigned("user")? {
        Some(user_id) => Ok(user_id),
        None if options.has("user") => Err(missing(options, "user", "an id, or 0 for every user")),
        None => Ok(0),
    }
}

pub(super) fn model(options: Options<'_>) -> Result<&str, Failure> {
    options.text("model")?.ok_or_else(|| missing(options, "model", "the slug of a model"))
}

/// The last 24 hours, where nothing is said.
pub(super) fn window(options: Option<Options<'_>>) -> Result<Window, Failure> {
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

/// A scope type by its name or as a case, where one is given.
pub(super) fn scope_kind(
    options: Options<'_>,
    allowed: &str,
) -> Result<Option<ScopeType>, Failure> {
    let Some(value) = options.get("scope_type") else { return Ok(None) };
    match scope_type(value) {
        Some(kind) => Ok(Some(kind)),
        None => Err(refused(options.place("scope_type"), described(value), allowed)),
    }
}

/// A scope with its id, global where nothing is said.
pub(super) fn scope(options: Options<'_>, allowed: &str) -> Result<Scope, Failure> {
    let kind = scope_kind(options, allowed)?.unwrap_or(ScopeType::Global);
    let scope = Scope::new(kind, options.unsigned("scope_id")?);
    scope.map_err(|error| moved(error, || options.place("scope_id")))
}

/// The caller's function, that is to hear how far a job has come.
pub(super) fn progress(options: Options<'_>) -> Result<Option<&Zval>, Failure> {
    match options.get("progress") {
        Some(value) if !value.is_callable() => {
            Err(refused(options.place("progress"), described(value), "a callable"))
        }
        progress => Ok(progress),
    }
}

/// The path of a file or folder, from PHP's working folder, where `open_basedir` allows it.
pub(super) fn path(options: Options<'_>, name: &str) -> Result<Option<String>, Failure> {
    match options.text(name)? {
        None => Ok(None),
        Some("") => Err(refused(options.place(name), "found no text", "a path")),
        Some(text) => paths::allowed(text, &options.place(name)).map(Some),
    }
}

/// A list, each entry of which is read by a function that knows its place.
pub(super) fn list<'a, T>(
    options: Options<'a>,
    name: &str,
    mut read: impl FnMut(&'a Zval, &dyn Fn() -> String) -> Result<T, Failure>,
) -> Result<Option<Vec<T>>, Failure> {
    let Some(value) = options.get(name) else { return Ok(None) };
    let mut entries = Vec::new();
    input::list(value, || options.place(name))?.each(|at, entry| {
        entries.push(read(entry, &|| format!("{}[{at}]", options.place(name)))?);
        Ok::<(), Failure>(())
    })?;
    Ok(Some(entries))
}

/// The core's names of places that have other names among the options.
const OTHER_NAMES: [(&str, &str); 7] = [
    ("clicks", "ids"),
    ("conversions", "ids"),
    ("webhook url", "webhook_url"),
    ("webhook secret", "webhook_secret"),
    ("webhook headers", "webhook_headers"),
    ("webhook header", "webhook_headers"),
    ("download base", "download_base"),
];

/// Says of the core's refusals that they are about options, where they name one.
pub(super) fn placed(failure: Failure, options: Options<'_>, known: &[&str]) -> Failure {
    let place = |defect: &Defect| {
        for (theirs, ours) in OTHER_NAMES {
            if known.contains(&ours)
                && let Some(rest) = defect.place.strip_prefix(theirs)
            {
                // The name of a header stands behind it.
                let rest = rest.trim();
                let rest = if rest.is_empty() { String::new() } else { format!("[{rest}]") };
                let place = options.place(ours) + &rest;
                return Some(Defect::new(place, &defect.found, &defect.allowed));
            }
        }
        let name = defect.place.split(['.', '[']).next().unwrap_or_default();
        known
            .contains(&name)
            .then(|| Defect::new(options.place(&defect.place), &defect.found, &defect.allowed))
    };
    match failure {
        Failure::Engine(Error::Input(found)) if found.total() == found.shown().len() as u64 => {
            let mut defects = Defects::default();
            for defect in found.shown() {
                defects.push(place(defect).unwrap_or_else(|| defect.clone()));
            }
            Failure::Engine(Error::Input(defects))
        }
        Failure::Engine(Error::Limit(defect)) => {
            Failure::Engine(Error::Limit(place(&defect).unwrap_or(defect)))
        }
        other => other,
    }
}
