//! The time that values expire by.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time since 1970.
pub(crate) trait Clock: Send + Sync {
    fn now(&self) -> Duration;
}

/// The system's time as it was at the start, and from then on what has passed: it is not set back.
#[derive(Debug)]
pub(crate) struct SystemClock {
    at_start: Duration,
    start: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        let at_start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { at_start, start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.at_start + self.start.elapsed()
    }
}

/// A time that a test sets.
#[cfg(test)]
#[derive(Debug, Clone, Default)]
pub(crate) struct ManualClock(std::sync::Arc<std::sync::atomic::AtomicU64>);

#[cfg(test)]
impl ManualClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_micros() as u64, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(test)]
impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_micros(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}
