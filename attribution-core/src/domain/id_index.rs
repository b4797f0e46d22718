//! From an id to its row: the only look-up by id that the engine needs.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// An index of a column of ids that are each there once.
///
/// Ids that lie close together, as a database numbers them, are looked up in an array; others by
/// hash. Which of the two it is changes nothing but the speed.
#[derive(Debug)]
pub(crate) enum IdIndex {
    Dense { first: u64, rows: Vec<u32> },
    Hashed { hasher: DefaultHashBuilder, rows: HashTable<u32> },
}

const NO_ROW: u32 = u32::MAX;
/// How much longer than the column the array of a dense index may be.
const SPREAD: u64 = 4;

impl IdIndex {
    /// Indexes at most 2^32 - 2 ids. Where an id comes again, its first row is kept and
    /// `duplicate` is told of the first and the later row.
    pub(crate) fn build(ids: &[u64], mut duplicate: impl FnMut(u32, u32)) -> Self {
        let (first, last) =
            ids.iter().fold((u64::MAX, 0), |(first, last), id| (first.min(*id), last.max(*id)));
        if last.wrapping_sub(first) < ids.len() as u64 * SPREAD {
            let mut rows = vec![NO_ROW; (last - first) as usize + 1];
            for (row, id) in ids.iter().enumerate() {
                let slot = &mut rows[(id - first) as usize];
                if *slot == NO_ROW {
                    *slot = row as u32;
                } else {
                    duplicate(*slot, row as u32);
                }
            }
            return Self::Dense { first, rows };
        }
        let hasher = DefaultHashBuilder::default();
        let mut rows = HashTable::with_capacity(ids.len());
        for (row, id) in ids.iter().enumerate() {
            let hash = hasher.hash_one(id);
            match rows.find(hash, |&earlier: &u32| ids[earlier as usize] == *id) {
                Some(&earlier) => duplicate(earlier, row as u32),
                None => {
                    rows.insert_unique(hash, row as u32, |&row| hasher.hash_one(ids[row as usize]));
                }
            }
        }
        Self::Hashed { hasher, rows }
    }

    /// The row of an id; `ids` is the column that was indexed.
    #[inline]
    pub(crate) fn row(&self, id: u64, ids: &[u64]) -> Option<u32> {
        match self {
            Self::Dense { first, rows } => {
                let slot = usize::try_from(id.wrapping_sub(*first)).ok()?;
                rows.get(slot).copied().filter(|row| *row != NO_ROW)
            }
            Self::Hashed { hasher, rows } => {
                rows.find(hasher.hash_one(id), |&row| ids[row as usize] == id).copied()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_and_scattered_ids_are_found_and_duplicates_told() {
        for ids in [vec![7, 5, 6, 5], vec![u64::MAX, 0, 1 << 40, 0], vec![u64::MAX - 1, u64::MAX]] {
            let mut duplicates = Vec::new();
            let index = IdIndex::build(&ids, |first, later| duplicates.push((first, later)));
            for id in &ids {
                let first = ids.iter().position(|other| other == id).unwrap();
                assert_eq!(index.row(*id, &ids), Some(first as u32));
            }
            assert_eq!(index.row(4, &ids), None);
            assert_eq!(index.row(8, &ids), None);
            let expected = if ids.len() == 4 { vec![(1, 3)] } else { vec![] };
            assert_eq!(duplicates, expected);
        }
        let empty = IdIndex::build(&[], |_, _| {});
        assert_eq!(empty.row(0, &[]), None);
    }
}
