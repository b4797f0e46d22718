//! Conversions with their journeys as a careful caller would give them.

use arbitrary::{Arbitrary, Result, Unstructured};

/// The columns of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    pub conversion_ids: Vec<u64>,
    pub converting_click_ids: Vec<u64>,
    pub conversion_times: Vec<u32>,
    pub payouts: Vec<i64>,
    pub costs: Vec<i64>,
    pub offsets: Vec<usize>,
    pub click_ids: Vec<u64>,
    pub click_times: Vec<u32>,
    /// Campaigns, accounts, landing pages, advertisers, traffic sources, ad groups; empty for none.
    pub dimensions: [Vec<u64>; 6],
}

#[derive(Arbitrary)]
struct Journey {
    conversion_id: u16,
    high_ids: u32,
    time: u32,
    payout: i64,
    cost: i64,
    shift: u8,
    converting: u8,
    first: Step,
    more: Vec<Step>,
}

#[derive(Arbitrary)]
struct Step {
    gap: u8,
    id: u8,
    dimensions: u16,
}

impl Rows {
    fn push(&mut self, journey: &Journey, wanted: u8) {
        let high = u64::from(journey.high_ids) << 32;
        let start = self.click_ids.len();
        // Low enough that no gap takes it beyond its type.
        let mut time = journey.time / 2;
        for (at, step) in std::iter::once(&journey.first).chain(&journey.more).enumerate() {
            // The place in the journey keeps ids apart.
            let id = high | u64::from(step.id) << 16 | at as u64;
            let descends = at > 0 && self.click_ids.last().is_some_and(|before| *before >= id);
            time += u32::from(step.gap).max(u32::from(descends));
            self.click_ids.push(id);
            self.click_times.push(time);
            for (bit, ids) in self.dimensions.iter_mut().enumerate() {
                if wanted >> bit & 1 == 1 {
                    ids.push(u64::from(step.dimensions >> (bit * 2) & 3));
                }
            }
        }
        let converting = start + usize::from(journey.converting) % (self.click_ids.len() - start);
        self.conversion_ids.push(high | u64::from(journey.conversion_id));
        self.converting_click_ids.push(self.click_ids[converting]);
        self.conversion_times.push(time);
        // Mostly small enough to be added up.
        self.payouts.push(journey.payout >> (journey.shift % 64));
        self.costs.push((journey.cost & i64::MAX) >> (journey.shift % 64));
        self.offsets.push(self.click_ids.len());
    }
}

impl<'a> Arbitrary<'a> for Rows {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let mut rows = Self { offsets: vec![0], ..Self::default() };
        let wanted = bytes.arbitrary()?;
        for journey in bytes.arbitrary_iter::<Journey>()? {
            rows.push(&journey?, wanted);
        }
        Ok(rows)
    }
}
