//! What a run of the queue's worker is told, and what it tells.

use std::path::PathBuf;

use serde::Serialize;

use super::row::WebhookState;
use crate::ground::error::Error;
use crate::webhook::WebhookPolicy;

/// How many jobs a run takes where nothing else is said, as the host's worker does.
const JOBS: u32 = 5;

/// How a run of the export queue works.
///
/// ```
/// use attribution_core::ExportRunOptions;
/// let options = ExportRunOptions { limit: 20, ..ExportRunOptions::new("/var/lib/host/exports") };
/// assert!(options.webhooks.allow.is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct ExportRunOptions {
    /// The folder that gets the files. It is there already, and its path is stored with each job.
    pub directory: PathBuf,
    /// How many files a run makes at most; it sends at most twice as many webhooks.
    pub limit: u32,
    /// Where webhooks may go.
    pub webhooks: WebhookPolicy,
}

impl ExportRunOptions {
    /// Five jobs, with webhooks to public addresses alone.
    ///
    /// ```
    /// use attribution_core::ExportRunOptions;
    /// assert_eq!(ExportRunOptions::new("/var/lib/host/exports").limit, 5);
    /// ```
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), limit: JOBS, webhooks: WebhookPolicy::default() }
    }
}

/// What a run did with one job: made its file, sent its webhook, or both.
///
/// ```
/// let outcome = attribution_core::ExportOutcome::default();
/// assert!(outcome.error.is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExportOutcome {
    /// The job's id.
    pub export_id: u64,
    /// The account owner.
    pub user_id: u64,
    /// The job's status now.
    pub status: String,
    /// How many rows its file has.
    pub rows_exported: Option<u64>,
    /// The file's full path.
    pub file_path: Option<String>,
    /// What the webhook's state is now.
    pub webhook_state: Option<WebhookState>,
    /// The status code of the receiver's response, where this run got one.
    pub webhook_status_code: Option<u16>,
    /// What went wrong in this run.
    pub error: Option<String>,
}

/// What came of a run of the export queue.
///
/// ```
/// let report = attribution_core::ExportRunReport::default();
/// assert!(report.succeeded() && report.jobs.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExportRunReport {
    /// The jobs that were worked on, in the order in which they were taken first.
    pub jobs: Vec<ExportOutcome>,
    /// How many files were made.
    pub completed: u64,
    /// How many jobs failed.
    pub failed: u64,
    /// How many jobs were put back, as the database was lost while their files were made.
    pub put_back: u64,
    /// How many rows the files have together.
    pub rows_exported: u64,
    /// How many webhooks were taken by their receivers.
    pub webhooks_delivered: u64,
    /// How many webhooks are to be sent again.
    pub webhooks_waiting: u64,
    /// How many webhooks were given up.
    pub webhooks_given_up: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl ExportRunReport {
    /// Whether no job failed, none was put back and no webhook was given up. A webhook that waits to be
    /// sent again is no failure yet.
    ///
    /// ```
    /// assert!(attribution_core::ExportRunReport::default().succeeded());
    /// ```
    pub const fn succeeded(&self) -> bool {
        self.failed == 0 && self.put_back == 0 && self.webhooks_given_up == 0
    }

    /// The report as a JSON object of several lines.
    ///
    /// # Errors
    /// [`Error::Internal`] for a report that has no JSON form, which none is.
    ///
    /// ```
    /// let json = attribution_core::ExportRunReport::default().to_json()?;
    /// assert!(json.contains("\"rows_exported\": 0"));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self)
            .map_err(|error| Error::Internal(format!("a report has no JSON form: {error}")))
    }
}
