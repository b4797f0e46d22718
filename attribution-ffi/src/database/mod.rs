//! The jobs on the tables of a Prosper202 installation in MySQL or MariaDB.

pub mod findings;
pub mod jobs;
pub mod report;
pub mod snapshots;
pub mod store;
