//! The server that processes share: Redis or memcached, spoken to within a time limit.
//!
//! The crates that speak their protocols limit the time of each read of a socket. A server that sends a
//! byte now and then holds such a reader up for as long as it likes, and pools with threads of their
//! own have no place in a web server's workers. The few commands it takes are spoken here.

mod address;
mod breaker;
#[cfg(feature = "memcached")]
mod memcached;
mod names;
#[cfg(feature = "redis")]
mod redis;
mod wire;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use address::CacheServer;
use address::{Place, Protocol};
use breaker::Breaker;
use names::Names;
use wire::{Deadline, Wire, not_understood};

use super::format::{LONGEST, Name, decode, encode, length};
use super::memory::Value;
use super::reads::Asked;

/// So many connections are kept while they are not needed.
const MOST_IDLE: usize = 8;

/// Whether a server took a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storing {
    Stored,
    Refused,
}

/// What a read may still spend on the server.
#[derive(Debug)]
pub(crate) struct Budget(Duration);

impl Budget {
    pub(crate) const fn new(time: Duration) -> Self {
        Self(time)
    }

    fn spend<T>(&mut self, work: impl FnOnce(Deadline) -> io::Result<T>) -> io::Result<T> {
        let start = Instant::now();
        let outcome = work(Deadline::after(self.0));
        self.0 = self.0.saturating_sub(start.elapsed());
        outcome
    }
}

/// Connections to a server, which threads share.
#[derive(Debug)]
pub(crate) struct Client {
    server: CacheServer,
    names: Option<Names>,
    idle: Mutex<Vec<Wire>>,
    breaker: Breaker,
}

impl Client {
    pub(crate) fn new(server: CacheServer) -> Self {
        let names = match &server.place {
            Place::Tcp { host, port } => Some(Names::new(host, *port)),
            Place::Socket(_) => None,
        };
        Self { server, names, idle: Mutex::default(), breaker: Breaker::default() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Wire>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self, deadline: Deadline) -> io::Result<Wire> {
        let mut wire = self.open(deadline)?;
        self.begin(&mut wire, deadline).map(|()| wire)
    }

    fn open(&self, deadline: Deadline) -> io::Result<Wire> {
        if let Place::Socket(path) = &self.server.place {
            return Wire::to_socket(path, deadline);
        }
        let mut outcome = Err(io::ErrorKind::NotFound.into());
        let addresses = self.names.as_ref().map(|names| names.addresses(deadline)).transpose()?;
        for address in addresses.into_iter().flatten() {
            outcome = Wire::to_tcp(&address, deadline);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    fn begin(&self, wire: &mut Wire, deadline: Deadline) -> io::Result<()> {
        match &self.server.protocol {
            #[cfg(feature = "redis")]
            Protocol::Redis { user, password, database } => {
                redis::begin(wire, user.as_deref(), password.as_deref(), *database, deadline)
            }
            // Nothing has to be said.
            #[cfg(feature = "memcached")]
            Protocol::Memcached => wire.write(&[], deadline),
        }
    }

    /// Works on a connection. One that was kept may have been closed since; then a new one is made,
    /// within the same time.
    fn with_wire<T>(
        &self,
        deadline: Deadline,
        work: impl Fn(&mut Wire) -> io::Result<T>,
    ) -> io::Result<T> {
        let kept = self.idle().pop();
        let mut outcome = None;
        if let Some(mut wire) = kept {
            match work(&mut wire) {
                Err(error) if is_closed(&error) => self.idle().clear(),
                done => outcome = Some((wire, done)),
            }
        }
        let (wire, done) = if let Some(outcome) = outcome {
            outcome
        } else {
            let mut wire = self.connect(deadline)?;
            let done = work(&mut wire);
            (wire, done)
        };
        let done = done?;
        if !wire.is_quiet() {
            return Err(not_understood());
        }
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push(wire);
        }
        Ok(done)
    }

    /// Does what may fail, if the server is not being left alone.
    fn attempt<T>(
        &self,
        asked: &Asked<'_>,
        budget: &mut Budget,
        work: impl Fn(&mut Wire, Deadline) -> io::Result<T>,
    ) -> Option<T> {
        let counters = asked.counters;
        let Some(admission) = self.breaker.admit(asked.clock.now()) else {
            counters.server_skips.add();
            return None;
        };
        let outcome =
            budget.spend(|deadline| self.with_wire(deadline, |wire| work(wire, deadline)));
        if let Ok(done) = outcome {
            self.breaker.succeeded();
            return Some(done);
        }
        counters.server_failures.add();
        self.breaker.failed(admission, asked.clock.now(), asked.random);
        None
    }

    /// The value that is asked for, if the server has it.
    pub(crate) fn get(&self, asked: &Asked<'_>, budget: &mut Budget) -> Option<Value> {
        let name = Name::new(asked.key, asked.generation);
        let get = |wire: &mut Wire, deadline| match &self.server.protocol {
            #[cfg(feature = "redis")]
            Protocol::Redis { .. } => redis::get(wire, &name.text, deadline),
            #[cfg(feature = "memcached")]
            Protocol::Memcached => memcached::get(wire, &name.text, deadline),
        };
        let bytes = self.attempt(asked, budget, get).flatten()?;
        let value = decode(&name, &bytes);
        if value.is_none() {
            asked.counters.server_rejections.add();
        }
        value
    }

    /// Stores the value of what was asked for, if the server takes it.
    pub(crate) fn set(&self, asked: &Asked<'_>, value: &Value, budget: &mut Budget) {
        let expires_in = value.lifetime.expires.saturating_sub(asked.clock.now());
        if budget.0.is_zero() || expires_in.is_zero() {
            return;
        }
        if length(value.rows.len()) > LONGEST {
            asked.counters.server_refusals.add();
            return;
        }
        let name = Name::new(asked.key, asked.generation);
        let bytes = encode(&name, value);
        let set = |wire: &mut Wire, deadline| match &self.server.protocol {
            #[cfg(feature = "redis")]
            Protocol::Redis { .. } => redis::set(wire, &name.text, &bytes, expires_in, deadline),
            #[cfg(feature = "memcached")]
            Protocol::Memcached => memcached::set(wire, &name.text, &bytes, expires_in, deadline),
        };
        if self.attempt(asked, budget, set) == Some(Storing::Refused) {
            asked.counters.server_refusals.add();
        }
    }
}

/// Whether the other end has closed the connection, as a server that was started anew has.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

#[cfg(all(feature = "redis", feature = "memcached"))]
#[cfg(test)]
mod tests;
