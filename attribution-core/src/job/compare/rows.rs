//! From sums to the rows that are shown: figures, intervals, differences and hints.

use super::bootstrap::interval;
use super::report::{
    Comparison, ComparisonRow, Difference, DifferenceIntervals, FigureIntervals, Interval,
};
use super::tally::{Resampled, Sums, Tallied};
use crate::domain::model::Model;
use crate::ground::money::{Credit, Money};
use crate::ground::percent::{CreditDifference, Percent};
use crate::ground::scope::ScopeType;

/// Below so many conversions a row is of few.
const FEW_CONVERSIONS: u64 = 100;
/// Below so many journeys of several touches a row has few of them,
const FEW_MULTI_TOUCH: u64 = 30;
/// and below one in so many.
const FEW_MULTI_TOUCH_IN: u64 = 10;

/// Fills in the rows: for each scope id, each model.
pub(super) fn fill(
    comparison: &mut Comparison,
    tallied: &Tallied,
    models: &[Model],
    baseline: usize,
    scope_type: ScopeType,
) {
    let name = models[baseline].name();
    for id in tallied.ids() {
        let base_sums = tallied.sums(id, baseline);
        for (place, model) in models.iter().enumerate() {
            let sums = tallied.sums(id, place);
            let mut row = figures(&sums);
            model.name().clone_into(&mut row.model);
            row.scope_id = (scope_type != ScopeType::Global).then_some(id);
            row.intervals = tallied.resampled(id, place).map(|resampled| intervals(&resampled));
            if place != baseline {
                let mut difference = difference(&sums, &base_sums);
                let pair = tallied.resampled(id, place).zip(tallied.resampled(id, baseline));
                difference.intervals = pair.map(|(own, base)| difference_intervals(&own, &base));
                row.difference = Some(difference);
            }
            row.hints = hints(&row, name);
            comparison.rows.push(row);
        }
    }
}

fn figures(sums: &Sums) -> ComparisonRow {
    ComparisonRow {
        attributed_clicks: sums.clicks,
        attributed_conversions: sums.conversions,
        multi_touch_journeys: sums.multi_touch,
        credited_conversions: credit(sums.credit),
        revenue: Money::from_units(sums.revenue),
        cost: Money::from_units(sums.cost),
        profit: Money::from_units(sums.revenue - sums.cost),
        roi_percent: Percent::return_on(sums.revenue.into(), sums.cost.into()),
        ..ComparisonRow::default()
    }
}

/// Credits are not negative.
fn credit(units: i64) -> Credit {
    Credit::from_units(units.unsigned_abs())
}

fn difference(own: &Sums, base: &Sums) -> Difference {
    let roi = |sums: &Sums| Percent::return_on(sums.revenue.into(), sums.cost.into());
    Difference {
        credited_conversions: CreditDifference::from_units(own.credit - base.credit),
        revenue: Money::from_units(own.revenue - base.revenue),
        cost: Money::from_units(own.cost - base.cost),
        profit: Money::from_units((own.revenue - own.cost) - (base.revenue - base.cost)),
        roi_percent: roi(own).zip(roi(base)).map(|(own, base)| percent_difference(own, base)),
        intervals: None,
    }
}

/// Of the two as they are shown, so that a reader's subtraction comes out the same.
fn percent_difference(own: Percent, base: Percent) -> Percent {
    Percent::from_hundredths(own.hundredths() - base.hundredths())
}

fn of<T: Ord + Copy, U>(
    values: impl Iterator<Item = T>,
    map: impl Fn(T) -> U,
) -> Option<Interval<U>> {
    let mut values: Vec<T> = values.collect();
    interval(&mut values)
        .map(|interval| Interval { low: map(interval.low), high: map(interval.high) })
}

impl Resampled<'_> {
    fn profits(&self) -> impl Iterator<Item = i64> {
        self.revenues.iter().zip(self.costs).map(|(revenue, cost)| revenue - cost)
    }

    fn rois(&self) -> impl Iterator<Item = Option<Percent>> {
        let both = self.revenues.iter().zip(self.costs);
        both.map(|(revenue, cost)| Percent::return_on((*revenue).into(), (*cost).into()))
    }
}

fn intervals(resampled: &Resampled<'_>) -> FigureIntervals {
    let money = |values: &[i64]| of(values.iter().copied(), Money::from_units).unwrap_or_default();
    FigureIntervals {
        credited_conversions: of(resampled.credits.iter().copied(), credit).unwrap_or_default(),
        revenue: money(resampled.revenues),
        cost: money(resampled.costs),
        profit: of(resampled.profits(), Money::from_units).unwrap_or_default(),
        roi_percent: of(resampled.rois().flatten(), |roi| roi),
    }
}

fn difference_intervals(own: &Resampled<'_>, base: &Resampled<'_>) -> DifferenceIntervals {
    let pairs = |own: &[i64], base: &[i64]| -> Vec<i64> {
        own.iter().zip(base).map(|(own, base)| own - base).collect()
    };
    let money = |own: &[i64], base: &[i64]| {
        of(pairs(own, base).into_iter(), Money::from_units).unwrap_or_default()
    };
    let profits = own.profits().zip(base.profits()).map(|(own, base)| own - base);
    let rois = own.rois().zip(base.rois());
    DifferenceIntervals {
        credited_conversions: of(
            pairs(own.credits, base.credits).into_iter(),
            CreditDifference::from_units,
        )
        .unwrap_or_default(),
        revenue: money(own.revenues, base.revenues),
        cost: money(own.costs, base.costs),
        profit: of(profits, Money::from_units).unwrap_or_default(),
        roi_percent: of(
            rois.filter_map(|(own, base)| Some(percent_difference(own?, base?))),
            |roi| roi,
        ),
    }
}

/// What to mind, each with its rule.
fn hints(row: &ComparisonRow, baseline: &str) -> Vec<String> {
    let mut hints = Vec::new();
    let (conversions, several) = (row.attributed_conversions, row.multi_touch_journeys);
    if conversions < FEW_CONVERSIONS {
        hints.push(format!("few conversions: {conversions}, fewer than {FEW_CONVERSIONS}"));
    }
    if several < FEW_MULTI_TOUCH {
        hints.push(format!("few multi-touch journeys: {several}, fewer than {FEW_MULTI_TOUCH}"));
    } else if several * FEW_MULTI_TOUCH_IN < conversions {
        hints.push(format!(
            "few multi-touch journeys: {several} of {conversions}, fewer than 1 in \
             {FEW_MULTI_TOUCH_IN}"
        ));
    }
    if let Some(difference) = &row.difference {
        hints.extend(difference_hint(difference, baseline));
    }
    hints
}

fn difference_hint(difference: &Difference, baseline: &str) -> Option<String> {
    let ends = |interval: Interval<Money>| (interval.low.units(), interval.high.units());
    let intervals = difference.intervals.as_ref();
    let figures = [
        (
            "credited conversions",
            difference.credited_conversions.units(),
            intervals.map(|intervals| {
                let interval = intervals.credited_conversions;
                (interval.low.units(), interval.high.units())
            }),
        ),
        ("revenue", difference.revenue.units(), intervals.map(|of| ends(of.revenue))),
        ("cost", difference.cost.units(), intervals.map(|of| ends(of.cost))),
        ("profit", difference.profit.units(), intervals.map(|of| ends(of.profit))),
    ];
    let none =
        |value: i64, ends: Option<(i64, i64)>| value == 0 && ends.unwrap_or((0, 0)) == (0, 0);
    if figures.iter().all(|(_, value, ends)| none(*value, *ends)) {
        return Some(format!("no difference to {baseline}"));
    }
    let spans = |ends: Option<(i64, i64)>| ends.is_some_and(|(low, high)| low <= 0 && high >= 0);
    let spanning: Vec<&str> = figures
        .iter()
        .filter(|(_, value, ends)| spans(*ends) && !none(*value, *ends))
        .map(|(name, ..)| *name)
        .collect();
    (!spanning.is_empty())
        .then(|| format!("the interval of the difference spans zero: {}", spanning.join(", ")))
}
