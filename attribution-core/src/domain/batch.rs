//! The columnar batch: conversions with their journeys as flat arrays, checked once.

use std::borrow::Cow;

use super::dimensions::Dimensions;
use super::journey::order_touches;
use crate::ground::error::{Defect, Defects, Error};
use crate::ground::money::Money;
use crate::ground::scope::{ScopeSet, ScopeType};

/// The most touches that one journey may have; positions then fit the host's 16-bit column.
///
/// ```
/// use attribution_core::{JourneyOptions, MAX_TOUCHES};
/// let max_touches = MAX_TOUCHES as u32;
/// assert!(JourneyOptions { max_touches, ..JourneyOptions::default() }.check().is_err());
/// ```
pub const MAX_TOUCHES: usize = 65_536;

/// A click seen as a step on the way to a conversion. An id of 0 means none.
///
/// ```
/// use attribution_core::{ScopeType, Touch};
/// let touch = Touch { click_id: 7, click_time: 1_717_232_400, campaign_id: 3, ..Touch::default() };
/// assert_eq!(touch.dimension(ScopeType::Campaign), 3);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Touch {
    /// The click's id.
    pub click_id: u64,
    /// The click's time in unix seconds.
    pub click_time: u32,
    /// The campaign.
    pub campaign_id: u64,
    /// The traffic-source account.
    pub account_id: u64,
    /// The landing page.
    pub landing_page_id: u64,
    /// The advertiser.
    pub advertiser_id: u64,
    /// The traffic source.
    pub traffic_source_id: u64,
    /// The ad group.
    pub adgroup_id: u64,
}

impl Touch {
    /// The touch's id in a dimension; 0 for none, and for global.
    ///
    /// ```
    /// use attribution_core::{ScopeType, Touch};
    /// assert_eq!(Touch::default().dimension(ScopeType::Global), 0);
    /// ```
    pub const fn dimension(&self, scope_type: ScopeType) -> u64 {
        match scope_type {
            ScopeType::Account => self.account_id,
            ScopeType::Adgroup => self.adgroup_id,
            ScopeType::Advertiser => self.advertiser_id,
            ScopeType::Campaign => self.campaign_id,
            ScopeType::LandingPage => self.landing_page_id,
            ScopeType::TrafficSource => self.traffic_source_id,
            ScopeType::Global => 0,
        }
    }
}

/// A payout posted back for one click.
///
/// ```
/// use attribution_core::{Conversion, Money, Touch};
/// let conversion = Conversion {
///     conversion_id: 1,
///     conversion_time: 1_717_232_400,
///     payout: "35".parse()?,
///     cost: Money::ZERO,
///     click: Touch { click_id: 7, click_time: 1_717_230_000, ..Touch::default() },
/// };
/// assert_eq!(conversion.payout.to_string(), "35.00000");
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Conversion {
    /// The conversion's id.
    pub conversion_id: u64,
    /// The conversion's time in unix seconds.
    pub conversion_time: u32,
    /// What it paid; negative for a refund.
    pub payout: Money,
    /// What it cost; not negative.
    pub cost: Money,
    /// The converting click, added to the journey where the journey lacks it.
    pub click: Touch,
}

/// The columns of a batch. Each conversion's touches are one run of the touch columns, cut by
/// `offsets`; every journey is ordered by (click time, click id), names no click twice, and holds
/// its converting click.
///
/// ```
/// use attribution_core::{Batch, BatchColumns};
/// let batch = Batch::new(BatchColumns {
///     conversion_ids: &[1],
///     converting_click_ids: &[8],
///     conversion_times: &[1_717_232_400],
///     payouts: &[3_500_000],
///     costs: &[0],
///     offsets: &[0, 2],
///     click_ids: &[7, 8],
///     click_times: &[1_717_146_000, 1_717_232_400],
///     ..BatchColumns::default()
/// })?;
/// assert_eq!(batch.touches(), 2);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct BatchColumns<'a> {
    /// Per conversion: its id.
    pub conversion_ids: &'a [u64],
    /// Per conversion: its converting click's id.
    pub converting_click_ids: &'a [u64],
    /// Per conversion: its time in unix seconds.
    pub conversion_times: &'a [u32],
    /// Per conversion: its payout as a count of 0.00001; negative for a refund.
    pub payouts: &'a [i64],
    /// Per conversion: its cost as a count of 0.00001; not negative.
    pub costs: &'a [i64],
    /// Where each conversion's touches begin, and at last where they end: one entry more than
    /// there are conversions, from 0 to the number of touches, each above the one before.
    pub offsets: &'a [usize],
    /// Per touch: its click's id.
    pub click_ids: &'a [u64],
    /// Per touch: its click's time in unix seconds.
    pub click_times: &'a [u32],
    /// Per touch: its ids in the dimensions that there are; 0 for none.
    pub dimensions: Dimensions<&'a [u64]>,
}

/// A batch of conversions whose columns have been checked.
///
/// ```
/// use attribution_core::{Batch, BatchColumns};
/// let error = Batch::new(BatchColumns { offsets: &[1], ..BatchColumns::default() }).unwrap_err();
/// assert!(error.to_string().starts_with("offsets[0]: found 1, allowed: 0"));
/// ```
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    pub(crate) columns: BatchColumns<'a>,
    /// Per conversion: the position of its converting click in the journey.
    pub(crate) converting_positions: Cow<'a, [u32]>,
}

impl<'a> Batch<'a> {
    /// Checks the columns: their lengths, the offsets, and the order of every journey. Every defect
    /// is found; see [`Defects`].
    ///
    /// # Errors
    /// [`Error::Input`] names each column and row in question.
    ///
    /// ```
    /// use attribution_core::{Batch, BatchColumns};
    /// let empty = Batch::new(BatchColumns { offsets: &[0], ..BatchColumns::default() })?;
    /// assert_eq!(empty.conversions(), 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new(columns: BatchColumns<'a>) -> Result<Self, Error> {
        check_lengths(&columns)?;
        check_offsets(&columns)?;
        let mut defects = Defects::default();
        let mut converting_positions = Vec::with_capacity(columns.conversion_ids.len());
        for (row, bounds) in columns.offsets.windows(2).enumerate() {
            let touches = bounds[0]..bounds[1];
            if columns.costs[row] < 0 {
                defects.push(Defect::new(
                    format!("costs[{row}]"),
                    format!("found {}", columns.costs[row]),
                    "0 or more",
                ));
            }
            let ids = &columns.click_ids[touches.clone()];
            let times = &columns.click_times[touches.clone()];
            if let Some(at) =
                (1..ids.len()).find(|&at| (times[at - 1], ids[at - 1]) >= (times[at], ids[at]))
            {
                defects.push(Defect::new(
                    format!("click_times[{}]", touches.start + at),
                    format!("found click {} at {} out of order", ids[at], times[at]),
                    "each journey ordered by (click time, click id)",
                ));
            } else if let Some(id) = repeated(ids) {
                defects.push(Defect::new(
                    format!("click_ids[{}..{}]", touches.start, touches.end),
                    format!("found click {id} twice in one journey"),
                    "each click once",
                ));
            }
            let converting = columns.converting_click_ids[row];
            if let Some(position) = ids.iter().position(|id| *id == converting) {
                converting_positions.push(position as u32);
            } else {
                converting_positions.push(0);
                defects.push(Defect::new(
                    format!("converting_click_ids[{row}]"),
                    format!("found click {converting}, which its journey lacks"),
                    "one of the journey's click ids",
                ));
            }
        }
        defects.into_result()?;
        Ok(Self { columns, converting_positions: converting_positions.into() })
    }

    /// The number of conversions.
    ///
    /// ```
    /// assert_eq!(attribution_core::BatchBuilder::new().batch().conversions(), 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn conversions(&self) -> usize {
        self.columns.conversion_ids.len()
    }

    /// The number of touches.
    ///
    /// ```
    /// assert_eq!(attribution_core::BatchBuilder::new().batch().touches(), 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn touches(&self) -> usize {
        self.columns.click_ids.len()
    }

    /// The checked columns.
    ///
    /// ```
    /// assert_eq!(attribution_core::BatchBuilder::new().batch().columns().offsets, [0]);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn columns(&self) -> &BatchColumns<'a> {
        &self.columns
    }
}

fn check_lengths(columns: &BatchColumns<'_>) -> Result<(), Error> {
    let mut defects = Defects::default();
    // Texts are put together where they are needed alone: small batches would feel it.
    let mut expect = |column: &dyn Fn() -> String, found: usize, allowed: usize, of: &str| {
        if found != allowed {
            defects.push(Defect::new(
                column(),
                format!("found {found} entries"),
                format!("{allowed}, {of}"),
            ));
        }
    };
    let conversions = columns.conversion_ids.len();
    let touches = columns.click_ids.len();
    let per_conversion = "one for each of conversion_ids";
    let per_touch = "one for each of click_ids";
    for (column, length, allowed, of) in [
        ("converting_click_ids", columns.converting_click_ids.len(), conversions, per_conversion),
        ("conversion_times", columns.conversion_times.len(), conversions, per_conversion),
        ("payouts", columns.payouts.len(), conversions, per_conversion),
        ("costs", columns.costs.len(), conversions, per_conversion),
        ("offsets", columns.offsets.len(), conversions + 1, "one more than conversion_ids"),
        ("click_times", columns.click_times.len(), touches, per_touch),
    ] {
        expect(&|| column.to_owned(), length, allowed, of);
    }
    for (scope_type, column) in columns.dimensions.present() {
        expect(&|| format!("{scope_type}_ids"), column.len(), touches, per_touch);
    }
    if u32::try_from(conversions).is_err() {
        defects.push(Defect::new(
            "conversion_ids",
            format!("found {conversions} conversions"),
            format!("at most {} in one batch", u32::MAX),
        ));
    }
    defects.into_result()
}

fn check_offsets(columns: &BatchColumns<'_>) -> Result<(), Error> {
    let mut defects = Defects::default();
    let offsets = columns.offsets;
    if let Some(first) = offsets.first().filter(|first| **first != 0) {
        defects.push(Defect::new("offsets[0]", format!("found {first}"), "0"));
    }
    for (row, bounds) in offsets.windows(2).enumerate() {
        let place = || format!("offsets[{}]", row + 1);
        let found = || format!("found {} after {}", bounds[1], bounds[0]);
        if bounds[1] <= bounds[0] {
            defects.push(Defect::new(place(), found(), "a higher offset: no journey is empty"));
        } else if bounds[1] - bounds[0] > MAX_TOUCHES {
            defects.push(Defect::new(
                place(),
                found(),
                format!("at most {MAX_TOUCHES} touches in one journey"),
            ));
        }
    }
    let touches = columns.click_ids.len();
    if let Some(last) = offsets.last().filter(|last| **last != touches) {
        defects.push(Defect::new(
            format!("offsets[{}]", offsets.len() - 1),
            format!("found {last} at the end"),
            format!("{touches}, the number of click_ids"),
        ));
    }
    defects.into_result()
}

/// An id that stands in the journey more than once.
fn repeated(ids: &[u64]) -> Option<u64> {
    const FEW: usize = 24;
    // Clicks are mostly numbered as they come in, which one look settles.
    if ids.windows(2).all(|pair| pair[0] < pair[1]) {
        return None;
    }
    if ids.len() <= FEW {
        return (1..ids.len())
            .map(|at| (ids[at], &ids[..at]))
            .find_map(|(id, earlier)| earlier.contains(&id).then_some(id));
    }
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find_map(|pair| (pair[0] == pair[1]).then_some(pair[0]))
}

/// Builds a batch row by row: each journey is ordered, its duplicates merged, and its converting
/// click added where it is missing.
///
/// ```
/// use attribution_core::{BatchBuilder, Conversion, Touch};
/// let mut builder = BatchBuilder::new();
/// let click = Touch { click_id: 7, click_time: 1_717_230_000, ..Touch::default() };
/// builder.push(&Conversion { conversion_id: 1, click, ..Conversion::default() }, &[])?;
/// assert_eq!(builder.batch().columns().click_ids, [7]);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BatchBuilder {
    pub(crate) conversion_ids: Vec<u64>,
    pub(crate) converting_click_ids: Vec<u64>,
    pub(crate) conversion_times: Vec<u32>,
    pub(crate) payouts: Vec<i64>,
    pub(crate) costs: Vec<i64>,
    pub(crate) offsets: Vec<usize>,
    pub(crate) click_ids: Vec<u64>,
    pub(crate) click_times: Vec<u32>,
    pub(crate) dimensions: Dimensions<Vec<u64>>,
    pub(crate) converting_positions: Vec<u32>,
    journey: Vec<Touch>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::with_dimensions(ScopeType::DIMENSIONS.into_iter().collect())
    }
}

impl BatchBuilder {
    /// An empty builder.
    ///
    /// ```
    /// assert_eq!(attribution_core::BatchBuilder::new().batch().conversions(), 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder with a column for these scope types alone.
    ///
    /// ```
    /// use attribution_core::{BatchBuilder, ScopeSet, ScopeType};
    /// let builder = BatchBuilder::with_dimensions("campaign".parse::<ScopeSet>()?);
    /// let batch = builder.batch();
    /// assert!(batch.columns().dimensions.get(ScopeType::Campaign).is_some());
    /// assert!(batch.columns().dimensions.get(ScopeType::Account).is_none());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn with_dimensions(scopes: ScopeSet) -> Self {
        let dimensions = scopes
            .iter()
            .fold(Dimensions::default(), |columns, scope| columns.with(scope, Vec::new()));
        Self {
            dimensions,
            conversion_ids: Vec::new(),
            converting_click_ids: Vec::new(),
            conversion_times: Vec::new(),
            payouts: Vec::new(),
            costs: Vec::new(),
            offsets: vec![0],
            click_ids: Vec::new(),
            click_times: Vec::new(),
            converting_positions: Vec::new(),
            journey: Vec::new(),
        }
    }

    /// Adds a conversion with its touches in any order.
    ///
    /// # Errors
    /// Refuses a negative cost and a journey of more than [`MAX_TOUCHES`] touches; the builder is
    /// then as it was before.
    ///
    /// ```
    /// use attribution_core::{BatchBuilder, Conversion, Money};
    /// let mut builder = BatchBuilder::new();
    /// let conversion = Conversion { cost: Money::from_units(-1), ..Conversion::default() };
    /// assert!(builder.push(&conversion, &[]).is_err());
    /// assert_eq!(builder.batch().conversions(), 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn push(&mut self, conversion: &Conversion, touches: &[Touch]) -> Result<(), Error> {
        let row = self.conversion_ids.len();
        if conversion.cost < Money::ZERO {
            return Err(Error::input(
                format!("costs[{row}]"),
                format!("found {}", conversion.cost),
                "0 or more",
            ));
        }
        self.journey.clear();
        self.journey.extend_from_slice(touches);
        order_touches(&mut self.journey, conversion.click);
        if self.journey.len() > MAX_TOUCHES {
            return Err(Error::input(
                format!("journeys[{row}]"),
                format!("found {} touches", self.journey.len()),
                format!("at most {MAX_TOUCHES}"),
            ));
        }
        let converting = conversion.click.click_id;
        let Some(position) = self.journey.iter().position(|touch| touch.click_id == converting)
        else {
            return Err(Error::Internal("an ordered journey lacks its converting click".into()));
        };
        let (payout, cost) = (conversion.payout.units(), conversion.cost.units());
        self.conversion_ids.push(conversion.conversion_id);
        self.converting_click_ids.push(converting);
        self.conversion_times.push(conversion.conversion_time);
        self.payouts.push(payout);
        self.costs.push(cost);
        self.converting_positions.push(position as u32);
        self.click_ids.extend(self.journey.iter().map(|touch| touch.click_id));
        self.click_times.extend(self.journey.iter().map(|touch| touch.click_time));
        for (scope_type, column) in ScopeType::DIMENSIONS.into_iter().zip(&mut self.dimensions.0) {
            if let Some(column) = column {
                column.extend(self.journey.iter().map(|touch| touch.dimension(scope_type)));
            }
        }
        self.offsets.push(self.click_ids.len());
        Ok(())
    }

    /// The batch built so far.
    ///
    /// ```
    /// let builder = attribution_core::BatchBuilder::new();
    /// assert_eq!(builder.batch().touches(), 0);
    /// ```
    pub fn batch(&self) -> Batch<'_> {
        Batch {
            columns: BatchColumns {
                conversion_ids: &self.conversion_ids,
                converting_click_ids: &self.converting_click_ids,
                conversion_times: &self.conversion_times,
                payouts: &self.payouts,
                costs: &self.costs,
                offsets: &self.offsets,
                click_ids: &self.click_ids,
                click_times: &self.click_times,
                dimensions: Dimensions(
                    self.dimensions.0.each_ref().map(|column| column.as_deref()),
                ),
            },
            converting_positions: Cow::Borrowed(&self.converting_positions),
        }
    }

    /// Empties the builder and keeps its memory.
    ///
    /// ```
    /// let mut builder = attribution_core::BatchBuilder::new();
    /// builder.push(&attribution_core::Conversion::default(), &[])?;
    /// builder.clear();
    /// assert_eq!(builder.batch().conversions(), 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn clear(&mut self) {
        self.conversion_ids.clear();
        self.converting_click_ids.clear();
        self.conversion_times.clear();
        self.payouts.clear();
        self.costs.clear();
        self.offsets.truncate(1);
        self.click_ids.clear();
        self.click_times.clear();
        self.dimensions.0.iter_mut().flatten().for_each(Vec::clear);
        self.converting_positions.clear();
    }
}
