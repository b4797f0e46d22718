//! The addresses of a host's name, looked up within a time limit.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::wire::Deadline;

/// How long addresses are used before the name is looked up again.
const FRESH: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct State {
    found: Vec<SocketAddr>,
    at: Option<Instant>,
    is_looking: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

/// A host and its addresses. The system's look-up knows no time limit, so it is made by a thread of its
/// own, which ends when it has an answer; what comes too late is there for the next time.
#[derive(Debug)]
pub(crate) struct Names {
    host: String,
    port: u16,
    shared: Arc<Shared>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, found: Vec<SocketAddr>) {
        let mut state = self.state();
        state.is_looking = false;
        // A name service that fails for a while takes away no address that was found.
        if !found.is_empty() {
            (state.found, state.at) = (found, Some(Instant::now()));
        }
        drop(state);
        self.ended.notify_all();
    }
}

impl Names {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, shared: Arc::default() }
    }

    pub(crate) fn addresses(&self, deadline: Deadline) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let mut state = self.shared.state();
        if state.at.is_none_or(|at| at.elapsed() > FRESH) && !state.is_looking {
            state.is_looking = true;
            let (shared, host, port) = (Arc::clone(&self.shared), self.host.clone(), self.port);
            let started = thread::Builder::new().name("cache-names".into()).spawn(move || {
                let found = (host.as_str(), port).to_socket_addrs();
                shared.set(found.map_or_else(|_| Vec::new(), Iterator::collect));
            });
            if let Err(error) = started {
                state.is_looking = false;
                return Err(error);
            }
        }
        // What was found earlier will do.
        while state.found.is_empty() && state.is_looking {
            let ended = &self.shared.ended;
            let left = deadline.left()?;
            (state, _) = ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        if state.found.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(state.found.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_and_numbers_are_not() {
        let deadline = Deadline::after(Duration::from_secs(30));
        let number = Names::new("::1", 7).addresses(deadline).unwrap();
        assert_eq!(number, ["[::1]:7".parse().unwrap()]);
        let local = Names::new("localhost", 7).addresses(deadline).unwrap();
        assert!(local.iter().all(|address| address.ip().is_loopback()));
        assert!(!local.is_empty());
    }
}
