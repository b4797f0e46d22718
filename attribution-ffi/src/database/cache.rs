//! Snapshots that were read before.

use std::ffi::c_char;
use std::time::Duration;

use attribution_core::{CacheOptions, CacheServer, CachedSnapshots};

use super::snapshots::{
    StoredColumns, asked, attribution_snapshot_query, attribution_stored_snapshots,
};
use super::store::attribution_store;
use crate::border::{
    Growing, Handle, borrow, clear, fill_growing, free, give, guard, read_growing, text_or_none,
};
use crate::error::{attribution_error, attribution_status};
use crate::signals::without_sigpipe;

/// How snapshots are cached. To be begun with ATTRIBUTION_CACHE_OPTIONS_INIT, which has the defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_cache_options {
    /// sizeof(attribution_cache_options)
    pub size: usize,
    /// How long a value is given again at most, in seconds, 1 to 86400. Even an expired value is never a
    /// wrong one: this bounds what changes that went around the library can leave behind.
    pub expiry_seconds: u32,
    /// The server that processes share: `redis://user:password@host:port/database`,
    /// `redis+unix:///path?db=N`, `memcached://host:port` or `memcached+unix:///path`; NULL for none. It has
    /// to be trusted as the database is.
    pub server_url: *const c_char,
    /// How many bytes are held in the process at most; 0 holds none.
    pub capacity: usize,
    /// What the server may cost a read in all, in milliseconds, 1 to 10000.
    pub timeout_ms: u32,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_cache_options {
    const NAME: &'static str = "attribution_cache_options";
}

/// The snapshot reads of a store, cached in the process and, where one is given, in a server.
///
/// Made by attribution_cache_open, owned by the caller and freed with attribution_cache_free. It does not
/// need the store that it was made of. Threads may share it. It keeps connections, which it makes anew when
/// they are lost; a child after fork may not use it, nor free it.
pub struct attribution_cache {
    _private: (),
}

impl Handle for attribution_cache {
    type Value = CachedSnapshots;
    const NAME: &'static str = "attribution_cache";
    const TAG: u64 = u64::from_le_bytes(*b"attr:cac");
}

/// What became of the reads of a cache, and what it holds. To be begun with ATTRIBUTION_CACHE_COUNTS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_cache_counts {
    /// sizeof(attribution_cache_counts)
    pub size: usize,
    /// Reads that were asked for.
    pub reads: u64,
    /// Reads that the process's own values answered.
    pub memory_hits: u64,
    /// Reads that the server's values answered.
    pub server_hits: u64,
    /// Reads that another thread's reading of the same answered.
    pub shared: u64,
    /// Readings of rows from the database.
    pub loads: u64,
    /// Those that were made before the value expired.
    pub early_refreshes: u64,
    /// Those that were not stored as the model changed meanwhile, or has no generation yet.
    pub not_stored: u64,
    /// Failures of the server: down, slow, or not understood.
    pub server_failures: u64,
    /// Reads that left the server alone as it had failed shortly before.
    pub server_skips: u64,
    /// Values that the server refused to store, or that are too large for it.
    pub server_refusals: u64,
    /// Values of the server that were damaged or of another kind.
    pub server_rejections: u64,
    /// Connections to the database made anew after one was lost.
    pub reconnections: u64,
    /// Values held in the process.
    pub entries: u64,
    /// The bytes they take.
    pub bytes: u64,
}

// SAFETY: repr(C), a size first, numbers alone.
unsafe impl Growing for attribution_cache_counts {
    const NAME: &'static str = "attribution_cache_counts";
}

/// A cache before a store. NULL for the options means what their _INIT has. Nothing is connected to yet.
/// Errors do not repeat the server's URL, which may hold a password.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_cache_open(
    store: *const attribution_store,
    options: *const attribution_cache_options,
    cache: *mut *mut attribution_cache,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let store = unsafe {
            clear(cache, "cache")?;
            borrow(store)?
        };
        let mut caching = CacheOptions::default();
        if !options.is_null() {
            // SAFETY: the caller's promise.
            let (options, server) = unsafe {
                let options = read_growing(options)?;
                (options, text_or_none(options.server_url, "server_url")?)
            };
            caching.expiry = Duration::from_secs(options.expiry_seconds.into());
            caching.server = server.map(CacheServer::from_url).transpose()?;
            caching.capacity = options.capacity;
            caching.timeout = Duration::from_millis(options.timeout_ms.into());
        }
        let cached = without_sigpipe(|| CachedSnapshots::new(store.clone(), caching))?;
        // SAFETY: cleared above.
        unsafe { give(cache, cached) };
        Ok(())
    })
}

/// As attribution_store_snapshots gives them, of what was read before where that is what the database still
/// has. A read that begins after a rebuild has ended gives its rows, whatever becomes of the server; and the
/// server's failure is none of the call's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_cache_snapshots(
    cache: *const attribution_cache,
    query: *const attribution_snapshot_query,
    snapshots: *mut *mut attribution_stored_snapshots,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (cache, (user_id, asked)) = unsafe {
            clear(snapshots, "snapshots")?;
            (borrow(cache)?, asked(query)?)
        };
        let records = without_sigpipe(|| cache.snapshots(user_id, &asked))?;
        let mut columns = StoredColumns::default();
        for record in records.iter() {
            columns.push(record);
        }
        // SAFETY: cleared above.
        unsafe { give(snapshots, columns) };
        Ok(())
    })
}

/// What became of the reads so far, and what is held.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_cache_statistics(
    cache: *const attribution_cache,
    counts: *mut attribution_cache_counts,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let statistics = unsafe { borrow(cache)? }.statistics();
        let filled = attribution_cache_counts {
            size: 0,
            reads: statistics.reads,
            memory_hits: statistics.memory_hits,
            server_hits: statistics.server_hits,
            shared: statistics.shared,
            loads: statistics.loads,
            early_refreshes: statistics.early_refreshes,
            not_stored: statistics.not_stored,
            server_failures: statistics.server_failures,
            server_skips: statistics.server_skips,
            server_refusals: statistics.server_refusals,
            server_rejections: statistics.server_rejections,
            reconnections: statistics.reconnections,
            entries: statistics.entries,
            bytes: statistics.bytes,
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(counts, filled) }
    })
}

/// Forgets what is held in the process, and leaves a server as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_cache_clear(
    cache: *const attribution_cache,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe { borrow(cache)? }.clear();
        Ok(())
    })
}

/// Frees a cache, closes its connections and sets the variable to NULL. NULL, and a variable that is NULL,
/// are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_cache_free(cache: *mut *mut attribution_cache) {
    // What says good-bye to a server may find no one there.
    // SAFETY: the caller's promise.
    without_sigpipe(|| unsafe { free(cache) });
}
