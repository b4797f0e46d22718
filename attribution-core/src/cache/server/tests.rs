//! Servers that are not what they should be: however they behave, a read takes a bounded time and
//! nothing that is wrong is given.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::cache::clock::ManualClock;
use crate::cache::expiry::{Lifetime, Random};
use crate::cache::key::Key;
use crate::cache::rows;
use crate::cache::statistics::{CacheStatistics, Counters};

const TIMEOUT: Duration = Duration::from_millis(40);
/// What a machine that is busy with other things may add to it.
const SLACK: Duration = Duration::from_millis(1_500);

/// A listener that treats each connection so. Its threads end with the connections.
fn listener(treat: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let treat = Arc::new(treat);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let treat = Arc::clone(&treat);
            thread::spawn(move || treat(stream));
        }
    });
    port
}

struct Bench {
    client: Client,
    clock: ManualClock,
    random: Random,
    counters: Counters,
    key: Arc<Key>,
}

impl Bench {
    fn new(url: &str) -> Self {
        Self {
            client: Client::new(CacheServer::from_url(url).unwrap()),
            clock: ManualClock::default(),
            random: Random::of_seed(1),
            counters: Counters::default(),
            key: Arc::new(Key::of_model(1)),
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            key: &self.key,
            generation: 7,
            clock: &self.clock,
            random: &self.random,
            counters: &self.counters,
        }
    }

    /// Asks and stores as a read does; says what was found and how long it took.
    fn read(&self) -> (Option<Value>, Duration) {
        let begin = Instant::now();
        let mut budget = Budget::new(TIMEOUT);
        let found = self.client.get(&self.asked(), &mut budget);
        self.client.set(&self.asked(), &value(), &mut budget);
        (found, begin.elapsed())
    }

    fn counts(&self) -> CacheStatistics {
        self.counters.get()
    }
}

fn value() -> Value {
    let lifetime = Lifetime { expires: Duration::from_secs(300), cost: Duration::ZERO };
    Value { rows: rows(168).into(), lifetime }
}

/// Answers everything with these bytes.
fn answering(answer: impl Into<Vec<u8>>) -> impl Fn(TcpStream) + Send + Sync {
    let answer = answer.into();
    move |mut stream| {
        let mut part = vec![0; 65_536];
        while stream.read(&mut part).is_ok_and(|read| read > 0) {
            if stream.write_all(&answer).is_err() {
                break;
            }
        }
    }
}

fn both(port: u16) -> [Bench; 2] {
    ["redis", "memcached"].map(|scheme| Bench::new(&format!("{scheme}://127.0.0.1:{port}")))
}

#[test]
fn rubbish_is_no_answer_and_takes_a_bounded_time() {
    let noise: Vec<u8> =
        (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let answers: [&[u8]; 14] = [
        b"\r\n",
        b"\n",
        b"$\r\n",
        b"$-2\r\n",
        b"$99999999999999999999\r\n",
        b"$1000001\r\n",
        b"$18446744073709551615\r\n",
        b"VALUE\r\n",
        b"VALUE other 0 3\r\nabc\r\nEND\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"-ERR unknown command\r\n",
        b"ERROR\r\n",
        b"*3\r\n$1\r\na\r\n",
        &noise,
    ];
    for answer in answers {
        for bench in both(listener(answering(answer.to_vec()))) {
            let (found, took) = bench.read();
            assert!(found.is_none() && took < TIMEOUT + SLACK, "{took:?}");
            assert_eq!(bench.counts().server_failures, 1, "{bench:?}", bench = bench.client);
            // And then it is left alone.
            bench.read();
            let counts = bench.counts();
            assert_eq!((counts.server_failures, counts.server_skips), (1, 3));
        }
    }
}

#[test]
fn values_that_are_damaged_are_no_answer_and_the_server_is_none_the_worse() {
    let name = Name::new(&Key::of_model(1), 7);
    let mut bytes = encode(&name, &value());
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    for bytes in [&bytes[..], &bytes[..100], b""] {
        let mut answer = format!("${}\r\n", bytes.len()).into_bytes();
        answer.extend_from_slice(bytes);
        answer.extend_from_slice(b"\r\n");
        let port = listener(answering(answer));
        let bench = Bench::new(&format!("redis://127.0.0.1:{port}"));
        let found = bench.client.get(&bench.asked(), &mut Budget::new(SLACK));
        assert!(found.is_none());
        let counts = bench.counts();
        assert_eq!((counts.server_rejections, counts.server_failures), (1, 0));
    }
}

#[test]
fn servers_that_are_silent_or_trickle_or_cut_off_cost_a_bounded_time() {
    let silent = listener(|mut stream| {
        let mut part = vec![0; 65_536];
        while stream.read(&mut part).is_ok_and(|read| read > 0) {}
    });
    let reads_nothing = listener(|stream| {
        thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    // Each byte comes well within the time limit.
    let trickling = listener(|mut stream| {
        for byte in b"$900000\r\n".iter().chain(std::iter::repeat(&b'x')) {
            if stream.write_all(&[*byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
    });
    let cutting = listener(|mut stream| {
        let _ = stream.read(&mut [0; 16]);
        let _ = stream.write_all(b"$9000\r\nATsc");
    });
    let closing = listener(drop);
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for port in [silent, reads_nothing, trickling, cutting, closing, nobody] {
        for bench in both(port) {
            let (found, took) = bench.read();
            assert!(found.is_none() && took < TIMEOUT + SLACK, "{took:?}");
            let counts = bench.counts();
            // The storing is left out, whether for want of time or as it has just failed.
            assert!(counts.server_failures == 1 && counts.server_skips <= 1, "{counts:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_socket_that_accepts_no_more_costs_a_bounded_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    // Nobody accepts: some connections wait to be, and then there is no more room.
    let bench = Bench::new(&format!("redis+unix://{}", path.display()));
    for _ in 0..3 {
        let mut full = Vec::new();
        let deadline = Deadline::after(Duration::from_millis(300));
        while let Ok(wire) = Wire::to_socket(&path, deadline) {
            full.push(wire);
            if full.len() > 5_000 {
                break;
            }
        }
        let (found, took) = bench.read();
        assert!(found.is_none() && took < TIMEOUT + SLACK, "{took:?}");
        bench.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(bench.counts().server_failures, 3);
    let gone = Bench::new(&format!("memcached+unix://{}", folder.path().join("none").display()));
    assert!(gone.read().0.is_none());
    assert_eq!(gone.counts().server_failures, 1);
}

#[test]
fn a_full_server_is_asked_all_the_same() {
    let port = listener(|mut stream| {
        let mut part = vec![0; 65_536];
        let mut first = true;
        while stream.read(&mut part).is_ok_and(|read| read > 0) {
            let answer: &[u8] = if first { b"$-1\r\n" } else { b"-OOM command not allowed\r\n" };
            first = false;
            if stream.write_all(answer).is_err() {
                break;
            }
        }
    });
    let bench = Bench::new(&format!("redis://127.0.0.1:{port}"));
    let mut budget = Budget::new(SLACK);
    assert!(bench.client.get(&bench.asked(), &mut budget).is_none());
    bench.client.set(&bench.asked(), &value(), &mut budget);
    let counts = bench.counts();
    assert_eq!((counts.server_refusals, counts.server_failures), (1, 0));
    // What is too large for any server is not even sent.
    let large = Value { rows: rows(20_000).into(), ..value() };
    bench.client.set(&bench.asked(), &large, &mut budget);
    assert_eq!(bench.counts().server_refusals, 2);
}
