//! When values expire, and when one is read anew before it does.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The part of the expiry that a value's own time is drawn from, at its end.
const JITTER: f64 = 0.1;
/// How eagerly values are read anew; 1 is best where the reading's time varies little.
const EAGERNESS: f64 = 1.0;

/// How long a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime {
    /// When it expires, since 1970.
    pub(crate) expires: Duration,
    /// How long the reading took.
    pub(crate) cost: Duration,
}

impl Lifetime {
    /// Of a value read now. Its time is `expiry` less up to a tenth, so that what was read together
    /// does not expire together.
    pub(crate) fn new(now: Duration, expiry: Duration, cost: Duration, random: &Random) -> Self {
        let expires = now + expiry.mul_f64(1.0 - JITTER * random.unit());
        Self { expires, cost }
    }

    pub(crate) fn has_ended(self, now: Duration) -> bool {
        now >= self.expires
    }

    /// Whether this reader is to read the value anew before it expires, drawn by lot: the nearer the
    /// end and the longer the reading takes, the likelier. So at most a few do, mostly one, and none
    /// has to wait when it expires: now - cost * eagerness * ln(u) >= expires, by Vattani, Chierichetti
    /// and Lowenstein, "Optimal probabilistic cache stampede prevention" (VLDB 2015).
    pub(crate) fn is_to_be_renewed(self, now: Duration, random: &Random) -> bool {
        let ahead = self.cost.as_secs_f64() * EAGERNESS * -random.unit().ln();
        // No reading takes longer than a day, nor does any draw give much more than its 37-fold.
        now + Duration::from_secs_f64(ahead.clamp(0.0, 1e7)) >= self.expires
    }
}

/// Numbers drawn by lot, for nothing that a secret hangs on (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Random(AtomicU64);

impl Random {
    pub(crate) fn new() -> Self {
        Self::of_seed(RandomState::new().hash_one(0))
    }

    pub(crate) const fn of_seed(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number above 0 and at most 1.
    pub(crate) fn unit(&self) -> f64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_spread_over_the_last_tenth() {
        let (now, expiry) = (Duration::from_secs(1_000), Duration::from_secs(300));
        let random = Random::of_seed(1);
        let mut lives: Vec<f64> = (0..10_000)
            .map(|_| Lifetime::new(now, expiry, Duration::ZERO, &random).expires.as_secs_f64())
            .map(|expires| expires - now.as_secs_f64())
            .collect();
        lives.sort_unstable_by(f64::total_cmp);
        assert!(lives[0] >= 270.0 && lives[9_999] <= 300.0);
        for (place, wanted) in [(1_000, 273.0), (5_000, 285.0), (9_000, 297.0)] {
            assert!((lives[place] - wanted).abs() < 0.5, "{place}: {}", lives[place]);
        }
    }

    #[test]
    fn values_are_renewed_early_as_often_as_the_formula_says() {
        let random = Random::of_seed(2);
        let lifetime = Lifetime { expires: Duration::from_secs(100), cost: Duration::from_secs(2) };
        // P(-2 ln u >= d) = exp(-d / 2).
        for (before, share) in [(20, 0.000_045), (4, 0.135_3), (2, 0.367_9), (1, 0.606_5)] {
            let now = Duration::from_secs(100 - before);
            let renewed = (0..100_000).filter(|_| lifetime.is_to_be_renewed(now, &random)).count();
            let found = renewed as f64 / 100_000.0;
            assert!((found - share).abs() < 0.006, "{before} s before: {found} for {share}");
        }
        assert!(lifetime.is_to_be_renewed(Duration::from_secs(100), &random));
        let free = Lifetime { cost: Duration::ZERO, ..lifetime };
        assert!(!free.is_to_be_renewed(Duration::from_secs(99), &random));
    }
}
