//! Sorting more than fits in memory: sorted runs in files, merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::spool::{Record, Spool, SpoolReader};
use crate::ground::error::Error;

/// How much is sorted in memory at a time.
const RUN_BYTES: usize = 32 << 20;

/// Takes records in any order and gives them back sorted, any number of times.
#[derive(Debug)]
pub(crate) struct ExternalSort<R> {
    runs: Vec<Spool<R>>,
    current: Vec<R>,
    run_length: usize,
    sorted: bool,
}

impl<R: Record + Ord> ExternalSort<R> {
    pub(crate) fn new() -> Self {
        Self::in_runs_of(RUN_BYTES / size_of::<R>())
    }

    fn in_runs_of(run_length: usize) -> Self {
        Self { runs: Vec::new(), current: Vec::new(), run_length, sorted: true }
    }

    pub(crate) fn len(&self) -> u64 {
        self.current.len() as u64 + self.runs.iter().map(Spool::len).sum::<u64>()
    }

    pub(crate) fn push(&mut self, record: R) -> Result<(), Error> {
        self.current.push(record);
        self.sorted = false;
        if self.current.len() < self.run_length {
            return Ok(());
        }
        self.current.sort_unstable();
        self.runs.push(Spool::filed(&self.current)?);
        self.current.clear();
        Ok(())
    }

    /// Takes all of another's records.
    pub(crate) fn absorb(&mut self, mut other: Self) -> Result<(), Error> {
        self.runs.append(&mut other.runs);
        other.current.into_iter().try_for_each(|record| self.push(record))
    }

    /// The records in order, from the first on.
    pub(crate) fn read(&mut self) -> Result<Sorted<'_, R>, Error> {
        if !self.sorted {
            self.current.sort_unstable();
            self.sorted = true;
        }
        let mut readers = Vec::with_capacity(self.runs.len());
        let mut heads = BinaryHeap::with_capacity(self.runs.len() + 1);
        for (run, spool) in self.runs.iter_mut().enumerate() {
            let mut reader = spool.read()?;
            if let Some(record) = reader.next()? {
                heads.push(Reverse((record, run)));
            }
            readers.push(reader);
        }
        Ok(Sorted { readers, heads, current: self.current.iter() })
    }
}

/// Records in order.
pub(crate) struct Sorted<'a, R> {
    readers: Vec<SpoolReader<'a, R>>,
    heads: BinaryHeap<Reverse<(R, usize)>>,
    current: std::slice::Iter<'a, R>,
}

impl<R: Record + Ord> Sorted<'_, R> {
    pub(crate) fn next(&mut self) -> Result<Option<R>, Error> {
        let in_memory = self.current.as_slice().first();
        let Some(Reverse((record, run))) = self.heads.peek().copied() else {
            return Ok(self.current.next().copied());
        };
        if in_memory.is_some_and(|first| *first <= record) {
            return Ok(self.current.next().copied());
        }
        self.heads.pop();
        if let Some(next) = self.readers[run].next()? {
            self.heads.push(Reverse((next, run)));
        }
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_runs_comes_out_sorted_and_again() {
        for (count, run_length) in [(0_u64, 5), (4, 5), (5, 5), (1_003, 5), (1_003, 5_000)] {
            let mut sort = ExternalSort::in_runs_of(run_length);
            let scrambled = (0..count).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 500);
            let mut expected: Vec<u64> = scrambled.clone().collect();
            scrambled.for_each(|record| sort.push(record).unwrap());
            expected.sort_unstable();
            assert_eq!(sort.len(), count);
            let mut other = ExternalSort::in_runs_of(run_length);
            for record in 0..count {
                other.push(record).unwrap();
                expected.push(record);
            }
            expected.sort_unstable();
            sort.absorb(other).unwrap();
            for _ in 0..2 {
                let mut sorted = sort.read().unwrap();
                let mut seen = Vec::new();
                while let Some(record) = sorted.next().unwrap() {
                    seen.push(record);
                }
                assert_eq!(seen, expected);
            }
        }
    }
}
