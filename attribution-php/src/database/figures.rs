//! Comparison and overview: figures for people, with nothing written.

use attribution_core::{CompareOptions, OverviewOptions, ScopeType};
use ext_php_rs::types::{ZendHashTable, Zval};

use super::address::open;
use super::asked::{
    list, missing, model, placed, progress, reported, scope, scope_kind, to_array, user, window,
};
use crate::failure::{Failure, refused};
use crate::input::described;
use crate::job;
use crate::options::Options;
use crate::zend::table::{Made, Value, value_of};

const COMPARE: [&str; 11] = [
    "user",
    "models",
    "start",
    "end",
    "scope_type",
    "scope_id",
    "baseline",
    "resamples",
    "threads",
    "replica",
    "progress",
];
const OVERVIEW: [&str; 8] =
    ["user", "model", "start", "end", "scope_type", "scope_id", "limit", "offset"];

const SCOPE_TYPES: &str = "the name of a scope type";

/// The models of a comparison: slugs, or what the command takes as SPEC.
fn models(options: Options<'_>) -> Result<Vec<String>, Failure> {
    let allowed = "the slug of a model, or a model such as time_decay:half_life_hours=48";
    let models = list(options, "models", |value, place| match value_of(value) {
        Value::Text(bytes) if !bytes.contains(&0) => std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| refused(place(), "found bytes", "text in UTF-8")),
        _ => Err(refused(place(), described(value), allowed)),
    })?;
    models.ok_or_else(|| missing(options, "models", "a list of models"))
}

fn compared(database: &Zval, table: &ZendHashTable) -> Result<serde_json::Value, Failure> {
    let options = Options::new(table, "options", &COMPARE)?;
    let user_id = user(options)?;
    let models = models(options)?;
    let mut wanted = CompareOptions::new(Some(window(Some(options))?));
    wanted.scope_type = scope_kind(options, SCOPE_TYPES)?.unwrap_or(ScopeType::Global);
    wanted.scope_id = options.unsigned("scope_id")?;
    wanted.baseline = options.text("baseline")?.map(str::to_owned);
    if let Some(resamples) = options.bounded("resamples", 0, u64::from(u32::MAX))? {
        wanted.resamples = resamples as u32;
    }
    wanted.threads = Some(options.threads()?).filter(|threads| *threads > 0);
    let progress = progress(options)?;
    let store = open(database, options.get("replica"))?;
    let comparison =
        job::run(progress, |progress| store.compare(user_id, &models, &wanted, progress))
            .map_err(|failure| placed(failure, options, &COMPARE))?;
    reported(&comparison)
}

fn overviewed(database: &Zval, table: &ZendHashTable) -> Result<serde_json::Value, Failure> {
    let options = Options::new(table, "options", &OVERVIEW)?;
    let user_id = user(options)?;
    let mut wanted = OverviewOptions::new(model(options)?, window(Some(options))?);
    let scope = scope(options, SCOPE_TYPES)?;
    (wanted.scope_type, wanted.scope_id) = (scope.scope_type(), scope.id());
    if let Some(limit) = options.unsigned("limit")? {
        wanted.limit = limit;
    }
    wanted.offset = options.unsigned("offset")?.unwrap_or(0);
    let store = open(database, None)?;
    let overview = job::run(None, |_| store.overview(user_id, &wanted))
        .map_err(|failure| placed(failure, options, &OVERVIEW))?;
    reported(&overview)
}

/// What `attribution_compare` gives.
pub(crate) fn compare(database: &Zval, options: &ZendHashTable) -> Result<Made, Failure> {
    compared(database, options).map(to_array)
}

/// What `attribution_overview` gives.
pub(crate) fn overview(database: &Zval, options: &ZendHashTable) -> Result<Made, Failure> {
    overviewed(database, options).map(to_array)
}
