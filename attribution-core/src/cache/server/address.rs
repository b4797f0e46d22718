//! Where a cache server is, from a URL that may hold a secret.

use std::fmt;
use std::path::PathBuf;

use crate::ground::error::{Error, quoted};

const ALLOWED: &str = "redis://user:password@host:port/database, \
    redis+unix://user:password@/path?db=number, memcached://host:port or memcached+unix:///path";

/// How a server is spoken to.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Protocol {
    #[cfg(feature = "redis")]
    Redis { user: Option<String>, password: Option<String>, database: u32 },
    #[cfg(feature = "memcached")]
    Memcached,
}

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp { host: String, port: u16 },
    Socket(PathBuf),
}

/// Where a cache server is.
///
/// Whoever can write to the server can change what readers are told: it has to be trusted as the
/// database is. It is spoken to without TLS: one that is neither on the same machine nor in a private
/// network wants a tunnel.
///
/// ```
/// use attribution_core::CacheServer;
/// let server = CacheServer::from_url("redis://:secret@127.0.0.1:6379/2")?;
/// assert_eq!(server.to_string(), "redis://127.0.0.1:6379/2");
/// assert!(!format!("{server:?}").contains("secret"));
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CacheServer {
    pub(crate) protocol: Protocol,
    pub(crate) place: Place,
}

impl CacheServer {
    /// A server at `redis://user:password@host:port/database`, `redis+unix://user:password@/path?db=N`,
    /// `memcached://host:port` or `memcached+unix:///path`; what is not needed may be left out, and
    /// special characters are as `%40`. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`Error::Input`] for what is no such URL, or one of a kind that was not built in; it does not
    /// repeat the URL, which may hold a password.
    ///
    /// ```
    /// use attribution_core::CacheServer;
    /// assert!(CacheServer::from_url("memcached://127.0.0.1").is_ok());
    /// assert!(CacheServer::from_url("memcached+unix:///run/memcached.sock").is_ok());
    /// assert!(CacheServer::from_url("http://127.0.0.1").is_err());
    /// ```
    pub fn from_url(url: &str) -> Result<Self, Error> {
        read_url(url).map_err(|found| Error::input("cache", found, ALLOWED))
    }
}

fn read_url(url: &str) -> Result<CacheServer, String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("found what cannot be read as a URL".to_owned());
    };
    let (kind, is_socket) = match scheme {
        "redis" => ("redis", false),
        "redis+unix" => ("redis", true),
        "memcached" => ("memcached", false),
        "memcached+unix" => ("memcached", true),
        "rediss" => return Err("found a URL for TLS, which is not spoken".to_owned()),
        _ => return Err("found a URL of another kind".to_owned()),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.find('/').map_or((rest, ""), |place| rest.split_at(place));
    if path.contains('@') {
        return Err("found an @ behind a /; in a password, / is %2F and @ is %40".to_owned());
    }
    let (login, host) =
        authority.rsplit_once('@').map_or((None, authority), |(login, host)| (Some(login), host));
    let mut number = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("db", value)) if kind == "redis" && is_socket => number = Some(value),
            pair => {
                let name = pair.map_or("without a value", |(name, _)| name);
                return Err(format!("found the setting {}", quoted(name)));
            }
        }
    }
    let place = if is_socket {
        if !host.is_empty() || path.len() < 2 {
            return Err("found no path of a socket, or a host before it".to_owned());
        }
        Place::Socket(PathBuf::from(unescaped(path)?))
    } else {
        let default = if kind == "redis" { 6379 } else { 11_211 };
        number = path.strip_prefix('/').filter(|path| !path.is_empty());
        host_and_port(host, default)?
    };
    let protocol = match kind {
        #[cfg(feature = "redis")]
        "redis" => {
            let database = match number {
                None => 0,
                Some(number) => number.parse().map_err(|_| {
                    "found a database that is no number, or an unescaped / in a password".to_owned()
                })?,
            };
            let (user, password) = match login.map(|login| login.split_once(':')) {
                None => (None, None),
                Some(Some((user, password))) => {
                    let user = unescaped(user)?;
                    (Some(user).filter(|user| !user.is_empty()), Some(unescaped(password)?))
                }
                Some(None) => return Err("found a user without a password".to_owned()),
            };
            Protocol::Redis { user, password, database }
        }
        #[cfg(feature = "memcached")]
        "memcached" => {
            if login.is_some() {
                return Err("found a user, which memcached is not told".to_owned());
            }
            if number.is_some() {
                return Err("found a path behind the port".to_owned());
            }
            Protocol::Memcached
        }
        _ => return Err(format!("found {kind}, which is not built in")),
    };
    Ok(CacheServer { protocol, place })
}

fn host_and_port(host: &str, default: u16) -> Result<Place, String> {
    let (host, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => host.rsplit_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
    };
    let port = match port.map(str::parse) {
        None => default,
        Some(Ok(port)) if port > 0 => port,
        Some(_) => return Err("found a port that is no number from 1 to 65535".to_owned()),
    };
    let host = unescaped(host)?;
    if host.is_empty() {
        return Err("found no host".to_owned());
    }
    Ok(Place::Tcp { host, port })
}

/// Text whose special characters are written as `%` and two hexadecimal digits.
fn unescaped(text: &str) -> Result<String, String> {
    let bad = || "found a % that does not stand for a character".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || {
                let digit = rest.next().and_then(|digit| char::from(digit).to_digit(16));
                digit.ok_or_else(bad)
            };
            bytes.push((digit()? << 4 | digit()?) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

/// The address without its password.
impl fmt::Display for CacheServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match &self.protocol {
            #[cfg(feature = "redis")]
            Protocol::Redis { .. } => "redis",
            #[cfg(feature = "memcached")]
            Protocol::Memcached => "memcached",
        };
        match &self.place {
            Place::Tcp { host, port } if host.contains(':') => {
                write!(f, "{scheme}://[{host}]:{port}")?;
            }
            Place::Tcp { host, port } => write!(f, "{scheme}://{host}:{port}")?,
            Place::Socket(path) => write!(f, "{scheme}+unix://{}", path.display())?,
        }
        match (&self.protocol, &self.place) {
            #[cfg(feature = "redis")]
            (Protocol::Redis { database: 0, .. }, _) => Ok(()),
            #[cfg(feature = "redis")]
            (Protocol::Redis { database, .. }, Place::Tcp { .. }) => write!(f, "/{database}"),
            #[cfg(feature = "redis")]
            (Protocol::Redis { database, .. }, Place::Socket(_)) => write!(f, "?db={database}"),
            #[cfg(feature = "memcached")]
            (Protocol::Memcached, _) => Ok(()),
        }
    }
}

impl fmt::Debug for CacheServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CacheServer").field(&self.to_string()).finish()
    }
}

#[cfg(all(feature = "redis", feature = "memcached"))]
#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        CacheServer::from_url(url).unwrap().to_string()
    }

    #[test]
    fn urls_are_read_and_shown_without_their_password() {
        assert_eq!(shown("redis://localhost"), "redis://localhost:6379");
        assert_eq!(shown("redis://me:secret@host:1/3"), "redis://host:1/3");
        assert_eq!(shown("redis://[::1]:7/"), "redis://[::1]:7");
        assert_eq!(shown("redis+unix:///run/x.sock?db=2"), "redis+unix:///run/x.sock?db=2");
        assert_eq!(shown("redis+unix://:secret@/run/x.sock"), "redis+unix:///run/x.sock");
        assert_eq!(shown("memcached://[::1]"), "memcached://[::1]:11211");
        assert_eq!(shown("memcached+unix:///run/m%20m.sock"), "memcached+unix:///run/m m.sock");
        let server = CacheServer::from_url("redis://us%40er:s%2F%25@host").unwrap();
        let Protocol::Redis { user, password, database } = server.protocol else {
            panic!("another protocol");
        };
        assert_eq!(user.as_deref(), Some("us@er"));
        assert_eq!((password.as_deref(), database), (Some("s/%"), 0));
    }

    #[test]
    fn bad_urls_are_refused_without_being_shown() {
        for (url, found) in [
            ("secret", "cannot be read as a URL"),
            ("http://me:secret@x", "of another kind"),
            ("rediss://me:secret@x", "for TLS"),
            ("redis://me:12/secret@x", "found an @ behind a /"),
            ("redis://:se%cret@x", "a % that does not"),
            ("redis://secret@x", "a user without a password"),
            ("redis://x/secret", "no number"),
            ("redis://x:0", "a port that is no number"),
            ("redis://x:secret", "a port that is no number"),
            ("redis://", "no host"),
            ("redis://x?colour=secret", "the setting \"colour\""),
            ("redis+unix://x/secret", "a host before it"),
            ("redis+unix:///secret?db=x", "no number"),
            ("memcached://me:secret@x", "a user, which"),
            ("memcached://x/secret", "a path behind"),
            ("memcached+unix://", "no path"),
        ] {
            let message = CacheServer::from_url(url).unwrap_err().to_string();
            assert!(message.contains(found) && !message.contains("secret"), "{url}: {message}");
        }
    }
}
