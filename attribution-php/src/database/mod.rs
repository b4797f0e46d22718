//! The tables of a Prosper202 installation.

pub(crate) mod address;
mod asked;
pub(crate) mod cache;
pub(crate) mod exports;
pub(crate) mod figures;
pub(crate) mod jobs;
pub(crate) mod purge;
pub(crate) mod read;
