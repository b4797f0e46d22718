//! How far a job has come, and the way to stop it.

use std::ops::ControlFlow;

use crate::ground::error::Error;

/// What a job is doing.
///
/// ```
/// assert_eq!(attribution_core::Phase::Reading.name(), "reading");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Reading clicks and conversions; counted in bytes of files or rows of tables, the total 0 where it is
    /// not known.
    Reading,
    /// Assembling journeys; counted in conversions.
    Assembling,
    /// Calculating and writing; counted in conversions, once for each model.
    Calculating,
    /// Making stored rows right; counted in conversions.
    Writing,
    /// Waiting for another run to end; not counted.
    Waiting,
}

impl Phase {
    /// The phase in a word.
    ///
    /// ```
    /// assert_eq!(attribution_core::Phase::Calculating.name(), "calculating");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Assembling => "assembling",
            Self::Calculating => "calculating",
            Self::Writing => "writing",
            Self::Waiting => "waiting",
        }
    }
}

/// Is told now and then how far a job has come, and can stop it: `ControlFlow::Break` ends the job
/// at the next safe point with [`Error::Cancelled`].
///
/// Any `Fn(Phase, u64, u64) -> ControlFlow<()>` that threads can share will do, and `()` for those
/// who do not care.
///
/// ```
/// use std::ops::ControlFlow;
/// use attribution_core::{Phase, Progress};
/// let show = |phase: Phase, done: u64, total: u64| {
///     println!("{} {done}/{total}", phase.name());
///     ControlFlow::Continue(())
/// };
/// assert!(show.report(Phase::Reading, 1, 2).is_continue());
/// ```
pub trait Progress: Sync {
    /// Takes the phase, how much of it is done, and of how much.
    fn report(&self, phase: Phase, done: u64, total: u64) -> ControlFlow<()>;
}

impl Progress for () {
    fn report(&self, _: Phase, _: u64, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: Fn(Phase, u64, u64) -> ControlFlow<()> + Sync> Progress for F {
    fn report(&self, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        self(phase, done, total)
    }
}

/// Reports, and turns a wish to stop into an error.
pub(crate) fn go_on(
    progress: &dyn Progress,
    phase: Phase,
    done: u64,
    total: u64,
) -> Result<(), Error> {
    match progress.report(phase, done, total) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}
