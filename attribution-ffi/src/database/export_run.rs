//! A run of the export queue.

use std::ffi::{CString, c_char, c_void};
use std::ptr;

use attribution_core::{Error, ExportOutcome, ExportRunOptions, ExportRunReport};

use super::exports::{optional, state_number, status_number};
use super::jobs::{Callback, attribution_progress};
use super::store::attribution_store;
use super::webhook::{attribution_webhook_policy, policy_of};
use crate::border::{
    Failure, Growing, Handle, borrow, c_text, clear, fill_growing, free, give, guard,
    pointer_or_null, read_growing, text, value_or,
};
use crate::error::{attribution_error, attribution_status};
use crate::signals::without_sigpipe;

/// How a run works on the queue. To be begun with ATTRIBUTION_EXPORT_RUN_OPTIONS_INIT; the directory is to be
/// set.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_export_run_options {
    /// sizeof(attribution_export_run_options)
    pub size: usize,
    /// The folder that gets the files. It is there already, and its path is stored with each job.
    pub directory: *const c_char,
    /// How many files a run makes at most; it sends at most twice as many webhooks.
    pub limit: u32,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_export_run_options {
    const NAME: &'static str = "attribution_export_run_options";
}

/// What came of a run of the export queue.
///
/// Made by attribution_store_run_exports, owned by the caller and freed with attribution_export_run_free. It
/// never changes; threads may share it. The texts that it gives are its own and stay until it is freed.
pub struct attribution_export_run {
    _private: (),
}

/// What is behind a run of the queue.
#[derive(Debug)]
pub(crate) struct RunValue {
    report: ExportRunReport,
    /// Of each outcome, the file's path and the error.
    texts: Vec<[Option<CString>; 2]>,
    json: CString,
}

impl Handle for attribution_export_run {
    type Value = RunValue;
    const NAME: &'static str = "attribution_export_run";
    const TAG: u64 = u64::from_le_bytes(*b"attr:exr");
}

impl RunValue {
    fn new(report: ExportRunReport) -> Result<Self, Error> {
        let texts =
            |job: &ExportOutcome| [optional(job.file_path.as_ref()), optional(job.error.as_ref())];
        Ok(Self {
            texts: report.jobs.iter().map(texts).collect(),
            json: c_text(&report.to_json()?),
            report,
        })
    }
}

/// What a run of the queue did in all. To be begun with ATTRIBUTION_EXPORT_RUN_FIELDS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_export_run_fields {
    /// sizeof(attribution_export_run_fields)
    pub size: usize,
    /// 1 where no job failed, none was put back and no webhook was given up, else 0.
    pub succeeded: u8,
    /// How many jobs were worked on.
    pub jobs: usize,
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

// SAFETY: repr(C), a size first, numbers alone.
unsafe impl Growing for attribution_export_run_fields {
    const NAME: &'static str = "attribution_export_run_fields";
}

/// What a run did with one job: made its file, sent its webhook, or both. Its texts are NULL where there is
/// none, are the run's, and stay until that is freed. To be begun with ATTRIBUTION_EXPORT_OUTCOME_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_export_outcome {
    /// sizeof(attribution_export_outcome)
    pub size: usize,
    /// The export's id.
    pub export_id: u64,
    /// The account owner.
    pub user_id: u64,
    /// The export's status now, one of the ATTRIBUTION_EXPORT_ numbers.
    pub status: u32,
    /// What the webhook's state is now, one of the ATTRIBUTION_WEBHOOK_ numbers.
    pub webhook_state: u32,
    /// How many rows its file has.
    pub rows_exported: u64,
    /// The status code of the receiver's response, where this run got one, else 0.
    pub webhook_status_code: u32,
    /// The file's full path.
    pub file_path: *const c_char,
    /// What went wrong in this run.
    pub error: *const c_char,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_export_outcome {
    const NAME: &'static str = "attribution_export_outcome";
}

/// Works on the queue of all users: makes the files of pending jobs, the oldest first, and of those whose
/// worker died, and sends the webhooks that are due. Any number of workers may run at once. `policy` says
/// where webhooks may go, NULL the defaults. `progress` may be NULL; `context` is given to it.
///
/// A job that fails does not stop the others, and the status is ATTRIBUTION_STATUS_OK all the same: what came
/// of each is in the run, and whether all is well in its `succeeded`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_run_exports(
    store: *const attribution_store,
    options: *const attribution_export_run_options,
    policy: *const attribution_webhook_policy,
    progress: attribution_progress,
    context: *mut c_void,
    run: *mut *mut attribution_export_run,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (store, options, directory, webhooks) = unsafe {
            clear(run, "run")?;
            let (store, options) = (borrow(store)?, read_growing(options)?);
            (store, options, text(options.directory, "directory")?, policy_of(policy)?)
        };
        let job =
            ExportRunOptions { limit: options.limit, webhooks, ..ExportRunOptions::new(directory) };
        let progress = Callback::new(progress, context);
        let report = without_sigpipe(|| store.run_exports(&job, &progress))?;
        // SAFETY: cleared above.
        unsafe { give(run, RunValue::new(report)?) };
        Ok(())
    })
}

/// What was done in all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_export_run_get(
    run: *const attribution_export_run,
    fields: *mut attribution_export_run_fields,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let report = &unsafe { borrow(run)? }.report;
        let filled = attribution_export_run_fields {
            size: 0,
            succeeded: report.succeeded().into(),
            jobs: report.jobs.len(),
            completed: report.completed,
            failed: report.failed,
            put_back: report.put_back,
            rows_exported: report.rows_exported,
            webhooks_delivered: report.webhooks_delivered,
            webhooks_waiting: report.webhooks_waiting,
            webhooks_given_up: report.webhooks_given_up,
            duration_ms: report.duration_ms,
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(fields, filled) }
    })
}

/// What was done with the job at an index, in the order in which they were taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_export_run_job(
    run: *const attribution_export_run,
    index: usize,
    outcome: *mut attribution_export_outcome,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let value = unsafe { borrow(run)? };
        let jobs = &value.report.jobs;
        let (Some(job), Some([file_path, problem])) = (jobs.get(index), value.texts.get(index))
        else {
            return Err(Failure::index(index, jobs.len(), "jobs"));
        };
        let filled = attribution_export_outcome {
            size: 0,
            export_id: job.export_id,
            user_id: job.user_id,
            status: status_number(&job.status),
            webhook_state: state_number(job.webhook_state),
            rows_exported: job.rows_exported.unwrap_or(0),
            webhook_status_code: job.webhook_status_code.map_or(0, u32::from),
            file_path: pointer_or_null(file_path.as_ref()),
            error: pointer_or_null(problem.as_ref()),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(outcome, filled) }
    })
}

/// The run as a JSON object, as the command's export run --json prints it; NULL for what is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_export_run_json(
    run: *const attribution_export_run,
) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(run)? }.json.as_ptr()))
}

/// Frees a run and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_export_run_free(run: *mut *mut attribution_export_run) {
    // SAFETY: the caller's promise.
    unsafe { free(run) }
}
