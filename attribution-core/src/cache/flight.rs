//! One reads, and the others who want the same wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::key::Key;
use crate::job::tables::SnapshotRecord;

type Rows = Arc<[SnapshotRecord]>;
/// A key and the generation that is asked for: who asks for a newer one does not wait for an older.
type Target = (Arc<Key>, u64);

#[derive(Debug)]
enum State {
    Flying,
    Landed(Rows),
    /// The one who read failed, panicked or was stopped.
    Lost,
}

/// A reading that goes on.
#[derive(Debug)]
pub(crate) struct Flight {
    state: Mutex<State>,
    ended: Condvar,
}

impl Flight {
    /// What was read; none where it failed or takes longer than `most`.
    pub(crate) fn wait(&self, most: Duration) -> Option<Rows> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .ended
            .wait_timeout_while(state, most, |state| matches!(state, State::Flying))
            .unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Landed(rows) => Some(Arc::clone(rows)),
            State::Flying | State::Lost => None,
        }
    }

    fn end(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.ended.notify_all();
    }
}

/// The readings that go on.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<Target, Arc<Flight>>>);

/// Whether to read or to wait.
pub(crate) enum Boarding<'a> {
    Leads(Leader<'a>),
    Waits(Arc<Flight>),
}

impl Flights {
    pub(crate) fn board(&self, key: &Arc<Key>, generation: u64) -> Boarding<'_> {
        let target = (Arc::clone(key), generation);
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&target) {
            return Boarding::Waits(Arc::clone(flight));
        }
        let flight = Arc::new(Flight { state: Mutex::new(State::Flying), ended: Condvar::new() });
        flights.insert(target.clone(), Arc::clone(&flight));
        Boarding::Leads(Leader { flights: self, target, flight })
    }

    fn remove(&self, target: &Target) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(target);
    }
}

/// The one who reads. Those who wait are let go however this ends.
pub(crate) struct Leader<'a> {
    flights: &'a Flights,
    target: Target,
    flight: Arc<Flight>,
}

impl Leader<'_> {
    /// Gives what was read to those who wait. Where it was stored, that has to be done before, for
    /// whoever comes next does not wait any more.
    pub(crate) fn land(self, rows: Rows) {
        self.flight.end(State::Landed(rows));
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        self.flights.remove(&self.target);
        let mut state = self.flight.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Flying) {
            *state = State::Lost;
        }
        drop(state);
        self.flight.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread::scope;
    use std::time::Instant;

    use super::*;
    use crate::cache::rows;

    const LONG: Duration = Duration::from_secs(60);

    fn leads<'a>(flights: &'a Flights, key: &Arc<Key>, generation: u64) -> Leader<'a> {
        match flights.board(key, generation) {
            Boarding::Leads(leader) => leader,
            Boarding::Waits(_) => panic!("there is a flight"),
        }
    }

    fn waits(flights: &Flights, key: &Arc<Key>, generation: u64) -> Arc<Flight> {
        match flights.board(key, generation) {
            Boarding::Waits(flight) => flight,
            Boarding::Leads(_) => panic!("there is no flight"),
        }
    }

    #[test]
    fn one_reads_and_the_others_get_it() {
        let flights = Flights::default();
        let key = Arc::new(Key::of_model(1));
        let leader = leads(&flights, &key, 1);
        let waiting: Vec<_> = (0..8).map(|_| waits(&flights, &key, 1)).collect();
        drop(leads(&flights, &key, 2));
        drop(leads(&flights, &Arc::new(Key::of_model(2)), 1));
        scope(|threads| {
            let waiters: Vec<_> = waiting
                .iter()
                .map(|flight| threads.spawn(|| flight.wait(LONG).map(|rows| rows.len())))
                .collect();
            leader.land(rows(7).into());
            for waiter in waiters {
                assert_eq!(waiter.join().unwrap(), Some(7));
            }
        });
        drop(leads(&flights, &key, 1));
        assert!(flights.0.lock().unwrap().is_empty());
    }

    #[test]
    fn those_who_wait_are_let_go_when_the_reader_fails_or_panics_or_takes_too_long() {
        let flights = Flights::default();
        let key = Arc::new(Key::of_model(1));
        let leader = leads(&flights, &key, 1);
        let flight = waits(&flights, &key, 1);
        let begin = Instant::now();
        assert!(flight.wait(Duration::from_millis(20)).is_none());
        assert!(begin.elapsed() >= Duration::from_millis(20));
        scope(|threads| {
            let waiter = threads.spawn(|| flight.wait(LONG).is_none());
            drop(leader);
            assert!(waiter.join().unwrap());
        });
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _leader = leads(&flights, &key, 1);
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        let begin = Instant::now();
        drop(leads(&flights, &key, 1));
        assert!(begin.elapsed() < LONG);
    }
}
