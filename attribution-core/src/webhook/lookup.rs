//! Looking up a name within a deadline.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use super::policy::Resolve;

/// The system's look-up can't be stopped, so one that hangs leaves its thread behind until the system
/// gives up. No more than this many are left at a time.
const MOST_HANGING: usize = 32;
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Why there are no addresses.
#[derive(Debug)]
pub(super) enum Fault {
    /// The look-up failed.
    Failed(String),
    /// It had no answer in time.
    Late,
}

/// Counts a look-up for as long as it lives.
struct UnderWay;

impl UnderWay {
    fn new() -> Option<Self> {
        let mine = Self;
        (UNDER_WAY.fetch_add(1, Ordering::AcqRel) < MOST_HANGING).then_some(mine)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Asks once for the addresses of a name, and waits until `deadline`.
pub(super) fn look_up(
    resolver: Option<&Arc<dyn Resolve>>,
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Fault> {
    let failed = |why: &str| Err(Fault::Failed(why.to_owned()));
    let Some(under_way) = UnderWay::new() else {
        return failed("too many look-ups hang already");
    };
    let (resolver, host) = (resolver.cloned(), host.to_owned());
    let (sender, receiver) = mpsc::sync_channel(1);
    let work = move || {
        let _under_way = under_way;
        let found = match resolver {
            Some(resolver) => resolver.resolve(&host, port),
            None => (host.as_str(), port).to_socket_addrs().map(Iterator::collect),
        };
        // Nobody listens when it came too late.
        let _ = sender.send(found);
    };
    let thread = match thread::Builder::new().name("webhook-lookup".to_owned()).spawn(work) {
        Ok(thread) => thread,
        Err(error) => return failed(&error.to_string()),
    };
    let found: io::Result<Vec<SocketAddr>> =
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(found) => found,
            Err(RecvTimeoutError::Timeout) => return Err(Fault::Late),
            Err(RecvTimeoutError::Disconnected) => return failed("the look-up broke off"),
        };
    // It has sent its answer and ends now.
    let _ = thread.join();
    match found {
        Ok(addresses) if addresses.is_empty() => failed("it has no address"),
        // The port is the URL's, whatever the answer says.
        Ok(addresses) => Ok(addresses
            .into_iter()
            .map(|mut address| {
                address.set_port(port);
                address
            })
            .collect()),
        Err(error) => failed(&error.to_string()),
    }
}
