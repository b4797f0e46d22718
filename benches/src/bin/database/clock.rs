//! Times with how busy others kept the processors meanwhile, as what they do shows in what is measured.

use std::fs;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::report::Measured;

/// Others may use so much of the processors where it is called quiet.
const QUIET: f64 = 0.1;
/// How long one looks to tell.
const LOOK: Duration = Duration::from_millis(500);

static SERVER: OnceLock<String> = OnceLock::new();
static PATIENCE: OnceLock<Duration> = OnceLock::new();

/// Says which process is the server's, and how long to wait for a quiet moment before a measurement.
pub(crate) fn set(server: &str, patience: Duration) {
    SERVER.get_or_init(|| server.trim().to_owned());
    PATIENCE.get_or_init(|| patience);
}

/// Ticks of all processors together: all of them, those of others, and idle ones.
#[derive(Debug, Clone, Copy, Default)]
struct Ticks {
    all: u64,
    busy: u64,
    ours: u64,
}

impl Ticks {
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let fields: Vec<u64> = text
            .lines()
            .next()?
            .split_whitespace()
            .skip(1)
            .take(8)
            .map_while(|field| field.parse().ok())
            .collect();
        let all: u64 = fields.iter().sum();
        let idle = fields.get(3)? + fields.get(4)?;
        let ours = ["self", SERVER.get()?].into_iter().filter_map(of_process).sum();
        Some(Self { all, busy: all - idle, ours })
    }

    /// The share of the processors that others have used since.
    fn others_since(self) -> Option<f64> {
        let now = Self::read()?;
        let ours = now.ours.saturating_sub(self.ours);
        let others = now.busy.saturating_sub(self.busy).saturating_sub(ours);
        Some(others as f64 / now.all.saturating_sub(self.all).max(1) as f64)
    }
}

/// What a process has used so far, in user and system mode.
fn of_process(process: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before may have spaces and brackets.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// A measurement that goes on.
pub(crate) struct Clock {
    start: Instant,
    ticks: Ticks,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { ticks: Ticks::read().unwrap_or_default(), start: Instant::now() }
    }

    pub(crate) fn stop(self, rows: u64) -> Measured {
        let duration = self.start.elapsed();
        Measured { rows, duration, others: self.ticks.others_since().unwrap_or(0.0) }
    }
}

/// Waits for a quiet moment, but not for ever.
pub(crate) fn await_quiet() {
    let until = Instant::now() + PATIENCE.get().copied().unwrap_or_default();
    while Instant::now() < until {
        let before = Ticks::read().unwrap_or_default();
        sleep(LOOK);
        if before.others_since().is_none_or(|others| others < QUIET) {
            return;
        }
    }
}
