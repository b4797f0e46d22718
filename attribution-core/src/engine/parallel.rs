//! Work in chunks on several threads, its results consumed in order.
//!
//! Threads live for one call only: a host may fork between calls, and a pool would not survive it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, Scope, ScopedJoinHandle};

use crate::ground::error::Error;

/// Starts a thread; where the system has none left, that is an error like any other.
pub(crate) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    thread::Builder::new().spawn_scoped(scope, work).map_err(Error::io("a worker thread"))
}

/// Waits for a thread.
pub(crate) fn join<T>(handle: ScopedJoinHandle<'_, T>) -> Result<T, Error> {
    handle.join().map_err(|_| Error::Internal("a worker thread panicked".into()))
}

/// How many results each worker may be ahead of the consumer.
const AHEAD: usize = 2;

/// Maps chunks `0..chunks` on `threads` workers, each with a state of its own, and hands the
/// results to `consume` in the order of the chunks. Gives back the workers' states.
///
/// The first failure in the order of the chunks is the one returned, whatever the threads did.
pub(crate) fn in_order<W: Send, T: Send>(
    chunks: usize,
    threads: usize,
    worker: impl Fn() -> W + Sync,
    map: impl Fn(&mut W, usize) -> Result<T, Error> + Sync,
    mut consume: impl FnMut(T) -> Result<(), Error>,
) -> Result<Vec<W>, Error> {
    let threads = threads.min(chunks).max(1);
    if threads == 1 {
        let mut state = worker();
        for chunk in 0..chunks {
            consume(map(&mut state, chunk)?)?;
        }
        return Ok(vec![state]);
    }
    let stop = AtomicBool::new(false);
    let (map, worker, stop) = (&map, &worker, &stop);
    thread::scope(|scope| {
        // Worker i takes chunks i, i + threads, ...; taking turns over them restores the order.
        let (mut handles, mut receivers) = (Vec::new(), Vec::new());
        for first in 0..threads {
            let (sender, receiver) = sync_channel(AHEAD);
            receivers.push(receiver);
            handles.push(spawn(scope, move || {
                let mut state = worker();
                for chunk in (first..chunks).step_by(threads) {
                    let result = map(&mut state, chunk);
                    let failed = result.is_err();
                    if sender.send(result).is_err() || failed || stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                state
            })?);
        }
        let mut outcome = Ok(());
        for chunk in 0..chunks {
            let result = match receivers[chunk % threads].recv() {
                Ok(result) => result.and_then(&mut consume),
                // A worker hangs up early only by panicking; joining it says so below.
                Err(_) => Err(Error::Internal("a worker thread stopped early".into())),
            };
            if let Err(error) = result {
                outcome = Err(error);
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        drop(receivers);
        let mut states = Vec::with_capacity(threads);
        for handle in handles {
            states.push(join(handle)?);
        }
        outcome.map(|()| states)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 3, 16] {
            let mut seen = Vec::new();
            let states = in_order(
                100,
                threads,
                || 0,
                |count, chunk| {
                    *count += 1;
                    Ok(chunk)
                },
                |chunk| {
                    seen.push(chunk);
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(states.iter().sum::<usize>(), 100);
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_failure_in_order_wins() {
        for threads in [1, 2, 7] {
            let mut seen = 0;
            let result = in_order(
                1_000,
                threads,
                || (),
                |(), chunk| {
                    if chunk >= 10 { Err(Error::Internal(chunk.to_string())) } else { Ok(()) }
                },
                |()| {
                    seen += 1;
                    Ok(())
                },
            );
            assert_eq!(result.unwrap_err().to_string(), "internal error: 10; please report it");
            assert_eq!(seen, 10);
        }
    }

    #[test]
    fn a_consumer_that_fails_stops_the_workers() {
        let result =
            in_order(1_000_000, 2, || (), |(), _| Ok(()), |()| Err(Error::Cancelled)).map(|_| ());
        assert!(matches!(result, Err(Error::Cancelled)));
    }
}
