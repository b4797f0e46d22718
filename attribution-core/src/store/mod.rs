//! Stores: where clicks and conversions come from, and where results go.

pub(crate) mod csv;
pub(crate) mod memory;
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
