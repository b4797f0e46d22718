//! Clicks and conversions as a store gives them, before journeys are assembled.

use super::dimensions::Dimensions;
use crate::ground::error::{Defect, Defects, Error};

/// Clicks as columns, one entry each; in any order, each click id once.
///
/// ```
/// use attribution_core::{Clicks, Dimensions, ScopeType};
/// let clicks = Clicks {
///     click_ids: vec![7, 8],
///     click_times: vec![1_717_146_000, 1_717_232_400],
///     visitors: vec![1, 1],
///     costs: vec![25_000, 0],
///     filtered: vec![false, false],
///     dimensions: Dimensions::default().with(ScopeType::Campaign, vec![3, 3]),
/// };
/// assert!(clicks.check().is_ok());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clicks {
    /// The click's id.
    pub click_ids: Vec<u64>,
    /// The click's time in unix seconds.
    pub click_times: Vec<u32>,
    /// Who clicked, as a number that is theirs alone; 0 for unknown. Wide enough that a short name
    /// can be its own number.
    pub visitors: Vec<u128>,
    /// What the click cost as a count of 0.00001; not negative.
    pub costs: Vec<i64>,
    /// Whether the click is kept out of journeys, as bots and the like are.
    pub filtered: Vec<bool>,
    /// The click's ids in the dimensions that there are; 0 for none.
    pub dimensions: Dimensions<Vec<u64>>,
}

/// Conversions as columns, one entry each; in any order, each conversion id once.
///
/// ```
/// use attribution_core::Conversions;
/// let conversions = Conversions {
///     conversion_ids: vec![1],
///     click_ids: vec![8],
///     conversion_times: vec![1_717_232_400],
///     payouts: vec![3_500_000],
///     costs: vec![None],
///     campaign_ids: vec![None],
///     click_times: vec![None],
/// };
/// assert!(conversions.check().is_ok());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversions {
    /// The conversion's id.
    pub conversion_ids: Vec<u64>,
    /// Its converting click.
    pub click_ids: Vec<u64>,
    /// Its time in unix seconds.
    pub conversion_times: Vec<u32>,
    /// What it paid as a count of 0.00001; negative for a refund.
    pub payouts: Vec<i64>,
    /// Its own cost as a count of 0.00001; none means its converting click's.
    pub costs: Vec<Option<i64>>,
    /// Its own campaign; none means its converting click's.
    pub campaign_ids: Vec<Option<u64>>,
    /// The converting click's time, for where that click is not among the clicks; none means the
    /// conversion's own time.
    pub click_times: Vec<Option<u32>>,
}

/// In place of a click's row: the converting click, which is not among the clicks.
///
/// ```
/// use attribution_core::{Clicks, Conversions, JourneyOptions, Journeys, MISSING_CLICK};
/// let conversions = Conversions {
///     conversion_ids: vec![1],
///     click_ids: vec![8],
///     conversion_times: vec![7_200],
///     payouts: vec![0],
///     costs: vec![None],
///     campaign_ids: vec![None],
///     click_times: vec![None],
/// };
/// let journeys =
///     Journeys::assemble(&Clicks::default(), &conversions, &JourneyOptions::default())?;
/// assert_eq!(journeys.rows(0), [MISSING_CLICK]);
/// # Ok::<(), attribution_core::Error>(())
/// ```
pub const MISSING_CLICK: u32 = u32::MAX;

fn length(defects: &mut Defects, column: &str, found: usize, allowed: usize) {
    if found != allowed {
        defects.push(Defect::new(
            column,
            format!("found {found} entries"),
            format!("{allowed}, as many as ids"),
        ));
    }
}

fn not_too_many(defects: &mut Defects, column: &str, found: usize) {
    if found >= MISSING_CLICK as usize {
        defects.push(Defect::new(
            column,
            format!("found {found}"),
            format!("below {MISSING_CLICK}"),
        ));
    }
}

fn not_negative(defects: &mut Defects, column: &str, row: usize, cost: i64) {
    if cost < 0 {
        defects.push(Defect::new(format!("{column}[{row}]"), format!("found {cost}"), "0 or more"));
    }
}

impl Clicks {
    /// The number of clicks.
    ///
    /// ```
    /// assert_eq!(attribution_core::Clicks::default().len(), 0);
    /// ```
    pub const fn len(&self) -> usize {
        self.click_ids.len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// assert!(attribution_core::Clicks::default().is_empty());
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.click_ids.is_empty()
    }

    /// Checks the columns' lengths and ranges. That each id is there once is checked when journeys
    /// are assembled.
    ///
    /// # Errors
    /// [`Error::Input`] with every defect.
    ///
    /// ```
    /// let clicks = attribution_core::Clicks { click_ids: vec![1], ..Default::default() };
    /// assert!(clicks.check().is_err());
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        let mut defects = Defects::default();
        let rows = self.len();
        not_too_many(&mut defects, "clicks.click_ids", rows);
        length(&mut defects, "clicks.click_times", self.click_times.len(), rows);
        length(&mut defects, "clicks.visitors", self.visitors.len(), rows);
        length(&mut defects, "clicks.costs", self.costs.len(), rows);
        length(&mut defects, "clicks.filtered", self.filtered.len(), rows);
        for (scope_type, column) in self.dimensions.present() {
            length(&mut defects, &format!("clicks.{scope_type}_ids"), column.len(), rows);
        }
        for (row, cost) in self.costs.iter().enumerate() {
            not_negative(&mut defects, "clicks.costs", row, *cost);
        }
        defects.into_result()
    }
}

impl Conversions {
    /// The number of conversions.
    ///
    /// ```
    /// assert_eq!(attribution_core::Conversions::default().len(), 0);
    /// ```
    pub const fn len(&self) -> usize {
        self.conversion_ids.len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// assert!(attribution_core::Conversions::default().is_empty());
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.conversion_ids.is_empty()
    }

    /// Checks the columns' lengths and ranges.
    ///
    /// # Errors
    /// [`Error::Input`] with every defect.
    ///
    /// ```
    /// let conversions =
    ///     attribution_core::Conversions { conversion_ids: vec![1], ..Default::default() };
    /// assert!(conversions.check().is_err());
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        let mut defects = Defects::default();
        let rows = self.len();
        not_too_many(&mut defects, "conversions.conversion_ids", rows);
        length(&mut defects, "conversions.click_ids", self.click_ids.len(), rows);
        length(&mut defects, "conversions.conversion_times", self.conversion_times.len(), rows);
        length(&mut defects, "conversions.payouts", self.payouts.len(), rows);
        length(&mut defects, "conversions.costs", self.costs.len(), rows);
        length(&mut defects, "conversions.campaign_ids", self.campaign_ids.len(), rows);
        length(&mut defects, "conversions.click_times", self.click_times.len(), rows);
        for (row, cost) in self.costs.iter().enumerate() {
            not_negative(&mut defects, "conversions.costs", row, cost.unwrap_or(0));
        }
        defects.into_result()
    }

    /// Moves other conversions to the end of these.
    pub(crate) fn append(&mut self, more: &mut Self) {
        self.conversion_ids.append(&mut more.conversion_ids);
        self.click_ids.append(&mut more.click_ids);
        self.conversion_times.append(&mut more.conversion_times);
        self.payouts.append(&mut more.payouts);
        self.costs.append(&mut more.costs);
        self.campaign_ids.append(&mut more.campaign_ids);
        self.click_times.append(&mut more.click_times);
    }

    /// Keeps the rows that `keep` says yes to.
    pub(crate) fn retain(&mut self, keep: impl Fn(usize, &Self) -> bool) {
        let kept: Vec<u32> =
            (0..self.len()).filter(|row| keep(*row, self)).map(|row| row as u32).collect();
        if kept.len() < self.len() {
            self.pick(&kept);
        }
    }

    /// Makes the conversions be these rows, in this order.
    fn pick(&mut self, rows: &[u32]) {
        permute(&mut self.conversion_ids, rows);
        permute(&mut self.click_ids, rows);
        permute(&mut self.conversion_times, rows);
        permute(&mut self.payouts, rows);
        permute(&mut self.costs, rows);
        permute(&mut self.campaign_ids, rows);
        permute(&mut self.click_times, rows);
    }

    /// Sorts the conversions by id, so that results come out in that order.
    ///
    /// ```
    /// use attribution_core::Conversions;
    /// let mut conversions = Conversions {
    ///     conversion_ids: vec![2, 1],
    ///     click_ids: vec![8, 7],
    ///     conversion_times: vec![0, 0],
    ///     payouts: vec![0, 0],
    ///     costs: vec![None, None],
    ///     campaign_ids: vec![None, None],
    ///     click_times: vec![None, None],
    /// };
    /// conversions.sort_by_id()?;
    /// assert_eq!(conversions.click_ids, [7, 8]);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Conversions::check`].
    pub fn sort_by_id(&mut self) -> Result<(), Error> {
        self.check()?;
        if self.conversion_ids.is_sorted() {
            return Ok(());
        }
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|row| self.conversion_ids[*row as usize]);
        self.pick(&order);
        Ok(())
    }
}

fn permute<T: Copy>(column: &mut Vec<T>, order: &[u32]) {
    *column = order.iter().map(|row| column[*row as usize]).collect();
}
