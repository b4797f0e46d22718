//! A webhook's URL, taken apart.
//!
//! The URL is read here and nowhere else: what is checked is what is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::http::Uri;

use super::networks::objection;
use super::policy::WebhookPolicy;
use crate::ground::error::quoted;

/// As long as the column that keeps it.
const LONGEST_URL: usize = 500;
pub(super) const ADDRESS_ALLOWED: &str =
    "public addresses, and those of networks that are allowed explicitly";
const HOST_ALLOWED: &str = "a name of letters, digits, hyphens and dots, an IPv4 address as four decimal numbers, or an \
     IPv6 address in brackets";

/// What the host of a URL is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// A name that has to be looked up, in lower case.
    Name(String),
    /// An address that is written out.
    Address(IpAddr),
}

/// Where a webhook goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) uri: Uri,
    pub(super) https: bool,
    pub(super) host: Host,
    pub(super) port: u16,
}

/// What was found, and what is allowed.
pub(super) type Objection = (String, String);

impl Target {
    /// Takes a URL apart and checks all that can be checked without a look-up.
    pub(super) fn read(url: &str, policy: &WebhookPolicy) -> Result<Self, Objection> {
        let refuse = |found: &str, allowed: &str| Err((found.to_owned(), allowed.to_owned()));
        if url.len() > LONGEST_URL {
            return refuse(&format!("it has {} bytes", url.len()), "at most 500 bytes");
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return refuse(
                "it has a space, a backslash, a control character or a letter beyond ASCII",
                "printable ASCII, the rest percent-encoded, and a name in its ASCII form (xn--...)",
            );
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return refuse("it has no scheme", "http:// or https://");
        };
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => {
                return refuse(
                    &format!("the scheme {} was given", quoted(scheme)),
                    "http or https",
                );
            }
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            // Not quoted: it may be a password.
            return refuse("it has a user name before the host", "no user name and no password");
        }
        let (host, port) = if authority.starts_with('[') {
            let end = authority.find(']').map_or(authority.len(), |at| at + 1);
            authority.split_at(end)
        } else {
            authority.split_at(authority.find(':').unwrap_or(authority.len()))
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => {
                if https {
                    443
                } else {
                    80
                }
            }
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().unwrap_or(0)
            }
            _ => 0,
        };
        if port == 0 {
            return refuse(
                "it has no valid port after the host",
                "a port from 1 to 65535, or none",
            );
        }
        let Some(host) = read_host(host) else {
            return refuse(&format!("the host is {}", quoted(host)), HOST_ALLOWED);
        };
        match &host {
            Host::Address(address) => {
                if let Some(kind) = objection(*address, &policy.allow) {
                    return refuse(&format!("{address} is {kind}"), ADDRESS_ALLOWED);
                }
            }
            // What its look-up gives is checked anyway; this tells the user at once.
            Host::Name(name) => {
                let name = name.trim_end_matches('.');
                let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                if (name == "localhost" || name.ends_with(".localhost"))
                    && loopback.iter().all(|address| objection(*address, &policy.allow).is_some())
                {
                    return refuse(&format!("{name} is a loopback name"), ADDRESS_ALLOWED);
                }
            }
        }
        let scheme = if https { "https" } else { "http" };
        let host_text = match &host {
            Host::Name(name) => name.clone(),
            Host::Address(IpAddr::V4(address)) => address.to_string(),
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        let port_text = match (https, port) {
            (true, 443) | (false, 80) => String::new(),
            _ => format!(":{port}"),
        };
        let path = path.split('#').next().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        match format!("{scheme}://{host_text}{port_text}{slash}{path}").parse::<Uri>() {
            Ok(uri) if uri.host() == Some(host_text.as_str()) => {
                Ok(Self { uri, https, host, port })
            }
            _ => refuse(
                "its path or query has a character that has no place there",
                "the characters of RFC 3986, the rest percent-encoded",
            ),
        }
    }
}

/// Reads a host. Other spellings of an IPv4 address (`127.1`, `0x7f000001`, `017700000001`), which
/// the system's look-up understands, are refused, as are zones of IPv6 addresses.
fn read_host(text: &str) -> Option<Host> {
    if let Some(inner) = text.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(Host::Address(IpAddr::V6(address)));
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(Host::Address(IpAddr::V4(address)));
    }
    let name = text.to_ascii_lowercase();
    let labels = name.strip_suffix('.').unwrap_or(&name);
    let valid = labels.len() <= 253
        && labels.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        });
    let last = labels.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (valid && !number).then_some(Host::Name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Target, Objection> {
        Target::read(url, &WebhookPolicy::default())
    }

    #[test]
    fn urls_are_taken_apart() {
        let table = [
            ("https://receiver.example/hook?a=b", "https://receiver.example/hook?a=b", 443),
            ("HTTP://Receiver.EXAMPLE", "http://receiver.example/", 80),
            ("https://receiver.example:443/", "https://receiver.example/", 443),
            ("http://receiver.example:8080?x=1", "http://receiver.example:8080/?x=1", 8080),
            ("http://receiver.example./a#part", "http://receiver.example./a", 80),
            ("http://a_b.example/a%20b", "http://a_b.example/a%20b", 80),
            ("http://8.8.8.8:81/", "http://8.8.8.8:81/", 81),
            ("http://[2001:4860:4860:0::8888]/", "http://[2001:4860:4860::8888]/", 80),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/", 443),
            ("http://1e100.net/@b", "http://1e100.net/@b", 80),
        ];
        for (url, expected, port) in table {
            let target = read(url).unwrap_or_else(|error| panic!("{url}: {error:?}"));
            assert_eq!((target.uri.to_string().as_str(), target.port), (expected, port), "{url}");
            assert_eq!(target.https, expected.starts_with("https"));
        }
    }

    #[test]
    fn what_is_no_url_of_a_public_receiver_is_refused() {
        let table = [
            "",
            "receiver.example",
            "//receiver.example/",
            "ftp://receiver.example/",
            "file:///etc/passwd",
            "gopher://receiver.example/",
            "http:/receiver.example/",
            "http://",
            "http:///path",
            "http://?x",
            "http://user@receiver.example/",
            "http://user:password@receiver.example/",
            "http://8.8.8.8@127.0.0.1/",
            "http://8.8.8.8#@127.0.0.1@/\\",
            "http://8.8.8.8\\@127.0.0.1/",
            "http://receiver.example:/",
            "http://receiver.example:0/",
            "http://receiver.example:65536/",
            "http://receiver.example:+80/",
            "http://receiver.example:80:81/",
            "http://receiver.example:8o/",
            "http://receiver..example/",
            "http://.receiver.example/",
            "http://receiver.example../",
            "http://receiver.example /",
            " http://receiver.example/",
            "http://receiver.example/\r\nHost: inner",
            "http://receiver.example/\n",
            "http://receiver.example/\0",
            "http://r\u{e9}ceiver.example/",
            "http://receiver\u{3002}example/",
            "http://\u{2460}\u{2461}\u{2466}.0.0.1/",
            "http://%31%32%37.0.0.1/",
            "http://receiver.example%2f@inner/",
            "http://127.0.0.1/",
            "http://127.0.0.1./",
            "http://127.1/",
            "http://127.0.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.0.0.1/",
            "http://0x7f.1/",
            "http://0X7F.0.0.0X1/",
            "http://127.0.0.0x/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://127.0.0.01/",
            "http://127.0.0.1.2/",
            "http://134744072/",
            "http://8.8.2056/",
            "http://8.8.8.8./",
            "http://256.256.256.256/",
            "http://0/",
            "http://0.0.0.0/",
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://192.168.1.1:8080/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:127.0.0.1]/",
            "http://[64:ff9b::127.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1%25eth0]/",
            "http://[fe80::1%eth0]/",
            "http://[v1.x]/",
            "http://[8.8.8.8]/",
            "http://[::1/",
            "http://::1/",
            "http://[2001:4860:4860::8888]x/",
            "http://[2001:4860:4860::8888]:/",
            "http://localhost/",
            "http://LOCALHOST.:80/",
            "http://inner.localhost/",
            "http://receiver.example/<>",
        ];
        for url in table {
            assert!(read(url).is_err(), "{url:?} is let through");
        }
        let long = format!("http://receiver.example/{}", "a".repeat(500));
        assert!(read(&long).is_err() && read(&long[..500]).is_ok());
        let label = format!("http://{}.example/", "a".repeat(64));
        assert!(read(&label).is_err());
    }

    #[test]
    fn a_password_is_not_repeated() {
        let (found, allowed) = read("http://user:hush@receiver.example/").unwrap_err();
        assert!(!found.contains("hush") && !allowed.contains("hush"));
    }

    #[test]
    fn an_allowed_network_is_reached_by_plain_spellings_only() {
        let policy =
            WebhookPolicy { allow: vec!["127.0.0.0/8".parse().unwrap()], ..Default::default() };
        for url in ["http://127.0.0.1/", "http://localhost/", "http://[::ffff:127.0.0.1]/"] {
            assert!(Target::read(url, &policy).is_ok(), "{url}");
        }
        for url in ["http://127.1/", "http://2130706433/", "http://0177.0.0.1/", "http://[::1]/"] {
            assert!(Target::read(url, &policy).is_err(), "{url}");
        }
    }
}
