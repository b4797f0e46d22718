//! Backfill and rebuild.

use std::ffi::c_void;
use std::ops::ControlFlow;
use std::thread::{self, ThreadId};
use std::time::Duration;

use attribution_core::{
    BackfillOptions, Error, MysqlStore, Phase, Progress, RebuildOptions, Scope, UserOutcome, Window,
};

use super::report::{Outcomes, ReportValue, attribution_report};
use super::store::attribution_store;
use crate::border::{Failure, Growing, borrow, clear, give, guard, read_growing, refused, switch};
use crate::error::{attribution_error, attribution_status};
use crate::journeys::journey_options;
use crate::scope::{ATTRIBUTION_SCOPES_ALL, one_scope_type, scope_set};
use crate::signals::without_sigpipe;

/// What a job is doing.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_phase {
    /// Something that this header does not know.
    ATTRIBUTION_PHASE_OTHER = 0,
    /// Reading clicks and conversions; counted in rows, the total 0 where it is not known.
    ATTRIBUTION_PHASE_READING = 1,
    /// Assembling journeys; counted in conversions.
    ATTRIBUTION_PHASE_ASSEMBLING = 2,
    /// Calculating; counted in conversions.
    ATTRIBUTION_PHASE_CALCULATING = 3,
    /// Making stored rows right; counted in conversions.
    ATTRIBUTION_PHASE_WRITING = 4,
    /// Waiting for another run to end; not counted.
    ATTRIBUTION_PHASE_WAITING = 5,
}

/// Is told now and then how far a job has come: its phase (one of the ATTRIBUTION_PHASE_ numbers), how much
/// of it is done, and of how much. Gives 0 to go on, or another number to end the job at the next safe
/// point with ATTRIBUTION_STATUS_CANCELLED; until then it may be called again, whatever it gives.
///
/// It is called on the thread that called the job, during that call alone. It must not unwind or jump out,
/// and may call the library, though not for the same user's jobs.
pub type attribution_progress =
    Option<unsafe extern "C" fn(phase: u32, done: u64, total: u64, context: *mut c_void) -> i32>;

/// A caller's function as the core takes it.
pub(super) struct Callback {
    progress: attribution_progress,
    context: *mut c_void,
    thread: ThreadId,
}

// SAFETY: the function is called on the caller's thread alone, as `report` sees to.
unsafe impl Sync for Callback {}

impl Callback {
    pub(super) fn new(progress: attribution_progress, context: *mut c_void) -> Self {
        Self { progress, context, thread: thread::current().id() }
    }
}

impl Progress for Callback {
    fn report(&self, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        let Some(progress) = self.progress else { return ControlFlow::Continue(()) };
        // The core reports on this thread. Should that ever change, C is not to be surprised by it.
        if thread::current().id() != self.thread {
            return ControlFlow::Continue(());
        }
        let phase = match phase {
            Phase::Reading => attribution_phase::ATTRIBUTION_PHASE_READING,
            Phase::Assembling => attribution_phase::ATTRIBUTION_PHASE_ASSEMBLING,
            Phase::Calculating => attribution_phase::ATTRIBUTION_PHASE_CALCULATING,
            Phase::Writing => attribution_phase::ATTRIBUTION_PHASE_WRITING,
            Phase::Waiting => attribution_phase::ATTRIBUTION_PHASE_WAITING,
            _ => attribution_phase::ATTRIBUTION_PHASE_OTHER,
        };
        // SAFETY: the caller's function with the caller's context, on the caller's thread.
        match unsafe { progress(phase as u32, done, total, self.context) } {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}

/// How to backfill. To be begun with ATTRIBUTION_BACKFILL_OPTIONS_INIT, which has the defaults of all but
/// the window.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_backfill_options {
    /// sizeof(attribution_backfill_options)
    pub size: usize,
    /// The account owner; 0 for all that are not deleted.
    pub user_id: u64,
    /// The first second of the window, in unix time; it falls to its hour.
    pub start: u32,
    /// The second after the window's last; it rises to the next whole hour unless it is on one.
    pub end: u32,
    /// How touches are found, one of the ATTRIBUTION_JOURNEY_KEY_ numbers.
    pub journey_key: u32,
    /// How long before the conversion a touch may be, in seconds.
    pub lookback_seconds: u32,
    /// How many of the newest touches are kept, from 1 to 65535.
    pub max_touches: u32,
    /// Which conversions: ATTRIBUTION_SCOPE_GLOBAL for all, or those of a campaign or an advertiser.
    pub scope_type: u32,
    /// The id of that campaign or advertiser.
    pub scope_id: u64,
    /// How long to wait for another run of the same owner to end, in seconds.
    pub wait_seconds: u32,
    /// On how many connections rows are written, from 1 to 64.
    pub connections: u32,
}

// SAFETY: repr(C), a size first, numbers alone.
unsafe impl Growing for attribution_backfill_options {
    const NAME: &'static str = "attribution_backfill_options";
}

/// How to rebuild. To be begun with ATTRIBUTION_REBUILD_OPTIONS_INIT, which has the defaults of all but the
/// window.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_rebuild_options {
    /// sizeof(attribution_rebuild_options)
    pub size: usize,
    /// The account owner; 0 for all that are not deleted.
    pub user_id: u64,
    /// The first second of the window, in unix time; it falls to its hour.
    pub start: u32,
    /// The second after the window's last; it rises to the next whole hour unless it is on one.
    pub end: u32,
    /// Which snapshots are made: ATTRIBUTION_SCOPES_ bits joined by |, or ATTRIBUTION_SCOPES_ALL. Global
    /// ones always are, and those of scopes that a model already has snapshots of in the window.
    pub scopes: u32,
    /// 1 to store snapshots alone and remove the credits of the window, else 0.
    pub without_credits: u8,
    /// How long to wait for another run of the same owner to end, in seconds.
    pub wait_seconds: u32,
    /// On how many connections rows are read and written, from 1 to 64.
    pub connections: u32,
}

// SAFETY: repr(C), a size first, numbers alone.
unsafe impl Growing for attribution_rebuild_options {
    const NAME: &'static str = "attribution_rebuild_options";
}

fn connections(number: u32) -> Result<usize, Failure> {
    if (1..=64).contains(&number) {
        return Ok(number as usize);
    }
    Err(refused("connections", format!("found {number}"), "a whole number from 1 to 64"))
}

/// Does a job for one user or all and makes the report. Where a user's run failed, the report is there all
/// the same.
///
/// # Safety
/// `report` was passed to [`clear`].
pub(super) unsafe fn perform<R>(
    store: &MysqlStore,
    user_id: u64,
    report: *mut *mut attribution_report,
    one: impl FnOnce(&MysqlStore) -> Result<R, Error>,
    all: impl FnOnce(&MysqlStore) -> Result<Vec<UserOutcome<R>>, Error>,
    wrap: impl FnOnce(Vec<UserOutcome<R>>) -> Outcomes,
) -> Result<(), Failure> {
    let outcomes = without_sigpipe(|| {
        if user_id == 0 {
            return all(store);
        }
        Ok(vec![UserOutcome { user_id, result: Ok(one(store)?) }])
    })?;
    let value = ReportValue::new(wrap(outcomes))?;
    let failed = value.first_failure();
    // SAFETY: the caller's promise.
    unsafe { give(report, value) };
    failed.map_or(Ok(()), Err)
}

/// Assembles and stores the journeys of the conversions in a window, and removes those of conversions that
/// are deleted or whose multi-touch is off. `progress` may be NULL; `context` is given to it.
///
/// Of all users, the failure of one does not stop the others: the status is then that of the first which
/// failed, and `report` is set and says what came of each. Where the one user's job fails, or what is wrong is
/// so for all, `report` is NULL. After
/// any failure each conversion has its old journey or its new one; run again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_backfill(
    store: *const attribution_store,
    options: *const attribution_backfill_options,
    progress: attribution_progress,
    context: *mut c_void,
    report: *mut *mut attribution_report,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (store, options) = unsafe {
            clear(report, "report")?;
            (borrow(store)?, read_growing(options)?)
        };
        let scope_type = one_scope_type(options.scope_type, "scope_type")?;
        let scope = Scope::new(scope_type, (options.scope_id != 0).then_some(options.scope_id))?;
        let job = BackfillOptions {
            journeys: journey_options(
                options.journey_key,
                options.lookback_seconds,
                options.max_touches,
            )?,
            scope,
            wait: Duration::from_secs(options.wait_seconds.into()),
            connections: connections(options.connections)?,
            ..BackfillOptions::new(Window::new(options.start, options.end)?)
        };
        let progress = Callback::new(progress, context);
        let user_id = options.user_id;
        // SAFETY: cleared above.
        unsafe {
            perform(
                store,
                user_id,
                report,
                |store| store.backfill(user_id, &job, &progress),
                |store| store.backfill_all(&job, &progress),
                Outcomes::Backfill,
            )
        }
    })
}

/// Makes the snapshots and credits of the active models right for a window of hours. Rows that are right are
/// not written. Models that are not valid are reported and left alone. `progress` may be NULL; `context` is
/// given to it.
///
/// Of all users, the failure of one does not stop the others: the status is then that of the first which
/// failed, and `report` is set and says what came of each. Where the one user's job fails, or what is wrong is
/// so for all, `report` is NULL. After
/// any failure each model and hour has its old rows or its new ones; run again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_rebuild(
    store: *const attribution_store,
    options: *const attribution_rebuild_options,
    progress: attribution_progress,
    context: *mut c_void,
    report: *mut *mut attribution_report,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (store, options) = unsafe {
            clear(report, "report")?;
            (borrow(store)?, read_growing(options)?)
        };
        let scopes = match options.scopes {
            ATTRIBUTION_SCOPES_ALL => None,
            bits => Some(scope_set(bits, "scopes")?),
        };
        let job = RebuildOptions {
            scopes,
            credits: !switch(options.without_credits, "without_credits")?,
            wait: Duration::from_secs(options.wait_seconds.into()),
            connections: connections(options.connections)?,
            ..RebuildOptions::new(Window::new(options.start, options.end)?)
        };
        let progress = Callback::new(progress, context);
        let user_id = options.user_id;
        // SAFETY: cleared above.
        unsafe {
            perform(
                store,
                user_id,
                report,
                |store| store.rebuild(user_id, &job, &progress),
                |store| store.rebuild_all(&job, &progress),
                Outcomes::Rebuild,
            )
        }
    })
}
