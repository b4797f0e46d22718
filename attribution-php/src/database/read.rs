//! What is stored, read back, and the state of the tables.

use std::sync::Arc;

use attribution_core::{Finding, SnapshotQuery, SnapshotRecord, Window};
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::BailoutGuard;

use super::address::open;
use super::asked::{parsed, scope_kind};
use super::cache;
use crate::failure::{Failure, refused};
use crate::job;
use crate::options::Options;
use crate::output::{array_from_json, record_rows};
use crate::rows::moved;
use crate::zend::table::Made;

const QUERY: [&str; 10] = [
    "user",
    "model",
    "start",
    "end",
    "scope_type",
    "scope_id",
    "limit",
    "offset",
    "replica",
    "cache",
];

struct Query {
    user_id: u64,
    query: SnapshotQuery,
}

fn read_query(query: Options<'_>) -> Result<Query, Failure> {
    let needed = |name: &str| refused(query.place(name), "found nothing", "a value");
    let user_id = query.unsigned("user")?.ok_or_else(|| needed("user"))?;
    let model = query.text("model")?.ok_or_else(|| needed("model"))?;
    let start = query.time("start")?.ok_or_else(|| needed("start"))?;
    let end = query.time("end")?.ok_or_else(|| needed("end"))?;
    let window = Window::new(start, end);
    let window = window.map_err(|error| moved(error, || query.place("start")))?;
    let mut wanted = SnapshotQuery::new(model, window);
    wanted.scope_type = scope_kind(query, "the name of a scope type")?;
    wanted.scope_id = query.unsigned("scope_id")?;
    if let Some(limit) = query.unsigned("limit")? {
        wanted.limit = limit;
    }
    wanted.offset = query.unsigned("offset")?.unwrap_or(0);
    Ok(Query { user_id, query: wanted })
}

/// Rows that were read for this call, or that a cache has, too.
enum Records {
    Own(Vec<SnapshotRecord>),
    Shared(Arc<[SnapshotRecord]>),
}

/// What `attribution_snapshots` gives.
pub(crate) fn snapshots(database: &Zval, query: &ZendHashTable) -> Result<Made, Failure> {
    let guarded = BailoutGuard::new(read_snapshots(database, query)?);
    match guarded.get() {
        Records::Own(records) => record_rows(records),
        Records::Shared(records) => record_rows(records),
    }
}

fn read_snapshots(database: &Zval, query: &ZendHashTable) -> Result<Records, Failure> {
    let options = Options::new(query, "query", &QUERY)?;
    let Query { user_id, query } = read_query(options)?;
    if let Some(cached) = cache::wanted(database, options)? {
        return job::run(None, |_| cached.snapshots(user_id, &query).map(Records::Shared));
    }
    let store = open(database, options.get("replica"))?;
    job::run(None, |progress| {
        let mut records = Vec::new();
        store.snapshots(user_id, &query, &mut |record| {
            records.push(record);
            // A look at whether to stop costs less than a row.
            match progress.report(attribution_core::Phase::Reading, records.len() as u64, 0) {
                std::ops::ControlFlow::Continue(()) => Ok(()),
                std::ops::ControlFlow::Break(()) => Err(attribution_core::Error::Cancelled),
            }
        })?;
        Ok(Records::Own(records))
    })
}

/// What `attribution_check` gives.
pub(crate) fn check(database: &Zval) -> Result<Made, Failure> {
    let guarded = BailoutGuard::new(find(database)?);
    Ok(array_from_json(guarded.get()))
}

fn find(database: &Zval) -> Result<serde_json::Value, Failure> {
    let store = open(database, None)?;
    let findings = job::run(None, |_| store.check())?;
    let json = Finding::to_json(&findings)?;
    parsed(&json)
}
