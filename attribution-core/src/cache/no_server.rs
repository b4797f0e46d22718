//! In place of cache servers, where none was built in.

use std::fmt;
use std::time::Duration;

use super::memory::Value;
use super::reads::Asked;
use crate::ground::error::Error;

/// Where a cache server is. This build knows of none: it lacks the features `redis` and `memcached`.
///
/// ```
/// assert!(attribution_core::CacheServer::from_url("redis://127.0.0.1").is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CacheServer {}

impl CacheServer {
    /// Refuses every URL.
    ///
    /// # Errors
    /// [`Error::Input`] always.
    ///
    /// ```
    /// assert!(attribution_core::CacheServer::from_url("memcached://127.0.0.1").is_err());
    /// ```
    pub fn from_url(_: &str) -> Result<Self, Error> {
        let found = "found a URL, and no cache server is built in";
        Err(Error::input("cache", found, "the features redis or memcached"))
    }
}

impl fmt::Display for CacheServer {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl fmt::Debug for CacheServer {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

#[derive(Debug)]
pub(crate) struct Budget;

impl Budget {
    pub(crate) const fn new(_: Duration) -> Self {
        Self
    }
}

#[derive(Debug)]
pub(crate) struct Client(CacheServer);

impl Client {
    pub(crate) fn new(server: CacheServer) -> Self {
        match server {}
    }

    pub(crate) fn get(&self, _: &Asked<'_>, _: &mut Budget) -> Option<Value> {
        match self.0 {}
    }

    pub(crate) fn set(&self, _: &Asked<'_>, _: &Value, _: &mut Budget) {
        match self.0 {}
    }
}
