//! A job of the queue as people and programs see it, and as the worker does.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::state::State;
use crate::ground::error::{Error, quoted};

/// How far an export has come.
///
/// ```
/// use attribution_core::ExportStatus;
/// assert_eq!("failed".parse::<ExportStatus>()?, ExportStatus::Failed);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportStatus {
    /// It waits for a worker.
    Pending,
    /// A worker makes its file.
    Processing,
    /// Its file is there.
    Completed,
    /// It has no file, and will not be tried again.
    Failed,
}

impl ExportStatus {
    /// Every status.
    ///
    /// ```
    /// assert_eq!(attribution_core::ExportStatus::ALL.len(), 4);
    /// ```
    pub const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];

    /// The name, as the host stores it.
    ///
    /// ```
    /// assert_eq!(attribution_core::ExportStatus::Pending.name(), "pending");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for ExportStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ExportStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or_else(|| {
            let allowed = "one of pending, processing, completed, failed";
            Error::input("status", format!("found {}", quoted(text)), allowed)
        })
    }
}

/// Which of a user's exports to list, the newest first.
///
/// ```
/// use attribution_core::{ExportQuery, ExportStatus};
/// let query = ExportQuery { status: Some(ExportStatus::Failed), ..ExportQuery::new() };
/// assert_eq!((query.limit, query.offset), (100, 0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportQuery {
    /// Of this status only.
    pub status: Option<ExportStatus>,
    /// At most so many.
    pub limit: u64,
    /// After so many.
    pub offset: u64,
}

impl ExportQuery {
    /// The newest 100 exports.
    ///
    /// ```
    /// assert_eq!(attribution_core::ExportQuery::new().status, None);
    /// ```
    pub const fn new() -> Self {
        Self { status: None, limit: 100, offset: 0 }
    }
}

impl Default for ExportQuery {
    fn default() -> Self {
        Self::new()
    }
}

/// What became of an export's webhook so far.
///
/// ```
/// assert_eq!(attribution_core::WebhookState::GivenUp.name(), "given_up");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// It is to be sent, for the first time or again.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// It was not taken and is not sent again; the job's `last_error` says why.
    GivenUp,
}

impl WebhookState {
    /// The state's name.
    ///
    /// ```
    /// assert_eq!(attribution_core::WebhookState::Delivered.name(), "delivered");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::GivenUp].into_iter().find(|it| it.name() == name)
    }
}

/// An export as the queue holds it. Times are unix seconds.
///
/// It has neither the webhook's secret nor the values of its headers.
///
/// ```no_run
/// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
/// use attribution_core::ExportQuery;
/// for job in store.exports(1, &ExportQuery::new())? {
///     println!("{} {} {:?}", job.export_id, job.status, job.file_path);
/// }
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExportJob {
    /// The job's id.
    pub export_id: u64,
    /// The account owner.
    pub user_id: u64,
    /// The model.
    pub model_id: u64,
    /// The scope's type.
    pub scope_type: String,
    /// The scope's id; none for global.
    pub scope_id: Option<u64>,
    /// The window's first second.
    pub start_hour: u64,
    /// The first second after the window.
    pub end_hour: u64,
    /// `csv`, or `xls` for a workbook.
    pub format: String,
    /// `pending`, `processing`, `completed` or `failed`.
    pub status: String,
    /// The webhook's URL.
    pub webhook_url: Option<String>,
    /// Whether the webhook is signed with a secret.
    pub webhook_signed: bool,
    /// The names of the webhook's own headers.
    pub webhook_headers: Vec<String>,
    /// What became of the webhook; none where there is none, the file is not there yet, or another
    /// program looks after it.
    pub webhook_state: Option<WebhookState>,
    /// How often the webhook was sent.
    pub webhook_attempts: u64,
    /// When the webhook is due, where it is waiting.
    pub webhook_due_at: Option<u64>,
    /// When the webhook was last sent.
    pub webhook_attempted_at: Option<u64>,
    /// The status code of the receiver's last response.
    pub webhook_status_code: Option<u64>,
    /// The file's full path.
    pub file_path: Option<String>,
    /// How many rows the file has.
    pub rows_exported: Option<u64>,
    /// When it was put into the queue.
    pub queued_at: u64,
    /// When a worker last took it.
    pub started_at: Option<u64>,
    /// When its file was there.
    pub completed_at: Option<u64>,
    /// When it failed.
    pub failed_at: Option<u64>,
    /// What went wrong last, with the export or with its webhook.
    pub last_error: Option<String>,
}

/// A job as its worker has it, with what nobody else is to see.
pub(crate) struct ExportRow {
    pub(crate) job: ExportJob,
    pub(crate) secret: Option<String>,
    pub(crate) headers: Option<String>,
    pub(crate) state: State,
}
