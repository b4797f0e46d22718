//! Webhooks against receivers of the tests' own, which answer, stall, cut, redirect and lie.
#![cfg(feature = "exports")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod receiver;

use std::io::{self, Cursor, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use attribution_core::{Resolve, WebhookDelivery, WebhookPolicy, WebhookRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use receiver::{
    Authority, Inner, Names, Receiver, deliver, deliver_file, drain, find, notice, policy,
    read_request, request, split,
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthank";

/// How late a busy machine may be. The receivers that stall do so for ever.
const SLACK: Duration = Duration::from_secs(2);

fn delivered(delivery: &WebhookDelivery) -> bool {
    matches!(delivery, WebhookDelivery::Delivered { .. })
}

fn reason(delivery: &WebhookDelivery) -> &str {
    match delivery {
        WebhookDelivery::Refused { reason } | WebhookDelivery::Again { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

/// What PHP's `hash_hmac` makes of a body, as a receiver would.
fn php_signature(body: &[u8], secret: &str) -> String {
    let code = "echo hash_hmac('sha256', stream_get_contents(STDIN), $argv[1]);";
    let mut php = Command::new("php")
        .args(["-n", "-r", code, secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test wants the command php: install php-cli");
    php.stdin.take().unwrap().write_all(body).unwrap();
    let output = php.wait_with_output().unwrap();
    assert!(output.status.success(), "php failed: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_delivery_is_one_post_known_to_the_byte() {
    let receiver = Receiver::answering(OK);
    let mut request = request(format!("{}/a%20b?token=x", receiver.url()));
    request.headers = [("X-API-key", "k1"), ("authorization", "Bearer k2")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let mut notice = notice();
    notice.scope_type = "campaign";
    notice.scope_id = Some(12);
    notice.download_url = Some("https://host.example/e/export-7.csv".to_owned());
    let file = "Date (UTC),Model\r\n\u{e9}".as_bytes();
    let delivery = request.deliver(&policy(), &notice, &mut Cursor::new(file), file.len() as u64);
    assert_eq!(delivery, WebhookDelivery::Delivered { status: 200, body: "thank".to_owned() });

    let host = receiver.address.to_string();
    let bytes = receiver.request();
    let (head, body) = split(&bytes);
    let expected = "{\"export_id\":7,\"model_id\":3,\"status\":\"completed\",\"format\":\"csv\",\
        \"scope_type\":\"campaign\",\"scope_id\":12,\"start_hour\":1717200000,\
        \"end_hour\":1717286400,\"rows_exported\":24,\"file_name\":\"export-7.csv\",\
        \"file_mime\":\"text/csv\",\"file_contents\":\"RGF0ZSAoVVRDKSxNb2RlbA0Kw6k=\",\
        \"completed_at\":1717290000,\"download_url\":\"https://host.example/e/export-7.csv\"}";
    assert_eq!(std::str::from_utf8(body).unwrap(), expected);

    let mut lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /hook/a%20b?token=x HTTP/1.1");
    lines.sort_unstable();
    // Made once by OpenSSL: openssl dgst -sha256 -hmac hush
    let signature = "64ca1231535a8ba09dd42033b5488ce372bb2d51d10a9013c0899fbf87d911c6";
    let version = env!("CARGO_PKG_VERSION");
    let mut known = [
        "Accept-Encoding: identity".to_owned(),
        "Accept: */*".to_owned(),
        "Connection: close".to_owned(),
        format!("Content-Length: {}", expected.len()),
        "Content-Type: application/json".to_owned(),
        format!("Host: {host}"),
        format!("User-Agent: attribution/{version}"),
        "X-API-key: k1".to_owned(),
        format!("X-Prosper202-Signature: {signature}"),
        "authorization: Bearer k2".to_owned(),
    ];
    known.sort_unstable();
    assert_eq!(lines, known);
}

#[test]
fn php_signs_alike() {
    let file: Vec<u8> = (0..200_001_u32).map(|index| (index * 31 + index / 7) as u8).collect();
    let receiver = Receiver::answering(OK);
    let mut request = request(receiver.url());
    request.secret = Some("gr\u{fc}n & \"s'cret".to_owned());
    assert!(delivered(&deliver_file(&policy(), &request, &file)));
    let bytes = receiver.request();
    let (head, body) = split(&bytes);
    let value: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(value["file_contents"], STANDARD.encode(&file));
    let sent = head.split("X-Prosper202-Signature: ").nth(1).unwrap().split("\r\n").next().unwrap();
    assert_eq!(sent, php_signature(body, "gr\u{fc}n & \"s'cret"));
}

#[test]
fn without_a_secret_nothing_is_signed() {
    for secret in [None, Some(String::new())] {
        let receiver = Receiver::answering(OK);
        let request = WebhookRequest { secret, ..request(receiver.url()) };
        assert!(delivered(&deliver_file(&policy(), &request, b"")));
        let bytes = receiver.request();
        let (head, body) = split(&bytes);
        assert!(!head.to_lowercase().contains("signature"));
        let value: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(value["file_contents"], "");
        assert_eq!(value["scope_id"], serde_json::Value::Null);
        assert!(value.get("download_url").is_none());
    }
}

#[test]
fn statuses_decide_what_becomes_of_a_delivery() {
    let answer = |status: u16, header: &str| {
        let length = if matches!(status, 204 | 304) { "" } else { "Content-Length: 4\r\n" };
        let body = if length.is_empty() { "" } else { "body" };
        format!("HTTP/1.1 {status} Name\r\n{length}{header}\r\n{body}")
    };
    for status in [200, 201, 202, 204, 299] {
        let receiver = Receiver::answering(answer(status, "Retry-After: 5\r\n"));
        let delivery = deliver(&policy(), &request(receiver.url()));
        let body = if status == 204 { "" } else { "body" }.to_owned();
        assert_eq!(delivery, WebhookDelivery::Delivered { status, body });
    }
    for status in [300, 301, 302, 303, 304, 307, 308, 400, 401, 404, 410, 413, 422] {
        let receiver = Receiver::answering(answer(status, ""));
        let delivery = deliver(&policy(), &request(receiver.url()));
        let body = if status == 304 { "" } else { "body" }.to_owned();
        assert_eq!(delivery, WebhookDelivery::Rejected { status, body });
    }
    let second = Duration::from_secs(1);
    for (status, header, wait) in [
        (408, "", None),
        (429, "Retry-After: 7\r\n", Some(7 * second)),
        (429, "retry-after: 99999999\r\n", Some(86_400 * second)),
        (429, "Retry-After: Thu, 01 Jan 2015 00:00:00 GMT\r\n", Some(Duration::ZERO)),
        (429, "Retry-After: Thu, 31 Dec 2099 23:59:59 GMT\r\n", Some(86_400 * second)),
        (429, "Retry-After: soon\r\n", None),
        (500, "", None),
        (502, "", None),
        (503, "Retry-After: 60\r\n", Some(60 * second)),
        (504, "", None),
        (599, "", None),
    ] {
        let receiver = Receiver::answering(answer(status, header));
        let delivery = deliver(&policy(), &request(receiver.url()));
        let WebhookDelivery::Again { status: seen, body, after, reason } = delivery else {
            panic!("{status}: {delivery:?}");
        };
        assert_eq!((seen, body.as_deref(), after), (Some(status), Some("body"), wait));
        assert!(reason.contains(&status.to_string()), "{reason}");
    }
}

#[test]
fn redirects_inside_are_not_followed() {
    let inner = Inner::start();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://{}/secrets", inner.address());
        let receiver = Receiver::answering(format!(
            "HTTP/1.1 {status} Away\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ));
        let delivery = deliver(&policy(), &request(receiver.url()));
        assert_eq!(delivery, WebhookDelivery::Rejected { status, body: String::new() });
        inner.saw_nothing();
    }
}

/// Runs a script of a receiver, which must be given up on in time; tells the delivery.
fn stalled(
    name: &str,
    url: &str,
    file: &[u8],
    script: impl FnOnce(&mut TcpStream) -> io::Result<Vec<u8>> + Send + 'static,
) -> WebhookDelivery {
    let receiver = Receiver::start(script);
    let policy = WebhookPolicy { timeout: Duration::from_millis(400), ..policy() };
    let request = request(url.replace("RECEIVER", &receiver.address.to_string()));
    let started = Instant::now();
    let delivery = deliver_file(&policy, &request, file);
    let elapsed = started.elapsed();
    // What it wrote to and read from is closed by now.
    let _ = receiver.ended();
    assert!(matches!(delivery, WebhookDelivery::Again { .. }), "{name}: {delivery:?}");
    assert!(reason(&delivery).contains("0.4 s were over while"), "{name}: {delivery:?}");
    assert!(elapsed >= Duration::from_millis(390), "{name}: gave up after {elapsed:?}");
    assert!(elapsed < Duration::from_millis(400) + SLACK, "{name}: took {elapsed:?}");
    delivery
}

/// Writes a byte now and then until the other end has enough, or 10 s and more are over.
fn trickle(stream: &mut TcpStream, bytes: impl Iterator<Item = u8>) -> io::Result<()> {
    for byte in bytes.take(2_000) {
        stream.write_all(&[byte])?;
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

#[test]
fn receivers_that_stall_are_given_up_on_in_time() {
    let plain = "http://RECEIVER/";
    let small: &[u8] = b"a,b\n";
    stalled("no answer", plain, small, |stream| {
        read_request(stream)?;
        drain(stream)?;
        Ok(Vec::new())
    });
    stalled("half a head", plain, small, |stream| {
        read_request(stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Len")?;
        drain(stream)?;
        Ok(Vec::new())
    });
    stalled("a head that trickles", plain, small, |stream| {
        read_request(stream)?;
        trickle(stream, b"HTTP/1.1 200 OK\r\nX: ".iter().copied().chain((0..).map(|_| b'x')))?;
        Ok(Vec::new())
    });
    let delivery = stalled("a body that trickles", plain, small, |stream| {
        read_request(stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nxx")?;
        trickle(stream, (0..).map(|_| b'x'))?;
        Ok(Vec::new())
    });
    let WebhookDelivery::Again { status, body, .. } = delivery else { unreachable!() };
    assert_eq!(status, Some(200));
    assert!(body.unwrap().starts_with("xx"));
    stalled("no handshake", "https://RECEIVER/", small, |stream| {
        drain(stream)?;
        Ok(Vec::new())
    });
    // A record of TLS that never becomes whole.
    stalled("a handshake that trickles", "https://RECEIVER/", small, |stream| {
        trickle(stream, [22, 3, 3, 0x3f, 0xff].into_iter().chain((0..).map(|_| 2)))?;
        Ok(Vec::new())
    });
}

#[test]
fn receivers_that_do_not_read_are_given_up_on_in_time() {
    type Script = fn(&mut TcpStream, &mpsc::Receiver<()>) -> io::Result<u64>;
    // More than the system keeps for a connection.
    let large = vec![7; 9_000_000];
    let policy = WebhookPolicy { timeout: Duration::from_secs(1), ..policy() };
    let scripts: [(&str, Script); 2] = [
        ("never", |_, done| {
            let _ = done.recv();
            Ok(0)
        }),
        ("a little at a time", |stream, done| {
            let mut buffer = [0; 1_024];
            while done.try_recv().is_err() {
                stream.read_exact(&mut buffer)?;
                sleep(Duration::from_millis(5));
            }
            Ok(0)
        }),
    ];
    let deliveries = scripts.map(|(name, script)| {
        let (policy, large) = (policy.clone(), large.clone());
        spawn(move || {
            let (done, is_done) = mpsc::channel();
            let receiver = Receiver::start(move |stream| {
                script(stream, &is_done)?;
                Ok(Vec::new())
            });
            // Not signed, as that takes a build without optimizations a second.
            let request = WebhookRequest { secret: None, ..request(receiver.url()) };
            let started = Instant::now();
            let delivery = deliver_file(&policy, &request, &large);
            let elapsed = started.elapsed();
            done.send(()).unwrap();
            let _ = receiver.ended();
            assert_eq!(
                reason(&delivery),
                "1 s were over while the receiver took the body",
                "{name}"
            );
            assert!(elapsed < Duration::from_secs(1) + SLACK, "{name}: took {elapsed:?}");
        })
    });
    for delivery in deliveries {
        delivery.join().unwrap();
    }
}

#[test]
fn a_listener_that_accepts_nobody_is_given_up_on_in_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    // Fills the queue of those that wait to be accepted; after it, connecting hangs.
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 10_000);
    }
    let policy = WebhookPolicy { timeout: Duration::from_millis(400), ..policy() };
    let started = Instant::now();
    let delivery = deliver(&policy, &request(format!("http://{address}/")));
    assert_eq!(reason(&delivery), "0.4 s were over while the connection was being made");
    assert!(started.elapsed() < Duration::from_millis(400) + SLACK);
}

#[test]
fn a_look_up_that_hangs_is_given_up_on_in_time() {
    struct Hanging(Mutex<mpsc::Receiver<()>>);
    impl Resolve for Hanging {
        fn resolve(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
            let _ = self.0.lock().unwrap().recv();
            Ok(Vec::new())
        }
    }
    let (end, ended) = mpsc::channel();
    let policy = WebhookPolicy {
        timeout: Duration::from_millis(300),
        resolver: Some(Arc::new(Hanging(Mutex::new(ended)))),
        ..policy()
    };
    let started = Instant::now();
    let delivery = deliver(&policy, &request("http://receiver.example/"));
    drop(end);
    assert_eq!(reason(&delivery), "0.3 s were over while the host's name was being looked up");
    assert!(started.elapsed() < Duration::from_millis(300) + SLACK);
}

#[test]
fn responses_that_break_off_are_tried_again() {
    for (answer, status, body) in [
        ("", None, None),
        ("HTTP/1.1 200 OK\r\nContent-Le", None, None),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart", Some(200), Some("part")),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\npart", Some(200), Some("part")),
        ("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\npart", Some(500), Some("part")),
        ("no HTTP at all\r\n\r\n", None, None),
        ("SSH-2.0-OpenSSH_9.2\r\n", None, None),
    ] {
        let receiver = Receiver::answering(answer);
        let delivery = deliver(&policy(), &request(receiver.url()));
        let WebhookDelivery::Again { status: seen, body: text, reason, after } = delivery else {
            panic!("{answer:?}: {delivery:?}");
        };
        assert_eq!((seen, text.as_deref(), after), (status, body, None), "{answer:?}: {reason}");
    }
    // What was said for good stays said.
    let receiver = Receiver::answering("HTTP/1.1 404 No\r\nContent-Length: 100\r\n\r\npart");
    let delivery = deliver(&policy(), &request(receiver.url()));
    assert_eq!(delivery, WebhookDelivery::Rejected { status: 404, body: "part".to_owned() });
    // Nobody listens.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let delivery = deliver(&policy(), &request(format!("http://{address}/")));
    assert!(matches!(delivery, WebhookDelivery::Again { status: None, .. }));
    assert!(reason(&delivery).contains("refused"), "{delivery:?}");
}

#[test]
fn responses_without_end_are_no_responses() {
    for (start, more) in [
        ("", "x"),
        ("", "HTTP/1.1 102 Processing\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
        ("HTTP/1.1 200 OK\r\nX: ", "y"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"),
    ] {
        let receiver = Receiver::start(move |stream| {
            let request = read_request(stream)?;
            stream.write_all(start.as_bytes())?;
            let block = more.repeat(1_024);
            while stream.write_all(block.as_bytes()).is_ok() {}
            Ok(request)
        });
        let started = Instant::now();
        let policy = WebhookPolicy { timeout: Duration::from_millis(600), ..policy() };
        let delivery = deliver(&policy, &request(receiver.url()));
        assert!(matches!(delivery, WebhookDelivery::Again { .. }), "{start:?}: {delivery:?}");
        assert!(started.elapsed() < Duration::from_millis(600) + SLACK, "{start:?}");
        receiver.request();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn no_response_breaks_the_client(pieces in proptest::collection::vec(0..PIECES.len(), 0..12)) {
        let answer: Vec<u8> = pieces.iter().flat_map(|piece| PIECES[*piece].bytes()).collect();
        let receiver = Receiver::answering(answer.clone());
        let delivery = deliver(&policy(), &request(receiver.url()));
        receiver.request();
        let sent = !matches!(delivery, WebhookDelivery::Refused { .. });
        prop_assert!(sent, "{:?}", delivery);
        if delivered(&delivery) {
            prop_assert!(find(&answer, b" 20").is_some());
        }
    }
}

/// What responses are made of, and what they are not.
const PIECES: [&str; 24] = [
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 \r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n",
    "HTTP/1.1 302 Found\r\n",
    "HTTP/1.1 101 Other\r\n\r\n",
    "HTTP/1.1 204 No\r\n",
    "HTTP/1.1 999 ?\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: -3\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Location: http://127.0.0.1/\r\n",
    "Location: \r\n",
    "Connection: close\r\n",
    "Retry-After: x\r\n",
    "X: \u{ff}\r\n",
    "\r\n",
    "\r\n",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
    "ffffffffffffffffff\r\n",
    "\0",
];

#[test]
fn first_500_then_200() {
    let request = |receiver: &Receiver| request(receiver.url());
    let receiver = Receiver::answering("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    let first = deliver(&policy(), &request(&receiver));
    assert!(matches!(first, WebhookDelivery::Again { status: Some(500), .. }));
    let first = receiver.request();
    let receiver = Receiver::answering(OK);
    assert!(delivered(&deliver(&policy(), &request(&receiver))));
    let second = receiver.request();
    assert_eq!(split(&first).1, split(&second).1);
}

#[test]
fn an_answer_before_the_whole_body_is_heard() {
    let receiver = Receiver::start(|stream| {
        let mut some = [0; 1_000];
        stream.read_exact(&mut some)?;
        stream.write_all(b"HTTP/1.1 413 Large\r\nContent-Length: 5\r\n\r\nlarge")?;
        stream.shutdown(std::net::Shutdown::Write)?;
        // Takes a while to see that nobody listens, as servers do.
        drain(&mut stream.take(2_000_000))?;
        Ok(Vec::new())
    });
    let delivery = deliver_file(&policy(), &request(receiver.url()), &vec![7; 3_000_000]);
    assert_eq!(delivery, WebhookDelivery::Rejected { status: 413, body: "large".to_owned() });
}

#[test]
fn text_that_is_none_is_kept_as_text_of_64_kib_at_most() {
    let answer = |body: &[u8]| {
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        answer.extend_from_slice(body);
        answer
    };
    let kept = |body: &[u8]| {
        let receiver = Receiver::answering(answer(body));
        match deliver(&policy(), &request(receiver.url())) {
            WebhookDelivery::Delivered { body, .. } => body,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(kept(b"a\xff\xc3b\0"), "a\u{fffd}\u{fffd}b\0");
    assert_eq!(kept(&vec![b'a'; 65_536]), "a".repeat(65_536));
    // A letter across the limit is left out.
    let mut cut = vec![b'a'; 65_535];
    cut.extend_from_slice("\u{e9}".as_bytes());
    assert_eq!(kept(&cut), "a".repeat(65_535));
    // The sign for a broken letter takes three bytes.
    assert_eq!(kept(&vec![0xff; 65_536]), "\u{fffd}".repeat(21_845));
}

#[test]
fn compressed_responses_are_not_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![b'a'; 1_000_000]).unwrap();
    let packed = packed.finish().unwrap();
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    )
    .into_bytes();
    answer.extend_from_slice(&packed);
    let receiver = Receiver::answering(answer);
    let delivery = deliver(&policy(), &request(receiver.url()));
    let WebhookDelivery::Delivered { body, .. } = delivery else { panic!("{delivery:?}") };
    assert_eq!(body, String::from_utf8_lossy(&packed));
}

#[test]
fn nothing_is_kept_open() {
    let receiver = Receiver::start(|stream| {
        let request = read_request(stream)?;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")?;
        assert_eq!(drain(stream)?, 0);
        Ok(request)
    });
    assert!(delivered(&deliver(&policy(), &request(receiver.url()))));
    receiver.request();
}

#[test]
fn certificates_are_verified() {
    let authority = Authority::new("The tests' authority");
    let (_folder, roots) = authority.file();
    let trusting = |roots| WebhookPolicy {
        root_certificates: roots,
        resolver: Some(Names::new(&[&["127.0.0.1"]])),
        ..policy()
    };
    let post = |receiver: &Receiver, host: &str, policy: &WebhookPolicy| {
        let url = format!("https://{host}:{}/", receiver.address.port());
        deliver(policy, &request(url))
    };
    let good = authority.sign(&["receiver.example", "127.0.0.1"], 2999);
    for host in ["receiver.example", "127.0.0.1"] {
        let receiver = Receiver::secure(&good, OK);
        let delivery = post(&receiver, host, &trusting(Some(roots.clone())));
        assert_eq!(delivery, WebhookDelivery::Delivered { status: 200, body: "thank".to_owned() });
        let bytes = receiver.request();
        let (head, body) = split(&bytes);
        let signature = format!("X-Prosper202-Signature: {}\r\n", php_signature(body, "hush"));
        assert!(head.contains(&signature), "{head}");
    }

    let other = Authority::new("Another authority").sign(&["receiver.example"], 2999);
    let wrong_name = authority.sign(&["other.example"], 2999);
    let expired = authority.sign(&["receiver.example"], 2020);
    for (certificate, roots, why) in [
        (&good, None, "UnknownIssuer"),
        (&other, Some(roots.clone()), "UnknownIssuer"),
        (&wrong_name, Some(roots.clone()), "not valid for name"),
        (&expired, Some(roots.clone()), "expired"),
    ] {
        let receiver = Receiver::secure(certificate, OK);
        let delivery = post(&receiver, "receiver.example", &trusting(roots));
        assert!(matches!(delivery, WebhookDelivery::Again { status: None, .. }), "{delivery:?}");
        assert!(reason(&delivery).contains(why), "{why}: {delivery:?}");
        assert!(receiver.ended().is_err(), "{why}: the receiver got a request");
    }

    let inner = Inner::start();
    let url = format!("https://{}/", inner.address());
    for file in ["/nowhere/roots.pem", file!()] {
        let delivery = deliver(&trusting(Some(file.into())), &request(&url));
        assert!(reason(&delivery).contains("root certificates"), "{delivery:?}");
    }
    inner.saw_nothing();
}

#[test]
fn a_name_is_looked_up_once_and_that_answer_is_connected_to() {
    // 127.0.0.1 stands for what is inside, 127.0.0.2 for what is outside, on the same port.
    let receiver = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    let port = receiver.local_addr().unwrap().port();
    let inside = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    inside.set_nonblocking(true).unwrap();
    let thread = spawn(move || {
        let (mut stream, _) = receiver.accept().unwrap();
        let request = read_request(&mut stream).unwrap();
        stream.write_all(OK.as_bytes()).unwrap();
        request
    });
    let names = Names::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let mut policy = WebhookPolicy { resolver: Some(names.clone()), ..WebhookPolicy::default() };
    policy.allow_network("127.0.0.2").unwrap();
    let request = request(format!("http://Receiver.example:{port}/"));
    assert!(delivered(&deliver(&policy, &request)));
    let bytes = thread.join().unwrap();
    assert!(split(&bytes).0.contains(&format!("Host: receiver.example:{port}\r\n")));
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    assert_eq!(*names.hosts.lock().unwrap(), [("receiver.example".to_owned(), port)]);

    // The next delivery asks anew, and the answer is inside by now.
    let delivery = deliver(&policy, &request);
    assert!(matches!(delivery, WebhookDelivery::Refused { .. }), "{delivery:?}");
    assert!(reason(&delivery).contains("127.0.0.1, a loopback address"), "{delivery:?}");
    assert_eq!(inside.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn every_address_of_a_name_must_be_public() {
    let inner = Inner::start();
    let port = inner.address().port();
    for addresses in [
        &["127.0.0.2", "10.0.0.1"][..],
        &["10.0.0.1", "127.0.0.2"],
        &["8.8.8.8", "127.0.0.1", "127.0.0.2"],
        &["::1"],
        &["::ffff:10.0.0.1"],
        &["64:ff9b::7f00:2"],
        &["2002:7f00:2::"],
        &["2606:4700:4700::1111", "fd00::1"],
        &["0.0.0.0"],
        &["169.254.169.254"],
    ] {
        let resolver: Option<Arc<dyn Resolve>> = Some(Names::new(&[addresses]));
        let mut policy = WebhookPolicy { resolver, ..WebhookPolicy::default() };
        policy.allow_network("127.0.0.2/32").unwrap();
        let delivery = deliver(&policy, &request(format!("http://receiver.example:{port}/")));
        assert!(matches!(delivery, WebhookDelivery::Refused { .. }), "{addresses:?}: {delivery:?}");
    }
    for (answers, why) in [(&[&[][..]][..], "no address"), (&[], "not found")] {
        let policy = WebhookPolicy { resolver: Some(Names::new(answers)), ..policy() };
        let delivery = deliver(&policy, &request(format!("http://receiver.example:{port}/")));
        assert!(matches!(delivery, WebhookDelivery::Again { .. }), "{delivery:?}");
        assert!(reason(&delivery).contains(why), "{delivery:?}");
    }
    // Those of the system's own look-up are checked alike.
    let strict = WebhookPolicy { timeout: Duration::from_secs(5), ..WebhookPolicy::default() };
    for host in ["localhost", "127.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let delivery = deliver(&strict, &request(format!("http://{host}:{port}/")));
        assert!(matches!(delivery, WebhookDelivery::Refused { .. }), "{host}: {delivery:?}");
    }
    inner.saw_nothing();
}

#[test]
fn an_address_that_does_not_answer_leaves_the_others_their_time() {
    let receiver = Receiver::answering(OK);
    let port = receiver.address.port();
    // Nothing listens on the first; the last is the receiver's, in its mapped form.
    let names = Names::new(&[&["127.0.0.3", "127.0.0.3", "::ffff:127.0.0.1"]]);
    let policy = WebhookPolicy { resolver: Some(names), ..policy() };
    assert!(delivered(&deliver(&policy, &request(format!("http://receiver.example:{port}/")))));
    receiver.request();
}

#[test]
fn what_the_policy_forbids_is_not_sent() {
    let inner = Inner::start();
    let url = format!("http://{}/", inner.address());
    let refused = |policy: &WebhookPolicy, request: &WebhookRequest, file: &[u8], bytes: u64| {
        let delivery = request.deliver(policy, &notice(), &mut Cursor::new(file), bytes);
        assert!(matches!(delivery, WebhookDelivery::Refused { .. }), "{delivery:?}");
        reason(&delivery).to_owned()
    };
    let why = refused(&WebhookPolicy::default(), &request(&url), b"a", 1);
    assert!(why.contains("127.0.0.1 is a loopback address"), "{why}");
    let small = WebhookPolicy { largest_file: 3, ..policy() };
    let why = refused(&small, &request(&url), b"abcd", 4);
    assert!(why.contains("4 bytes, allowed: at most 3"), "{why}");
    refused(&policy(), &request(&url), b"abc", 4);
    refused(&policy(), &request(&url), b"abcd", 3);
    for (name, value) in [
        ("Host", "inner"),
        ("content-length", "3"),
        ("Transfer-Encoding", "chunked"),
        ("X-PROSPER202-signature", "00"),
        ("Content-Type", "text/html"),
        ("Connection", "keep-alive"),
        ("X-Name", "a\r\nHost: inner"),
        ("X-Name: a\r\nHost", "inner"),
    ] {
        let mut request = request(&url);
        request.headers.push((name.to_owned(), value.to_owned()));
        assert!(request.check(&policy()).is_err(), "{name}: {value}");
        refused(&policy(), &request, b"a", 1);
    }
    inner.saw_nothing();
}

#[test]
fn secrets_are_told_to_nobody() {
    let mut request = WebhookRequest {
        url: "http://user:hush-url@127.0.0.1/".to_owned(),
        secret: Some("hush-secret".repeat(30)),
        headers: vec![("Authorization".to_owned(), "hush-header\n".to_owned())],
    };
    let mut told = vec![format!("{:?}", WebhookRequest { url: String::new(), ..request.clone() })];
    let tell = |request: &WebhookRequest, told: &mut Vec<String>| {
        told.push(request.check(&policy()).unwrap_err().to_string());
        told.push(format!("{:?}", request.check(&policy()).unwrap_err()));
        told.push(format!("{:?}", deliver(&policy(), request)));
    };
    tell(&request, &mut told);
    request.secret = Some("hush-secret".to_owned());
    tell(&request, &mut told);
    request.headers[0].1 = "hush-header".to_owned();
    tell(&request, &mut told);
    let receiver = Receiver::answering("HTTP/1.1 500 No\r\n\r\n");
    request.url = receiver.url();
    told.push(format!("{:?}", deliver(&policy(), &request)));
    receiver.request();
    let told = told.join("\n");
    assert!(!told.contains("hush") && told.contains("Authorization"), "{told}");
}

/// Runs a test of this file again, in a process of its own.
fn in_a_process(name: &str, environment: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--test-threads=1", "--nocapture"])
        .env("WEBHOOK_TEST_PROCESS", "1")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && shown.contains("1 passed"), "{shown}\n{told}");
}

fn is_a_process_of_its_own() -> bool {
    std::env::var_os("WEBHOOK_TEST_PROCESS").is_some()
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    if is_a_process_of_its_own() {
        assert!(std::env::var("HTTP_PROXY").is_ok() && std::env::var("NO_PROXY").is_err());
        let authority = Authority::new("The tests' authority");
        let (_folder, roots) = authority.file();
        let policy = WebhookPolicy {
            root_certificates: Some(roots),
            resolver: Some(Names::new(&[&["127.0.0.1"]])),
            ..policy()
        };
        let certificate = authority.sign(&["receiver.example"], 2999);
        for (scheme, receiver) in
            [("http", Receiver::answering(OK)), ("https", Receiver::secure(&certificate, OK))]
        {
            let url = format!("{scheme}://receiver.example:{}/", receiver.address.port());
            assert!(delivered(&deliver(&policy, &request(url))));
            assert!(receiver.request().starts_with(b"POST / HTTP/1.1\r\n"));
        }
        return;
    }
    let proxy = Inner::start();
    let url = format!("http://{}", proxy.address());
    let socks = format!("socks5://{}", proxy.address());
    for url in [url, socks] {
        let names =
            ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let environment = names.map(|name| (name, url.as_str()));
        in_a_process("proxies_of_the_environment_are_ignored", &environment);
        proxy.saw_nothing();
    }
}

/// The most memory that the process has had, and its threads.
#[cfg(target_os = "linux")]
fn memory_and_threads() -> (usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    (number("VmHWM:") * 1_024, number("Threads:"))
}

/// A file that is never held whole: how far it is read, and its size.
#[cfg(target_os = "linux")]
struct Endless(u64, u64);

#[cfg(target_os = "linux")]
impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min((self.1 - self.0) as usize);
        buffer[..count].fill(b'a');
        self.0 += count as u64;
        Ok(count)
    }
}

#[cfg(target_os = "linux")]
impl io::Seek for Endless {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.0 = match to {
            io::SeekFrom::Start(at) => at,
            io::SeekFrom::End(0) => self.1,
            _ => unreachable!(),
        };
        Ok(self.0)
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_flat_for_large_files_and_for_gigabytes_of_response() {
    const NAME: &str = "memory_is_flat_for_large_files_and_for_gigabytes_of_response";
    if !is_a_process_of_its_own() {
        return in_a_process(NAME, &[]);
    }
    let names = || -> Option<Arc<dyn Resolve>> { Some(Names::new(&[&["127.0.0.1"]])) };
    let policy = WebhookPolicy { resolver: names(), timeout: Duration::from_secs(60), ..policy() };
    let post = |secret: Option<&str>, head: &'static str, chunk: &'static str| {
        let receiver = Receiver::start(move |stream| {
            let mut head_of_request = [0; 400];
            stream.read_exact(&mut head_of_request)?;
            let text = String::from_utf8_lossy(&head_of_request).into_owned();
            let end = find(&head_of_request, b"\r\n\r\n").unwrap() + 4;
            let length = text.split("Content-Length: ").nth(1).unwrap();
            let length: u64 = length.split("\r\n").next().unwrap().parse().unwrap();
            drain(&mut stream.take(length - (400 - end as u64)))?;
            stream.write_all(head.as_bytes())?;
            let block = chunk.repeat(1_024);
            // Gigabytes, were it not cut.
            while stream.write_all(block.as_bytes()).is_ok() {}
            Ok(Vec::new())
        });
        let url = format!("http://receiver.example:{}/", receiver.address.port());
        let file = &mut Endless(0, 10_000_000);
        let request = WebhookRequest { secret: secret.map(str::to_owned), ..request(url) };
        let delivery = request.deliver(&policy, &notice(), file, 10_000_000);
        let WebhookDelivery::Delivered { body, .. } = delivery else { panic!("{delivery:?}") };
        assert_eq!(body.len(), 65_536);
        receiver.request();
    };
    // What a first small delivery takes is taken for granted.
    let receiver = Receiver::answering(OK);
    assert!(delivered(&deliver(&policy, &request(receiver.url()))));
    receiver.request();
    let before = memory_and_threads();
    post(Some("hush"), "HTTP/1.1 200 OK\r\n\r\n", "0123456789abcdef");
    post(None, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "0123456789abcdef");
    post(None, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "a\r\n0123456789\r\n");
    let after = memory_and_threads();
    assert!(after.0 - before.0 < 8 << 20, "{before:?} to {after:?}");
    assert_eq!(after.1, before.1, "threads are left");
}
