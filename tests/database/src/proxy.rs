//! A proxy on this machine between the command and the server, which harms what passes through it.
//!
//! It reads as much of the protocol as is needed to see a client's COMMIT: packets of a length, a
//! number and a payload, whose first byte is 3 for a query.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use crate::random::Random;

/// What a proxy does to what passes through it. Each fault is done once, then the proxy is harmless,
/// but for the delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Cuts the connection on which the client has sent so many bytes, all connections counted
    /// together, wherever in a packet that is.
    CutClient(u64),
    /// Cuts the connection on which the server has sent so many bytes, all connections counted
    /// together.
    CutServer(u64),
    /// Cuts all connections so long after the first was made.
    CutAllAfter(Duration),
    /// Lets the COMMIT of this number, from 1, through to the server, and cuts the connection in
    /// place of the server's reply.
    DropCommitReply(u64),
    /// Cuts the connection before the COMMIT of this number, from 1, which never reaches the server.
    CutBeforeCommit(u64),
    /// Holds up the client's packets now and then, up to so long each.
    Delay(Duration),
}

impl Fault {
    /// A fault by chance, for a run that sends and receives about so many bytes in so long with so
    /// many COMMITs.
    pub fn random(random: &mut Random, usual: &Passed, duration: Duration) -> Self {
        match random.below(6) {
            0 => Self::CutClient(random.below(usual.from_client.max(1))),
            1 => Self::CutServer(random.below(usual.from_server.max(1))),
            2 => Self::CutAllAfter(duration.mul_f64(random.below(1_000) as f64 / 1_000.0)),
            3 => Self::CutBeforeCommit(random.between(1, usual.commits.max(1))),
            _ => Self::DropCommitReply(random.between(1, usual.commits.max(1))),
        }
    }
}

/// What has passed through a proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Connections that were made.
    pub connections: u64,
    /// Bytes from the clients.
    pub from_client: u64,
    /// Bytes from the server.
    pub from_server: u64,
    /// COMMITs that clients sent.
    pub commits: u64,
    /// Faults that were done.
    pub faults: u64,
}

#[derive(Debug)]
struct Shared {
    fault: Fault,
    server: u16,
    random: Mutex<Random>,
    connections: AtomicU64,
    from_client: AtomicU64,
    from_server: AtomicU64,
    commits: AtomicU64,
    faults: AtomicU64,
    ended: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Shared {
    /// Whether the fault is still to be done, which it is once.
    fn first_time(&self) -> bool {
        self.faults.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn cut_all(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A proxy. It ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy to a port of this machine.
    pub fn start(server: u16, fault: Fault, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            fault,
            server,
            random: Mutex::new(Random::new(seed)),
            connections: AtomicU64::new(0),
            from_client: AtomicU64::new(0),
            from_server: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            streams: Mutex::new(Vec::new()),
        });
        let listening = Some(spawn({
            let shared = Arc::clone(&shared);
            move || listen(&listener, &shared)
        }));
        Self { port, shared, listening }
    }

    /// The port that clients are to use.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What has passed so far.
    pub fn passed(&self) -> Passed {
        let count = |number: &AtomicU64| number.load(Ordering::SeqCst);
        Passed {
            connections: count(&self.shared.connections),
            from_client: count(&self.shared.from_client),
            from_server: count(&self.shared.from_server),
            commits: count(&self.shared.commits),
            faults: count(&self.shared.faults),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.shared.cut_all();
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut cut_at = None;
    while !shared.ended.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((client, _)) => {
                if let (Fault::CutAllAfter(after), None) = (shared.fault, cut_at) {
                    cut_at = Some(Instant::now() + after);
                }
                connect(client, shared);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                sleep(Duration::from_millis(1));
            }
            Err(_) => break,
        }
        if cut_at.is_some_and(|at| Instant::now() >= at) && shared.first_time() {
            shared.cut_all();
        }
    }
    shared.cut_all();
}

fn connect(client: TcpStream, shared: &Arc<Shared>) {
    shared.connections.fetch_add(1, Ordering::SeqCst);
    // Where the server is down, the client's connection is closed.
    let Ok(server) = TcpStream::connect(("127.0.0.1", shared.server)) else { return };
    let _ = client.set_nonblocking(false);
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
        if let Ok(copy) = stream.try_clone() {
            shared.streams.lock().unwrap().push(copy);
        }
    }
    let (Ok(client_in), Ok(server_in)) = (client.try_clone(), server.try_clone()) else { return };
    let swallow = Arc::new(AtomicBool::new(false));
    spawn({
        let (shared, swallow) = (Arc::clone(shared), Arc::clone(&swallow));
        move || {
            let _ = from_client(client_in, &server, &shared, &swallow);
            let _ = server.shutdown(Shutdown::Write);
        }
    });
    let shared = Arc::clone(shared);
    spawn(move || {
        let _ = from_server(server_in, &client, &shared, &swallow);
        let _ = client.shutdown(Shutdown::Both);
    });
}

fn is_commit(header: [u8; 4], payload: &[u8]) -> bool {
    let Some((3, query)) = payload.split_first() else { return false };
    header[3] == 0
        && std::str::from_utf8(query)
            .is_ok_and(|query| query.trim().trim_end_matches(';').eq_ignore_ascii_case("commit"))
}

fn from_client(
    mut client: TcpStream,
    mut server: &TcpStream,
    shared: &Shared,
    swallow: &AtomicBool,
) -> std::io::Result<()> {
    let mut packet = Vec::new();
    loop {
        let mut header = [0; 4];
        client.read_exact(&mut header)?;
        let length =
            usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
        packet.clear();
        packet.extend_from_slice(&header);
        packet.resize(4 + length, 0);
        client.read_exact(&mut packet[4..])?;

        if is_commit(header, &packet[4..]) {
            let number = shared.commits.fetch_add(1, Ordering::SeqCst) + 1;
            match shared.fault {
                Fault::CutBeforeCommit(at) if at == number && shared.first_time() => {
                    let _ = client.shutdown(Shutdown::Both);
                    return Ok(());
                }
                Fault::DropCommitReply(at) if at == number && shared.first_time() => {
                    swallow.store(true, Ordering::SeqCst);
                }
                _ => {}
            }
        }
        if let Fault::Delay(longest) = shared.fault {
            let mut random = shared.random.lock().unwrap();
            let wait = random.percent(2).then(|| random.below(longest.as_micros() as u64 + 1));
            drop(random);
            if let Some(wait) = wait {
                shared.faults.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_micros(wait));
            }
        }
        let sent = packet.len() as u64;
        let before = shared.from_client.fetch_add(sent, Ordering::SeqCst);
        if let Fault::CutClient(at) = shared.fault
            && (before..before + sent).contains(&at)
            && shared.first_time()
        {
            server.write_all(&packet[..(at - before) as usize])?;
            let _ = client.shutdown(Shutdown::Both);
            return Ok(());
        }
        server.write_all(&packet)?;
    }
}

fn from_server(
    mut server: TcpStream,
    mut client: &TcpStream,
    shared: &Shared,
    swallow: &AtomicBool,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = server.read(&mut buffer)?;
        if length == 0 || swallow.load(Ordering::SeqCst) {
            // The server has answered, so what it was asked to commit is committed.
            let _ = server.shutdown(Shutdown::Both);
            return Ok(());
        }
        let sent = length as u64;
        let before = shared.from_server.fetch_add(sent, Ordering::SeqCst);
        if let Fault::CutServer(at) = shared.fault
            && (before..before + sent).contains(&at)
            && shared.first_time()
        {
            client.write_all(&buffer[..(at - before) as usize])?;
            let _ = server.shutdown(Shutdown::Both);
            return Ok(());
        }
        client.write_all(&buffer[..length])?;
    }
}
