//! Exports in their queue.

use std::ffi::{CString, c_char};
use std::ptr;

use attribution_core::{
    ExportJob, ExportQuery, ExportRequest, ExportStatus, Scope, WebhookState, Window,
};

use super::json_of;
use super::store::attribution_store;
use super::webhook::{attribution_header, attribution_webhook_policy, policy_of, webhook_of};
use crate::border::{
    CTexts, Failure, Growing, Handle, borrow, c_text, clear, fill_growing, first, free, give,
    guard, pointer_or_null, read_growing, text, value_or,
};
use crate::error::{attribution_error, attribution_status};
use crate::export::format_of;
use crate::scope::{number_of_name, one_scope_type};
use crate::signals::without_sigpipe;

/// How far an export has come.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_export_status {
    /// Something that this header does not know; in a query, any.
    ATTRIBUTION_EXPORT_OTHER = 0,
    /// It waits for a worker.
    ATTRIBUTION_EXPORT_PENDING = 1,
    /// A worker makes its file.
    ATTRIBUTION_EXPORT_PROCESSING = 2,
    /// Its file is there.
    ATTRIBUTION_EXPORT_COMPLETED = 3,
    /// It has no file, and will not be tried again.
    ATTRIBUTION_EXPORT_FAILED = 4,
}

/// What became of an export's webhook so far.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_webhook_state {
    /// There is none, the file is not there yet, or another program looks after it.
    ATTRIBUTION_WEBHOOK_NONE = 0,
    /// It is to be sent, for the first time or again.
    ATTRIBUTION_WEBHOOK_WAITING = 1,
    /// The receiver took it.
    ATTRIBUTION_WEBHOOK_DELIVERED = 2,
    /// It was not taken and is not sent again; the job's `last_error` says why.
    ATTRIBUTION_WEBHOOK_GIVEN_UP = 3,
}

/// An export to be put into the queue. To be begun with ATTRIBUTION_EXPORT_REQUEST_INIT, which asks for the
/// global snapshots as CSV and tells no one; the user, the model and the window are to be set.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_export_request {
    /// sizeof(attribution_export_request)
    pub size: usize,
    /// The account owner.
    pub user_id: u64,
    /// The model's slug.
    pub model: *const c_char,
    /// The first second of the window, in unix time; it falls to its hour.
    pub start: u32,
    /// The second after the window's last; it rises to the next whole hour unless it is on one.
    pub end: u32,
    /// The scope whose snapshots are exported, one of the ATTRIBUTION_SCOPE_ numbers.
    pub scope_type: u32,
    /// ATTRIBUTION_FORMAT_CSV or ATTRIBUTION_FORMAT_XLSX.
    pub format: u32,
    /// The scope's id, which all but global need.
    pub scope_id: u64,
    /// Where the finished file is posted to, an http or https URL; NULL for nowhere.
    pub webhook_url: *const c_char,
    /// The key that posts are signed under; NULL for none. It is never given back.
    pub webhook_secret: *const c_char,
    /// Headers of the posts beside the library's own; may be NULL where there are none.
    pub webhook_headers: *const attribution_header,
    /// How many there are.
    pub webhook_header_count: usize,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_export_request {
    const NAME: &'static str = "attribution_export_request";
}

/// Which exports to list, the newest first. To be begun with ATTRIBUTION_EXPORT_QUERY_INIT, which asks for the
/// newest 100; the user is to be set.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_export_query {
    /// sizeof(attribution_export_query)
    pub size: usize,
    /// The account owner.
    pub user_id: u64,
    /// Of this status alone, one of the ATTRIBUTION_EXPORT_ numbers; 0 for any.
    pub status: u32,
    /// The most exports to list.
    pub limit: u64,
    /// How many to pass over first.
    pub offset: u64,
}

// SAFETY: repr(C), a size first, numbers alone.
unsafe impl Growing for attribution_export_query {
    const NAME: &'static str = "attribution_export_query";
}

/// Exports as the queue holds them. None has its webhook's secret or the values of its headers.
///
/// Made by attribution_store_schedule_export or attribution_store_exports, owned by the caller and freed with
/// attribution_exports_free. It never changes; threads may share it. The texts that it gives are its own and
/// stay until it is freed.
pub struct attribution_exports {
    _private: (),
}

/// What is behind exports.
#[derive(Debug)]
pub(crate) struct ExportsValue {
    jobs: Vec<(ExportJob, JobTexts)>,
    json: CString,
}

impl Handle for attribution_exports {
    type Value = ExportsValue;
    const NAME: &'static str = "attribution_exports";
    const TAG: u64 = u64::from_le_bytes(*b"attr:exp");
}

#[derive(Debug)]
struct JobTexts {
    format: CString,
    webhook_url: Option<CString>,
    webhook_headers: CTexts,
    file_path: Option<CString>,
    last_error: Option<CString>,
}

pub(super) fn optional(text: Option<&String>) -> Option<CString> {
    text.map(|text| c_text(text))
}

impl ExportsValue {
    fn new(jobs: Vec<ExportJob>, json: CString) -> Self {
        let texts = |job: ExportJob| {
            let texts = JobTexts {
                format: c_text(&job.format),
                webhook_url: optional(job.webhook_url.as_ref()),
                webhook_headers: CTexts::new(&job.webhook_headers),
                file_path: optional(job.file_path.as_ref()),
                last_error: optional(job.last_error.as_ref()),
            };
            (job, texts)
        };
        Self { jobs: jobs.into_iter().map(texts).collect(), json }
    }
}

/// Each status at the place of its number, from 1.
const STATUSES: [ExportStatus; 4] = [
    ExportStatus::Pending,
    ExportStatus::Processing,
    ExportStatus::Completed,
    ExportStatus::Failed,
];

pub(super) fn status_number(name: &str) -> u32 {
    (1..).zip(STATUSES).find(|(_, status)| status.name() == name).map_or(0, |(number, _)| number)
}

fn status_of_number(number: u32) -> Result<Option<ExportStatus>, Failure> {
    let Some(place) = (number as usize).checked_sub(1) else { return Ok(None) };
    STATUSES.get(place).copied().map(Some).ok_or_else(|| {
        let allowed = "one of the ATTRIBUTION_EXPORT_ numbers";
        Failure::argument("status", format!("found {number}"), allowed)
    })
}

pub(super) fn state_number(state: Option<WebhookState>) -> u32 {
    let state = match state {
        None => attribution_webhook_state::ATTRIBUTION_WEBHOOK_NONE,
        Some(WebhookState::Waiting) => attribution_webhook_state::ATTRIBUTION_WEBHOOK_WAITING,
        Some(WebhookState::Delivered) => attribution_webhook_state::ATTRIBUTION_WEBHOOK_DELIVERED,
        Some(WebhookState::GivenUp) => attribution_webhook_state::ATTRIBUTION_WEBHOOK_GIVEN_UP,
    };
    state as u32
}

/// An export as the queue holds it. Times are unix seconds, 0 where there is none; texts are NULL where there
/// is none, are those of the attribution_exports, and stay until that is freed. To be begun with
/// ATTRIBUTION_EXPORT_FIELDS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_export_fields {
    /// sizeof(attribution_export_fields)
    pub size: usize,
    /// The export's id.
    pub export_id: u64,
    /// The account owner.
    pub user_id: u64,
    /// The model.
    pub model_id: u64,
    /// The scope, one of the ATTRIBUTION_SCOPE_ numbers.
    pub scope_type: u32,
    /// How far it has come, one of the ATTRIBUTION_EXPORT_ numbers.
    pub status: u32,
    /// The scope's id; 0 for global.
    pub scope_id: u64,
    /// The window's first second.
    pub start_hour: u64,
    /// The second after the window's last.
    pub end_hour: u64,
    /// "csv", or "xls" for a workbook.
    pub format: *const c_char,
    /// The webhook's URL.
    pub webhook_url: *const c_char,
    /// The names of the webhook's own headers.
    pub webhook_headers: *const *const c_char,
    /// How many there are.
    pub webhook_header_count: usize,
    /// 1 where the webhook is signed with a secret, else 0.
    pub webhook_signed: u8,
    /// What became of the webhook, one of the ATTRIBUTION_WEBHOOK_ numbers.
    pub webhook_state: u32,
    /// How often the webhook was sent.
    pub webhook_attempts: u64,
    /// When the webhook is due, where it is waiting.
    pub webhook_due_at: u64,
    /// When the webhook was last sent.
    pub webhook_attempted_at: u64,
    /// The status code of the receiver's last response; 0 where there was none.
    pub webhook_status_code: u64,
    /// The file's full path.
    pub file_path: *const c_char,
    /// How many rows the file has; 0 where there is none.
    pub rows_exported: u64,
    /// When it was put into the queue.
    pub queued_at: u64,
    /// When a worker last took it.
    pub started_at: u64,
    /// When its file was there.
    pub completed_at: u64,
    /// When it failed.
    pub failed_at: u64,
    /// What went wrong last, with the export or with its webhook.
    pub last_error: *const c_char,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_export_fields {
    const NAME: &'static str = "attribution_export_fields";
}

impl attribution_export_fields {
    fn of(job: &ExportJob, texts: &JobTexts) -> Self {
        Self {
            size: 0,
            export_id: job.export_id,
            user_id: job.user_id,
            model_id: job.model_id,
            scope_type: number_of_name(&job.scope_type),
            status: status_number(&job.status),
            scope_id: job.scope_id.unwrap_or(0),
            start_hour: job.start_hour,
            end_hour: job.end_hour,
            format: texts.format.as_ptr(),
            webhook_url: pointer_or_null(texts.webhook_url.as_ref()),
            webhook_headers: first(texts.webhook_headers.pointers()),
            webhook_header_count: texts.webhook_headers.pointers().len(),
            webhook_signed: job.webhook_signed.into(),
            webhook_state: state_number(job.webhook_state),
            webhook_attempts: job.webhook_attempts,
            webhook_due_at: job.webhook_due_at.unwrap_or(0),
            webhook_attempted_at: job.webhook_attempted_at.unwrap_or(0),
            webhook_status_code: job.webhook_status_code.unwrap_or(0),
            file_path: pointer_or_null(texts.file_path.as_ref()),
            rows_exported: job.rows_exported.unwrap_or(0),
            queued_at: job.queued_at,
            started_at: job.started_at.unwrap_or(0),
            completed_at: job.completed_at.unwrap_or(0),
            failed_at: job.failed_at.unwrap_or(0),
            last_error: pointer_or_null(texts.last_error.as_ref()),
        }
    }
}

/// Puts an export of a user's model into the queue, with an audit row. Nothing is written where anything is
/// not allowed. `policy` says where webhooks may go, NULL the defaults. `exports` gets the one export.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_schedule_export(
    store: *const attribution_store,
    request: *const attribution_export_request,
    policy: *const attribution_webhook_policy,
    exports: *mut *mut attribution_exports,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (store, request, model, webhook, policy) = unsafe {
            clear(exports, "exports")?;
            let (store, request) = (borrow(store)?, read_growing(request)?);
            let model = text(request.model, "model")?;
            (store, request, model, webhook_of(&request)?, policy_of(policy)?)
        };
        let scope_type = one_scope_type(request.scope_type, "scope_type")?;
        let asked = ExportRequest {
            scope: Scope::new(scope_type, (request.scope_id != 0).then_some(request.scope_id))?,
            format: format_of(request.format)?.extension().to_owned(),
            webhook,
            ..ExportRequest::new(model, Window::new(request.start, request.end)?)
        };
        let job = without_sigpipe(|| store.schedule_export(request.user_id, &asked, &policy))?;
        let json = json_of(&job)?;
        // SAFETY: cleared above.
        unsafe { give(exports, ExportsValue::new(vec![job], json)) };
        Ok(())
    })
}

/// Lists a user's exports, the newest first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_exports(
    store: *const attribution_store,
    query: *const attribution_export_query,
    exports: *mut *mut attribution_exports,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (store, query) = unsafe {
            clear(exports, "exports")?;
            (borrow(store)?, read_growing(query)?)
        };
        let asked = ExportQuery {
            status: status_of_number(query.status)?,
            limit: query.limit,
            offset: query.offset,
        };
        let jobs = without_sigpipe(|| store.exports(query.user_id, &asked))?;
        let json = json_of(&jobs)?;
        // SAFETY: cleared above.
        unsafe { give(exports, ExportsValue::new(jobs, json)) };
        Ok(())
    })
}

/// The number of exports; 0 for what is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_exports_count(exports: *const attribution_exports) -> usize {
    // SAFETY: the caller's promise.
    value_or(0, || Ok(unsafe { borrow(exports)? }.jobs.len()))
}

/// The export at an index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_exports_get(
    exports: *const attribution_exports,
    index: usize,
    fields: *mut attribution_export_fields,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let jobs = &unsafe { borrow(exports)? }.jobs;
        let Some((job, texts)) = jobs.get(index) else {
            return Err(Failure::index(index, jobs.len(), "exports"));
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(fields, attribution_export_fields::of(job, texts)) }
    })
}

/// As the command's --json prints it: a JSON list of exports, or the one object of an export that was
/// scheduled. NULL for what is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_exports_json(
    exports: *const attribution_exports,
) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(exports)? }.json.as_ptr()))
}

/// Frees exports and sets the variable to NULL; the exports themselves stay in the queue. NULL, and a variable
/// that is NULL, are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_exports_free(exports: *mut *mut attribution_exports) {
    // SAFETY: the caller's promise.
    unsafe { free(exports) }
}
