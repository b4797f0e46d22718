//! The comparison of models over stored conversions and journeys.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::report::{CompareOptions, Comparison};
use super::tally::Tally;
use super::{check_models, finish};
use crate::domain::model::Model;
use crate::engine::parallel::{join, spawn};
use crate::ground::error::Error;
use crate::ground::scope::{ScopeSet, ScopeType};
use crate::job::journeys::{Loader, Lookup};
use crate::job::progress::{Phase, Progress, go_on};
use crate::job::settings::MultiTouch;
use crate::job::spool::{Spool, SpoolReader};
use crate::job::tables::{Parents, Reader, StoredConversion};

/// On how many connections is read where nothing is said.
const CONNECTIONS: usize = 2;
/// The most connections that help.
const MOST_CONNECTIONS: usize = 16;
/// For one connection alone there should be so many conversions.
const SHARE: u64 = 4_096;
/// How long the caller waits at most before it is asked again whether to go on.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// Compares models over an owner's rows, which readers that `open` gives read. `known` are the scopes that
/// the tables have ids for.
pub(crate) fn compare_stored<R: Reader>(
    open: impl Fn() -> Result<R, Error> + Sync,
    models: &[Model],
    known: ScopeSet,
    options: &CompareOptions,
    progress: &dyn Progress,
) -> Result<Comparison, Error> {
    options.check()?;
    let baseline = check_models(models, options)?;
    let Some(window) = options.window else {
        return Err(Error::input("window", "found none", "the hours to compare models in"));
    };
    if !known.contains(options.scope_type) {
        let found = format!("found {}, which the tables have no ids for", options.scope_type);
        let known: Vec<_> = known.iter().map(ScopeType::name).collect();
        return Err(Error::input("scope", found, known.join(", ")));
    }
    go_on(progress, Phase::Reading, 0, 0)?;
    let mut reader = open()?;
    let multi_touch = MultiTouch::new(reader.settings()?);
    let parents = reader.parents()?;
    let mut conversions = Spool::new();
    let mut read = 0_u64;
    reader.conversions(window, &mut |conversion| {
        read += 1;
        if read.is_multiple_of(4_096) {
            go_on(progress, Phase::Reading, read, 0)?;
        }
        if conversion.deleted { Ok(()) } else { conversions.push(conversion) }
    })?;
    let total = conversions.len();
    let most = options.threads.unwrap_or(CONNECTIONS).clamp(1, MOST_CONNECTIONS);
    let connections = most.min(total.div_ceil(SHARE).max(1) as usize);
    let comparing = Comparing {
        loader: loader(multi_touch, parents, options.scope_type, models.len()),
        tally: Tally::new(models, options, 1),
        conversions: Mutex::new(conversions.read()?),
        stop: AtomicBool::new(false),
    };
    let missing_clicks = comparing.share(reader, &open, connections, total, progress)?;
    finish(comparing.tally, models, baseline, options, missing_clicks)
}

fn loader(
    multi_touch: MultiTouch,
    parents: Parents,
    scope_type: ScopeType,
    models: usize,
) -> Loader {
    let scopes = ScopeSet::NONE.with(scope_type);
    Loader::new(multi_touch, parents, scopes, models, Lookup::ConvertingClicks)
}

/// What the threads share.
struct Comparing<'a> {
    loader: Loader,
    tally: Tally<'a>,
    conversions: Mutex<SpoolReader<'a, StoredConversion>>,
    stop: AtomicBool,
}

impl Comparing<'_> {
    /// Loads and adds all conversions on several threads, each with a reader; gives how many lack their
    /// click.
    fn share<R: Reader>(
        &self,
        first: R,
        open: &(impl Fn() -> Result<R, Error> + Sync),
        connections: usize,
        total: u64,
        progress: &dyn Progress,
    ) -> Result<u64, Error> {
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            let told = |outcome: Result<(), Error>, sender: &Sender<_>| {
                if let Err(error) = outcome {
                    let _ = sender.send(Err(error));
                }
            };
            // Threads that are at work already are waited for.
            let stop = |_: &Error| self.stop.store(true, Ordering::Relaxed);
            let mut handles = Vec::new();
            for _ in 1..connections {
                let sender = sender.clone();
                let started = spawn(scope, move || {
                    told(open().and_then(|reader| self.labour(reader, &sender)), &sender);
                });
                handles.push(started.inspect_err(stop)?);
            }
            let started = spawn(scope, move || told(self.labour(first, &sender), &sender));
            handles.push(started.inspect_err(stop)?);
            let (mut done, mut missing_clicks, mut outcome) = (0, 0, Ok(()));
            loop {
                let told = match receiver.recv_timeout(HEARTBEAT) {
                    Ok(finished) => finished.map(|(conversions, missing): (u64, u64)| {
                        done += conversions;
                        missing_clicks += missing;
                    }),
                    Err(RecvTimeoutError::Timeout) => Ok(()),
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                let told = told.and_then(|()| go_on(progress, Phase::Calculating, done, total));
                if told.is_err() {
                    self.stop.store(true, Ordering::Relaxed);
                    outcome = outcome.and(told);
                }
            }
            handles.into_iter().try_for_each(join)?;
            outcome.map(|()| missing_clicks)
        })
    }

    fn labour<R: Reader>(
        &self,
        mut reader: R,
        sender: &Sender<Result<(u64, u64), Error>>,
    ) -> Result<(), Error> {
        let mut request = Vec::new();
        let mut batch = self.loader.empty_batch();
        while !self.stop.load(Ordering::Relaxed) {
            self.take(&mut request)?;
            if request.is_empty() {
                break;
            }
            batch.clear();
            let missing = self.loader.load_request(&mut reader, &request, &mut batch)?;
            self.tally.add(&batch.batch(), |_| Ok(()))?;
            // The receiver outlives the threads.
            let _ = sender.send(Ok((request.len() as u64, missing)));
        }
        Ok(())
    }

    fn take(&self, request: &mut Vec<StoredConversion>) -> Result<(), Error> {
        let conversions = self.conversions.lock();
        let mut conversions =
            conversions.map_err(|_| Error::Internal("a worker thread panicked".into()))?;
        request.clear();
        while request.len() < self.loader.request()
            && let Some(conversion) = conversions.next()?
        {
            request.push(conversion);
        }
        Ok(())
    }
}
