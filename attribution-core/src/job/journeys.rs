//! Stored journeys on their way into batches.

use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::{HashMap, HashSet};

use super::settings::MultiTouch;
use super::spool::SpoolReader;
use super::tables::{Parents, Reader, StoredClick, StoredConversion, Visitors, merge_clicks};
use crate::domain::batch::{BatchBuilder, Conversion, Touch};
use crate::ground::error::Error;
use crate::ground::money::Money;
use crate::ground::scope::ScopeSet;
use crate::ground::time::hour_of;

/// A piece is closed when its touches have so many credits, one for each model,
const MOST_CREDITS: usize = 400_000;
/// or from so many conversions on.
const MOST_CONVERSIONS: usize = 8_192;
/// How many conversions are asked for at a time: few at first, as journeys may be long; then many, as
/// what lies together is read together.
const FIRST_REQUEST: usize = 32;
const LARGEST_REQUEST: usize = 4_096;

/// Loads conversions with their stored journeys.
pub(crate) struct Loader {
    pub(crate) multi_touch: MultiTouch,
    pub(crate) parents: Parents,
    pub(crate) scopes: ScopeSet,
    /// From so many touches on a piece is closed.
    most_touches: usize,
    /// How many conversions to ask for next.
    request: AtomicUsize,
    lookup: Lookup,
}

/// Whose clicks are looked up for their own sake, besides those that the scopes want dimensions of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Those of all touches, to count the ones that are missing.
    Touches,
    /// Those of the conversions, for their costs, the missing ones counted.
    ConvertingClicks,
    /// None: costs are not wanted, and nothing is counted.
    Nothing,
}

/// Conversions with their journeys, as many as are calculated at a time.
pub(crate) struct Piece {
    pub(crate) batch: BatchBuilder,
    /// Touches whose clicks are missing.
    pub(crate) missing_clicks: u64,
    /// The hour and id of the last conversion.
    pub(crate) last: (u32, u64),
}

impl Loader {
    pub(crate) fn new(
        multi_touch: MultiTouch,
        parents: Parents,
        scopes: ScopeSet,
        models: usize,
        lookup: Lookup,
    ) -> Self {
        let most_touches = MOST_CREDITS / models.max(1);
        let request = AtomicUsize::new(FIRST_REQUEST);
        Self { multi_touch, parents, scopes, most_touches, request, lookup }
    }

    pub(crate) fn pieces<'a>(
        &'a self,
        conversions: SpoolReader<'a, StoredConversion>,
    ) -> Pieces<'a> {
        Pieces { loader: self, conversions, ahead: None }
    }

    /// Whether multi-touch is on for a campaign.
    pub(crate) fn is_on(&self, campaign_id: u64) -> bool {
        self.multi_touch.is_on(campaign_id, self.parents.advertisers.get(&campaign_id).copied())
    }

    /// A touch with what is known of its click.
    pub(crate) fn touch(
        &self,
        click_id: u64,
        click_time: u32,
        click: Option<&StoredClick>,
    ) -> Touch {
        let touch = Touch { click_id, click_time, ..Touch::default() };
        let Some(click) = click else { return touch };
        let parent = |of: &HashMap<u64, u64>, id| of.get(&id).copied().unwrap_or(0);
        Touch {
            campaign_id: click.campaign_id,
            account_id: click.account_id,
            landing_page_id: click.landing_page_id,
            advertiser_id: parent(&self.parents.advertisers, click.campaign_id),
            traffic_source_id: parent(&self.parents.traffic_sources, click.account_id),
            ..touch
        }
    }

    /// Adds conversions to a batch; says how many touches lack their click.
    fn load(
        &self,
        reader: &mut impl Reader,
        conversions: &[StoredConversion],
        batch: &mut BatchBuilder,
    ) -> Result<u64, Error> {
        let may_have_more =
            |conversion: &&StoredConversion| conversion.campaign_id.is_none_or(|id| self.is_on(id));
        let mut ids: Vec<u64> = conversions
            .iter()
            .filter(may_have_more)
            .map(|conversion| conversion.conversion_id)
            .collect();
        ids.sort_unstable();
        let mut touches = reader.journeys(&ids)?;
        // Of the rows of one touch the earliest is the touch.
        touches.sort_unstable();
        touches.dedup_by_key(|touch| (touch.conversion_id, touch.click_id));
        let all = self.lookup != Lookup::Nothing || self.scopes != ScopeSet::GLOBAL;
        let mut click_ids: Vec<u64> = conversions
            .iter()
            .filter(|conversion| all || conversion.campaign_id.is_none())
            .map(|conversion| conversion.click_id)
            .collect();
        // Of the others the global scope needs to know no more than whether they are there.
        let others: Vec<u64> = touches.iter().map(|touch| touch.click_id).collect();
        let mut there = HashSet::new();
        if self.scopes != ScopeSet::GLOBAL {
            click_ids.extend(others);
        } else if self.lookup == Lookup::Touches {
            there = reader.existing_clicks(&others)?;
        }
        let is_theirs = self.lookup == Lookup::ConvertingClicks && self.scopes == ScopeSet::GLOBAL;
        let rows = if is_theirs {
            reader.clicks_of(conversions)?
        } else {
            reader.clicks(&click_ids, Visitors::Skipped)?
        };
        let clicks = merge_clicks(rows);
        let is_missing = |click_id| !clicks.contains_key(click_id) && !there.contains(click_id);

        let mut missing = 0;
        let mut row_touches = Vec::new();
        for conversion in conversions {
            let id = conversion.conversion_id;
            let start = touches.partition_point(|touch| touch.conversion_id < id);
            let journey = &touches[start..];
            let journey = &journey[..journey.partition_point(|touch| touch.conversion_id == id)];
            let click = clicks.get(&conversion.click_id);
            let of_click = || click.map(|click| click.campaign_id);
            let campaign_id = conversion.campaign_id.or_else(of_click).unwrap_or(0);
            let on = self.is_on(campaign_id);
            let journey = if on { journey } else { &[] };
            let stored = journey.iter().find(|touch| touch.click_id == conversion.click_id);
            let own_time = stored
                .map(|touch| touch.click_time)
                .or_else(|| click.map(|click| click.click_time))
                .or(conversion.click_time)
                .unwrap_or(conversion.conversion_time);
            let mut converting = self.touch(conversion.click_id, own_time, click);
            if click.is_none() {
                converting.campaign_id = campaign_id;
                missing += 1;
            }
            row_touches.clear();
            for touch in journey.iter().filter(|touch| touch.click_id != conversion.click_id) {
                missing += u64::from(self.lookup == Lookup::Touches && is_missing(&touch.click_id));
                let click = clicks.get(&touch.click_id);
                row_touches.push(self.touch(touch.click_id, touch.click_time, click));
            }
            let cost = Money::from_units(click.map_or(0, |click| click.cost));
            batch
                .push(
                    &Conversion {
                        conversion_id: conversion.conversion_id,
                        conversion_time: conversion.conversion_time,
                        payout: Money::from_units(conversion.payout),
                        cost,
                        click: converting,
                    },
                    &row_touches,
                )
                .map_err(|error| match error {
                    // Say which conversion it is, not which row of a batch.
                    Error::Input(defects) => Error::input(
                        format!("conversion {}", conversion.conversion_id),
                        defects.shown().first().map_or("", |defect| &defect.found).to_owned(),
                        defects.shown().first().map_or("", |defect| &defect.allowed).to_owned(),
                    ),
                    error => error,
                })?;
        }
        Ok(missing)
    }

    /// How many conversions to load next.
    pub(crate) fn request(&self) -> usize {
        self.request.load(Ordering::Relaxed)
    }

    /// As [`Loader::load`], and settles how many conversions are to be loaded next by how many touches
    /// these have.
    pub(crate) fn load_request(
        &self,
        reader: &mut impl Reader,
        conversions: &[StoredConversion],
        batch: &mut BatchBuilder,
    ) -> Result<u64, Error> {
        let before = batch.batch().touches();
        let missing = self.load(reader, conversions, batch)?;
        let touches = batch.batch().touches() - before;
        let next = if touches < self.most_touches / 4 {
            (conversions.len() * 2).clamp(1, LARGEST_REQUEST)
        } else {
            (conversions.len() / 2).max(1)
        };
        self.request.store(next, Ordering::Relaxed);
        Ok(missing)
    }

    pub(crate) fn empty_batch(&self) -> BatchBuilder {
        BatchBuilder::with_dimensions(self.scopes)
    }
}

/// Conversions cut into pieces.
pub(crate) struct Pieces<'a> {
    loader: &'a Loader,
    conversions: SpoolReader<'a, StoredConversion>,
    ahead: Option<StoredConversion>,
}

impl Pieces<'_> {
    fn take(&mut self) -> Result<Option<StoredConversion>, Error> {
        match self.ahead.take() {
            Some(conversion) => Ok(Some(conversion)),
            None => self.conversions.next(),
        }
    }

    /// Whether there are no more.
    pub(crate) fn at_end(&mut self) -> Result<bool, Error> {
        self.ahead = self.take()?;
        Ok(self.ahead.is_none())
    }

    pub(crate) fn next(&mut self, reader: &mut impl Reader) -> Result<Option<Piece>, Error> {
        let mut piece = Piece { batch: self.loader.empty_batch(), missing_clicks: 0, last: (0, 0) };
        let mut request = Vec::new();
        loop {
            request.clear();
            while request.len() < self.loader.request()
                && let Some(conversion) = self.take()?
            {
                request.push(conversion);
            }
            let Some(last) = request.last() else { break };
            piece.last = (hour_of(last.conversion_time), last.conversion_id);
            piece.missing_clicks += self.loader.load_request(reader, &request, &mut piece.batch)?;
            let touches = piece.batch.batch().touches();
            if touches >= self.loader.most_touches
                || piece.batch.batch().conversions() >= MOST_CONVERSIONS
            {
                break;
            }
        }
        Ok((piece.batch.batch().conversions() > 0).then_some(piece))
    }
}
