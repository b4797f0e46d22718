//! A progress bar on a terminal, and Ctrl-C.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use attribution_core::{Error, Phase, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows progress on standard error where that is a terminal, and stops when asked to by Ctrl-C.
pub(crate) struct Bar {
    bar: ProgressBar,
    phase: Mutex<Option<Phase>>,
    stop: Arc<AtomicBool>,
}

impl Bar {
    /// A bar that is not shown before its first report.
    pub(crate) fn new() -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed)).map_err(|error| {
            Error::Io { what: "Ctrl-C".to_owned(), source: std::io::Error::other(error) }
        })?;
        // indicatif draws nothing where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg:12} {wide_bar} {percent:>3} %") {
            bar.set_style(style);
        }
        Ok(Self { bar, phase: Mutex::new(None), stop })
    }

    /// Whether Ctrl-C has asked to stop.
    pub(crate) fn asked_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn report(&self, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        if let Ok(mut shown) = self.phase.lock()
            && shown.replace(phase) != Some(phase)
        {
            self.bar.set_message(phase.name());
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        if self.asked_to_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
