//! How a cache is to be.

use std::time::Duration;

use super::server::CacheServer;
use crate::ground::error::Error;

/// How snapshots are cached.
///
/// ```
/// use attribution_core::{CacheOptions, CacheServer};
/// let options = CacheOptions {
///     server: Some(CacheServer::from_url("redis://127.0.0.1:6379/0")?),
///     ..CacheOptions::default()
/// };
/// assert_eq!(options.expiry.as_secs(), 300);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CacheOptions {
    /// How long a value is given again at most: 1 s to 24 h. Each value's own time is drawn evenly from
    /// the last tenth before, so that what was stored together does not expire together (with 300 s, from
    /// 270 to 300 s). Even an expired value is never a wrong one: this bounds what changes that went
    /// around the engine, by hand say, can leave behind.
    pub expiry: Duration,
    /// The server that processes share; without one, each has its own values only.
    pub server: Option<CacheServer>,
    /// How many bytes of rows, and of what finds them, are held in the process at most; the longest
    /// unused go first. 0 holds none.
    pub capacity: usize,
    /// What the server may cost a read in all, its connection and the storing included: 1 ms to 10 s.
    /// The system's clock may round it up by some milliseconds.
    pub timeout: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            expiry: Duration::from_secs(300),
            server: None,
            capacity: 32 << 20,
            timeout: Duration::from_millis(5),
        }
    }
}

impl CacheOptions {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(Duration::from_secs(1)..=Duration::from_secs(24 * 3_600)).contains(&self.expiry) {
            let found = format!("found {} s", self.expiry.as_secs_f64());
            return Err(Error::input("cache expiry", found, "1 s to 86400 s"));
        }
        if !(Duration::from_millis(1)..=Duration::from_secs(10)).contains(&self.timeout) {
            let found = format!("found {} s", self.timeout.as_secs_f64());
            return Err(Error::input("cache timeout", found, "0.001 s to 10 s"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_are_refused() {
        assert!(CacheOptions::default().check().is_ok());
        for (expiry, timeout) in [(0, 5), (86_401_000, 5), (300_000, 0), (300_000, 10_001)] {
            let options = CacheOptions {
                expiry: Duration::from_millis(expiry),
                timeout: Duration::from_millis(timeout),
                ..CacheOptions::default()
            };
            let message = options.check().unwrap_err().to_string();
            assert!(message.contains("allowed: "), "{message}");
        }
    }
}
