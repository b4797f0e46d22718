//! The jobs on the tables of a Prosper202 installation in MySQL or MariaDB, and what is read back from
//! them.

pub mod cache;
pub mod compare;
pub mod export_run;
pub mod exports;
pub mod figures;
pub mod findings;
pub mod jobs;
pub mod overview;
pub mod purge;
pub mod report;
pub mod snapshots;
pub mod store;
pub mod webhook;

use std::ffi::CString;

use attribution_core::Error;
use serde::Serialize;

use crate::border::c_text;

/// What came of something as JSON, as the command prints it.
fn json_of(value: &impl Serialize) -> Result<CString, Error> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Internal(format!("a report has no JSON form: {error}")))?;
    Ok(c_text(&text))
}
