//! Journeys: the order of touches, and their assembly from clicks.

use std::fmt;
use std::hash::BuildHasher;
use std::str::FromStr;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::batch::{BatchBuilder, MAX_TOUCHES, Touch};
use super::clicks::{Clicks, Conversions, MISSING_CLICK};
use super::id_index::IdIndex;
use super::key_filter::KeyFilter;
use crate::ground::error::{Defect, Defects, Error, quoted};
use crate::ground::scope::{ScopeSet, ScopeType};

/// Puts touches in the order of a journey: by (click time, click id), each click once with its
/// earliest time, and the converting click added with its own time where it is missing.
///
/// ```
/// use attribution_core::{order_touches, Touch};
/// let touch = |click_id, click_time| Touch { click_id, click_time, ..Touch::default() };
/// let mut touches = vec![touch(8, 200), touch(7, 300), touch(8, 100)];
/// order_touches(&mut touches, touch(9, 50));
/// let ids: Vec<_> = touches.iter().map(|touch| (touch.click_id, touch.click_time)).collect();
/// assert_eq!(ids, [(9, 50), (8, 100), (7, 300)]);
/// ```
pub fn order_touches(touches: &mut Vec<Touch>, converting: Touch) {
    if !touches.iter().any(|touch| touch.click_id == converting.click_id) {
        touches.push(converting);
    }
    if in_order(touches) {
        return;
    }
    // The whole touch decides among those of one click, so the order they came in does not.
    touches.sort_unstable();
    touches.dedup_by_key(|touch| touch.click_id);
    touches.sort_unstable_by_key(|touch| (touch.click_time, touch.click_id));
}

/// Whether touches are in a journey's order, each click once. Most are, and one look tells.
fn in_order(touches: &[Touch]) -> bool {
    let place = |touch: &Touch| (touch.click_time, touch.click_id);
    let ordered = touches.windows(2).all(|pair| place(&pair[0]) < place(&pair[1]));
    ordered && touches.windows(2).all(|pair| pair[0].click_id < pair[1].click_id)
}

/// What the touches of a journey have in common with the conversion.
///
/// ```
/// use attribution_core::JourneyKey;
/// assert_eq!("visitor".parse::<JourneyKey>()?, JourneyKey::Visitor);
/// assert_eq!(JourneyKey::default().name(), "visitor_campaign");
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum JourneyKey {
    /// The converting click's visitor and the conversion's campaign.
    #[default]
    VisitorCampaign,
    /// The converting click's visitor, any campaign.
    Visitor,
    /// The conversion's campaign, any visitor.
    Campaign,
    /// The converting click alone.
    None,
}

impl JourneyKey {
    /// Every key.
    ///
    /// ```
    /// use attribution_core::JourneyKey;
    /// assert!(JourneyKey::ALL.contains(&JourneyKey::default()));
    /// ```
    pub const ALL: [Self; 4] = [Self::VisitorCampaign, Self::Visitor, Self::Campaign, Self::None];

    /// The key's name.
    ///
    /// ```
    /// assert_eq!(attribution_core::JourneyKey::None.name(), "none");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::VisitorCampaign => "visitor_campaign",
            Self::Visitor => "visitor",
            Self::Campaign => "campaign",
            Self::None => "none",
        }
    }
}

impl fmt::Display for JourneyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for JourneyKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|key| key.name() == text).ok_or_else(|| {
            Error::input(
                "journey",
                format!("found {}", quoted(text)),
                "one of visitor_campaign, visitor, campaign, none",
            )
        })
    }
}

/// How journeys are assembled from clicks.
///
/// ```
/// use attribution_core::JourneyOptions;
/// let options = JourneyOptions::default();
/// assert_eq!((options.lookback_seconds, options.max_touches), (2_592_000, 25));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JourneyOptions {
    /// What touches have in common with the conversion.
    pub key: JourneyKey,
    /// How many seconds before the conversion a touch may be.
    pub lookback_seconds: u32,
    /// How many of the newest touches are kept, 1 to 65535; a converting click that is not among
    /// them comes on top.
    pub max_touches: u32,
}

impl Default for JourneyOptions {
    fn default() -> Self {
        Self { key: JourneyKey::default(), lookback_seconds: 30 * 24 * 3_600, max_touches: 25 }
    }
}

impl JourneyOptions {
    /// Checks the range of `max_touches`.
    ///
    /// # Errors
    /// [`Error::Input`] outside 1..=65535.
    ///
    /// ```
    /// use attribution_core::JourneyOptions;
    /// assert!(JourneyOptions { max_touches: 0, ..Default::default() }.check().is_err());
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        let most = MAX_TOUCHES as u32 - 1;
        if (1..=most).contains(&self.max_touches) {
            return Ok(());
        }
        Err(Error::input(
            "max_touches",
            format!("found {}", self.max_touches),
            format!("a whole number from 1 to {most}"),
        ))
    }
}

/// The journey of each conversion, as rows of the clicks they were assembled from.
///
/// ```
/// use attribution_core::{Clicks, Conversions, Dimensions, JourneyOptions, Journeys, ScopeType};
/// let clicks = Clicks {
///     click_ids: vec![8, 7],
///     click_times: vec![1_717_232_400, 1_717_146_000],
///     visitors: vec![1, 1],
///     costs: vec![0, 0],
///     filtered: vec![false, false],
///     dimensions: Dimensions::default().with(ScopeType::Campaign, vec![3, 3]),
/// };
/// let conversions = Conversions {
///     conversion_ids: vec![1],
///     click_ids: vec![8],
///     conversion_times: vec![1_717_232_400],
///     payouts: vec![3_500_000],
///     costs: vec![None],
///     campaign_ids: vec![None],
///     click_times: vec![None],
/// };
/// let journeys = Journeys::assemble(&clicks, &conversions, &JourneyOptions::default())?;
/// assert_eq!(journeys.rows(0), [1, 0]);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journeys {
    offsets: Vec<usize>,
    rows: Vec<u32>,
    /// Per conversion: the position of its converting click.
    converting_positions: Vec<u32>,
}

/// No journey key: the converting click stands alone.
const ALONE: u32 = u32::MAX;

impl Journeys {
    /// Assembles the journeys of conversions from clicks. Under a visitor key, a conversion whose
    /// visitor is unknown has its converting click alone.
    ///
    /// # Errors
    /// [`Error::Input`] for columns that do not fit together and for a click id that is there
    /// twice.
    ///
    /// ```
    /// use attribution_core::{Clicks, Conversions, JourneyOptions, Journeys};
    /// let none = Journeys::assemble(
    ///     &Clicks::default(), &Conversions::default(), &JourneyOptions::default())?;
    /// assert!(none.is_empty());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn assemble(
        clicks: &Clicks,
        conversions: &Conversions,
        options: &JourneyOptions,
    ) -> Result<Self, Error> {
        options.check()?;
        clicks.check()?;
        conversions.check()?;
        let mut defects = Defects::default();
        let index = IdIndex::build(&clicks.click_ids, |first, later| {
            defects.push(Defect::new(
                format!("clicks.click_ids[{later}]"),
                format!("found click {} again", clicks.click_ids[later as usize]),
                format!("each click once (it is at [{first}])"),
            ));
        });
        defects.into_result()?;
        let converting: Vec<u32> = conversions
            .click_ids
            .iter()
            .map(|id| index.row(*id, &clicks.click_ids).unwrap_or(MISSING_CLICK))
            .collect();
        drop(index);
        Ok(Self::with_converting_rows(clicks, conversions, &converting, options))
    }

    /// As [`Journeys::assemble`], of columns that have been checked and converting clicks that
    /// have been found.
    fn with_converting_rows(
        clicks: &Clicks,
        conversions: &Conversions,
        converting: &[u32],
        options: &JourneyOptions,
    ) -> Self {
        let candidates = Candidates::group(clicks, conversions, converting, options.key);
        let order = |row: u32| (clicks.click_times[row as usize], clicks.click_ids[row as usize]);
        let mut journeys = Self {
            offsets: Vec::with_capacity(conversions.len() + 1),
            rows: Vec::with_capacity(conversions.len() * 2),
            converting_positions: Vec::with_capacity(conversions.len()),
        };
        journeys.offsets.push(0);
        for (conversion, &converting) in converting.iter().enumerate() {
            let run = candidates.of(conversion);
            let time = conversions.conversion_times[conversion];
            let from = time.saturating_sub(options.lookback_seconds);
            let end = run.partition_point(|candidate| candidate.time <= time);
            let start = run[..end].partition_point(|candidate| candidate.time < from);
            let start = start.max(end.saturating_sub(options.max_touches as usize));
            let kept = &run[start..end];
            let begin = journeys.rows.len();
            journeys.rows.extend(kept.iter().map(|candidate| candidate.row));
            let position = kept.iter().position(|candidate| candidate.row == converting);
            let position = position.unwrap_or_else(|| {
                let place = if converting == MISSING_CLICK {
                    let time = conversions.click_times[conversion].unwrap_or(time);
                    (time, conversions.click_ids[conversion])
                } else {
                    order(converting)
                };
                let position = kept.partition_point(|candidate| order(candidate.row) < place);
                journeys.rows.insert(begin + position, converting);
                position
            });
            journeys.converting_positions.push(position as u32);
            journeys.offsets.push(journeys.rows.len());
        }
        journeys
    }

    /// The number of journeys: one for each conversion.
    ///
    /// ```
    /// # use attribution_core::{Clicks, Conversions, JourneyOptions, Journeys};
    /// # let (clicks, conversions) = (Clicks::default(), Conversions::default());
    /// let journeys = Journeys::assemble(&clicks, &conversions, &JourneyOptions::default())?;
    /// assert_eq!(journeys.len(), conversions.len());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn len(&self) -> usize {
        self.converting_positions.len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// # use attribution_core::{Clicks, Conversions, JourneyOptions, Journeys};
    /// # let (clicks, conversions) = (Clicks::default(), Conversions::default());
    /// let journeys = Journeys::assemble(&clicks, &conversions, &JourneyOptions::default())?;
    /// assert!(journeys.is_empty());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.converting_positions.is_empty()
    }

    /// The number of touches of all journeys together.
    ///
    /// ```
    /// # use attribution_core::{Clicks, Conversions, JourneyOptions, Journeys};
    /// # let (clicks, conversions) = (Clicks::default(), Conversions::default());
    /// let journeys = Journeys::assemble(&clicks, &conversions, &JourneyOptions::default())?;
    /// assert_eq!(journeys.touches(), 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn touches(&self) -> usize {
        self.rows.len()
    }

    /// The journey of a conversion as rows of the clicks, [`MISSING_CLICK`] for a converting click
    /// that is not among them. Empty where there is no such conversion.
    ///
    /// ```
    /// # use attribution_core::{Clicks, Conversions, JourneyOptions, Journeys};
    /// # let (clicks, conversions) = (Clicks::default(), Conversions::default());
    /// let journeys = Journeys::assemble(&clicks, &conversions, &JourneyOptions::default())?;
    /// assert!(journeys.rows(0).is_empty());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn rows(&self, conversion: usize) -> &[u32] {
        match self.offsets.get(conversion..) {
            Some([start, end, ..]) => &self.rows[*start..*end],
            _ => &[],
        }
    }

    /// All journeys: where each conversion's touches begin, and at last where they end, and for each
    /// touch its row among the clicks or [`MISSING_CLICK`].
    ///
    /// ```
    /// use attribution_core::{Clicks, Conversions, JourneyOptions, Journeys};
    /// let (clicks, conversions) = (Clicks::default(), Conversions::default());
    /// let journeys = Journeys::assemble(&clicks, &conversions, &JourneyOptions::default())?;
    /// assert_eq!(journeys.columns(), (&[0][..], &[][..]));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn columns(&self) -> (&[usize], &[u32]) {
        (&self.offsets, &self.rows)
    }

    /// The conversions with their journeys as columns, ready to be calculated on, with the
    /// dimensions of these scopes that the clicks have. The clicks and conversions have to be those
    /// that the journeys were assembled from.
    ///
    /// # Errors
    /// [`Error::Input`] for other conversions or clicks, as far as their numbers tell.
    ///
    /// ```
    /// # use attribution_core::{Clicks, Conversions, JourneyOptions, Journeys, ScopeSet};
    /// # let (clicks, conversions) = (Clicks::default(), Conversions::default());
    /// let journeys = Journeys::assemble(&clicks, &conversions, &JourneyOptions::default())?;
    /// let batch = journeys.into_batch(&conversions, &clicks, ScopeSet::GLOBAL)?;
    /// assert_eq!(batch.batch().conversions(), 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn into_batch(
        self,
        conversions: &Conversions,
        clicks: &Clicks,
        scopes: ScopeSet,
    ) -> Result<BatchBuilder, Error> {
        conversions.check()?;
        clicks.check()?;
        let beyond = |row: &u32| *row != MISSING_CLICK && *row as usize >= clicks.len();
        if conversions.len() != self.len() || self.rows.iter().any(beyond) {
            return Err(Error::input(
                "conversions and clicks",
                "found others than the journeys were assembled from",
                "the same",
            ));
        }
        let rows = &self.rows;
        // A missing click's row is beyond every column; what it has is filled in below.
        let gather = |column: &[u64]| -> Vec<u64> {
            rows.iter().map(|row| column.get(*row as usize).copied().unwrap_or(0)).collect()
        };
        let times = &clicks.click_times;
        let mut batch = BatchBuilder::with_dimensions(ScopeSet::NONE);
        batch.conversion_ids.clone_from(&conversions.conversion_ids);
        batch.converting_click_ids.clone_from(&conversions.click_ids);
        batch.conversion_times.clone_from(&conversions.conversion_times);
        batch.payouts.clone_from(&conversions.payouts);
        batch.costs = (0..self.len()).map(|row| self.cost(row, conversions, clicks)).collect();
        batch.click_ids = gather(&clicks.click_ids);
        let time = |row: &u32| times.get(*row as usize).copied().unwrap_or(0);
        batch.click_times = rows.iter().map(time).collect();
        for (scope_type, ids) in clicks.dimensions.present() {
            if scopes.contains(scope_type) {
                batch.dimensions = batch.dimensions.with(scope_type, gather(ids));
            }
        }
        for (conversion, position) in self.converting_positions.iter().enumerate() {
            let touch = self.offsets[conversion] + *position as usize;
            if rows[touch] != MISSING_CLICK {
                continue;
            }
            batch.click_ids[touch] = conversions.click_ids[conversion];
            batch.click_times[touch] = conversions.click_times[conversion]
                .unwrap_or(conversions.conversion_times[conversion]);
            let campaign = ScopeType::Campaign.dimension();
            if let Some(column) = campaign.and_then(|place| batch.dimensions.0[place].as_mut()) {
                column[touch] = conversions.campaign_ids[conversion].unwrap_or(0);
            }
        }
        batch.offsets = self.offsets;
        batch.converting_positions = self.converting_positions;
        Ok(batch)
    }

    /// A conversion's own cost, or else its converting click's, as a count of 0.00001.
    fn cost(&self, conversion: usize, conversions: &Conversions, clicks: &Clicks) -> i64 {
        conversions.costs[conversion].unwrap_or_else(|| {
            let position = self.converting_positions[conversion] as usize;
            let converting = self.rows(conversion).get(position).copied().unwrap_or(MISSING_CLICK);
            clicks.costs.get(converting as usize).copied().unwrap_or(0)
        })
    }
}

/// The clicks that can be touches of each conversion, but for their time: ordered by (click time,
/// click id), one run for each journey key that a conversion has.
struct Candidates {
    /// Per conversion: its key's run, or [`ALONE`].
    runs: Vec<u32>,
    offsets: Vec<usize>,
    candidates: Vec<Candidate>,
}

/// A click with its time beside it, which is what it is searched by.
#[derive(Debug, Clone, Copy, Default)]
struct Candidate {
    time: u32,
    row: u32,
}

impl Candidates {
    fn group(
        clicks: &Clicks,
        conversions: &Conversions,
        converting: &[u32],
        key: JourneyKey,
    ) -> Self {
        if key == JourneyKey::None {
            let runs = vec![ALONE; conversions.len()];
            return Self { runs, offsets: vec![0], candidates: Vec::new() };
        }
        let campaign_ids = clicks.dimensions.get(ScopeType::Campaign);
        let by_visitor = key != JourneyKey::Campaign;
        let by_campaign = key != JourneyKey::Visitor;
        let mut keys = Keys::default();
        let runs = converting.iter().enumerate().map(|(conversion, &row)| {
            let visitor = match clicks.visitors.get(row as usize) {
                _ if !by_visitor => 0,
                None | Some(0) => return ALONE,
                Some(visitor) => *visitor,
            };
            let campaign = if by_campaign {
                let of_click = || campaign_ids.and_then(|ids| ids.get(row as usize)).copied();
                conversions.campaign_ids[conversion].or_else(of_click).unwrap_or(0)
            } else {
                0
            };
            keys.number((visitor, campaign))
        });
        let runs: Vec<u32> = runs.collect();
        let filter = keys.filter();

        let key_of = |row: usize| {
            let visitor = if by_visitor { clicks.visitors[row] } else { 0 };
            let campaign = if by_campaign { campaign_ids.map_or(0, |ids| ids[row]) } else { 0 };
            (visitor, campaign)
        };
        // A counting sort by run. The clicks of visitors who never convert fall out here.
        let mut offsets = vec![0_usize; keys.numbers.len() + 1];
        let of_click: Vec<u32> = (0..clicks.len())
            .map(|row| {
                if clicks.filtered[row] {
                    return ALONE;
                }
                let key = key_of(row);
                let hash = keys.hasher.hash_one(key);
                if !filter.may_hold(hash) {
                    return ALONE;
                }
                let run = keys.find(hash, key).unwrap_or(ALONE);
                if run != ALONE {
                    offsets[run as usize + 1] += 1;
                }
                run
            })
            .collect();
        for run in 1..offsets.len() {
            offsets[run] += offsets[run - 1];
        }
        let mut candidates = vec![Candidate::default(); offsets[offsets.len() - 1]];
        let mut next = offsets.clone();
        for (row, (&run, &time)) in of_click.iter().zip(&clicks.click_times).enumerate() {
            if run != ALONE {
                candidates[next[run as usize]] = Candidate { time, row: row as u32 };
                next[run as usize] += 1;
            }
        }
        for bounds in offsets.windows(2) {
            candidates[bounds[0]..bounds[1]].sort_unstable_by(|left, right| {
                let id = |candidate: &Candidate| clicks.click_ids[candidate.row as usize];
                left.time.cmp(&right.time).then_with(|| id(left).cmp(&id(right)))
            });
        }
        Self { runs, offsets, candidates }
    }

    fn of(&self, conversion: usize) -> &[Candidate] {
        match self.runs[conversion] {
            ALONE => &[],
            run => &self.candidates[self.offsets[run as usize]..self.offsets[run as usize + 1]],
        }
    }
}

/// Journey keys, numbered as they come.
#[derive(Default)]
struct Keys {
    hasher: DefaultHashBuilder,
    /// Each key beside its number.
    numbers: HashTable<(u128, u64, u32)>,
}

impl Keys {
    fn find(&self, hash: u64, (visitor, campaign): (u128, u64)) -> Option<u32> {
        let same = |entry: &(u128, u64, u32)| entry.0 == visitor && entry.1 == campaign;
        self.numbers.find(hash, same).map(|entry| entry.2)
    }

    fn number(&mut self, key: (u128, u64)) -> u32 {
        let hash = self.hasher.hash_one(key);
        if let Some(number) = self.find(hash, key) {
            return number;
        }
        let number = self.numbers.len() as u32;
        let Self { hasher, numbers } = self;
        numbers.insert_unique(hash, (key.0, key.1, number), |entry| {
            hasher.hash_one((entry.0, entry.1))
        });
        number
    }

    /// A filter that holds every key.
    fn filter(&self) -> KeyFilter {
        let mut filter = KeyFilter::for_keys(self.numbers.len());
        for entry in &self.numbers {
            filter.add(self.hasher.hash_one((entry.0, entry.1)));
        }
        filter
    }
}
