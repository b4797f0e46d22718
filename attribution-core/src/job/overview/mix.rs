//! Credits by the place of their touches.

use hashbrown::HashMap;
use serde::Serialize;

use crate::ground::error::Error;
use crate::ground::money::Credit;
use crate::ground::percent::Percent;
use crate::ground::scope::{Scope, ScopeSet};
use crate::job::journeys::{Loader, Lookup};
use crate::job::settings::MultiTouch;
use crate::job::tables::{Reader, StoredConversion, Visitors, merge_clicks};

/// The place of a touch in its own journey, judged by the journey's length.
///
/// ```
/// use attribution_core::TouchPlace;
/// assert_eq!(TouchPlace::ALL[0], TouchPlace::First);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TouchPlace {
    /// The oldest of several touches.
    First,
    /// Neither the oldest nor the newest.
    Assist,
    /// The newest of several touches.
    Last,
    /// The only touch.
    Single,
}

impl TouchPlace {
    /// Every place, in the order of a journey.
    ///
    /// ```
    /// assert_eq!(attribution_core::TouchPlace::ALL.len(), 4);
    /// ```
    pub const ALL: [Self; 4] = [Self::First, Self::Assist, Self::Last, Self::Single];
}

/// What the touches of one place got.
///
/// ```
/// use attribution_core::{Credit, Percent, TouchPlace, TouchpointShare};
/// let share = TouchpointShare {
///     place: TouchPlace::Last,
///     touches: 2,
///     credit: Credit::ONE,
///     share_percent: Percent::of(1, 2),
/// };
/// assert_eq!(share.share_percent.unwrap().to_string(), "50.00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TouchpointShare {
    /// The place.
    pub place: TouchPlace,
    /// Credited touches.
    pub touches: u64,
    /// The sum of their stored credits.
    pub credit: Credit,
    /// Their share of the credit of all places, each rounded on its own; none where there is no credit.
    pub share_percent: Option<Percent>,
}

impl TouchPlace {
    /// The place of a position in a journey of so many touches.
    const fn of(position: usize, touches: usize) -> Self {
        match position {
            _ if touches <= 1 => Self::Single,
            0 => Self::First,
            _ if position + 1 >= touches => Self::Last,
            _ => Self::Assist,
        }
    }
}

/// A stored credit of the model in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlacedCredit {
    pub(crate) conversion_id: u64,
    pub(crate) position: u32,
    pub(crate) click_id: u64,
    /// A count of 0.00001.
    pub(crate) credit: u64,
}

/// Credits by place as they come in.
pub(crate) struct Mix {
    loader: Loader,
    scope: Scope,
    /// For each place, touches and credit.
    sums: [(u64, u64); TouchPlace::ALL.len()],
}

impl Mix {
    pub(crate) fn new(reader: &mut impl Reader, scope: Scope) -> Result<Self, Error> {
        let multi_touch = MultiTouch::new(reader.settings()?);
        let parents = reader.parents()?;
        let scopes = ScopeSet::NONE.with(scope.scope_type());
        let loader = Loader::new(multi_touch, parents, scopes, 1, Lookup::Nothing);
        Ok(Self { loader, scope, sums: Default::default() })
    }

    /// Adds credits, all of a conversion together, with the conversions that are still there.
    pub(crate) fn add(
        &mut self,
        reader: &mut impl Reader,
        conversions: &[StoredConversion],
        credits: &[PlacedCredit],
    ) -> Result<(), Error> {
        let mut batch = self.loader.empty_batch();
        // Journeys may be long, and many of them too much at once.
        let mut rest = conversions;
        let mut journeys: HashMap<u64, usize> = HashMap::with_capacity(conversions.len());
        let mut dimensions: HashMap<(u64, u64), u64> = HashMap::new();
        while !rest.is_empty() {
            let (part, others) = rest.split_at(self.loader.request().min(rest.len()));
            rest = others;
            batch.clear();
            self.loader.load_request(reader, part, &mut batch)?;
            let batch = batch.batch();
            let columns = batch.columns();
            let ids = columns.dimensions.get(self.scope.scope_type());
            for (row, bounds) in columns.offsets.windows(2).enumerate() {
                let conversion_id = columns.conversion_ids[row];
                journeys.insert(conversion_id, bounds[1] - bounds[0]);
                if let Some(ids) = ids {
                    let touches = bounds[0]..bounds[1];
                    let of_touch = |at: usize| ((conversion_id, columns.click_ids[at]), ids[at]);
                    dimensions.extend(touches.map(of_touch));
                }
            }
        }
        self.look_up(reader, credits, &mut dimensions)?;
        for of_conversion in credits.chunk_by(|one, next| one.conversion_id == next.conversion_id) {
            let Some(first) = of_conversion.first() else { continue };
            // A journey that was changed since the rebuild had at least the touches that were credited.
            let credited = of_conversion.iter().map(|credit| credit.position as usize + 1).max();
            let stored = journeys.get(&first.conversion_id).copied().unwrap_or(0);
            let touches = credited.unwrap_or(0).max(stored);
            for credit in of_conversion {
                let key = (credit.conversion_id, credit.click_id);
                if self.scope.id().is_some_and(|id| dimensions.get(&key) != Some(&id)) {
                    continue;
                }
                let place = TouchPlace::of(credit.position as usize, touches);
                let (count, sum) = &mut self.sums[place as usize];
                *count += 1;
                *sum += credit.credit;
            }
        }
        Ok(())
    }

    /// Adds the dimensions of credited touches that no stored journey has any more: it went by its age, it
    /// was changed, or its conversion is gone.
    fn look_up(
        &self,
        reader: &mut impl Reader,
        credits: &[PlacedCredit],
        dimensions: &mut HashMap<(u64, u64), u64>,
    ) -> Result<(), Error> {
        if self.scope.id().is_none() {
            return Ok(());
        }
        let key = |credit: &PlacedCredit| (credit.conversion_id, credit.click_id);
        let open: Vec<(u64, u64)> =
            credits.iter().map(key).filter(|key| !dimensions.contains_key(key)).collect();
        let click_ids: Vec<u64> = open.iter().map(|(_, click_id)| *click_id).collect();
        if click_ids.is_empty() {
            return Ok(());
        }
        let clicks = merge_clicks(reader.clicks(&click_ids, Visitors::Skipped)?);
        for key in open {
            if let Some(click) = clicks.get(&key.1) {
                let touch = self.loader.touch(key.1, click.click_time, Some(click));
                dimensions.insert(key, touch.dimension(self.scope.scope_type()));
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Vec<TouchpointShare> {
        let total: u64 = self.sums.iter().map(|(_, credit)| credit).sum();
        let share = |(place, (touches, credit)): (TouchPlace, (u64, u64))| TouchpointShare {
            place,
            touches,
            credit: Credit::from_units(credit),
            share_percent: Percent::of(credit.into(), total.into()),
        };
        TouchPlace::ALL.into_iter().zip(self.sums).map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_judged_by_the_length() {
        use TouchPlace::{Assist, First, Last, Single};
        let of = |touches| (0..touches).map(|at| TouchPlace::of(at, touches)).collect::<Vec<_>>();
        assert_eq!(of(1), [Single]);
        assert_eq!(of(2), [First, Last]);
        assert_eq!(of(4), [First, Assist, Assist, Last]);
    }
}
