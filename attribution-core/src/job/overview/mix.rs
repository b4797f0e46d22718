//! Credits by the place of their touches.

use std::ops::Range;

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

impl PlacedCredit {
    /// Where its touch stands in a journey of these clicks, if it does.
    fn position_in(&self, journey: &[u64]) -> Option<usize> {
        let position = self.position as usize;
        if journey.get(position) == Some(&self.click_id) {
            return Some(position);
        }
        journey.iter().position(|click_id| *click_id == self.click_id)
    }
}

/// What is found of a credit's touch.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// How many touches the stored journey has; 0 without its conversion.
    touches: usize,
    /// The touch's position in it.
    position: Option<usize>,
    /// Its id in the scope, where that is known.
    dimension: Option<u64>,
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
        let mut stretches = Vec::new();
        for part in credits.chunk_by(|one, next| one.conversion_id == next.conversion_id) {
            let start = stretches.last().map_or(0, |(_, last): &(u64, Range<usize>)| last.end);
            stretches.push((part[0].conversion_id, start..start + part.len()));
        }
        stretches.sort_unstable_by_key(|(conversion_id, of)| (*conversion_id, of.start));
        let mut found = vec![Found::default(); credits.len()];
        // Journeys may be long, and many of them too much at once.
        let mut rest = conversions;
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
                let journey = &columns.click_ids[bounds[0]..bounds[1]];
                let first = stretches.partition_point(|(id, _)| *id < conversion_id);
                let own = stretches[first..].iter().take_while(|(id, _)| *id == conversion_id);
                for at in own.flat_map(|(_, of)| of.clone()) {
                    let position = credits[at].position_in(journey);
                    let dimension = ids.zip(position).map(|(ids, at)| ids[bounds[0] + at]);
                    found[at] = Found { touches: journey.len(), position, dimension };
                }
            }
        }
        self.look_up(reader, credits, &mut found)?;
        for (_, of) in stretches {
            let (credits, found) = (&credits[of.clone()], &found[of]);
            // A journey that was changed since the rebuild had at least the touches that were credited.
            let credited = credits.iter().map(|credit| credit.position as usize + 1).max();
            let credited = credited.unwrap_or(0);
            for (credit, found) in credits.iter().zip(found) {
                if self.scope.id().is_some() && found.dimension != self.scope.id() {
                    continue;
                }
                // The host stores 0 for a last touch, wherever it is.
                let own = found.position.filter(|_| found.touches >= credited);
                let position = own.unwrap_or(credit.position as usize);
                let place = TouchPlace::of(position, credited.max(found.touches));
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
        found: &mut [Found],
    ) -> Result<(), Error> {
        if self.scope.id().is_none() {
            return Ok(());
        }
        let open = credits.iter().zip(found).filter(|(_, found)| found.dimension.is_none());
        let open: Vec<(u64, &mut Found)> =
            open.map(|(credit, found)| (credit.click_id, found)).collect();
        if open.is_empty() {
            return Ok(());
        }
        let click_ids: Vec<u64> = open.iter().map(|(click_id, _)| *click_id).collect();
        let clicks = merge_clicks(reader.clicks(&click_ids, Visitors::Skipped)?);
        for (click_id, found) in open {
            found.dimension = clicks.get(&click_id).map(|click| {
                let touch = self.loader.touch(click_id, click.click_time, Some(click));
                touch.dimension(self.scope.scope_type())
            });
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
