//! What one would write first: floats with `powf`, quotients in 128 bits, totals in a hash map.

use std::collections::HashMap;

use attribution_benches::HALF_LIFE_HOURS;
use attribution_core::{BatchColumns, Model, ModelKind, ScopeType};

/// The kinds that there is naive code for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Linear,
    TimeDecay,
    PositionBased,
}

impl Kind {
    pub(crate) fn of(model: &Model) -> Option<Self> {
        match model.kind() {
            ModelKind::Linear => Some(Self::Linear),
            ModelKind::TimeDecay => Some(Self::TimeDecay),
            ModelKind::PositionBased => Some(Self::PositionBased),
            _ => None,
        }
    }

    fn weights(self, times: &[u32], conversion_time: u32, weights: &mut Vec<f64>) {
        weights.clear();
        let touches = times.len();
        match self {
            Self::Linear => weights.resize(touches, 1.0),
            Self::TimeDecay => {
                let age = |time: u32| conversion_time.saturating_sub(time);
                let newest = age(times[touches - 1]);
                let half_life = f64::from(HALF_LIFE_HOURS * 3_600);
                weights.extend(times.iter().map(|time| {
                    let halvings = f64::from(age(*time) - newest) / half_life;
                    2_f64.powf(46.0 - halvings).round_ties_even()
                }));
            }
            Self::PositionBased => match touches {
                1 => weights.push(1.0),
                2 => weights.extend([400_000.0, 400_000.0]),
                _ => {
                    let ends = 400_000.0 * (touches - 2) as f64;
                    weights.push(ends);
                    weights.resize(touches - 1, 200_000.0);
                    weights.push(ends);
                }
            },
        }
    }
}

pub(crate) fn credits(kind: Kind, columns: &BatchColumns<'_>, credits: &mut [f64]) {
    let mut weights = Vec::new();
    for (conversion, bounds) in columns.offsets.windows(2).enumerate() {
        let touches = bounds[0]..bounds[1];
        let times = &columns.click_times[touches.clone()];
        kind.weights(times, columns.conversion_times[conversion], &mut weights);
        let sum: f64 = weights.iter().sum();
        for (credit, weight) in credits[touches].iter_mut().zip(&weights) {
            *credit = weight / sum;
        }
    }
}

/// What the splits came to.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// How many scopes and hours there are.
    pub(crate) rows: usize,
    /// Credit, revenue and cost over all of them.
    pub(crate) totals: (i64, i64, i64),
}

#[derive(Debug, Default)]
struct Total {
    clicks: u64,
    conversions: u64,
    last: u64,
    amounts: [i64; 3],
}

/// Splits credit, revenue and cost of every conversion; with totals, adds them up by scope and
/// hour for global, campaign, account and landing page.
pub(crate) fn exact(kind: Kind, columns: &BatchColumns<'_>, with_totals: bool) -> Totals {
    let scope_types = [ScopeType::Campaign, ScopeType::Account, ScopeType::LandingPage];
    let dimensions = scope_types.map(|scope| columns.dimensions.get(scope).copied());
    let mut map: HashMap<(usize, u64, u32), Total> = HashMap::new();
    let mut sum = Totals::default();
    let mut floats = Vec::new();
    let (mut weights, mut order) = (Vec::new(), Vec::new());
    let mut parts: [Vec<i64>; 3] = Default::default();
    for (conversion, bounds) in columns.offsets.windows(2).enumerate() {
        let touches = bounds[0]..bounds[1];
        let time = columns.conversion_times[conversion];
        kind.weights(&columns.click_times[touches.clone()], time, &mut floats);
        weights.clear();
        weights.extend(floats.iter().map(|weight| *weight as u64));
        let amounts = [100_000, columns.payouts[conversion], columns.costs[conversion]];
        for (parts, amount) in parts.iter_mut().zip(amounts) {
            split(amount, &weights, parts, &mut order);
        }
        if !with_totals {
            // Something that depends on every part.
            sum.rows += parts.iter().flatten().fold(0, |all, part| all ^ *part as usize);
            continue;
        }
        let hour = time - time % 3_600;
        for (at, touch) in touches.enumerate().filter(|(at, _)| weights[*at] > 0) {
            let mut add = |scope: usize, id: u64| {
                let total = map.entry((scope, id, hour)).or_default();
                total.clicks += 1;
                let row = conversion as u64 + 1;
                total.conversions += u64::from(total.last != row);
                total.last = row;
                for (amount, parts) in total.amounts.iter_mut().zip(&parts) {
                    *amount += parts[at];
                }
            };
            add(0, 0);
            for (scope, column) in dimensions.iter().enumerate() {
                if let Some(id) = column.map(|column| column[touch]).filter(|id| *id != 0) {
                    add(scope + 1, id);
                }
            }
        }
    }
    sum.rows += map.len();
    for total in map.values() {
        sum.totals.0 += total.amounts[0];
        sum.totals.1 += total.amounts[1];
        sum.totals.2 += total.amounts[2];
    }
    sum
}

/// Largest remainders by a quotient in 128 bits for each touch and a sort.
fn split(total: i64, weights: &[u64], parts: &mut Vec<i64>, order: &mut Vec<(u64, usize)>) {
    let sum: u64 = weights.iter().sum();
    let magnitude = total.unsigned_abs();
    parts.clear();
    order.clear();
    let mut left = magnitude;
    for (at, weight) in weights.iter().enumerate() {
        let product = u128::from(magnitude) * u128::from(*weight);
        let part = (product / u128::from(sum)) as u64;
        order.push(((product % u128::from(sum)) as u64, at));
        parts.push(part as i64);
        left -= part;
    }
    order.sort_by(|(one, _), (other, _)| other.cmp(one));
    for (_, at) in order.iter().take(left as usize) {
        parts[*at] += 1;
    }
    if total < 0 {
        for part in parts {
            *part = -*part;
        }
    }
}
