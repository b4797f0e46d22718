//! Values held in the process, within a bound.

use std::collections::{BTreeMap, HashMap};
use std::mem::size_of;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::expiry::Lifetime;
use super::key::Key;
use crate::job::tables::SnapshotRecord;

/// What a value takes besides its rows: the key, its places in both maps, and what they round up to.
const OVERHEAD: usize = size_of::<Key>() + size_of::<Held>() + 160;

/// A value with how long it holds.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) rows: Arc<[SnapshotRecord]>,
    pub(crate) lifetime: Lifetime,
}

#[derive(Debug)]
struct Held {
    generation: u64,
    value: Value,
    /// When it was used last, counted in uses.
    used: u64,
    bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    held: HashMap<Arc<Key>, Held>,
    /// By their last use.
    order: BTreeMap<u64, Arc<Key>>,
    uses: u64,
    bytes: usize,
}

/// The newest generation's value for each key, the longest unused of which go where there are too many.
#[derive(Debug)]
pub(crate) struct Memory {
    capacity: usize,
    state: Mutex<State>,
}

impl Memory {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a key under a generation, while it holds.
    pub(crate) fn get(&self, key: &Key, generation: u64, now: Duration) -> Option<Value> {
        let mut state = self.state();
        let State { held, order, uses, .. } = &mut *state;
        let entry = held.get_mut(key)?;
        if entry.generation < generation || entry.value.lifetime.has_ended(now) {
            state.remove(key);
            return None;
        }
        // A reader that was held up between asking for the generation and looking here may ask for
        // an older one than there is.
        if entry.generation > generation {
            return None;
        }
        let value = entry.value.clone();
        *uses += 1;
        if let Some(key) = order.remove(&entry.used) {
            order.insert(*uses, key);
        }
        entry.used = *uses;
        Some(value)
    }

    /// Holds a value unless it is too large, or one of a newer generation is there.
    pub(crate) fn insert(&self, key: &Arc<Key>, generation: u64, value: Value) {
        let bytes = OVERHEAD + value.rows.len() * size_of::<SnapshotRecord>();
        let mut state = self.state();
        if bytes > self.capacity
            || state.held.get(key).is_some_and(|held| held.generation > generation)
        {
            return;
        }
        state.remove(key);
        state.bytes += bytes;
        while state.bytes > self.capacity {
            let Some((_, unused)) = state.order.first_key_value() else { break };
            let unused = Arc::clone(unused);
            state.remove(&unused);
        }
        state.uses += 1;
        let used = state.uses;
        state.order.insert(used, Arc::clone(key));
        state.held.insert(Arc::clone(key), Held { generation, value, used, bytes });
    }

    pub(crate) fn clear(&self) {
        let mut state = self.state();
        *state = State { uses: state.uses, ..State::default() };
    }

    /// How many values there are, and their bytes.
    pub(crate) fn size(&self) -> (u64, u64) {
        let state = self.state();
        (state.held.len() as u64, state.bytes as u64)
    }
}

impl State {
    fn remove(&mut self, key: &Key) {
        if let Some(held) = self.held.remove(key) {
            self.order.remove(&held.used);
            self.bytes -= held.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::rows;

    fn value(count: u64, expires: u64) -> Value {
        let lifetime =
            Lifetime { expires: Duration::from_secs(expires), cost: Duration::from_millis(1) };
        Value { rows: rows(count).into(), lifetime }
    }

    const START: Duration = Duration::ZERO;

    #[test]
    fn a_value_is_given_for_its_generation_alone_and_until_it_expires() {
        let memory = Memory::new(1 << 20);
        let key = Arc::new(Key::of_model(1));
        memory.insert(&key, 5, value(3, 10));
        assert_eq!(memory.get(&key, 5, START).unwrap().rows.len(), 3);
        assert!(memory.get(&key, 4, START).is_none(), "not to one who asks for an older one");
        assert!(memory.get(&Key::of_model(2), 5, START).is_none());
        memory.insert(&key, 4, value(1, 10));
        assert_eq!(memory.get(&key, 5, START).unwrap().rows.len(), 3, "the newer one stays");
        assert!(memory.get(&key, 5, Duration::from_secs(10)).is_none());
        assert_eq!(memory.size(), (0, 0), "what has expired goes");
        memory.insert(&key, 5, value(3, 10));
        assert!(memory.get(&key, 6, START).is_none());
        assert_eq!(memory.size(), (0, 0), "what is older goes");
    }

    #[test]
    fn the_longest_unused_go_and_the_bound_holds() {
        let one = OVERHEAD + 10 * size_of::<SnapshotRecord>();
        let memory = Memory::new(one * 3);
        let keys: Vec<Arc<Key>> = (0..4).map(|id| Arc::new(Key::of_model(id))).collect();
        for key in &keys[..3] {
            memory.insert(key, 1, value(10, 10));
        }
        assert_eq!(memory.size(), (3, 3 * one as u64));
        memory.get(&keys[0], 1, START).unwrap();
        memory.insert(&keys[3], 1, value(10, 10));
        let there = |key: &Arc<Key>| memory.get(key, 1, START).is_some();
        assert_eq!(keys.iter().map(there).collect::<Vec<_>>(), [true, false, true, true]);
        memory.insert(&keys[1], 1, value(1_000, 10));
        assert_eq!(memory.size().0, 3, "what is too large is not held, and drives out none");
        for round in 0..1_000 {
            memory.insert(&Arc::new(Key::of_model(round)), round, value(round % 30, 10));
            assert!(memory.size().1 <= 3 * one as u64);
        }
        memory.clear();
        assert_eq!(memory.size(), (0, 0));
        Memory::new(0).insert(&keys[0], 1, value(0, 10));
    }
}
