//! A connection to a server each step of which ends by a deadline.
//!
//! The time limits of a socket are for each call: one that sends a byte now and then would never run
//! into them. So each call is given what is left.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest line that is read.
const LONGEST_LINE: usize = 4_096;
/// How much is read at once.
const PART: usize = 16_384;

/// When something has to have ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// The time that is left, which is not 0.
    pub(crate) fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

/// A connection with what was read ahead of it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    read: Vec<u8>,
    /// How much of that has been taken.
    taken: usize,
}

/// What was said is not what the protocol allows.
pub(crate) fn not_understood() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

impl Wire {
    pub(crate) fn to_tcp(address: &SocketAddr, deadline: Deadline) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(address, deadline.left()?)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: Stream::Tcp(stream), read: Vec::new(), taken: 0 })
    }

    /// The system's own call would wait without end for a server that accepts no more.
    #[cfg(unix)]
    pub(crate) fn to_socket(path: &std::path::Path, deadline: Deadline) -> io::Result<Self> {
        use socket2::{Domain, SockAddr, Socket, Type};
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.connect_timeout(&SockAddr::unix(path)?, deadline.left()?)?;
        Ok(Self {
            stream: Stream::Unix(std::os::fd::OwnedFd::from(socket).into()),
            read: Vec::new(),
            taken: 0,
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn to_socket(_: &std::path::Path, _: Deadline) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether nothing was said that was not asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        self.taken == self.read.len()
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            let left = Some(deadline.left()?);
            let written = match &mut self.stream {
                Stream::Tcp(stream) => {
                    stream.set_write_timeout(left)?;
                    stream.write(bytes)
                }
                #[cfg(unix)]
                Stream::Unix(stream) => {
                    stream.set_write_timeout(left)?;
                    stream.write(bytes)
                }
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) => again_if_interrupted(error)?,
            }
        }
        Ok(())
    }

    fn read_more(&mut self, deadline: Deadline) -> io::Result<()> {
        let mut part = [0; PART];
        loop {
            let left = Some(deadline.left()?);
            let read = match &mut self.stream {
                Stream::Tcp(stream) => {
                    stream.set_read_timeout(left)?;
                    stream.read(&mut part)
                }
                #[cfg(unix)]
                Stream::Unix(stream) => {
                    stream.set_read_timeout(left)?;
                    stream.read(&mut part)
                }
            };
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    if self.is_quiet() {
                        self.read.clear();
                        self.taken = 0;
                    }
                    self.read.extend_from_slice(&part[..read]);
                    return Ok(());
                }
                Err(error) => again_if_interrupted(error)?,
            }
        }
    }

    /// A line without its end, which is CR LF.
    pub(crate) fn line(&mut self, deadline: Deadline) -> io::Result<String> {
        let mut looked_at = 0;
        loop {
            let rest = &self.read[self.taken..];
            if let Some(place) = rest[looked_at..].iter().position(|byte| *byte == b'\n') {
                let line = rest[..looked_at + place].strip_suffix(b"\r");
                let line = line.and_then(|line| String::from_utf8(line.to_vec()).ok());
                self.taken += looked_at + place + 1;
                return line.ok_or_else(not_understood);
            }
            looked_at = rest.len();
            if looked_at > LONGEST_LINE {
                return Err(not_understood());
            }
            if self.taken > 0 {
                self.read.drain(..self.taken);
                self.taken = 0;
            }
            self.read_more(deadline)?;
        }
    }

    /// So many bytes, and CR LF after them.
    pub(crate) fn block(&mut self, length: usize, deadline: Deadline) -> io::Result<Vec<u8>> {
        // Room is made for what comes, not for what is announced.
        while self.read.len() - self.taken < length + 2 {
            self.read_more(deadline)?;
        }
        let rest = &self.read[self.taken..];
        if rest[length..length + 2] != *b"\r\n" {
            return Err(not_understood());
        }
        let block = rest[..length].to_vec();
        self.taken += length + 2;
        Ok(block)
    }
}

fn again_if_interrupted(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock => Err(io::ErrorKind::TimedOut.into()),
        _ => Err(error),
    }
}
