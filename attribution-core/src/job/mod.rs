//! What the engine is for, written against the store traits.
pub(crate) mod compare;
pub(crate) mod progress;
pub(crate) mod run;
pub(crate) mod store;

// The jobs on stored tables, which only a database has.
#[cfg(feature = "mysql")]
pub(crate) mod all_users;
#[cfg(feature = "mysql")]
pub(crate) mod backfill;
#[cfg(feature = "mysql")]
mod difference;
#[cfg(feature = "mysql")]
mod export_file;
#[cfg(feature = "exports")]
pub(crate) mod exports;
#[cfg(feature = "mysql")]
mod external_sort;
#[cfg(feature = "mysql")]
mod journeys;
#[cfg(feature = "mysql")]
pub(crate) mod overview;
#[cfg(feature = "mysql")]
pub(crate) mod purge;
#[cfg(feature = "mysql")]
pub(crate) mod rebuild;
#[cfg(feature = "mysql")]
pub(crate) mod settings;
#[cfg(feature = "mysql")]
mod spool;
#[cfg(feature = "mysql")]
pub(crate) mod tables;
#[cfg(feature = "mysql")]
mod workers;
