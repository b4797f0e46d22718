//! What a calculation gave, and what always holds of it.

use attribution::result::{
    attribution_result, attribution_result_models, attribution_result_snapshots,
    attribution_result_touchpoints, attribution_snapshots, attribution_touchpoints,
};
use attribution_core::{ModelResult, ScopeType, Touchpoints};

use crate::abi::Told;

/// One model's results.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub snapshots: Vec<Totals>,
    pub touchpoints: Touchpoints,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    pub scope: u32,
    pub scope_id: u64,
    pub hour: u32,
    pub clicks: u64,
    pub conversions: u64,
    pub credited: u64,
    pub revenue: i64,
    pub cost: i64,
}

/// The entries at a pointer of the library's.
///
/// # Safety
/// As many are there.
unsafe fn entries<T: Copy>(pointer: *const T, length: usize) -> Vec<T> {
    if length == 0 {
        return Vec::new();
    }
    assert!(!pointer.is_null() && pointer.is_aligned());
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(pointer, length) }.to_vec()
}

/// Reads a result of the library's.
///
/// # Safety
/// It is one.
pub unsafe fn read(result: *const attribution_result, told: &Told) -> Vec<Outcome> {
    let read_model = |model| {
        // SAFETY: both structs are numbers and pointers, for which zeros are values; the library fills
        // them with columns as long as it says, which stay until the result is freed.
        unsafe {
            let mut columns: attribution_snapshots = std::mem::zeroed();
            columns.size = size_of::<attribution_snapshots>();
            let status =
                attribution_result_snapshots(result, model, &raw mut columns, told.handle());
            told.expect_ok(status);
            let length = columns.length;
            let snapshots = (0..length).map(|row| Totals {
                scope: *columns.scope_types.add(row),
                scope_id: *columns.scope_ids.add(row),
                hour: *columns.date_hours.add(row),
                clicks: *columns.attributed_clicks.add(row),
                conversions: *columns.attributed_conversions.add(row),
                credited: *columns.credited_conversions.add(row),
                revenue: *columns.revenues.add(row),
                cost: *columns.costs.add(row),
            });
            let snapshots = snapshots.collect();
            let mut columns: attribution_touchpoints = std::mem::zeroed();
            columns.size = size_of::<attribution_touchpoints>();
            let status =
                attribution_result_touchpoints(result, model, &raw mut columns, told.handle());
            told.expect_ok(status);
            let length = columns.length;
            let touchpoints = Touchpoints {
                conversions: entries(columns.conversions, length),
                click_ids: entries(columns.click_ids, length),
                positions: entries(columns.positions, length),
                credits: entries(columns.credits, length),
                stored_credits: entries(columns.stored_credits, length),
                revenues: entries(columns.revenues, length),
                costs: entries(columns.costs, length),
            };
            Outcome { snapshots, touchpoints }
        }
    };
    // SAFETY: the caller's promise.
    (0..unsafe { attribution_result_models(result) }).map(read_model).collect()
}

/// The part of the core's results that totals are checked with.
impl From<&ModelResult> for Outcome {
    fn from(result: &ModelResult) -> Self {
        let totals = result.snapshots.iter().map(|row| Totals {
            scope: u32::from(row.scope.scope_type() != ScopeType::Global),
            scope_id: row.scope.id().unwrap_or(0),
            hour: row.date_hour,
            clicks: row.attributed_clicks,
            conversions: row.attributed_conversions,
            credited: row.credited_conversions.units(),
            revenue: row.revenue.units(),
            cost: row.cost.units(),
        });
        Self { snapshots: totals.collect(), touchpoints: result.touchpoints.clone() }
    }
}

/// Every conversion adds up to itself, and global to all of them, to the last unit.
pub fn assert_exact(outcome: &Outcome, payouts: &[i64], costs: &[i64]) {
    let touchpoints = &outcome.touchpoints;
    let mut sums = vec![(0_u64, 0_i128, 0_i128); payouts.len()];
    for row in 0..touchpoints.len() {
        let sum = &mut sums[touchpoints.conversions[row] as usize];
        sum.0 += u64::from(touchpoints.stored_credits[row]);
        sum.1 += i128::from(touchpoints.revenues[row]);
        sum.2 += i128::from(touchpoints.costs[row]);
        let credit = touchpoints.credits[row];
        assert!(credit > 0.0 && credit <= 1.0, "a credit of {credit}");
    }
    for (row, sum) in sums.iter().enumerate() {
        let whole = (100_000, i128::from(payouts[row]), i128::from(costs[row]));
        assert_eq!(*sum, whole, "the credit, revenue and cost of conversion {row}");
    }
    let global: Vec<&Totals> = outcome.snapshots.iter().filter(|row| row.scope == 0).collect();
    if !global.is_empty() {
        let sum = |amounts: &[i64]| amounts.iter().map(|amount| i128::from(*amount)).sum::<i128>();
        let total =
            |amount: fn(&Totals) -> i128| global.iter().map(|row| amount(row)).sum::<i128>();
        assert_eq!(total(|row| row.conversions.into()), payouts.len() as i128);
        assert_eq!(total(|row| row.clicks.into()), touchpoints.len() as i128);
        assert_eq!(total(|row| row.credited.into()), payouts.len() as i128 * 100_000);
        assert_eq!(total(|row| row.revenue.into()), sum(payouts));
        assert_eq!(total(|row| row.cost.into()), sum(costs));
    }
}
