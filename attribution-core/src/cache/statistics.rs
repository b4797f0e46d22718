//! What became of reads, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What became of the reads of a cache, and what it holds.
///
/// ```
/// let statistics = attribution_core::CacheStatistics::default();
/// assert_eq!(serde_json::to_value(statistics).unwrap()["memory_hits"], 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheStatistics {
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
    /// Those that were made before the value expired, so that others need not wait for it then.
    pub early_refreshes: u64,
    /// Those that were not stored as the model changed meanwhile, or has no generation yet.
    pub not_stored: u64,
    /// Failures of the server: down, slow, or not understood.
    pub server_failures: u64,
    /// Reads that left the server alone as it had failed shortly before.
    pub server_skips: u64,
    /// Values that the server refused to store, as when it is full, or that are too large for it.
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

/// A number that threads add to.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted as it happens.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) reads: Counter,
    pub(crate) memory_hits: Counter,
    pub(crate) server_hits: Counter,
    pub(crate) shared: Counter,
    pub(crate) loads: Counter,
    pub(crate) early_refreshes: Counter,
    pub(crate) not_stored: Counter,
    pub(crate) server_failures: Counter,
    pub(crate) server_skips: Counter,
    pub(crate) server_refusals: Counter,
    pub(crate) server_rejections: Counter,
}

impl Counters {
    pub(crate) fn get(&self) -> CacheStatistics {
        CacheStatistics {
            reads: self.reads.get(),
            memory_hits: self.memory_hits.get(),
            server_hits: self.server_hits.get(),
            shared: self.shared.get(),
            loads: self.loads.get(),
            early_refreshes: self.early_refreshes.get(),
            not_stored: self.not_stored.get(),
            server_failures: self.server_failures.get(),
            server_skips: self.server_skips.get(),
            server_refusals: self.server_refusals.get(),
            server_rejections: self.server_rejections.get(),
            ..CacheStatistics::default()
        }
    }
}
