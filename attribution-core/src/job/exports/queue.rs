//! What a worker needs of the table of jobs.

use super::row::{ExportJob, ExportRow, WebhookState};
use crate::ground::error::Error;
use crate::job::tables::SnapshotRecord;

/// What a worker writes into the row of a job that it has.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// The file is there.
    Completed { file_path: String, rows: u64 },
    /// There will be no file.
    Failed { message: String },
    /// Another worker is to have it. `counts` says whether this beginning counts as one.
    PutBack { message: Option<String>, counts: bool },
    /// The webhook is about to be sent. Should this worker never say what became of it, it is due again.
    Sending { due_at: u64 },
    /// The webhook was sent, or never will be.
    Sent(Sent),
}

/// What became of a webhook.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) webhook: WebhookState,
    pub(crate) due_at: Option<u64>,
    /// None leaves what an earlier response had.
    pub(crate) response: Option<(u16, String)>,
    pub(crate) message: Option<String>,
}

/// The table of jobs, as one worker sees it. The worker has at most one job at a time, which no other
/// worker can have until it is released or the worker is gone.
pub(crate) trait ExportQueue {
    /// Takes the oldest job that is pending or whose worker died, less those that were tried, and
    /// marks it as processing with a claim of this worker's own. What is tried is added. With it comes
    /// the claim of the worker before.
    fn take(&mut self, tried: &mut Vec<u64>) -> Result<Option<(ExportRow, Option<String>)>, Error>;

    /// Takes the completed job whose webhook has been due the longest, less those that were tried.
    fn take_webhook(&mut self, tried: &mut Vec<u64>) -> Result<Option<ExportRow>, Error>;

    /// Lets go of the job at hand.
    fn release(&mut self);

    /// The name of the job's model, which has to be its user's.
    fn model_name(&mut self, job: &ExportJob) -> Result<String, Error>;

    /// Gives the job's snapshots to `take`, as one consistent read.
    fn snapshots(
        &mut self,
        job: &ExportJob,
        take: &mut dyn FnMut(SnapshotRecord) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Makes sure that the job is still this worker's.
    fn verify(&mut self, row: &ExportRow) -> Result<(), Error>;

    /// Changes the row of the job at hand, and `row` with it, if it is still this worker's.
    ///
    /// # Errors
    /// [`Error::Locked`] where it is another's by now.
    fn change(&mut self, row: &mut ExportRow, change: &Change) -> Result<(), Error>;

    /// Notes for the host that a run has succeeded.
    fn note_success(&mut self) -> Result<(), Error>;

    /// Whether what failed may work later, as the server was lost or restarted.
    fn may_pass(&self, error: &Error) -> bool;

    /// Seconds since 1970.
    fn now(&self) -> u64;
}
