//! One delivery, from the check of the request to the verdict on the response.

use std::io::{Read, Seek};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ureq::config::{AutoHeaderValue, Config};
use ureq::http::StatusCode;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::unversioned::transport::{Connector, RustlsConnector};
use ureq::{Agent, SendBody, Timeout};

use super::body::Body;
use super::headers::SIGNATURE;
use super::lookup::{Fault, look_up};
use super::networks::{objection, plain};
use super::notice::{WebhookDelivery, WebhookNotice};
use super::policy::WebhookPolicy;
use super::request::WebhookRequest;
use super::retry_after;
use super::target::{ADDRESS_ALLOWED, Host, Target};
use super::transport::{Checked, Dialer, Speller};

/// How much of a response is kept.
const KEPT: usize = 64 * 1024;
/// A policy may say "for ever"; the clock can't.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// What stops a delivery before there is a response.
type Stopped = WebhookDelivery;

fn again(reason: String) -> WebhookDelivery {
    WebhookDelivery::Again { status: None, body: None, reason, after: None }
}

fn late(policy: &WebhookPolicy, doing: &str) -> WebhookDelivery {
    again(format!("{} s were over while {doing}", policy.timeout.as_secs_f64()))
}

/// Posts once.
pub(super) fn post(
    request: &WebhookRequest,
    policy: &WebhookPolicy,
    notice: &WebhookNotice<'_>,
    file: &mut (impl Read + Seek),
    bytes: u64,
) -> WebhookDelivery {
    let deadline = Instant::now() + policy.timeout.min(LONGEST);
    match try_post(request, policy, notice, file, bytes, deadline) {
        Ok(delivery) | Err(delivery) => delivery,
    }
}

fn try_post(
    request: &WebhookRequest,
    policy: &WebhookPolicy,
    notice: &WebhookNotice<'_>,
    file: &mut (impl Read + Seek),
    bytes: u64,
    deadline: Instant,
) -> Result<WebhookDelivery, Stopped> {
    let refused = |reason: String| WebhookDelivery::Refused { reason };
    request.check(policy).map_err(|error| refused(error.to_string()))?;
    let target = Target::read(&request.url, policy)
        .map_err(|(found, allowed)| refused(format!("{found}, allowed: {allowed}")))?;
    if bytes > policy.largest_file {
        return Err(refused(format!(
            "the file has {bytes} bytes, allowed: at most {}",
            policy.largest_file
        )));
    }
    let addresses = checked_addresses(&target, policy, deadline)?;

    let unreadable = |error: std::io::Error| again(format!("the file can't be read: {error}"));
    let mut body = Body::new(notice, file, bytes).map_err(|error| refused(error.to_string()))?;
    if !body.file_is_whole().map_err(unreadable)? {
        return Err(refused(format!("the file has not the {bytes} bytes that it is to have")));
    }
    let signature = match request.key() {
        Some(secret) => match body.signature(secret.as_bytes(), deadline).map_err(unreadable)? {
            Some(signature) => Some(signature),
            None => return Err(late(policy, "the body was being signed")),
        },
        None => None,
    };
    body.rewind().map_err(unreadable)?;

    let agent = agent(request, policy, &target, addresses, deadline)?;
    let mut call = agent
        .post(&target.uri)
        .header("Content-Type", "application/json")
        .header("Content-Length", body.length())
        .header("Connection", "close");
    if let Some(signature) = signature {
        call = call.header(SIGNATURE, signature);
    }
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    let answer = call.send(SendBody::from_reader(&mut body));
    if let Some(fault) = body.fault {
        return Err(again(format!("the file can't be read: {fault}")));
    }
    let mut response = answer.map_err(|error| fault(policy, &error))?;

    let after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| retry_after::read(text, Timestamp::now()));
    let status = response.status();
    let (text, cut) = kept(&mut response.body_mut().as_reader());
    let cut = cut.map(|error| reason(policy, &error));
    Ok(verdict(status, text, cut, after))
}

/// The receiver's addresses, each of which may be reached.
fn checked_addresses(
    target: &Target,
    policy: &WebhookPolicy,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Stopped> {
    let found = match &target.host {
        Host::Address(address) => vec![SocketAddr::new(*address, target.port)],
        Host::Name(name) => look_up(policy.resolver.as_ref(), name, target.port, deadline)
            .map_err(|fault| match fault {
                Fault::Late => late(policy, "the host's name was being looked up"),
                Fault::Failed(why) => again(format!("{name} can't be looked up: {why}")),
            })?,
    };
    let mut addresses = Vec::with_capacity(found.len());
    for mut address in found {
        if let Some(kind) = objection(address.ip(), &policy.allow) {
            return Err(WebhookDelivery::Refused {
                reason: format!(
                    "the webhook's host has the address {}, {kind}, allowed: {ADDRESS_ALLOWED}",
                    address.ip()
                ),
            });
        }
        address.set_ip(plain(address.ip()));
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// A client for one call.
fn agent(
    request: &WebhookRequest,
    policy: &WebhookPolicy,
    target: &Target,
    addresses: Vec<SocketAddr>,
    deadline: Instant,
) -> Result<Agent, Stopped> {
    let roots = match &policy.root_certificates {
        Some(_) if target.https => RootCerts::from(
            policy.read_roots().map_err(|error| again(error.to_string()))?.into_iter(),
        ),
        _ => RootCerts::WebPki,
    };
    let config: Config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        .user_agent(concat!("attribution/", env!("CARGO_PKG_VERSION")))
        .accept_encoding(AutoHeaderValue::Provided("identity".to_owned().into()))
        .tls_config(TlsConfig::builder().provider(TlsProvider::Rustls).root_certs(roots).build())
        .build();
    let mut spellings: Vec<String> = request.headers.iter().map(|(name, _)| name.clone()).collect();
    spellings.push(SIGNATURE.to_owned());
    let connector =
        Dialer { deadline }.chain(RustlsConnector::default()).chain(Speller { spellings });
    Ok(Agent::with_parts(config, connector, Checked(addresses)))
}

/// The certificates of a PEM file.
pub(super) fn read_certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, String> {
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| error.to_string())? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() { Err("no certificate".to_owned()) } else { Ok(certificates) }
}

/// The first 64 KiB of a body as text, and what broke it off before its end.
fn kept(body: &mut impl Read) -> (String, Option<ureq::Error>) {
    let mut bytes = Vec::new();
    let mut fault = None;
    let mut chunk = [0; 8 * 1024];
    while bytes.len() < KEPT {
        let room = chunk.len().min(KEPT - bytes.len());
        match body.read(&mut chunk[..room]) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                fault = Some(error.into());
                break;
            }
        }
    }
    // A letter that the limit cuts in two is left out.
    if let Err(error) = std::str::from_utf8(&bytes)
        && bytes.len() == KEPT
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    // The sign for what can't be read is longer than what it stands for.
    let mut end = text.len().min(KEPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    (text, fault)
}

/// What a response, or the part of it that came, means.
fn verdict(
    status: StatusCode,
    body: String,
    cut: Option<String>,
    after: Option<Duration>,
) -> WebhookDelivery {
    let code = status.as_u16();
    let again = |reason: String, body: String| WebhookDelivery::Again {
        status: Some(code),
        body: Some(body),
        reason,
        after,
    };
    match (code, cut) {
        (200..=299, None) => WebhookDelivery::Delivered { status: code, body },
        // The receiver's program may have died behind its first words.
        (200..=299, Some(cut)) => {
            again(format!("the response with status {code} broke off: {cut}"), body)
        }
        (408 | 429 | 500.., _) => again(format!("the receiver answered with status {code}"), body),
        _ => WebhookDelivery::Rejected { status: code, body },
    }
}

/// A call that has no response.
fn fault(policy: &WebhookPolicy, error: &ureq::Error) -> WebhookDelivery {
    again(reason(policy, error))
}

fn reason(policy: &WebhookPolicy, error: &ureq::Error) -> String {
    let doing = match error {
        ureq::Error::Timeout(Timeout::Connect) => "the connection was being made",
        ureq::Error::Timeout(Timeout::SendBody) => "the receiver took the body",
        ureq::Error::Timeout(_) => "the receiver's answer was awaited",
        // The connection's faults, and those of TLS within it.
        ureq::Error::Io(error) => return format!("the connection failed: {error}"),
        error => return format!("the connection failed: {error}"),
    };
    format!("{} s were over while {doing}", policy.timeout.as_secs_f64())
}
