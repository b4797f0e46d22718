//! Snapshots that were read before, given again while they are what the database has.
//!
//! Each read asks the database for the model's *generation*, a number that is raised in the very
//! transaction that changes the model's snapshots. What was stored is stored under a generation, so that a
//! read that begins after a commit can never be answered with older rows, whatever becomes of the
//! servers in between.

mod clock;
mod expiry;
mod flight;
#[cfg(any(feature = "redis", feature = "memcached"))]
mod format;
mod key;
mod memory;
mod options;
pub(crate) mod reads;
#[cfg(any(feature = "redis", feature = "memcached"))]
mod server;
#[cfg(not(any(feature = "redis", feature = "memcached")))]
#[path = "no_server.rs"]
mod server;
mod statistics;

use std::sync::Arc;

use clock::SystemClock;
pub use options::CacheOptions;
pub use server::CacheServer;
pub use statistics::CacheStatistics;

use crate::ground::error::Error;
use crate::job::tables::SnapshotRecord;
use crate::store::mysql::{KeptConnections, MysqlStore, SnapshotQuery};
use reads::Cache;

/// The snapshot reads of a [`MysqlStore`], cached in the process and, where one is given, in a server.
///
/// Threads may share one. It keeps connections to the database, which it makes anew when they are lost.
/// It is not to be carried across a fork.
///
/// ```no_run
/// use attribution_core::{CacheOptions, CachedSnapshots, MysqlStore, SnapshotQuery, Window};
/// let store = MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
/// let cached = CachedSnapshots::new(store, CacheOptions::default())?;
/// let query = SnapshotQuery::new("linear", Window::new(1_717_200_000, 1_717_804_800)?);
/// for snapshot in cached.snapshots(1, &query)?.iter() {
///     println!("{} {}", snapshot.date_hour, snapshot.revenue);
/// }
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug)]
pub struct CachedSnapshots {
    cache: Cache<KeptConnections>,
}

impl CachedSnapshots {
    /// A cache before a store. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`Error::Input`] for options that are not as they have to be.
    ///
    /// ```
    /// use attribution_core::{CacheOptions, CachedSnapshots, MysqlStore};
    /// let store = MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// let cached = CachedSnapshots::new(store, CacheOptions::default())?;
    /// assert_eq!(cached.statistics().reads, 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new(store: MysqlStore, options: CacheOptions) -> Result<Self, Error> {
        options.check()?;
        let source = KeptConnections::new(store);
        Ok(Self { cache: Cache::new(source, options, Box::new(SystemClock::new())) })
    }

    /// The stored snapshots of a user's model, as [`MysqlStore::snapshots`] gives them: ordered by scope
    /// type, scope id and hour.
    ///
    /// # Errors
    /// [`Error::Input`] where the user has no such model, or tables are not as they have to be;
    /// [`Error::Database`]. A cache server's failure is none.
    ///
    /// ```no_run
    /// # use attribution_core::{CacheOptions, CachedSnapshots, MysqlStore, SnapshotQuery, Window};
    /// # let store = MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// # let cached = CachedSnapshots::new(store, CacheOptions::default())?;
    /// let query = SnapshotQuery::new("linear", Window::new(1_717_200_000, 1_717_804_800)?);
    /// let first = cached.snapshots(1, &query)?;
    /// let second = cached.snapshots(1, &query)?;
    /// assert_eq!(cached.statistics().memory_hits, 1);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn snapshots(
        &self,
        user_id: u64,
        query: &SnapshotQuery,
    ) -> Result<Arc<[SnapshotRecord]>, Error> {
        self.cache.read(user_id, query)
    }

    /// What became of the reads so far, and what is held.
    ///
    /// ```
    /// # use attribution_core::{CacheOptions, CachedSnapshots, MysqlStore};
    /// # let store = MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// # let cached = CachedSnapshots::new(store, CacheOptions::default())?;
    /// assert_eq!(cached.statistics().entries, 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn statistics(&self) -> CacheStatistics {
        let reconnections = self.cache.source().reconnections();
        CacheStatistics { reconnections, ..self.cache.statistics() }
    }

    /// Forgets what is held in the process, and leaves a cache server as it is.
    ///
    /// ```
    /// # use attribution_core::{CacheOptions, CachedSnapshots, MysqlStore};
    /// # let store = MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// # let cached = CachedSnapshots::new(store, CacheOptions::default())?;
    /// cached.clear();
    /// assert_eq!(cached.statistics().bytes, 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn clear(&self) {
        self.cache.clear();
    }

    /// The store behind the cache.
    ///
    /// ```
    /// # use attribution_core::{CacheOptions, CachedSnapshots, MysqlStore};
    /// # let store = MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// # let cached = CachedSnapshots::new(store, CacheOptions::default())?;
    /// assert!(!format!("{:?}", cached.store()).contains("secret"));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn store(&self) -> &MysqlStore {
        self.cache.source().store()
    }
}

/// Made-up rows.
#[cfg(test)]
fn rows(count: u64) -> Vec<SnapshotRecord> {
    use crate::ground::money::Money;
    use crate::ground::scope::{Scope, ScopeType};
    let scope = |number| match number % 3 {
        0 => Scope::GLOBAL,
        _ => Scope::of_dimension(ScopeType::Campaign, number),
    };
    (1..=count)
        .map(|number| SnapshotRecord {
            snapshot_id: number,
            scope: scope(number),
            date_hour: number as u32 * 3_600,
            attributed_clicks: number * 4,
            attributed_conversions: number,
            revenue: Money::from_units(number as i64 * 100_000),
            cost: Money::from_units(-(number as i64)),
        })
        .collect()
}
