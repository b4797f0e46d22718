//! The purge: an owner, a data subject or what is old goes, and nothing of it is left.

mod report;

pub use report::{LeftFile, PurgeOptions, PurgeReport, PurgeTarget, PurgedTable, RetentionLimits};
