//! What comparison and overview have in common: figures as counts.

use attribution_core::{Credit, CreditDifference, Interval, Money, Percent};

/// What a model brought, what it brought more than another, or one end of an interval of either. Its layout
/// never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct attribution_figures {
    /// The sum of the stored credits, as a count of 0.00001.
    pub credited_conversions: i64,
    /// The revenue, as a count of 0.00001.
    pub revenue: i64,
    /// The cost, as a count of 0.00001.
    pub cost: i64,
    /// Revenue less cost, as a count of 0.00001.
    pub profit: i64,
    /// The return on the cost as a count of 0.01 %, or of 0.01 percentage points; 0 where there is none.
    /// Of what is beyond 64 bits, the nearest that they hold.
    pub roi_percent: i64,
    /// 1 where there is a return on the cost, 0 where there is none, as without a cost.
    pub has_roi: u8,
}

/// A figure as the header has it.
pub(super) trait Count: Copy {
    fn count(self) -> i64;
}

impl Count for Money {
    fn count(self) -> i64 {
        self.units()
    }
}

impl Count for CreditDifference {
    fn count(self) -> i64 {
        self.units()
    }
}

impl Count for Credit {
    fn count(self) -> i64 {
        i64::try_from(self.units()).unwrap_or(i64::MAX)
    }
}

impl Count for Percent {
    fn count(self) -> i64 {
        let hundredths = self.hundredths();
        let nearest = if hundredths < 0 { i64::MIN } else { i64::MAX };
        i64::try_from(hundredths).unwrap_or(nearest)
    }
}

/// The ends of an interval.
pub(super) fn ends<T: Count>(interval: Interval<T>) -> [i64; 2] {
    [interval.low.count(), interval.high.count()]
}

impl attribution_figures {
    pub(super) fn new(counts: [i64; 4], roi_percent: Option<i64>) -> Self {
        let [credited_conversions, revenue, cost, profit] = counts;
        Self {
            credited_conversions,
            revenue,
            cost,
            profit,
            roi_percent: roi_percent.unwrap_or(0),
            has_roi: roi_percent.is_some().into(),
        }
    }

    /// The lower and the upper ends of intervals.
    pub(super) fn of_ends(intervals: [[i64; 2]; 4], roi_percent: Option<[i64; 2]>) -> [Self; 2] {
        [
            Self::new(intervals.map(|[low, _]| low), roi_percent.map(|[low, _]| low)),
            Self::new(intervals.map(|[_, high]| high), roi_percent.map(|[_, high]| high)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beyond_64_bits_become_the_nearest() {
        for (hundredths, count) in [
            (i128::from(i64::MAX) + 1, i64::MAX),
            (i128::from(i64::MIN) - 1, i64::MIN),
            (-12_345, -12_345),
        ] {
            assert_eq!(Percent::from_hundredths(hundredths).count(), count);
        }
    }
}
