//! What becomes of a read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::clock::Clock;
use super::expiry::{Lifetime, Random};
use super::flight::{Boarding, Flights, Leader};
use super::key::Key;
use super::memory::{Memory, Value};
use super::options::CacheOptions;
use super::server::{Budget, Client};
use super::statistics::{CacheStatistics, Counters};
use crate::ground::error::Error;
use crate::job::tables::SnapshotRecord;
use crate::store::mysql::SnapshotQuery;

/// How long one waits for another's reading before one reads for oneself.
const MOST_WAIT: Duration = Duration::from_secs(5);

/// Which snapshots of a model are the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Which server's database.
    pub(crate) database: Arc<str>,
    pub(crate) model_id: u64,
    /// None where the model has none yet; then nothing may be stored.
    pub(crate) generation: Option<u64>,
}

/// What is cached.
pub(crate) trait SnapshotSource: Send + Sync {
    /// The owner's model as it is now: what has been committed before the call is in it.
    fn stamp(&self, owner: u64, slug: &str) -> Result<Stamp, Error>;
    /// The rows, and the stamp of the very state they were read in.
    fn load(
        &self,
        owner: u64,
        query: &SnapshotQuery,
    ) -> Result<(Stamp, Vec<SnapshotRecord>), Error>;
}

/// What is asked for, and what it takes to look for it in a server.
#[cfg_attr(not(any(feature = "redis", feature = "memcached")), allow(dead_code))]
pub(crate) struct Asked<'a> {
    pub(crate) key: &'a Arc<Key>,
    pub(crate) generation: u64,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) random: &'a Random,
    pub(crate) counters: &'a Counters,
}

/// A source and what was read from it before.
pub(crate) struct Cache<S> {
    source: S,
    expiry: Duration,
    timeout: Duration,
    memory: Memory,
    server: Option<Client>,
    flights: Flights,
    clock: Box<dyn Clock>,
    random: Random,
    counters: Counters,
}

impl<S> fmt::Debug for Cache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("server", &self.server)
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

impl<S> Cache<S> {
    // Without the features for servers there is nothing in the options that could be moved.
    #[cfg_attr(
        not(any(feature = "redis", feature = "memcached")),
        allow(clippy::needless_pass_by_value)
    )]
    pub(crate) fn new(source: S, options: CacheOptions, clock: Box<dyn Clock>) -> Self {
        let CacheOptions { expiry, timeout, capacity, server } = options;
        Self {
            source,
            expiry,
            timeout,
            memory: Memory::new(capacity),
            server: server.map(Client::new),
            flights: Flights::default(),
            clock,
            random: Random::new(),
            counters: Counters::default(),
        }
    }

    pub(crate) const fn source(&self) -> &S {
        &self.source
    }

    pub(crate) fn statistics(&self) -> CacheStatistics {
        let (entries, bytes) = self.memory.size();
        CacheStatistics { entries, bytes, ..self.counters.get() }
    }

    pub(crate) fn clear(&self) {
        self.memory.clear();
    }
}

impl<S: SnapshotSource> Cache<S> {
    pub(crate) fn read(
        &self,
        owner: u64,
        query: &SnapshotQuery,
    ) -> Result<Arc<[SnapshotRecord]>, Error> {
        self.counters.reads.add();
        // First of all: whatever is found from here on is at least as new as this.
        let stamp = self.source.stamp(owner, &query.model)?;
        let Some(generation) = stamp.generation else {
            self.counters.not_stored.add();
            self.counters.loads.add();
            return Ok(self.source.load(owner, query)?.1.into());
        };
        let key = Key::new(Arc::clone(&stamp.database), owner, stamp.model_id, query);
        let asked = Asked {
            key: &Arc::new(key),
            generation,
            clock: &*self.clock,
            random: &self.random,
            counters: &self.counters,
        };
        let now = self.clock.now();
        if let Some(held) = self.memory.get(asked.key, generation, now) {
            if !held.lifetime.is_to_be_renewed(now, &self.random) {
                return Ok(self.hit(held));
            }
            return match self.flights.board(asked.key, generation) {
                Boarding::Waits(_) => Ok(self.hit(held)),
                Boarding::Leads(leader) => {
                    self.counters.early_refreshes.add();
                    let renewed = self.fetch(&asked, query, leader, Some(held.lifetime));
                    // What is held is right all the same, and there is time to try again.
                    Ok(renewed.unwrap_or(held.rows))
                }
            };
        }
        match self.flights.board(asked.key, generation) {
            // Another may have read it since.
            Boarding::Leads(leader) => match self.memory.get(asked.key, generation, now) {
                Some(held) => Ok(self.hit(held)),
                None => self.fetch(&asked, query, leader, None),
            },
            Boarding::Waits(flight) => match flight.wait(MOST_WAIT) {
                Some(rows) => {
                    self.counters.shared.add();
                    Ok(rows)
                }
                None => self.load(&asked, query, None),
            },
        }
    }

    fn hit(&self, held: Value) -> Arc<[SnapshotRecord]> {
        self.counters.memory_hits.add();
        held.rows
    }

    /// From the server or the database, for all who wait for it. Of what expires no later than what is
    /// held, nothing is gained.
    fn fetch(
        &self,
        asked: &Asked<'_>,
        query: &SnapshotQuery,
        leader: Leader<'_>,
        held: Option<Lifetime>,
    ) -> Result<Arc<[SnapshotRecord]>, Error> {
        let Some(server) = &self.server else { return self.load(asked, query, Some(leader)) };
        let mut budget = Budget::new(self.timeout);
        let now = self.clock.now();
        if let Some(mut value) = server.get(asked, &mut budget) {
            // Another machine's clock may be ahead.
            value.lifetime.expires = value.lifetime.expires.min(now + self.expiry);
            let expires_later = held.is_none_or(|held| held.expires < value.lifetime.expires);
            if expires_later && !value.lifetime.has_ended(now) {
                if !value.lifetime.is_to_be_renewed(now, &self.random) {
                    self.counters.server_hits.add();
                    self.memory.insert(asked.key, asked.generation, value.clone());
                    leader.land(Arc::clone(&value.rows));
                    return Ok(value.rows);
                }
                self.counters.early_refreshes.add();
            }
        }
        let (rows, value) = self.load_and_land(asked, query, Some(leader))?;
        if let Some(value) = value {
            server.set(asked, &value, &mut budget);
        }
        Ok(rows)
    }

    fn load(
        &self,
        asked: &Asked<'_>,
        query: &SnapshotQuery,
        leader: Option<Leader<'_>>,
    ) -> Result<Arc<[SnapshotRecord]>, Error> {
        self.load_and_land(asked, query, leader).map(|(rows, _)| rows)
    }

    /// Reads from the database, holds the value where the model is the same still, and gives the rows
    /// to those who wait.
    fn load_and_land(
        &self,
        asked: &Asked<'_>,
        query: &SnapshotQuery,
        leader: Option<Leader<'_>>,
    ) -> Result<(Arc<[SnapshotRecord]>, Option<Value>), Error> {
        self.counters.loads.add();
        let start = self.clock.now();
        let (stamp, rows) = self.source.load(asked.key.owner, query)?;
        let rows: Arc<[SnapshotRecord]> = rows.into();
        let now = self.clock.now();
        let is_same = stamp.generation == Some(asked.generation)
            && stamp.model_id == asked.key.model_id
            && stamp.database == asked.key.database;
        let value = is_same.then(|| Value {
            rows: Arc::clone(&rows),
            lifetime: Lifetime::new(now, self.expiry, now.saturating_sub(start), &self.random),
        });
        match &value {
            Some(value) => self.memory.insert(asked.key, asked.generation, value.clone()),
            None => self.counters.not_stored.add(),
        }
        if let Some(leader) = leader {
            leader.land(Arc::clone(&rows));
        }
        Ok((rows, value))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::{Barrier, Mutex};
    use std::thread::scope;

    use super::*;
    use crate::cache::clock::ManualClock;
    use crate::cache::rows;
    use crate::ground::time::Window;

    type Meanwhile = Box<dyn Fn(&Source) + Send + Sync>;

    /// A model whose rows say which generation they are of.
    #[derive(Default)]
    struct Source {
        generation: AtomicU64,
        has_none: AtomicBool,
        loads: AtomicU64,
        fails: AtomicBool,
        /// What each reading takes.
        clock: ManualClock,
        takes: Duration,
        /// What happens while rows are read.
        meanwhile: Option<Meanwhile>,
    }

    impl SnapshotSource for Source {
        fn stamp(&self, _: u64, slug: &str) -> Result<Stamp, Error> {
            if slug != "linear" {
                return Err(Error::input("model", "found another", "linear"));
            }
            let generation = self.generation.load(Ordering::SeqCst);
            let generation = (!self.has_none.load(Ordering::SeqCst)).then_some(generation);
            Ok(Stamp { database: "test".into(), model_id: 1, generation })
        }

        fn load(
            &self,
            owner: u64,
            query: &SnapshotQuery,
        ) -> Result<(Stamp, Vec<SnapshotRecord>), Error> {
            self.loads.fetch_add(1, Ordering::SeqCst);
            if let Some(meanwhile) = &self.meanwhile {
                meanwhile(self);
            }
            self.clock.advance(self.takes);
            if self.fails.load(Ordering::SeqCst) {
                return Err(Error::Internal("on purpose".into()));
            }
            let stamp = self.stamp(owner, &query.model)?;
            Ok((stamp, rows(self.generation.load(Ordering::SeqCst))))
        }
    }

    fn cache(source: Source, clock: &ManualClock) -> Cache<Source> {
        Cache::new(source, CacheOptions::default(), Box::new(clock.clone()))
    }

    fn query() -> SnapshotQuery {
        SnapshotQuery::new("linear", Window::new(0, 3_600).unwrap())
    }

    #[test]
    fn a_read_is_answered_from_memory_until_the_generation_rises_or_it_expires() {
        let clock = ManualClock::default();
        let cache = cache(Source::default(), &clock);
        let read = || cache.read(1, &query()).unwrap().len() as u64;
        for generation in [3, 4, 9] {
            cache.source.generation.store(generation, Ordering::SeqCst);
            assert_eq!((read(), read(), read()), (generation, generation, generation));
        }
        let counts = cache.statistics();
        assert_eq!((counts.reads, counts.memory_hits, counts.loads), (9, 6, 3));
        assert_eq!(counts.entries, 1, "older generations take no room");
        clock.advance(Duration::from_secs(269));
        read();
        assert_eq!(cache.statistics().loads, 3);
        clock.advance(Duration::from_secs(31));
        read();
        assert_eq!(cache.statistics().loads, 4);
        // Another owner, page, window or scope is another read.
        cache.read(2, &query()).unwrap();
        cache.read(1, &SnapshotQuery { limit: 1, ..query() }).unwrap();
        cache.read(1, &SnapshotQuery { offset: 1, ..query() }).unwrap();
        let window = Window::new(0, 7_200).unwrap();
        cache.read(1, &SnapshotQuery { window, ..query() }).unwrap();
        let scope_type = Some(crate::ground::scope::ScopeType::Global);
        cache.read(1, &SnapshotQuery { scope_type, ..query() }).unwrap();
        cache.read(1, &SnapshotQuery { scope_id: Some(0), ..query() }).unwrap();
        assert_eq!(cache.statistics().loads, 10);
        cache.clear();
        assert_eq!(cache.statistics().entries, 0);
        let other = SnapshotQuery { model: "other".into(), ..query() };
        assert!(cache.read(1, &other).is_err());
    }

    #[test]
    fn what_is_read_across_a_change_or_without_a_generation_is_not_stored() {
        let clock = ManualClock::default();
        let meanwhile = |source: &Source| {
            if source.loads.load(Ordering::SeqCst) <= 2 {
                source.generation.fetch_add(1, Ordering::SeqCst);
            }
        };
        let source = Source { meanwhile: Some(Box::new(meanwhile)), ..Source::default() };
        let cache = cache(source, &clock);
        let read = || cache.read(1, &query()).unwrap().len();
        assert_eq!((read(), read()), (1, 2), "what was read is right all the same");
        let counts = cache.statistics();
        assert_eq!((counts.not_stored, counts.entries, counts.memory_hits), (2, 0, 0));
        assert_eq!((read(), read()), (2, 2));
        assert_eq!(cache.statistics().memory_hits, 1);
        cache.source.has_none.store(true, Ordering::SeqCst);
        assert_eq!((read(), read()), (2, 2));
        let counts = cache.statistics();
        assert_eq!((counts.not_stored, counts.loads), (4, 5));
    }

    #[test]
    fn threads_that_want_the_same_read_once() {
        let clock = ManualClock::default();
        let meanwhile = |_: &Source| std::thread::sleep(Duration::from_millis(50));
        let source = Source { meanwhile: Some(Box::new(meanwhile)), ..Source::default() };
        let cache = cache(source, &clock);
        let start = Barrier::new(8);
        scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    start.wait();
                    cache.read(1, &query()).unwrap();
                });
            }
        });
        let counts = cache.statistics();
        assert_eq!((counts.loads, counts.shared + counts.memory_hits), (1, 7));
    }

    #[test]
    fn a_reader_that_fails_or_panics_holds_up_nobody() {
        let clock = ManualClock::default();
        let order = std::sync::Arc::new(Mutex::new(0));
        let meanwhile = {
            let order = std::sync::Arc::clone(&order);
            move |_: &Source| {
                let place = {
                    let mut order = order.lock().unwrap();
                    *order += 1;
                    *order
                };
                std::thread::sleep(Duration::from_millis(20));
                assert!(place != 1, "on purpose");
            }
        };
        let source = Source { meanwhile: Some(Box::new(meanwhile)), ..Source::default() };
        let cache = cache(source, &clock);
        let start = Barrier::new(4);
        let failed = scope(|threads| {
            let readers: Vec<_> = (0..4)
                .map(|_| {
                    threads.spawn(|| {
                        start.wait();
                        cache.read(1, &query()).map(|rows| rows.len())
                    })
                })
                .collect();
            readers.into_iter().filter_map(|reader| reader.join().err()).count()
        });
        assert_eq!(failed, 1, "the others have read for themselves");
        cache.source.fails.store(true, Ordering::SeqCst);
        cache.clear();
        assert!(cache.read(1, &query()).is_err());
        cache.source.fails.store(false, Ordering::SeqCst);
        assert!(cache.read(1, &query()).is_ok());
    }

    #[test]
    fn a_value_is_read_anew_before_it_expires_and_a_failure_of_that_is_none() {
        let clock = ManualClock::default();
        let takes = Duration::from_secs(20);
        let source = Source { clock: clock.clone(), takes, ..Source::default() };
        let cache = cache(source, &clock);
        cache.read(1, &query()).unwrap();
        let mut reads = 0;
        while cache.statistics().early_refreshes == 0 {
            clock.advance(Duration::from_secs(1));
            cache.read(1, &query()).unwrap();
            reads += 1;
            assert!(reads < 300, "the value has expired");
        }
        assert_eq!(cache.statistics().loads, 2);
        cache.source.fails.store(true, Ordering::SeqCst);
        for _ in 0..230 {
            clock.advance(Duration::from_secs(1));
            cache.read(1, &query()).unwrap();
            if cache.statistics().early_refreshes > 1 {
                break;
            }
        }
    }
}
