//! A window's conversions, sorted by hour and cut into slices of whole hours.

use std::collections::BTreeMap;
use std::ops::Range;

use super::plan::MOST_AMOUNT;
use crate::ground::error::Error;
use crate::ground::time::{SECONDS_PER_HOUR, Window, hour_of};
use crate::job::external_sort::{ExternalSort, Sorted};
use crate::job::progress::{Phase, Progress, go_on};
use crate::job::spool::{Record, Spool};
use crate::job::tables::{Reader, StoredConversion};

/// A slice has at least so many conversions, but for the last.
pub(super) const SLICE: u64 = 4_096;

/// What the conversions of an hour can add up to, in any scope.
#[derive(Debug, Default)]
pub(super) struct HourBounds {
    conversions: u64,
    /// Counts of 0.00001.
    positive: i128,
    negative: i128,
}

impl HourBounds {
    /// The most that a click may cost, `click_cpc` being a DECIMAL(7,5).
    const MOST_COST: i128 = 9_999_999;

    pub(super) fn may_overflow(&self) -> bool {
        let most = i128::from(MOST_AMOUNT) * 10;
        let costs = i128::from(self.conversions) * Self::MOST_COST;
        self.positive > most || self.negative > most || costs > most
    }
}

pub(super) fn read_conversions(
    reader: &mut impl Reader,
    window: Window,
    sorted: &mut ExternalSort<ByHour>,
    progress: &dyn Progress,
) -> Result<BTreeMap<u32, HourBounds>, Error> {
    let mut hours: BTreeMap<u32, HourBounds> = BTreeMap::new();
    let mut read = 0_u64;
    go_on(progress, Phase::Reading, 0, 0)?;
    reader.conversions(window, &mut |conversion| {
        read += 1;
        if read.is_multiple_of(4_096) {
            go_on(progress, Phase::Reading, read, read)?;
        }
        if conversion.deleted {
            return Ok(());
        }
        let bounds = hours.entry(hour_of(conversion.conversion_time)).or_default();
        bounds.conversions += 1;
        let payout = i128::from(conversion.payout);
        bounds.positive += payout.max(0);
        bounds.negative += -payout.min(0);
        sorted.push(ByHour(conversion))
    })?;
    Ok(hours)
}

/// A conversion, ordered by hour and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByHour(pub(super) StoredConversion);

impl ByHour {
    const fn key(&self) -> (u32, u64) {
        (hour_of(self.0.conversion_time), self.0.conversion_id)
    }
}

impl Ord for ByHour {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for ByHour {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Record for ByHour {
    const WORDS: usize = StoredConversion::WORDS;

    fn to_words(self, words: &mut [u64]) {
        self.0.to_words(words);
    }

    fn from_words(words: &[u64]) -> Self {
        Self(StoredConversion::from_words(words))
    }
}

/// Whole hours with their conversions, ordered by hour and id.
pub(super) struct Slice {
    pub(super) hours: Range<u64>,
    pub(super) conversions: Spool<StoredConversion>,
}

/// Cuts sorted conversions into slices that together cover the window.
pub(super) struct Slices<'a> {
    sorted: Sorted<'a, ByHour>,
    /// What was read of the next slice.
    pending: Option<ByHour>,
    from: u64,
    end: u64,
}

impl<'a> Slices<'a> {
    pub(super) fn new(sorted: Sorted<'a, ByHour>, window: Window) -> Self {
        Self { sorted, pending: None, from: window.start(), end: window.end() }
    }

    pub(super) fn next(&mut self) -> Result<Option<Slice>, Error> {
        if self.from >= self.end {
            return Ok(None);
        }
        let mut conversions = Spool::new();
        let mut end = self.from;
        loop {
            let next = match self.pending.take() {
                Some(next) => Some(next),
                None => self.sorted.next()?,
            };
            let Some(next) = next else {
                end = self.end;
                break;
            };
            if u64::from(next.0.conversion_time) >= end {
                if conversions.len() >= SLICE {
                    self.pending = Some(next);
                    break;
                }
                end = u64::from(hour_of(next.0.conversion_time)) + u64::from(SECONDS_PER_HOUR);
            }
            conversions.push(next.0)?;
        }
        let hours = self.from..end;
        self.from = end;
        Ok(Some(Slice { hours, conversions }))
    }
}
