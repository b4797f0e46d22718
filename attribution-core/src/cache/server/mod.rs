//! The server that processes share.

use crate::ground::error::Error;

/// Where a cache server is.
///
/// Whoever can write to the server can change what readers are told: it has to be trusted as the
/// database is. It is spoken to without TLS: what is not on the same machine or a private network
/// wants a tunnel.
///
/// ```
/// use attribution_core::CacheServer;
/// let server = CacheServer::from_url("redis://:secret@127.0.0.1:6379/2")?;
/// assert_eq!(server.to_string(), "redis://127.0.0.1:6379/2");
/// assert!(!format!("{server:?}").contains("secret"));
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Clone)]
pub struct CacheServer {
    shown: String,
}

impl CacheServer {
    /// A server at `redis://user:password@host:port/database`, `redis+unix:///path?db=N`,
    /// `memcached://host:port` or `memcached+unix:///path`. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`Error::Input`] for what is no such URL, or of a kind that was not built in; it does not repeat
    /// the URL, which may hold a password.
    ///
    /// ```
    /// use attribution_core::CacheServer;
    /// assert!(CacheServer::from_url("memcached://127.0.0.1").is_ok());
    /// assert!(CacheServer::from_url("memcached+unix:///run/memcached.sock").is_ok());
    /// assert!(CacheServer::from_url("http://127.0.0.1").is_err());
    /// ```
    pub fn from_url(url: &str) -> Result<Self, Error> {
        let shown = match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
            (Some((scheme, _)), None)
                if scheme.starts_with("redis") || scheme.starts_with("memcached") =>
            {
                url.to_owned()
            }
            _ => return Err(Error::input("cache", "found another kind of URL", "redis://…")),
        };
        Ok(Self { shown })
    }
}

impl std::fmt::Display for CacheServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl std::fmt::Debug for CacheServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CacheServer").field(&self.shown).finish()
    }
}
