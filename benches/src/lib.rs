//! Made-up conversions for the benches: the same for the same size, on every machine.

use attribution_core::{
    Batch, BatchColumns, Clicks, ConversionColumns, Conversions, Dimensions, Error, ScopeType,
    TouchColumns,
};

/// A line of a process's status that is a size, in bytes; nothing where the process is gone. Needs Linux.
pub fn process_status(process: &str, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1_024)
}

/// A stream of numbers from a seed: `SplitMix64`.
#[derive(Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The stream of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ (mixed >> 31)) * u128::from(limit)) >> 64) as u64
    }
}

/// The columns of a batch, grouped by conversion: 1 to 15 touches each, 8 on average; 30 days of
/// conversions in the order of their times, 200 campaigns, 50 accounts, 100 landing pages.
#[derive(Debug, Default)]
pub struct Columns {
    conversion_ids: Vec<u64>,
    converting_click_ids: Vec<u64>,
    conversion_times: Vec<u32>,
    payouts: Vec<i64>,
    costs: Vec<i64>,
    offsets: Vec<usize>,
    click_ids: Vec<u64>,
    click_times: Vec<u32>,
    campaign_ids: Vec<u64>,
    account_ids: Vec<u64>,
    landing_page_ids: Vec<u64>,
}

/// 30 days in seconds.
pub const MONTH: u64 = 30 * 86_400;

/// The half-life of the benches, in hours.
pub const HALF_LIFE_HOURS: u32 = 48;

/// A model of every kind, as a SPEC whose name is the kind.
pub const SPECS: [&str; 6] = [
    "last_touch",
    "first_touch",
    "linear",
    "time_decay:half_life_hours=48",
    "position_based:first_touch_weight=0.4,last_touch_weight=0.4",
    "assisted",
];

impl Columns {
    /// So many conversions.
    pub fn generate(conversions: usize) -> Self {
        Self::within(conversions, 15, MONTH)
    }

    /// So many conversions within so many seconds, of 1 to `most_touches` touches each.
    pub fn within(conversions: usize, most_touches: u64, seconds: u64) -> Self {
        let mut numbers = Numbers::new(7);
        let mut columns = Self { offsets: vec![0], ..Self::default() };
        let mut ages = Vec::new();
        for conversion in 0..conversions as u64 {
            let time = 1_717_200_000 + conversion * seconds / conversions as u64;
            ages.clear();
            ages.extend((0..=numbers.below(most_touches)).map(|_| numbers.below(MONTH)));
            ages.sort_unstable_by(|left, right| right.cmp(left));
            for age in &ages {
                columns.click_ids.push(columns.click_ids.len() as u64 + 1);
                columns.click_times.push((time - age) as u32);
                columns.campaign_ids.push(1 + numbers.below(200));
                columns.account_ids.push(1 + numbers.below(50));
                columns.landing_page_ids.push(numbers.below(101));
            }
            columns.conversion_ids.push(conversion + 1);
            columns.converting_click_ids.push(columns.click_ids.len() as u64);
            columns.conversion_times.push(time as u32);
            columns.payouts.push(numbers.below(20_000_000) as i64);
            columns.costs.push(numbers.below(500_000) as i64);
            columns.offsets.push(columns.click_ids.len());
        }
        columns
    }

    /// The number of touches.
    pub const fn touches(&self) -> usize {
        self.click_ids.len()
    }

    /// The checked batch.
    ///
    /// # Errors
    /// None while the generator does what it says.
    pub fn batch(&self) -> Result<Batch<'_>, Error> {
        Batch::new(BatchColumns {
            conversion_ids: &self.conversion_ids,
            converting_click_ids: &self.converting_click_ids,
            conversion_times: &self.conversion_times,
            payouts: &self.payouts,
            costs: &self.costs,
            offsets: &self.offsets,
            click_ids: &self.click_ids,
            click_times: &self.click_times,
            dimensions: Dimensions::default()
                .with(ScopeType::Campaign, &self.campaign_ids[..])
                .with(ScopeType::Account, &self.account_ids[..])
                .with(ScopeType::LandingPage, &self.landing_page_ids[..]),
        })
    }
}

/// The same conversions with their touches in random order, as a database gives them.
#[derive(Debug)]
pub struct Ungrouped {
    columns: Columns,
    touch_conversion_ids: Vec<u64>,
    click_ids: Vec<u64>,
    click_times: Vec<u32>,
    campaign_ids: Vec<u64>,
}

impl Ungrouped {
    /// Shuffles the touches; of their dimensions it keeps the campaign.
    pub fn shuffle(columns: Columns) -> Self {
        let mut numbers = Numbers::new(8);
        let mut order: Vec<u32> = (0..columns.click_ids.len() as u32).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, numbers.below(last as u64 + 1) as usize);
        }
        let mut owners = Vec::with_capacity(order.len());
        for (bounds, id) in columns.offsets.windows(2).zip(&columns.conversion_ids) {
            owners.resize(bounds[1], *id);
        }
        let shuffled =
            |column: &[u64]| order.iter().map(|row| column[*row as usize]).collect::<Vec<u64>>();
        Self {
            touch_conversion_ids: shuffled(&owners),
            click_ids: shuffled(&columns.click_ids),
            click_times: order.iter().map(|row| columns.click_times[*row as usize]).collect(),
            campaign_ids: shuffled(&columns.campaign_ids),
            columns,
        }
    }

    /// The conversions.
    pub fn conversions(&self) -> ConversionColumns<'_> {
        ConversionColumns {
            conversion_ids: &self.columns.conversion_ids,
            converting_click_ids: &self.columns.converting_click_ids,
            conversion_times: &self.columns.conversion_times,
            payouts: &self.columns.payouts,
            costs: &self.columns.costs,
            converting_click_times: None,
        }
    }

    /// The touches.
    pub fn touches(&self) -> TouchColumns<'_> {
        TouchColumns {
            conversion_ids: &self.touch_conversion_ids,
            click_ids: &self.click_ids,
            click_times: &self.click_times,
            dimensions: Dimensions::default().with(ScopeType::Campaign, &self.campaign_ids[..]),
        }
    }
}

/// Clicks in the order of their times, so many, and the conversions of every fourth of them: a
/// visitor for each 5 clicks on average, 3 campaigns, 30 days.
pub fn clicks_and_conversions(clicks: usize) -> (Clicks, Conversions) {
    let mut numbers = Numbers::new(9);
    let (mut made, mut conversions) = (Clicks::default(), Conversions::default());
    let mut campaigns = Vec::with_capacity(clicks);
    for click in 0..clicks as u64 {
        let time = (1_717_200_000 + click * MONTH / clicks as u64) as u32;
        made.click_ids.push(click + 1);
        made.click_times.push(time);
        made.visitors.push(u128::from(1 + numbers.below(clicks as u64 / 5 + 1)));
        made.costs.push(numbers.below(100_000) as i64);
        made.filtered.push(numbers.below(50) == 0);
        campaigns.push(1 + numbers.below(3));
        if click % 4 == 0 {
            conversions.conversion_ids.push(click / 4 + 1);
            conversions.click_ids.push(click + 1);
            conversions.conversion_times.push(time + numbers.below(86_400) as u32);
            conversions.payouts.push(numbers.below(20_000_000) as i64);
            conversions.costs.push(None);
            conversions.campaign_ids.push(None);
            conversions.click_times.push(None);
        }
    }
    made.dimensions = Dimensions::default().with(ScopeType::Campaign, campaigns);
    (made, conversions)
}

/// The example of README.md, which has to run as written.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
