//! The tables of a Prosper202 installation.

pub(crate) mod address;
pub(crate) mod jobs;
pub(crate) mod read;
