//! Leaves a server alone for a while after it failed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::cache::expiry::Random;

/// How long it is left alone after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// How long at most.
const MOST: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
struct State {
    /// One after the other.
    failures: u32,
    /// Failures that counted: of those who were admitted together, only the first one's does.
    epoch: u64,
    open_until: Option<Duration>,
}

/// Leave to ask the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission(u64);

/// After a failure the server is left alone for a second, after each further one twice as long up to
/// half a minute, each time up to a quarter longer, by lot. Then one may try it; while that one does,
/// the others still leave it alone.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

impl Breaker {
    /// Whether the server may be asked now.
    pub(crate) fn admit(&self, now: Duration) -> Option<Admission> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.open_until {
            if now < until {
                return None;
            }
            state.open_until = Some(now + FIRST);
        }
        Some(Admission(state.epoch))
    }

    pub(crate) fn succeeded(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.failures, state.open_until) = (0, None);
    }

    pub(crate) fn failed(&self, admission: Admission, now: Duration, random: &Random) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.epoch != admission.0 {
            return;
        }
        state.epoch += 1;
        let pause = FIRST.saturating_mul(1 << state.failures.min(5)).min(MOST);
        state.failures = state.failures.saturating_add(1);
        state.open_until = Some(now + pause.mul_f64(1.0 + random.unit() / 4.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_fails_is_left_alone_ever_longer_and_then_tried_by_one() {
        let (breaker, random) = (Breaker::default(), Random::of_seed(3));
        let mut now = Duration::from_secs(1_000);
        let mut admission = breaker.admit(now).unwrap();
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            breaker.failed(admission, now, &random);
            let pause = Duration::from_secs(seconds);
            assert!(breaker.admit(now + pause.mul_f64(0.999)).is_none(), "{seconds}");
            now += pause.mul_f64(1.25);
            admission = breaker.admit(now).unwrap();
            assert!(breaker.admit(now).is_none(), "one tries, the others wait");
        }
        // One that never comes back does not keep it closed for good.
        assert!(breaker.admit(now + FIRST).is_some());
        breaker.succeeded();
        assert!(breaker.admit(now).is_some() && breaker.admit(now).is_some());
    }

    #[test]
    fn those_who_fail_together_count_as_one() {
        let (breaker, random) = (Breaker::default(), Random::of_seed(4));
        let now = Duration::from_secs(1_000);
        let admissions: Vec<Admission> = (0..20).map(|_| breaker.admit(now).unwrap()).collect();
        for admission in admissions {
            breaker.failed(admission, now, &random);
        }
        assert!(breaker.admit(now + FIRST.mul_f64(1.25)).is_some());
    }
}
