//! Work that takes long, on a thread of its own, while PHP's thread heeds PHP.
//!
//! PHP's thread alone may touch PHP: it calls the caller's function, looks whether `max_execution_time` is up, lets
//! handlers of signals run, and minds the memory. The job is told to stop through its progress, and ends at
//! its next safe point.

use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use attribution_core::{Error, Phase, Progress};
use ext_php_rs::types::{ZendCallable, Zval};
use ext_php_rs::zend::{CatchError, ExecutorGlobals, try_catch};

use crate::failure::Failure;
use crate::memory;
use crate::zend::globals::{self, Stop};
use crate::zend::table::{Value, share, value_of};

/// How long PHP's thread waits before it looks around again.
const TICK: Duration = Duration::from_millis(20);
/// As much stack as a main thread has.
const STACK: usize = 8 << 20;

/// All signals held back on this thread, until this is dropped, and on the threads that it starts meanwhile for
/// good: they are PHP's thread's to take, and PHP's handlers are made for that thread.
pub(crate) struct SignalsHeld(libc::sigset_t);

impl SignalsHeld {
    /// None where they cannot be held back.
    pub(crate) fn hold() -> Option<Self> {
        // SAFETY: sets of signals are plain numbers, for which zeros will do, and all are this function's.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            let held = libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            (held == 0).then_some(Self(before))
        }
    }
}

impl Drop for SignalsHeld {
    fn drop(&mut self) {
        // SAFETY: the set that was there before.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut())
        };
    }
}

/// Does something with all signals held back on this thread and on those that it starts.
pub(crate) fn without_signals<R>(work: impl FnOnce() -> R) -> R {
    let _held = SignalsHeld::hold();
    work()
}

/// What a job tells: its phase, how much of it is done, and of how much.
type Report = (Phase, u64, u64);

/// What PHP's thread hears of the job.
enum Message {
    Report(Report),
    Ended,
}

/// The job's end of the line.
struct Line {
    stop: AtomicBool,
    /// Only where the caller wants to hear of it: the report goes out, the answer comes back.
    told: Option<Mutex<(SyncSender<Message>, Receiver<()>)>>,
}

impl Progress for Line {
    fn report(&self, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        if let Some(told) = &self.told
            && !self.stop.load(Ordering::Relaxed)
            && let Ok(line) = told.lock()
            && line.0.send(Message::Report((phase, done, total))).is_ok()
        {
            // Where nobody answers any more, there is nothing to wait for.
            let _ = line.1.recv();
        }
        if self.stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Calls the caller's function; false, an exception or a fatal error means to stop.
fn tell(callback: &Zval, (phase, done, total): Report) -> Result<(), Failure> {
    let called = try_catch(AssertUnwindSafe(|| {
        let Ok(callable) = ZendCallable::new(callback) else { return true };
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        match callable.try_call(vec![&phase.name(), &count(done), &count(total)]) {
            Ok(answer) => !matches!(value_of(&answer), Value::Bool(false)),
            Err(_) => true,
        }
    }));
    match called {
        Err(CatchError::Bailout) => Err(Stop::Bailout.into()),
        _ if ExecutorGlobals::has_exception() => Err(Stop::Thrown.into()),
        Ok(false) => Err(Error::Cancelled.into()),
        _ => Ok(()),
    }
}

/// What PHP wants, and what the memory allows.
fn look_around() -> Result<(), Failure> {
    globals::poll()?;
    memory::check("job", 0)
}

/// Does a job, with `callback` being told how far it has come. What PHP wants comes before what came of the
/// job.
pub(crate) fn run<R: Send>(
    callback: Option<&Zval>,
    job: impl FnOnce(&dyn Progress) -> Result<R, Error> + Send,
) -> Result<R, Failure> {
    // A share, for PHP's code that runs meanwhile may change where it came from.
    let callback = callback.map(share);
    let callback = callback.as_ref();
    let (sender, messages) = sync_channel::<Message>(1);
    let (answer, answers) = sync_channel::<()>(1);
    let told = callback.is_some().then(|| Mutex::new((sender.clone(), answers)));
    let line = &Line { stop: AtomicBool::new(false), told };
    let mut wish: Result<(), Failure> = Ok(());
    let wished = &mut wish;
    let outcome = thread::scope(|scope| {
        let builder = thread::Builder::new().name("attribution".into()).stack_size(STACK);
        let thread = without_signals(|| {
            builder.spawn_scoped(scope, move || {
                let outcome = job(line);
                // Whoever listens does so until this thread has ended.
                let _ = sender.send(Message::Ended);
                outcome
            })
        });
        let thread = match thread {
            Ok(thread) => thread,
            Err(source) => return Err(Error::Io { what: "starting a thread".into(), source }),
        };
        loop {
            let message = messages.recv_timeout(TICK);
            if wished.is_ok() {
                let told = match (&message, callback) {
                    (Ok(Message::Report(report)), Some(callback)) => tell(callback, *report),
                    _ => Ok(()),
                };
                *wished = told.and_then(|()| look_around());
                if wished.is_err() {
                    line.stop.store(true, Ordering::Relaxed);
                }
            }
            match message {
                // The job waits for an answer.
                Ok(Message::Report(_)) => drop(answer.send(())),
                Ok(Message::Ended) | Err(RecvTimeoutError::Disconnected) => break,
                // One that panicked says nothing.
                Err(RecvTimeoutError::Timeout) if thread.is_finished() => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        thread.join().unwrap_or_else(|_| Err(Error::Internal("a job's thread panicked".into())))
    });
    wish?;
    Ok(outcome?)
}
