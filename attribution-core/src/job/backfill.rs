//! The backfill: journeys assembled from clicks and stored.
//!
//! Conversions and the clicks that can be their touches are each sorted by journey key and time, in
//! files where they are many, and merged: one pass over the clicks, whatever their number, with no
//! more of them in memory than a journey has touches.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};
use serde::Serialize;

use super::difference::difference;
use super::external_sort::{ExternalSort, Sorted};
use super::progress::{Phase, Progress, go_on};
use super::settings::MultiTouch;
use super::spool::{Record, Spool};
use super::tables::{
    CandidateClick, Checkpoint, JobCoverage, JourneyValues, Parents, Reader, ResultTable, Run,
    RunKind, StoredConversion, Tables, Visitors, Worker, merge_clicks,
};
use super::workers::{in_parts, share};
use crate::domain::journey::{JourneyKey, JourneyOptions};
use crate::domain::key_filter::KeyFilter;
use crate::ground::error::Error;
use crate::ground::scope::{Scope, ScopeType};
use crate::ground::time::{SECONDS_PER_HOUR, Window};

/// How to backfill.
///
/// ```
/// use attribution_core::{BackfillOptions, JourneyKey, Window};
/// let options = BackfillOptions::new(Window::new(1_717_200_000, 1_717_286_400)?);
/// assert_eq!(options.journeys.key, JourneyKey::VisitorCampaign);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackfillOptions {
    /// The hours of the conversions.
    pub window: Window,
    /// How journeys are assembled.
    pub journeys: JourneyOptions,
    /// Which conversions: all of them, or those of a campaign or an advertiser.
    pub scope: Scope,
    /// How long to wait for another run of the same owner to end.
    pub wait: Duration,
    /// On how many connections rows are written.
    pub connections: usize,
    /// Removes the stored journeys of these conversions instead of making them.
    pub remove: bool,
}

impl BackfillOptions {
    /// Journeys by their defaults, all conversions, no waiting, two connections.
    ///
    /// ```
    /// use attribution_core::{BackfillOptions, Scope, Window};
    /// assert_eq!(BackfillOptions::new(Window::new(0, 3_600)?).scope, Scope::GLOBAL);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new(window: Window) -> Self {
        Self {
            window,
            journeys: JourneyOptions::default(),
            scope: Scope::GLOBAL,
            wait: Duration::ZERO,
            connections: 2,
            remove: false,
        }
    }
}

/// What a backfill of one owner did.
///
/// ```
/// assert_eq!(attribution_core::BackfillReport::default().touches, 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BackfillReport {
    /// The account owner.
    pub user_id: u64,
    /// The window's first second.
    pub start: u64,
    /// The second after the window's last.
    pub end: u64,
    /// Clicks read as candidates.
    pub clicks: u64,
    /// Conversions in the window that are not deleted.
    pub conversions: u64,
    /// Deleted conversions, whose journeys are removed.
    pub deleted_conversions: u64,
    /// Conversions whose multi-touch is off, or whose journeys are to be removed: they are.
    pub single_touch_conversions: u64,
    /// Conversions with multi-touch on whose click is not among the owner's clicks.
    pub missing_clicks: u64,
    /// Touches of the stored journeys.
    pub touches: u64,
    /// Transactions.
    pub batches: u64,
    /// Rows inserted or deleted.
    pub rows_written: u64,
    /// How often something was done again after a deadlock, a lock wait or a lost connection.
    pub retries: u64,
    /// How long it took.
    pub duration_ms: u64,
}

/// How many conversions' clicks are looked up at a time.
const REQUEST: usize = 512;
/// A transaction ends at so many rows or conversions.
const SLICE_ROWS: usize = 30_000;
const SLICE_CONVERSIONS: usize = 4_096;
/// So many conversions' stored journeys are looked at together, whatever their length.
const COMPARED: usize = 256;

/// Refuses options that no user's run could have.
pub(crate) fn check_options(options: &BackfillOptions) -> Result<(), Error> {
    options.journeys.check()?;
    let scope_type = options.scope.scope_type();
    if !matches!(scope_type, ScopeType::Global | ScopeType::Advertiser | ScopeType::Campaign) {
        return Err(Error::input("scope", format!("found {scope_type}"), "campaign or advertiser"));
    }
    Ok(())
}

/// Stores the journeys of a window, after `prepare`, which runs under the owner's lock.
pub(crate) fn backfill<T: Tables>(
    tables: &T,
    owner: u64,
    options: &BackfillOptions,
    prepare: &dyn Fn() -> Result<(), Error>,
    progress: &dyn Progress,
) -> Result<BackfillReport, Error> {
    run(tables, owner, options, Coverage::All, prepare, progress)
}

/// Removes the stored journeys of all conversions, whenever they were, whose multi-touch is off.
pub(crate) fn purge<T: Tables>(
    tables: &T,
    owner: u64,
    scope: Scope,
    wait: Duration,
    prepare: &dyn Fn() -> Result<(), Error>,
    progress: &dyn Progress,
) -> Result<BackfillReport, Error> {
    let options =
        BackfillOptions { scope, wait, ..BackfillOptions::new(Window::new(0, u32::MAX)?) };
    run(tables, owner, &options, Coverage::SingleTouch, prepare, progress)
}

/// Which conversions' stored journeys are made right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    All,
    /// Those that are to have none.
    SingleTouch,
}

fn run<T: Tables>(
    tables: &T,
    owner: u64,
    options: &BackfillOptions,
    coverage: Coverage,
    prepare: &dyn Fn() -> Result<(), Error>,
    progress: &dyn Progress,
) -> Result<BackfillReport, Error> {
    check_options(options)?;
    let heed = || go_on(progress, Phase::Waiting, 0, 0);
    let run = tables.begin(owner, RunKind::Backfill, options.window, options.wait, &heed)?;
    let outcome = prepare().and_then(|()| backfill_owner(&run, owner, options, coverage, progress));
    if let Err(error) = &outcome {
        run.fail(error);
    }
    outcome
}

fn backfill_owner<R: Run>(
    run: &R,
    owner: u64,
    options: &BackfillOptions,
    coverage: Coverage,
    progress: &dyn Progress,
) -> Result<BackfillReport, Error> {
    let start = Instant::now();
    let mut worker = run.worker()?;
    let mut backfill = Backfill::new(options, coverage, owner, &mut worker)?;
    backfill.read_conversions(&mut worker, progress)?;
    if backfill.keyed.len() > 0 {
        backfill.assemble(run, &mut worker, progress)?;
    }
    let Backfill { mut touches, mut report, .. } = backfill;
    write(run, &mut worker, &mut touches, options.connections, progress, &mut report)?;
    report.retries = run.retries();
    report.duration_ms = start.elapsed().as_millis() as u64;
    run.succeed(&[], JobCoverage::Part)?;
    Ok(report)
}

/// The journeys that a backfill would store for some conversions if there were none of the clicks
/// `left_out`, which are none of their converting clicks. A conversion that would have none is not
/// among them.
pub(crate) fn journeys_without<R: Run>(
    run: &R,
    worker: &mut R::Worker,
    journeys: JourneyOptions,
    conversions: &mut [StoredConversion],
    left_out: &HashSet<u64>,
    progress: &dyn Progress,
) -> Result<HashMap<u64, Vec<JourneyValues>>, Error> {
    conversions.sort_unstable_by_key(|row| (row.conversion_time, row.conversion_id));
    let mut options = BackfillOptions::new(Window::new(0, u32::MAX)?);
    (options.journeys, options.connections) = (journeys, 1);
    let mut found: HashMap<u64, Vec<JourneyValues>> = HashMap::new();
    let mut rest = &conversions[..];
    while !rest.is_empty() {
        // Conversions that can share clicks are done together, so that clicks are read once and those
        // that lie between are not.
        let apart = rest.windows(2).position(|pair| {
            let reach = pair[1].conversion_time.saturating_sub(journeys.lookback_seconds);
            reach > pair[0].conversion_time
        });
        let (some, after) = rest.split_at(apart.map_or(rest.len(), |place| place + 1));
        rest = after;
        let mut backfill = Backfill::new(&options, Coverage::All, 0, worker)?;
        backfill.left_out = Some(left_out);
        for request in some.chunks(REQUEST) {
            backfill.take_conversions(worker, request)?;
        }
        if backfill.keyed.len() > 0 {
            backfill.assemble(run, worker, progress)?;
        }
        let mut sorted = backfill.touches.read()?;
        while let Some(touch) = sorted.next()? {
            if touch.place > 0 {
                found.entry(touch.conversion_id).or_default().push(touch.values());
            }
        }
    }
    Ok(found)
}

/// A conversion that waits for its touches, ordered by its journey key and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Keyed {
    key: (u64, u64),
    conversion_time: u32,
    conversion_id: u64,
    click_id: u64,
    click_time: u32,
}

impl Record for Keyed {
    const WORDS: usize = 5;

    fn to_words(self, words: &mut [u64]) {
        words.copy_from_slice(&[
            self.key.0,
            self.key.1,
            u64::from(self.conversion_time) << 32 | u64::from(self.click_time),
            self.conversion_id,
            self.click_id,
        ]);
    }

    fn from_words(words: &[u64]) -> Self {
        Self {
            key: (words[0], words[1]),
            conversion_time: (words[2] >> 32) as u32,
            click_time: words[2] as u32,
            conversion_id: words[3],
            click_id: words[4],
        }
    }
}

/// A click that may be a touch, ordered by its journey key and (time, id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    key: (u64, u64),
    click_time: u32,
    click_id: u64,
    /// Whether it is what the rows of a repeated click come to.
    merged: bool,
}

impl Record for Candidate {
    const WORDS: usize = 4;

    fn to_words(self, words: &mut [u64]) {
        let time = u64::from(self.click_time) << 1 | u64::from(self.merged);
        words.copy_from_slice(&[self.key.0, self.key.1, time, self.click_id]);
    }

    fn from_words(words: &[u64]) -> Self {
        Self {
            key: (words[0], words[1]),
            click_time: (words[2] >> 1) as u32,
            click_id: words[3],
            merged: words[2] & 1 == 1,
        }
    }
}

/// A touch of a journey, or, at place 0, that there is a conversion; ordered by conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Assembled {
    conversion_id: u64,
    /// The touch's position, and one.
    place: u32,
    click_id: u64,
    click_time: u32,
}

impl Assembled {
    const fn values(self) -> JourneyValues {
        JourneyValues {
            conversion_id: self.conversion_id,
            position: self.place.saturating_sub(1),
            click_id: self.click_id,
            click_time: self.click_time,
        }
    }
}

impl Record for Assembled {
    const WORDS: usize = 3;

    fn to_words(self, words: &mut [u64]) {
        let place = u64::from(self.place) << 32 | u64::from(self.click_time);
        words.copy_from_slice(&[self.conversion_id, place, self.click_id]);
    }

    fn from_words(words: &[u64]) -> Self {
        Self {
            conversion_id: words[0],
            place: (words[1] >> 32) as u32,
            click_time: words[1] as u32,
            click_id: words[2],
        }
    }
}

/// Clicks that may be touches.
struct Found {
    candidates: ExternalSort<Candidate>,
    /// From the first to the last id.
    ids: RangeInclusive<u64>,
    /// How many were looked at.
    clicks: u64,
}

impl Default for Found {
    fn default() -> Self {
        #[allow(clippy::reversed_empty_ranges)]
        let none = u64::MAX..=0;
        Self { candidates: ExternalSort::new(), ids: none, clicks: 0 }
    }
}

struct Backfill<'a> {
    options: &'a BackfillOptions,
    coverage: Coverage,
    parents: Parents,
    multi_touch: MultiTouch,
    keyed: ExternalSort<Keyed>,
    touches: ExternalSort<Assembled>,
    /// Clicks that are as if they were not there.
    left_out: Option<&'a HashSet<u64>>,
    report: BackfillReport,
}

impl<'a> Backfill<'a> {
    fn new(
        options: &'a BackfillOptions,
        coverage: Coverage,
        owner: u64,
        worker: &mut impl Worker,
    ) -> Result<Self, Error> {
        Ok(Self {
            options,
            coverage,
            parents: worker.parents()?,
            multi_touch: MultiTouch::new(worker.settings()?),
            keyed: ExternalSort::new(),
            touches: ExternalSort::new(),
            left_out: None,
            report: BackfillReport {
                user_id: owner,
                start: options.window.start(),
                end: options.window.end(),
                ..BackfillReport::default()
            },
        })
    }

    fn is_left_out(&self, click_id: u64) -> bool {
        self.left_out.is_some_and(|left_out| left_out.contains(&click_id))
    }

    fn journey_key(&self, visitor: u64, campaign_id: u64) -> (u64, u64) {
        match self.options.journeys.key {
            JourneyKey::VisitorCampaign => (visitor, campaign_id),
            JourneyKey::Visitor => (visitor, 0),
            JourneyKey::Campaign => (0, campaign_id),
            JourneyKey::None => (0, 0),
        }
    }

    fn read_conversions(
        &mut self,
        worker: &mut impl Reader,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        go_on(progress, Phase::Reading, 0, 0)?;
        let mut conversions = Spool::new();
        worker.conversions(self.options.window, &mut |conversion| {
            if conversions.len().is_multiple_of(4_096) {
                go_on(progress, Phase::Reading, conversions.len(), 0)?;
            }
            conversions.push(conversion)
        })?;
        let total = conversions.len();
        let mut reader = conversions.read()?;
        let mut request = Vec::with_capacity(REQUEST);
        let mut done = 0;
        loop {
            request.clear();
            while request.len() < REQUEST
                && let Some(conversion) = reader.next()?
            {
                request.push(conversion);
            }
            if request.is_empty() {
                return Ok(());
            }
            done += request.len() as u64;
            self.take_conversions(worker, &request)?;
            go_on(progress, Phase::Reading, done, total)?;
        }
    }

    fn take_conversions(
        &mut self,
        worker: &mut impl Reader,
        conversions: &[StoredConversion],
    ) -> Result<(), Error> {
        let needed = |conversion: &&StoredConversion| {
            self.coverage == Coverage::All || conversion.campaign_id.is_none()
        };
        let ids: Vec<u64> =
            conversions.iter().filter(needed).map(|conversion| conversion.click_id).collect();
        let clicks = merge_clicks(worker.clicks(&ids, Visitors::Read)?);
        for conversion in conversions {
            let click = clicks.get(&conversion.click_id);
            let of_click = || click.map(|click| click.campaign_id);
            let campaign_id = conversion.campaign_id.or_else(of_click).unwrap_or(0);
            let advertiser_id = self.parents.advertisers.get(&campaign_id).copied();
            let wanted = match self.options.scope.scope_type() {
                ScopeType::Campaign => self.options.scope.id() == Some(campaign_id),
                ScopeType::Advertiser => self.options.scope.id() == advertiser_id,
                _ => true,
            };
            let on = !self.options.remove && self.multi_touch.is_on(campaign_id, advertiser_id);
            let kept = self.coverage == Coverage::SingleTouch && on && !conversion.deleted;
            if !wanted || kept {
                continue;
            }
            let conversion_id = conversion.conversion_id;
            let none = Assembled { conversion_id, place: 0, click_id: 0, click_time: 0 };
            self.touches.push(none)?;
            if conversion.deleted {
                self.report.deleted_conversions += 1;
                continue;
            }
            self.report.conversions += 1;
            if !on {
                self.report.single_touch_conversions += 1;
                continue;
            }
            self.report.missing_clicks += u64::from(click.is_none());
            let click_time = click
                .map(|click| click.click_time)
                .or(conversion.click_time)
                .unwrap_or(conversion.conversion_time);
            let visitor = click.map_or(0, |click| click.visitor);
            let alone = match self.options.journeys.key {
                JourneyKey::None => true,
                JourneyKey::Campaign => false,
                JourneyKey::VisitorCampaign | JourneyKey::Visitor => visitor == 0,
            };
            let click_id = conversion.click_id;
            if alone {
                self.report.touches += 1;
                self.touches.push(Assembled { conversion_id, place: 1, click_id, click_time })?;
            } else {
                self.keyed.push(Keyed {
                    key: self.journey_key(visitor, campaign_id),
                    conversion_time: conversion.conversion_time,
                    conversion_id,
                    click_id,
                    click_time,
                })?;
            }
        }
        Ok(())
    }

    /// Reads the clicks that may be touches, on several connections, each with a part of the time.
    fn read_candidates<R: Run>(
        &self,
        run: &R,
        worker: &mut R::Worker,
        times: RangeInclusive<u32>,
        filter: &KeyFilter,
        hasher: &DefaultHashBuilder,
        progress: &dyn Progress,
    ) -> Result<Found, Error> {
        const PARTS: u64 = 16;
        let (start, end) = (u64::from(*times.start()), u64::from(*times.end()) + 1);
        let length = (end - start).div_ceil(PARTS).max(u64::from(SECONDS_PER_HOUR));
        let mut from = start;
        let next = || {
            let part = from..(from + length).min(end);
            from = part.end;
            Ok((!part.is_empty()).then_some(part))
        };
        let several = self.keyed.len() > SLICE_CONVERSIONS as u64;
        let mut found = Found::default();
        share(
            run,
            worker,
            if several { self.options.connections } else { 1 },
            next,
            |worker, part, stop| {
                let mut found = Found::default();
                let times = part.start as u32..=(part.end - 1) as u32;
                worker.candidates(times, self.options.journeys.key, &mut |click| {
                    found.clicks += 1;
                    if stop.load(Ordering::Relaxed) {
                        return Err(Error::Cancelled);
                    }
                    let key = self.journey_key(click.visitor, click.campaign_id);
                    if !filter.may_hold(hasher.hash_one(key)) || self.is_left_out(click.click_id) {
                        return Ok(());
                    }
                    let CandidateClick { click_id, click_time, .. } = click;
                    found.ids = *found.ids.start().min(&click_id)..=*found.ids.end().max(&click_id);
                    found.candidates.push(Candidate { key, click_time, click_id, merged: false })
                })?;
                Ok(found)
            },
            |part| {
                if let Some(part) = part {
                    found.clicks += part.clicks;
                    let (first, last) = (part.ids.start(), part.ids.end());
                    found.ids = *found.ids.start().min(first)..=*found.ids.end().max(last);
                    found.candidates.absorb(part.candidates)?;
                }
                go_on(progress, Phase::Reading, found.clicks, 0)
            },
        )?;
        Ok(found)
    }

    fn assemble<R: Run>(
        &mut self,
        run: &R,
        worker: &mut R::Worker,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let hasher = DefaultHashBuilder::default();
        let mut filter =
            KeyFilter::for_keys(usize::try_from(self.keyed.len()).unwrap_or(usize::MAX));
        let (mut oldest, mut newest) = (u32::MAX, 0);
        let mut keyed = self.keyed.read()?;
        while let Some(conversion) = keyed.next()? {
            filter.add(hasher.hash_one(conversion.key));
            oldest = oldest.min(conversion.conversion_time);
            newest = newest.max(conversion.conversion_time);
        }
        let times = oldest.saturating_sub(self.options.journeys.lookback_seconds)..=newest;

        let Found { mut candidates, ids, clicks } =
            self.read_candidates(run, worker, times, &filter, &hasher, progress)?;
        let mut repeated = Vec::new();
        if !ids.is_empty() {
            repeated = worker.repeated_click_ids(ids)?;
            repeated.sort_unstable();
        }
        for ids in repeated.chunks(REQUEST) {
            go_on(progress, Phase::Reading, clicks, 0)?;
            for click in merge_clicks(worker.clicks(ids, Visitors::Read)?).into_values() {
                if !click.filtered && !self.is_left_out(click.click_id) {
                    candidates.push(Candidate {
                        key: self.journey_key(click.visitor, click.campaign_id),
                        click_time: click.click_time,
                        click_id: click.click_id,
                        merged: true,
                    })?;
                }
            }
        }
        self.report.clicks = clicks;
        self.merge(&mut candidates, &repeated, progress)
    }

    /// Walks conversions and candidates together, in the order of their keys and times.
    fn merge(
        &mut self,
        candidates: &mut ExternalSort<Candidate>,
        repeated: &[u64],
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let most = self.options.journeys.max_touches as usize;
        let total = self.keyed.len();
        let mut window = NewestClicks::new(candidates.read()?, repeated, most);
        let mut keyed = self.keyed.read()?;
        let (mut done, mut journey) = (0_u64, Vec::new());
        while let Some(conversion) = keyed.next()? {
            if done.is_multiple_of(4_096) {
                go_on(progress, Phase::Assembling, done, total)?;
            }
            done += 1;
            let newest = window.up_to(conversion.key, conversion.conversion_time)?;
            let lookback = self.options.journeys.lookback_seconds;
            let oldest = conversion.conversion_time.saturating_sub(lookback);
            journey.clear();
            journey.extend(newest.iter().copied().filter(|(time, _)| *time >= oldest));
            let converting = (conversion.click_time, conversion.click_id);
            if !journey.iter().any(|(_, click_id)| *click_id == conversion.click_id) {
                let place = journey.partition_point(|touch| *touch < converting);
                journey.insert(place, converting);
            }
            self.report.touches += journey.len() as u64;
            for (position, (click_time, click_id)) in journey.iter().enumerate() {
                self.touches.push(Assembled {
                    conversion_id: conversion.conversion_id,
                    place: position as u32 + 1,
                    click_id: *click_id,
                    click_time: *click_time,
                })?;
            }
        }
        go_on(progress, Phase::Assembling, total, total)
    }
}

/// The newest clicks of one key up to some time, as (time, id) in order.
struct NewestClicks<'a> {
    candidates: Sorted<'a, Candidate>,
    ahead: Option<Candidate>,
    repeated: &'a [u64],
    key: (u64, u64),
    newest: VecDeque<(u32, u64)>,
    most: usize,
}

impl<'a> NewestClicks<'a> {
    fn new(candidates: Sorted<'a, Candidate>, repeated: &'a [u64], most: usize) -> Self {
        Self { candidates, ahead: None, repeated, key: (0, 0), newest: VecDeque::new(), most }
    }

    fn next(&mut self) -> Result<Option<Candidate>, Error> {
        if let Some(candidate) = self.ahead.take() {
            return Ok(Some(candidate));
        }
        while let Some(candidate) = self.candidates.next()? {
            // The rows of a repeated click have one that stands for them.
            if candidate.merged || self.repeated.binary_search(&candidate.click_id).is_err() {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    /// Keys and, within a key, times have to be asked for in order.
    fn up_to(&mut self, key: (u64, u64), time: u32) -> Result<&VecDeque<(u32, u64)>, Error> {
        if self.key != key {
            self.key = key;
            self.newest.clear();
        }
        while let Some(candidate) = self.next()? {
            if (candidate.key, candidate.click_time) > (key, time) {
                self.ahead = Some(candidate);
                break;
            }
            if candidate.key == key {
                if self.newest.len() == self.most {
                    self.newest.pop_front();
                }
                self.newest.push_back((candidate.click_time, candidate.click_id));
            }
        }
        Ok(&self.newest)
    }
}

/// Some conversions with all touches that should be stored.
#[derive(Default)]
struct JourneySlice {
    conversion_ids: Vec<u64>,
    rows: Vec<JourneyValues>,
}

fn write<R: Run>(
    run: &R,
    worker: &mut R::Worker,
    touches: &mut ExternalSort<Assembled>,
    connections: usize,
    progress: &dyn Progress,
    report: &mut BackfillReport,
) -> Result<(), Error> {
    let mut sorted = touches.read()?;
    let mut ahead = None;
    let next = || {
        let mut slice = JourneySlice::default();
        while let Some(touch) = match ahead.take() {
            Some(touch) => Some(touch),
            None => sorted.next()?,
        } {
            if touch.place > 0 {
                slice.rows.push(touch.values());
            } else if slice.conversion_ids.len() == SLICE_CONVERSIONS
                || slice.rows.len() >= SLICE_ROWS
            {
                ahead = Some(touch);
                break;
            } else {
                slice.conversion_ids.push(touch.conversion_id);
            }
        }
        Ok(Some(slice).filter(|slice| !slice.conversion_ids.is_empty()))
    };
    let total = report.conversions + report.deleted_conversions;
    let mut done = 0;
    share(
        run,
        worker,
        if total > SLICE_CONVERSIONS as u64 { connections } else { 1 },
        next,
        |worker, slice: JourneySlice, stop| {
            let conversions = slice.conversion_ids.len() as u64;
            let mut rows_written = 0;
            worker.transaction(&[], &mut |worker| {
                rows_written = 0;
                let mut rest = &slice.rows[..];
                for ids in slice.conversion_ids.chunks(COMPARED) {
                    let last = ids.last().copied().unwrap_or(0);
                    let (rows, after) =
                        rest.split_at(rest.partition_point(|row| row.conversion_id <= last));
                    rest = after;
                    let (delete, insert) = difference(worker.journey_rows(ids)?, rows.to_vec());
                    let delete: Vec<u64> = delete.into_iter().map(|(_, id)| id).collect();
                    in_parts(&delete, stop, |part| worker.delete(ResultTable::Journeys, part))?;
                    in_parts(&insert, stop, |part| worker.insert_journey_rows(part))?;
                    rows_written += (delete.len() + insert.len()) as u64;
                }
                Ok(Checkpoint { done: conversions, rows_written })
            })?;
            Ok((conversions, rows_written))
        },
        |finished| {
            if let Some((conversions, rows_written)) = finished {
                done += conversions;
                report.batches += 1;
                report.rows_written += rows_written;
            }
            go_on(progress, Phase::Writing, done, total)
        },
    )
}
