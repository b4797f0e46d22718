//! The C ABI of the attribution engine.
//!
//! What C sees is `include/attribution.h`, which is made from this crate; see there for what each
//! function takes and gives. This crate translates and nothing more: whatever decides a number or
//! refuses an input is in `attribution-core`. One module a noun:
//!
//! - `border`: what every call goes through: panics caught, pointers checked, handles, strings,
//!   structs that can grow
//! - `signals`: what keeps a lost connection from ending the host
//! - `error`, `version`, `scope`, `columns`: statuses and error objects, versions, scopes, slices
//! - `model`, `batch`, `journeys`, `calculate`, `result`, `export`
//! - `database`: the store, the jobs and their reports, findings, stored snapshots and their cache,
//!   comparison, overview, exports and webhooks, purge
//! - `arrow`: batches and results through the Arrow C data and stream interfaces
//!
//! Rust programs depend on `attribution-core` instead. The functions are public here for the tests,
//! the fuzz targets and the benches of this repository alone.
// The names are those of the C header.
#![allow(non_camel_case_types)]
// Each function of the ABI is unsafe in one way, which its comment in the header tells: the
// pointers it is given have to be what it says.
#![allow(clippy::missing_safety_doc)]
// The comments are those of the header, which is no Markdown.
#![allow(clippy::doc_markdown, rustdoc::broken_intra_doc_links)]
// Their values are for C, which cannot be made to use them.
#![allow(clippy::must_use_candidate)]

#[cfg(panic = "abort")]
compile_error!("the C ABI turns panics into statuses, which takes panic = \"unwind\"");

mod border;
#[cfg(feature = "mysql")]
mod signals;

pub mod arrow;
pub mod batch;
pub mod calculate;
pub mod columns;
#[cfg(feature = "mysql")]
pub mod database;
pub mod error;
pub mod export;
pub mod journeys;
pub mod model;
pub mod result;
pub mod scope;
pub mod version;
