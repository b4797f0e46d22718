//! The export queue in its table.

use super::MysqlStore;
use crate::ground::error::Error;
use crate::job::exports::{
    ExportJob, ExportQuery, ExportRequest, ExportRunOptions, ExportRunReport,
};
use crate::job::progress::Progress;
use crate::webhook::WebhookPolicy;

impl MysqlStore {
    /// Puts an export of a user's model into the queue, with the audit row `export_scheduled`.
    ///
    /// What the host's table has no column for is kept as an object under the key `attribution` of the
    /// column `options`, whose other keys stay as they are.
    ///
    /// # Errors
    /// [`Error::Input`] and [`Error::Limit`] for a model, scope, window, format or webhook that is not
    /// allowed, with nothing written; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{ExportRequest, WebhookPolicy, Window};
    /// let request = ExportRequest::new("linear", Window::new(1_717_200_000, 1_717_286_400)?);
    /// let job = store.schedule_export(1, &request, &WebhookPolicy::default())?;
    /// assert_eq!(job.status, "pending");
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn schedule_export(
        &self,
        _user_id: u64,
        _request: &ExportRequest,
        _webhooks: &WebhookPolicy,
    ) -> Result<ExportJob, Error> {
        Err(Error::Internal("not built yet".to_owned()))
    }

    /// Works on the queue: makes the files of pending jobs, the oldest first, and of those whose worker
    /// died, and sends the webhooks that are due. Any number of workers may run at once; a job is one's
    /// alone. One job's failure does not stop the others.
    ///
    /// A file is written aside, for its owner's eyes alone (mode 0600) and under a name that cannot be
    /// guessed, and renamed when it is whole and on the disk. The rows are those of one consistent read.
    ///
    /// A webhook is sent at least once, and where possible once: a worker that dies between the
    /// receiver's answer and noting it leaves the webhook to be sent again. One that is not taken for a
    /// reason that may pass is sent up to five times, after waits of about 1, 4, 16 and 64 minutes, or
    /// as long as the receiver asks for. One that is given up leaves its job `completed`, as the file is
    /// there, with the reason in `last_error`.
    ///
    /// # Errors
    /// [`Error::Input`] and [`Error::Io`] for the folder; [`Error::Database`]; [`Error::Cancelled`] when
    /// `progress` asks to stop: the job at hand is pending again.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::ExportRunOptions;
    /// let report = store.run_exports(&ExportRunOptions::new("/var/lib/host/exports"), &())?;
    /// println!("{} files, {} failures", report.completed, report.failed);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn run_exports(
        &self,
        _options: &ExportRunOptions,
        _progress: &dyn Progress,
    ) -> Result<ExportRunReport, Error> {
        Err(Error::Internal("not built yet".to_owned()))
    }

    /// A user's exports, the newest first. Neither the webhooks' secrets nor the values of their headers
    /// are read.
    ///
    /// # Errors
    /// [`Error::Input`] for an unknown user; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{ExportQuery, ExportStatus};
    /// let query = ExportQuery { status: Some(ExportStatus::Failed), ..ExportQuery::new() };
    /// for job in store.exports(1, &query)? {
    ///     println!("{}: {}", job.export_id, job.last_error.unwrap_or_default());
    /// }
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn exports(&self, _user_id: u64, _query: &ExportQuery) -> Result<Vec<ExportJob>, Error> {
        Err(Error::Internal("not built yet".to_owned()))
    }
}
