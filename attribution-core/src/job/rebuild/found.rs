//! What is stored already: the snapshots of some hours, and which part of their credits is looked at.

use std::ops::{Range, RangeInclusive};

use hashbrown::HashMap;

use super::plan::Plan;
use crate::ground::error::Error;
use crate::ground::scope::{Scope, ScopeType};
use crate::ground::time::SECONDS_PER_HOUR;
use crate::job::tables::{SnapshotKey, SnapshotTotals, StoredSnapshot, Worker};

/// The snapshots that are there.
pub(super) struct FoundSnapshots {
    /// For each snapshot of a scope that is rebuilt, the row that stays, and what it says.
    pub(super) kept: HashMap<SnapshotKey, (u64, SnapshotTotals)>,
    /// Rows of those scopes that are another's twin or have an id that cannot be.
    pub(super) superfluous: Vec<u64>,
    pub(super) model_of: HashMap<u64, u64>,
    /// The hours and ids of the global ones, twins among them, that were there before this
    /// transaction: what credits hang on.
    pub(super) globals: Vec<(u32, u64)>,
}

impl FoundSnapshots {
    pub(super) fn read(
        worker: &mut impl Worker,
        plan: &Plan,
        hours: &Range<u64>,
    ) -> Result<Self, Error> {
        let mut rows = worker.snapshots(&plan.ids, hours.clone())?;
        // The oldest of twins stays.
        rows.sort_unstable_by_key(|row| row.snapshot_id);
        let mut found = Self {
            kept: HashMap::new(),
            superfluous: Vec::new(),
            model_of: rows.iter().map(|row| (row.snapshot_id, row.model_id)).collect(),
            globals: rows
                .iter()
                .filter(|row| row.scope_type == Some(ScopeType::Global))
                .map(|row| (row.hour, row.snapshot_id))
                .collect(),
        };
        for row in rows {
            let wanted = plan.scopes[plan.place_of(row.model_id)];
            let Some(scope_type) = row.scope_type.filter(|scope| wanted.contains(*scope)) else {
                continue;
            };
            let key = Scope::new(scope_type, row.scope_id).ok().map(|scope| SnapshotKey {
                model_id: row.model_id,
                scope,
                hour: row.hour,
            });
            match key
                .filter(|key| key.hour % SECONDS_PER_HOUR == 0 && !found.kept.contains_key(key))
            {
                Some(key) => {
                    found.kept.insert(key, (row.snapshot_id, row.totals));
                }
                None => found.superfluous.push(row.snapshot_id),
            }
        }
        Ok(found)
    }

    pub(super) fn add_inserted(
        &mut self,
        rows: &[StoredSnapshot],
        inserted: &[(SnapshotKey, SnapshotTotals)],
    ) {
        let wanted: HashMap<_, _> = inserted.iter().copied().collect();
        for row in rows.iter().filter(|row| row.scope_type == Some(ScopeType::Global)) {
            let key = SnapshotKey { model_id: row.model_id, scope: Scope::GLOBAL, hour: row.hour };
            if row.scope_id.is_none()
                && !self.model_of.contains_key(&row.snapshot_id)
                && let Some(totals) = wanted.get(&key)
            {
                self.kept.insert(key, (row.snapshot_id, *totals));
                self.model_of.insert(row.snapshot_id, row.model_id);
            }
        }
    }
}

/// Part of a slice in the order of (hour, conversion id): all after one conversion up to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// The hour and id that it begins after, or none for the slice's beginning.
    pub(super) after: Option<(u32, u64)>,
    /// The last hour and id, or none for the slice's end.
    pub(super) last: Option<(u32, u64)>,
}

impl Stretch {
    /// As hours and the conversion ids within them.
    pub(super) fn parts(self) -> Vec<(RangeInclusive<u32>, RangeInclusive<u64>)> {
        let all = 0..=u64::MAX;
        let (mut first_whole, mut last_whole) = (0, u32::MAX);
        let mut parts = Vec::new();
        if let Some((hour, id)) = self.after {
            let highest = match self.last {
                Some((last_hour, last)) if last_hour == hour => last,
                _ => u64::MAX,
            };
            parts.push((hour..=hour, id.saturating_add(1)..=highest));
            first_whole = hour.saturating_add(1);
        }
        if let Some((hour, id)) = self.last {
            if self.after.is_none_or(|(first_hour, _)| first_hour != hour) {
                parts.push((hour..=hour, 0..=id));
            }
            last_whole = hour.saturating_sub(1);
        }
        if first_whole <= last_whole && self.last.is_none_or(|(hour, _)| hour > 0) {
            parts.push((first_whole..=last_whole, all));
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_meet_and_miss_nothing() {
        let parts = |after, last| Stretch { after, last }.parts();
        let all = 0..=u64::MAX;
        assert_eq!(parts(None, None), [(0..=u32::MAX, all.clone())]);
        assert_eq!(
            parts(None, Some((3_600, 9))),
            [(3_600..=3_600, 0..=9), (0..=3_599, all.clone())]
        );
        assert_eq!(parts(Some((3_600, 9)), Some((3_600, 20))), [(3_600..=3_600, 10..=20)]);
        assert_eq!(
            parts(Some((3_600, 9)), Some((10_800, 4))),
            [
                (3_600..=3_600, 10..=u64::MAX),
                (10_800..=10_800, 0..=4),
                (3_601..=10_799, all.clone())
            ]
        );
        assert_eq!(
            parts(Some((3_600, 9)), None),
            [(3_600..=3_600, 10..=u64::MAX), (3_601..=u32::MAX, all)]
        );
    }
}
