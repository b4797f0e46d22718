//! Visitors, any text each, as numbers.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

/// Numbers visitors from 1 as they come; 0 is the unknown one.
///
/// Most names are short, and a short name is its own key: looking it up touches one place in
/// memory, not three.
#[derive(Debug, Default)]
pub(super) struct Visitors {
    short: HashMap<u128, u64>,
    long: LongNames,
    count: u64,
}

impl Visitors {
    pub(super) fn number(&mut self, name: &[u8]) -> u64 {
        if name.is_empty() {
            return 0;
        }
        let next = self.count + 1;
        let number = match short_key(name) {
            Some(key) => *self.short.entry(key).or_insert(next),
            None => self.long.number(name, next),
        };
        self.count = self.count.max(number);
        number
    }
}

/// A name of at most 15 bytes with its length, which keeps names that end in zeros apart.
#[inline]
fn short_key(name: &[u8]) -> Option<u128> {
    let mut bytes = [0; 16];
    bytes[..15].get_mut(..name.len())?.copy_from_slice(name);
    bytes[15] = name.len() as u8;
    Some(u128::from_le_bytes(bytes))
}

/// Names beyond that, one after the other.
#[derive(Debug, Default)]
struct LongNames {
    hasher: DefaultHashBuilder,
    /// Places among `ends`.
    places: HashTable<u32>,
    text: Vec<u8>,
    /// Where each name ends, and its number.
    ends: Vec<(usize, u64)>,
}

impl LongNames {
    fn number(&mut self, name: &[u8], next: u64) -> u64 {
        let Self { hasher, places, text, ends } = self;
        let hash = hasher.hash_one(name);
        if let Some(place) = places.find(hash, |place| name_at(text, ends, *place) == name) {
            return ends[*place as usize].1;
        }
        let place = ends.len() as u32;
        text.extend_from_slice(name);
        ends.push((text.len(), next));
        places.insert_unique(hash, place, |place| hasher.hash_one(name_at(text, ends, *place)));
        next
    }
}

fn name_at<'a>(text: &'a [u8], ends: &[(usize, u64)], place: u32) -> &'a [u8] {
    let place = place as usize;
    let start = place.checked_sub(1).map_or(0, |before| ends[before].0);
    &text[start..ends[place].0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_have_one_number_and_others_another() {
        let names: [&[u8]; 8] = [
            b"a",
            b"a\0",
            b"\0",
            b"123456789012345",
            b"1234567890123456",
            b"12345678901234567",
            b"1234567890123456789012345678901234567890",
            b"b",
        ];
        let mut visitors = Visitors::default();
        assert_eq!(visitors.number(b""), 0);
        for _ in 0..2 {
            for (name, number) in names.into_iter().zip(1..) {
                assert_eq!(visitors.number(name), number);
            }
        }
    }
}
