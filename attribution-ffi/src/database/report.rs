//! What a job did, as fields and as JSON.

use std::ffi::{CString, c_char};
use std::ptr;

use attribution_core::{
    BackfillReport, Error, ErrorCode, InvalidModel, JobReport, PurgeReport, RebuildReport,
    RebuiltModel, UserOutcome,
};

use crate::border::{
    Failure, Growing, Handle, borrow, c_text, fill_growing, free, guard, value_or,
};
use crate::error::{attribution_error, attribution_status};

/// What a job did for each account owner.
///
/// Made by attribution_store_backfill, attribution_store_rebuild or attribution_store_purge, owned by the caller
/// and freed with attribution_report_free. It never changes; threads may share it. The texts that it gives are
/// its own and stay until it is freed.
pub struct attribution_report {
    _private: (),
}

/// What came of a job, each of its kind.
#[derive(Debug)]
pub(crate) enum Outcomes {
    Backfill(Vec<UserOutcome<BackfillReport>>),
    Rebuild(Vec<UserOutcome<RebuildReport>>),
    Purge(Vec<UserOutcome<PurgeReport>>),
}

/// What is behind a report.
#[derive(Debug)]
pub(crate) struct ReportValue {
    users: Vec<User>,
    json: CString,
}

#[derive(Debug)]
struct User {
    user_id: u64,
    code: Option<ErrorCode>,
    message: CString,
    done: Option<Done>,
}

#[derive(Debug)]
enum Done {
    Backfill(BackfillReport),
    Rebuild { report: RebuildReport, slugs: Vec<CString>, invalid: Vec<[CString; 2]> },
    Purge(Purged),
}

/// What a purge did, with its texts.
#[derive(Debug)]
pub(crate) struct Purged {
    pub(super) report: PurgeReport,
    pub(super) tables: Vec<CString>,
    /// Why files were left.
    pub(super) problems: Vec<CString>,
}

impl Handle for attribution_report {
    type Value = ReportValue;
    const NAME: &'static str = "attribution_report";
    const TAG: u64 = u64::from_le_bytes(*b"attr:rep");
}

fn users_of<R>(outcomes: Vec<UserOutcome<R>>, done: impl Fn(R) -> Done) -> Vec<User> {
    let user = |outcome: UserOutcome<R>| {
        let code = outcome.result.as_ref().err().map(Error::code);
        let message = outcome.result.as_ref().err().map(|error| c_text(&error.to_string()));
        User {
            user_id: outcome.user_id,
            code,
            message: message.unwrap_or_default(),
            done: outcome.result.ok().map(&done),
        }
    };
    outcomes.into_iter().map(user).collect()
}

fn rebuilt(report: RebuildReport) -> Done {
    let problem = |model: &InvalidModel| [c_text(&model.slug), c_text(&model.problem)];
    Done::Rebuild {
        slugs: report.models.iter().map(|model| c_text(&model.slug)).collect(),
        invalid: report.invalid_models.iter().map(problem).collect(),
        report,
    }
}

fn purged(report: PurgeReport) -> Done {
    Done::Purge(Purged {
        tables: report.tables.iter().map(|table| c_text(table.table)).collect(),
        problems: report.files_left.iter().map(|file| c_text(&file.problem)).collect(),
        report,
    })
}

impl ReportValue {
    pub(crate) fn new(outcomes: Outcomes) -> Result<Self, Error> {
        let (json, users) = match outcomes {
            Outcomes::Backfill(users) => (
                JobReport { job: "backfill", users: &users }.to_json()?,
                users_of(users, Done::Backfill),
            ),
            Outcomes::Rebuild(users) => {
                (JobReport { job: "rebuild", users: &users }.to_json()?, users_of(users, rebuilt))
            }
            Outcomes::Purge(users) => {
                (JobReport { job: "purge", users: &users }.to_json()?, users_of(users, purged))
            }
        };
        Ok(Self { users, json: c_text(&json) })
    }

    /// The failure of the first user whose run failed, told with its id.
    pub(crate) fn first_failure(&self) -> Option<Failure> {
        let failed = self.users.iter().find_map(|user| Some((user, user.code?)));
        failed.map(|(user, code)| Failure::OfUser {
            user_id: user.user_id,
            code,
            message: user.message.to_string_lossy().into_owned(),
        })
    }

    fn user(&self, index: usize) -> Result<&User, Failure> {
        self.users.get(index).ok_or_else(|| {
            let allowed = format!("an index below {}, the number of users", self.users.len());
            Failure::argument("user", format!("found {index}"), allowed)
        })
    }

    /// What a purge did for the user at an index.
    pub(super) fn purged(&self, index: usize) -> Result<&Purged, Failure> {
        match &self.user(index)?.done {
            Some(Done::Purge(purged)) => Ok(purged),
            _ => Err(Failure::argument("report", "found another job's, or none", "a purge's")),
        }
    }
}

/// What came of a job for one account owner; what a purge counted is in attribution_purge_report. Its text is the
/// report's, and stays until that is freed. To be begun with ATTRIBUTION_USER_REPORT_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_user_report {
    /// sizeof(attribution_user_report)
    pub size: usize,
    /// The account owner.
    pub user_id: u64,
    /// What came of the run: ATTRIBUTION_STATUS_OK or why it failed.
    pub status: u32,
    /// Why it failed, for a person; empty where it did not.
    pub message: *const c_char,
    /// The window's first second; 0 of a purge, which has none.
    pub start: u64,
    /// The second after the window's last.
    pub end: u64,
    /// Conversions in the window that are not deleted.
    pub conversions: u64,
    /// Touches of all their journeys together.
    pub touches: u64,
    /// Of a backfill: conversions whose click is not there. Of a rebuild: touches whose click is not.
    pub missing_clicks: u64,
    /// Of a backfill: clicks read as candidates.
    pub clicks: u64,
    /// Of a backfill: deleted conversions, whose journeys are removed.
    pub deleted_conversions: u64,
    /// Of a backfill: conversions whose multi-touch is off, whose journeys are removed.
    pub single_touch_conversions: u64,
    /// Transactions.
    pub batches: u64,
    /// Rows inserted, changed or deleted.
    pub rows_written: u64,
    /// How often something was done again after a deadlock, a lock wait or a lost connection.
    pub retries: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Of a rebuild: the number of models that were rebuilt.
    pub models: usize,
    /// Of a rebuild: the number of active models that are not valid and were left alone.
    pub invalid_models: usize,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_user_report {
    const NAME: &'static str = "attribution_user_report";
}

impl attribution_user_report {
    fn of(user: &User) -> Self {
        let unknown = Self {
            size: 0,
            user_id: user.user_id,
            status: user.code.map_or(attribution_status::ATTRIBUTION_STATUS_OK, Into::into) as u32,
            message: user.message.as_ptr(),
            start: 0,
            end: 0,
            conversions: 0,
            touches: 0,
            missing_clicks: 0,
            clicks: 0,
            deleted_conversions: 0,
            single_touch_conversions: 0,
            batches: 0,
            rows_written: 0,
            retries: 0,
            duration_ms: 0,
            models: 0,
            invalid_models: 0,
        };
        match &user.done {
            None => unknown,
            Some(Done::Backfill(report)) => Self {
                start: report.start,
                end: report.end,
                conversions: report.conversions,
                touches: report.touches,
                missing_clicks: report.missing_clicks,
                clicks: report.clicks,
                deleted_conversions: report.deleted_conversions,
                single_touch_conversions: report.single_touch_conversions,
                batches: report.batches,
                rows_written: report.rows_written,
                retries: report.retries,
                duration_ms: report.duration_ms,
                ..unknown
            },
            Some(Done::Rebuild { report, .. }) => Self {
                start: report.start,
                end: report.end,
                conversions: report.conversions,
                touches: report.touches,
                missing_clicks: report.missing_clicks,
                batches: report.batches,
                rows_written: report.rows_written,
                retries: report.retries,
                duration_ms: report.duration_ms,
                models: report.models.len(),
                invalid_models: report.invalid_models.len(),
                ..unknown
            },
            Some(Done::Purge(Purged { report, .. })) => Self {
                batches: report.batches,
                retries: report.retries,
                duration_ms: report.duration_ms,
                ..unknown
            },
        }
    }
}

/// What a rebuild did for one model. Its text is the report's, and stays until that is freed. To be begun with
/// ATTRIBUTION_MODEL_REPORT_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_model_report {
    /// sizeof(attribution_model_report)
    pub size: usize,
    /// The model's id.
    pub model_id: u64,
    /// The model's slug.
    pub slug: *const c_char,
    /// Hours in which something converted.
    pub hours: u64,
    /// Snapshots of all scopes.
    pub snapshots: u64,
    /// Credited touches.
    pub clicks: u64,
    /// Conversions.
    pub conversions: u64,
    /// The sum of the payouts, as a count of 0.00001.
    pub revenue: i64,
    /// The sum of the costs, as a count of 0.00001.
    pub cost: i64,
    /// Rows inserted, changed or deleted.
    pub rows_written: u64,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_model_report {
    const NAME: &'static str = "attribution_model_report";
}

/// An active model that is not valid and was left alone. Its texts are the report's, and stay until that is
/// freed. To be begun with ATTRIBUTION_INVALID_MODEL_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_invalid_model {
    /// sizeof(attribution_invalid_model)
    pub size: usize,
    /// The model's id.
    pub model_id: u64,
    /// The model's slug.
    pub slug: *const c_char,
    /// What is wrong with it, for a person.
    pub problem: *const c_char,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_invalid_model {
    const NAME: &'static str = "attribution_invalid_model";
}

/// The number of account owners; 0 for what is no report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_report_users(report: *const attribution_report) -> usize {
    // SAFETY: the caller's promise.
    value_or(0, || Ok(unsafe { borrow(report)? }.users.len()))
}

/// What came of the job for the account owner at an index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_report_user(
    report: *const attribution_report,
    user: usize,
    fields: *mut attribution_user_report,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            let user = borrow(report)?.user(user)?;
            fill_growing(fields, attribution_user_report::of(user))
        }
    })
}

fn no_such_model(index: usize, count: usize) -> Failure {
    let allowed = format!("an index below {count}, the number of such models");
    Failure::argument("model", format!("found {index}"), allowed)
}

/// What a rebuild did for the model at an index, of the account owner at another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_report_model(
    report: *const attribution_report,
    user: usize,
    model: usize,
    fields: *mut attribution_model_report,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let user = unsafe { borrow(report)?.user(user)? };
        let (models, slugs): (&[RebuiltModel], &[CString]) = match &user.done {
            Some(Done::Rebuild { report, slugs, .. }) => (&report.models, slugs),
            _ => (&[], &[]),
        };
        let (Some(rebuilt), Some(slug)) = (models.get(model), slugs.get(model)) else {
            return Err(no_such_model(model, models.len()));
        };
        let filled = attribution_model_report {
            size: 0,
            model_id: rebuilt.model_id,
            slug: slug.as_ptr(),
            hours: rebuilt.hours,
            snapshots: rebuilt.snapshots,
            clicks: rebuilt.clicks,
            conversions: rebuilt.conversions,
            revenue: rebuilt.revenue.units(),
            cost: rebuilt.cost.units(),
            rows_written: rebuilt.rows_written,
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(fields, filled) }
    })
}

/// The model that was left alone at an index, of the account owner at another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_report_invalid_model(
    report: *const attribution_report,
    user: usize,
    model: usize,
    fields: *mut attribution_invalid_model,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let user = unsafe { borrow(report)?.user(user)? };
        let (models, texts): (&[InvalidModel], &[[CString; 2]]) = match &user.done {
            Some(Done::Rebuild { report, invalid, .. }) => (&report.invalid_models, invalid),
            _ => (&[], &[]),
        };
        let (Some(left), Some([slug, problem])) = (models.get(model), texts.get(model)) else {
            return Err(no_such_model(model, models.len()));
        };
        let filled = attribution_invalid_model {
            size: 0,
            model_id: left.model_id,
            slug: slug.as_ptr(),
            problem: problem.as_ptr(),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(fields, filled) }
    })
}

/// The report as a JSON object, as the command's --json prints it; NULL for what is no report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_report_json(
    report: *const attribution_report,
) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(report)? }.json.as_ptr()))
}

/// Frees a report and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_report_free(report: *mut *mut attribution_report) {
    // SAFETY: the caller's promise.
    unsafe { free(report) }
}
