//! The client's connection: to the addresses that were checked and no others, and with one deadline
//! for everything.
//!
//! The client's own timeout for writing is one per call of the system, so that a receiver which takes a
//! few bytes at a time could stretch it; here each call gets what is left until the deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Error, Timeout};

use super::headers::spell;

/// Hands on addresses that were checked; looks nothing up.
#[derive(Debug)]
pub(super) struct Checked(pub(super) Vec<SocketAddr>);

impl Resolver for Checked {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        // As many as the array holds.
        for address in self.0.iter().take(16) {
            addresses.push(*address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// Connects to the first of the addresses that answers.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) deadline: Instant,
}

impl Connector<()> for Dialer {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Connection>, Error> {
        let mut failure = Error::HostNotFound;
        let count = details.addrs.len();
        for (index, address) in details.addrs.iter().enumerate() {
            let left = left(self.deadline, Timeout::Connect)?;
            // An address that does not answer leaves half of the time to those after it.
            let share = if index + 1 == count { left } else { left / 2 };
            match TcpStream::connect_timeout(address, share) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    let config = details.config;
                    let buffers =
                        LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
                    return Ok(Some(Connection {
                        stream,
                        buffers,
                        deadline: self.deadline,
                        closed: false,
                    }));
                }
                Err(error) if is_timeout(&error) => failure = Error::Timeout(Timeout::Connect),
                Err(error) => failure = Error::Io(error),
            }
        }
        Err(failure)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// What is left until the deadline, which is more than nothing.
fn left(deadline: Instant, phase: Timeout) -> Result<Duration, Error> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Error::Timeout(phase)) } else { Ok(left) }
}

/// A TCP connection with a deadline.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffers: LazyBuffers,
    deadline: Instant,
    /// The receiver takes no more.
    closed: bool,
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let mut sent = 0;
        while sent < amount && !self.closed {
            self.stream.set_write_timeout(Some(left(self.deadline, Timeout::SendBody)?))?;
            match self.stream.write(&self.buffers.output()[sent..amount]) {
                Ok(0) => self.closed = true,
                Ok(count) => sent += count,
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted
                    | io::ErrorKind::WouldBlock
                    | io::ErrorKind::TimedOut => {}
                    // A receiver may answer and close without reading the whole; its answer says more
                    // than the fault. Where there is none, reading fails next.
                    io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted => self.closed = true,
                    _ => return Err(Error::Io(error)),
                },
            }
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        loop {
            self.stream.set_read_timeout(Some(left(self.deadline, Timeout::RecvResponse)?))?;
            match self.stream.read(self.buffers.input_append_buf()) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted || is_timeout(&error) => {}
                Err(error) => return Err(Error::Io(error)),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // Asked before a connection is kept for later, which none is.
        false
    }
}

/// Spells the names of headers; goes on top of TLS.
#[derive(Debug)]
pub(super) struct Speller {
    pub(super) spellings: Vec<String>,
}

impl<In: Transport> Connector<In> for Speller {
    type Out = Spelled<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Spelled<In>>, Error> {
        Ok(chained.map(|inner| Spelled { inner, spellings: Some(self.spellings.clone()) }))
    }
}

/// A connection whose first output, the head of the request, has its headers' names spelled.
#[derive(Debug)]
pub(super) struct Spelled<In> {
    inner: In,
    spellings: Option<Vec<String>>,
}

impl<In: Transport> Transport for Spelled<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if let Some(spellings) = self.spellings.take() {
            spell(&mut self.inner.buffers().output()[..amount], &spellings);
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
