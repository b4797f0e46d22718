//! SIGPIPE, which a host may not have switched off.
//!
//! Rust's programs ignore it; a C program that has not heard of it is ended by it. A plain write to a
//! connection that the other side has closed does not raise it, but a gathered one does, which is how TLS
//! is written.

/// Does something with SIGPIPE held back on this thread and on those that it starts. One that came
/// meanwhile is dropped; one that was waiting before still waits.
#[cfg(unix)]
pub(crate) fn without_sigpipe<R>(work: impl FnOnce() -> R) -> R {
    let _held = Held::back();
    work()
}

#[cfg(not(unix))]
pub(crate) fn without_sigpipe<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(unix)]
struct Held {
    sigpipe: libc::sigset_t,
    before: libc::sigset_t,
    was_pending: bool,
}

#[cfg(unix)]
impl Held {
    fn back() -> Option<Self> {
        // SAFETY: sets of signals are plain numbers, for which zeros will do, and all are this function's.
        unsafe {
            let mut held = Self {
                sigpipe: std::mem::zeroed(),
                before: std::mem::zeroed(),
                was_pending: is_pending(),
            };
            libc::sigemptyset(&raw mut held.sigpipe);
            libc::sigaddset(&raw mut held.sigpipe, libc::SIGPIPE);
            let block = libc::SIG_BLOCK;
            let blocked =
                libc::pthread_sigmask(block, &raw const held.sigpipe, &raw mut held.before);
            (blocked == 0).then_some(held)
        }
    }
}

#[cfg(unix)]
fn is_pending() -> bool {
    // SAFETY: a set of signals is plain numbers, for which zeros will do.
    unsafe {
        let mut pending = std::mem::zeroed();
        libc::sigpending(&raw mut pending) == 0
            && libc::sigismember(&raw const pending, libc::SIGPIPE) == 1
    }
}

/// Takes a signal of the set that is waiting. Another thread may have taken it meanwhile, so this does not wait,
/// where there is a way not to.
#[cfg(unix)]
fn take(set: &libc::sigset_t) {
    // SAFETY: all that is pointed to is there for the call, or NULL where that is allowed.
    unsafe {
        #[cfg(not(target_vendor = "apple"))]
        {
            let now: libc::timespec = std::mem::zeroed();
            libc::sigtimedwait(set, std::ptr::null_mut(), &raw const now);
        }
        #[cfg(target_vendor = "apple")]
        {
            let mut signal = 0;
            libc::sigwait(set, &raw mut signal);
        }
    }
}

#[cfg(unix)]
impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: all that is pointed to is this object's, or NULL where that is allowed.
        unsafe {
            if !self.was_pending && is_pending() {
                take(&self.sigpipe);
            }
            let set = libc::SIG_SETMASK;
            libc::pthread_sigmask(set, &raw const self.before, std::ptr::null_mut());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{ErrorKind, IoSlice, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn write_to_no_one() -> Option<ErrorKind> {
        let (mut writer, reader) = UnixStream::pair().ok()?;
        drop(reader);
        writer.write_vectored(&[IoSlice::new(b"x")]).err().map(|error| error.kind())
    }

    #[test]
    fn a_host_that_has_not_switched_it_off_lives() {
        // SAFETY: as a C program has it from the start; no other test of this process needs it otherwise.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let kinds = without_sigpipe(|| {
            let here = write_to_no_one();
            (here, std::thread::spawn(write_to_no_one).join().unwrap())
        });
        let broken = Some(ErrorKind::BrokenPipe);
        assert_eq!(kinds, (broken, broken));
        assert!(!is_pending());
    }
}
