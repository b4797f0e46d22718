//! Made-up conversions for the benches: the same for the same size, on every machine.

use attribution_core::{Batch, BatchColumns, Dimensions, Error, ScopeType};

/// A stream of numbers from a seed: SplitMix64.
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

const MONTH: u64 = 30 * 86_400;

impl Columns {
    /// So many conversions.
    pub fn generate(conversions: usize) -> Self {
        let mut numbers = Numbers::new(7);
        let mut columns = Self { offsets: vec![0], ..Self::default() };
        let mut ages = Vec::new();
        for conversion in 0..conversions as u64 {
            let time = 1_717_200_000 + conversion * MONTH / conversions as u64;
            ages.clear();
            ages.extend((0..=numbers.below(15)).map(|_| numbers.below(MONTH)));
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
