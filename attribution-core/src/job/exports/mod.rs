//! The export queue: jobs that are put into a table, and workers that make their files and tell
//! whoever is to be told.

mod report;
mod request;
mod row;
mod state;

pub use report::{ExportOutcome, ExportRunOptions, ExportRunReport};
pub use request::ExportRequest;
pub use row::{ExportJob, ExportQuery, ExportStatus, WebhookState};
