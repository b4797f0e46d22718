//! Snapshots that were read before, kept in this process from one request to the next.
//!
//! What is kept are the caches of the last few databases, each with its connections. A process that was forked off
//! has none of its parent's: one that two processes speak on answers neither.

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use attribution_core::{CacheOptions, CacheServer, CacheStatistics, CachedSnapshots, MysqlStore};
use ext_php_rs::types::Zval;

use super::address::database_url;
use crate::failure::{Failure, refused};
use crate::input::described;
use crate::memory;
use crate::options::{self, Options};
use crate::rows::moved;
use crate::zend::library;
use crate::zend::table::{Table, Value, value_of};

const PLACE: &str = "query.cache";
const KEYS: [&str; 4] = ["server", "expiry", "timeout_ms", "capacity"];

/// How many caches a process keeps; a request has one database, as a rule.
const MOST_CACHES: usize = 4;
/// How many bytes of rows a cache holds by itself, and at most. By itself never more than an eighth of what the
/// setting `attribution.memory_limit` leaves the library.
const CAPACITY: usize = 8 << 20;
const MOST_CAPACITY: u64 = 1 << 30;

/// What tells caches apart.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    /// With its password: who has another one may be shown other rows.
    database: String,
    server: Option<String>,
    expiry: Duration,
    timeout: Duration,
    capacity: usize,
}

/// The caches of one process, the last used last.
struct Held {
    process: u32,
    caches: Mutex<Vec<(Key, Arc<CachedSnapshots>)>>,
}

static HELD: AtomicPtr<Held> = AtomicPtr::new(std::ptr::null_mut());

impl Held {
    /// This process's own, where it has made some.
    fn there() -> Option<&'static Self> {
        // SAFETY: NULL, or what was made below; it stays until the module ends.
        let held = unsafe { HELD.load(Ordering::Acquire).as_ref() };
        held.filter(|held| held.process == std::process::id())
    }

    fn get() -> &'static Self {
        let mut before = HELD.load(Ordering::Acquire);
        loop {
            if let Some(held) = Self::there() {
                return held;
            }
            let process = std::process::id();
            let new = Box::into_raw(Box::new(Self { process, caches: Mutex::default() }));
            // A parent's is left as it is: its lock may be held, and to drop its connections would tell the server,
            // on the parent's behalf, that they end.
            match HELD.compare_exchange(before, new, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: made above, and kept until the module ends.
                Ok(_) => return unsafe { &*new },
                Err(other) => {
                    // SAFETY: made above, and nobody else's.
                    drop(unsafe { Box::from_raw(new) });
                    before = other;
                }
            }
        }
    }

    fn with<R>(&self, work: impl FnOnce(&mut Vec<(Key, Arc<CachedSnapshots>)>) -> R) -> R {
        work(&mut self.caches.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The cache of a key, which is now the last used.
    fn find(&self, key: &Key) -> Option<Arc<CachedSnapshots>> {
        self.with(|caches| {
            let at = caches.iter().position(|(there, _)| there == key)?;
            let found = caches.remove(at);
            let cache = Arc::clone(&found.1);
            caches.push(found);
            Some(cache)
        })
    }

    fn keep(&self, key: Key, cache: CachedSnapshots) -> Arc<CachedSnapshots> {
        let cache = Arc::new(cache);
        let dropped = self.with(|caches| {
            caches.push((key, Arc::clone(&cache)));
            (caches.len() > MOST_CACHES).then(|| caches.remove(0))
        });
        // Its connections are closed with nobody kept waiting.
        drop(dropped);
        cache
    }
}

/// Forgets what the caches hold, but for their connections.
fn forget() {
    if let Some(held) = Held::there() {
        held.with(|caches| caches.iter().for_each(|(_, cache)| cache.clear()));
    }
}

/// Makes sure that what is held never costs a call its memory. Only for the module's startup.
pub(crate) fn begin() {
    memory::on_need(forget);
}

/// Closes all connections. Only for the module's end, when nobody calls any more.
pub(crate) fn end() {
    let held = HELD.swap(std::ptr::null_mut(), Ordering::AcqRel);
    // SAFETY: NULL, or what was made by `Held::get`, of which nobody has a share any more.
    if unsafe { held.as_ref() }.is_some_and(|held| held.process == std::process::id()) {
        // SAFETY: as above.
        drop(unsafe { Box::from_raw(held) });
    }
}

/// How many caches there are, and what became of their reads.
pub(crate) fn state() -> (usize, CacheStatistics) {
    let mut sum = CacheStatistics::default();
    let Some(held) = Held::there() else { return (0, sum) };
    let count = held.with(|caches| {
        for (_, cache) in caches.iter() {
            let one = cache.statistics();
            sum.reads += one.reads;
            sum.memory_hits += one.memory_hits;
            sum.server_hits += one.server_hits;
            sum.entries += one.entries;
            sum.bytes += one.bytes;
        }
        caches.len()
    });
    (count, sum)
}

/// What a call says of its cache.
fn read(cache: &Zval) -> Result<Option<Asked>, Failure> {
    match value_of(cache) {
        Value::Bool(false) => Ok(None),
        Value::Bool(true) => Asked::new(None).map(Some),
        Value::Text(bytes) => Asked::new(Some(text(bytes, PLACE)?)).map(Some),
        Value::Table(Table(table)) => {
            let options = Options::new(table, PLACE, &KEYS)?;
            let mut asked = Asked::new(options.secret("server")?)?;
            if let Some(seconds) = options.duration("expiry")? {
                asked.options.expiry = Duration::from_secs(seconds.into());
            }
            if let Some(milliseconds) = options.bounded("timeout_ms", 1, 10_000)? {
                asked.options.timeout = Duration::from_millis(milliseconds);
            }
            if let Some(bytes) = options.bounded("capacity", 0, MOST_CAPACITY)? {
                asked.options.capacity = bytes as usize;
            }
            Ok(Some(asked))
        }
        _ => {
            let allowed = "true or false, a server's URL, or an array with server, expiry, \
                timeout_ms and capacity";
            Err(refused(PLACE, described(cache), allowed))
        }
    }
}

/// A URL, which may hold a password.
fn text<'a>(bytes: &'a [u8], place: &str) -> Result<&'a str, Failure> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => Ok(text),
        _ => Err(refused(place, "found bytes", "a URL in UTF-8, without a NUL byte")),
    }
}

struct Asked {
    server: Option<String>,
    options: CacheOptions,
}

impl Asked {
    fn new(server: Option<&str>) -> Result<Self, Failure> {
        let mut options = CacheOptions {
            capacity: CAPACITY.min(options::memory_limit()? / 8),
            ..CacheOptions::default()
        };
        if let Some(url) = server {
            let server = CacheServer::from_url(url);
            options.server =
                Some(server.map_err(|error| moved(error, || format!("{PLACE}.server")))?);
        }
        Ok(Self { server: server.map(str::to_owned), options })
    }
}

/// The cache that a query wants, made where there is none yet.
pub(super) fn wanted(
    database: &Zval,
    query: Options<'_>,
) -> Result<Option<Arc<CachedSnapshots>>, Failure> {
    let Some(Asked { server, options }) = query.get("cache").map(read).transpose()?.flatten()
    else {
        return Ok(None);
    };
    if query.get("replica").is_some() {
        // What is read of one that lags is older than its generation.
        let allowed = "none beside a cache, which reads from the database itself";
        return Err(refused(query.place("replica"), "found one", allowed));
    }
    let key = Key {
        database: database_url(database)?,
        server,
        expiry: options.expiry,
        timeout: options.timeout,
        capacity: options.capacity,
    };
    let held = Held::get();
    if let Some(cache) = held.find(&key) {
        return Ok(Some(cache));
    }
    // Looking up a server's name may outlast the read.
    library::stay();
    let store = MysqlStore::open(&key.database)?;
    let cache = CachedSnapshots::new(store, options)
        .map_err(|error| moved(error, || format!("{PLACE}.expiry")))?;
    Ok(Some(held.keep(key, cache)))
}
