//! Receivers of webhooks on loopback, a stand-in for DNS, and certificates.

use std::io::{self, Cursor, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use attribution_core::{Resolve, WebhookDelivery, WebhookNotice, WebhookPolicy, WebhookRequest};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A receiver that takes one connection.
pub struct Receiver {
    pub address: SocketAddr,
    thread: JoinHandle<io::Result<Vec<u8>>>,
}

impl Receiver {
    /// Gives the connection to `script`, which returns what it has read.
    pub fn start(
        script: impl FnOnce(&mut TcpStream) -> io::Result<Vec<u8>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = spawn(move || {
            let (mut stream, _) = listener.accept()?;
            drop(listener);
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            script(&mut stream)
        });
        Self { address, thread }
    }

    /// Reads the whole request and gives `answer`.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |stream| {
            let request = read_request(stream)?;
            stream.write_all(&answer)?;
            Ok(request)
        })
    }

    /// Does the same over TLS.
    pub fn secure(certificate: &Certificate, answer: &'static str) -> Self {
        let config = certificate.server();
        Self::start(move |stream| {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(connection, stream);
            let request = read_request(&mut stream)?;
            stream.write_all(answer.as_bytes())?;
            stream.conn.send_close_notify();
            stream.flush()?;
            Ok(request)
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What was read, once the script is through.
    pub fn request(self) -> Vec<u8> {
        self.ended().unwrap()
    }

    /// How the script ended.
    pub fn ended(self) -> io::Result<Vec<u8>> {
        // Where nobody came, the script is not to wait for ever; where somebody did, this is refused.
        let _ = TcpStream::connect(self.address);
        self.thread.join().unwrap()
    }
}

/// Reads a request to the end of its body.
pub fn read_request(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let whole = find(&request, b"\r\n\r\n").is_some_and(|end| {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            request.len() >= end + 4 + length
        });
        if whole {
            return Ok(request);
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => request.extend_from_slice(&chunk[..count]),
        }
    }
}

pub fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// The head of a request and its body.
pub fn split(request: &[u8]) -> (&str, &[u8]) {
    let end = find(request, b"\r\n\r\n").unwrap() + 4;
    (std::str::from_utf8(&request[..end]).unwrap(), &request[end..])
}

/// Reads until the other end closes.
pub fn drain(stream: &mut impl Read) -> io::Result<u64> {
    io::copy(stream, &mut io::sink())
}

/// A listener that is to be left alone.
pub struct Inner(TcpListener);

impl Inner {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Asserts that nobody has connected.
    pub fn saw_nothing(&self) {
        let seen = self.0.accept();
        assert_eq!(seen.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}

/// A stand-in for DNS: a list of addresses for each look-up, the last of them for all later ones.
pub struct Names {
    answers: Mutex<Vec<Vec<SocketAddr>>>,
    pub asked: AtomicUsize,
    pub hosts: Mutex<Vec<(String, u16)>>,
}

impl Names {
    pub fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |address: &&str| SocketAddr::new(address.parse().unwrap(), 9);
        let mut answers: Vec<Vec<SocketAddr>> =
            answers.iter().map(|answer| answer.iter().map(parse).collect()).collect();
        answers.reverse();
        Arc::new(Self {
            answers: Mutex::new(answers),
            asked: AtomicUsize::new(0),
            hosts: Mutex::new(Vec::new()),
        })
    }
}

impl Resolve for Names {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.hosts.lock().unwrap().push((host.to_owned(), port));
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop() } else { answers.last().cloned() };
        answer.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// An authority that signs certificates.
pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate for names or addresses, valid until the end of a year.
    pub fn sign(&self, names: &[&str], last_year: i32) -> Certificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Certificate { chain, key: key.serialize_der() }
    }

    /// The authority's own certificate as a file.
    pub fn file(&self) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        std::fs::write(&path, &self.pem).unwrap();
        (folder, path)
    }
}

pub struct Certificate {
    chain: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Certificate {
    fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.chain.clone()], key)
            .unwrap();
        Arc::new(config)
    }
}

/// A policy that lets the tests' receivers be reached: IPv4 loopback.
pub fn policy() -> WebhookPolicy {
    let mut policy = WebhookPolicy { timeout: Duration::from_secs(20), ..WebhookPolicy::default() };
    policy.allow_network("127.0.0.0/8").unwrap();
    policy
}

pub fn request(url: impl Into<String>) -> WebhookRequest {
    WebhookRequest { url: url.into(), secret: Some("hush".to_owned()), headers: Vec::new() }
}

pub fn notice() -> WebhookNotice<'static> {
    WebhookNotice {
        export_id: 7,
        model_id: 3,
        status: "completed",
        format: "csv",
        scope_type: "global",
        scope_id: None,
        start_hour: 1_717_200_000,
        end_hour: 1_717_286_400,
        rows_exported: 24,
        file_name: "export-7.csv",
        file_mime: "text/csv",
        completed_at: 1_717_290_000,
        download_url: None,
    }
}

/// Delivers a small file.
pub fn deliver(policy: &WebhookPolicy, request: &WebhookRequest) -> WebhookDelivery {
    deliver_file(policy, request, b"a,b\n1,2\n")
}

pub fn deliver_file(
    policy: &WebhookPolicy,
    request: &WebhookRequest,
    file: &[u8],
) -> WebhookDelivery {
    request.deliver(policy, &notice(), &mut Cursor::new(file), file.len() as u64)
}
