//! Several connections at work on one list.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::tables::Run;
use crate::engine::parallel::{join, spawn};
use crate::ground::error::Error;

/// How long the caller waits at most before it is asked again whether to go on.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// Rows are written in parts of so many, so that a wish to stop is soon heeded.
const PART: usize = 10_000;

pub(crate) fn stopped(stop: &AtomicBool) -> Result<(), Error> {
    if stop.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
}

/// Does something with rows, part by part, until it is stopped.
pub(crate) fn in_parts<T>(
    rows: &[T],
    stop: &AtomicBool,
    mut work: impl FnMut(&[T]) -> Result<(), Error>,
) -> Result<(), Error> {
    rows.chunks(PART).try_for_each(|part| stopped(stop).and_then(|()| work(part)))
}

/// Gives what `next` hands out to `connections` workers, each on a thread of its own, and what comes
/// of it to `done`, on the calling thread, which is also called with nothing now and then. The first
/// error stops all, after what each has in hand.
pub(crate) fn share<R: Run, S, T: Send>(
    run: &R,
    first: &mut R::Worker,
    connections: usize,
    next: impl FnMut() -> Result<Option<S>, Error> + Send,
    work: impl Fn(&mut R::Worker, S, &AtomicBool) -> Result<T, Error> + Sync,
    mut done: impl FnMut(Option<T>) -> Result<(), Error>,
) -> Result<(), Error> {
    let stop = &AtomicBool::new(false);
    let (next, work) = (&Mutex::new(next), &work);
    let take = move || match next.lock() {
        Ok(mut next) => next(),
        Err(_) => Err(Error::Internal("a worker thread panicked".into())),
    };
    let labour = |worker: &mut R::Worker, sender: &Sender<Result<T, Error>>| {
        while !stop.load(Ordering::Relaxed)
            && let Some(share) = take()?
        {
            // The receiver outlives the workers.
            let _ = sender.send(Ok(work(worker, share, stop)?));
        }
        Ok(())
    };
    let labour = &labour;
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        let mut handles = Vec::new();
        let told = |outcome: Result<(), Error>, sender: &Sender<_>| {
            if let Err(error) = outcome {
                let _ = sender.send(Err(error));
            }
        };
        for _ in 1..connections {
            let sender = sender.clone();
            let another =
                move || told(run.worker().and_then(|mut more| labour(&mut more, &sender)), &sender);
            handles.push(spawn(scope, another)?);
        }
        handles.push(spawn(scope, move || told(labour(first, &sender), &sender))?);
        let mut outcome = Ok(());
        loop {
            let finished = match receiver.recv_timeout(HEARTBEAT) {
                Ok(finished) => finished.map(Some),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            // What was finished before or after a failure is told all the same.
            let told = finished.and_then(&mut done);
            if told.is_err() {
                stop.store(true, Ordering::Relaxed);
                outcome = outcome.and(told);
            }
        }
        handles.into_iter().try_for_each(join)?;
        outcome
    })
}
