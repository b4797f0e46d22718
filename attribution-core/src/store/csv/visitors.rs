//! Visitors, any text each, as numbers.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Gives each visitor a number: 0 for the unknown one, its own bytes for a name of at most 15, and
/// for a longer one a number as they come.
///
/// Most names are short, and so need not be looked up in a table larger than any cache.
#[derive(Debug, Default)]
pub(super) struct Visitors {
    long: LongNames,
}

impl Visitors {
    pub(super) fn number(&mut self, name: &[u8]) -> u128 {
        short_number(name).unwrap_or_else(|| self.long.number(name).into())
    }
}

/// A name of at most 15 bytes below its length, which keeps names that end in zeros apart, and
/// keeps all of them above the numbers of long names.
#[inline]
fn short_number(name: &[u8]) -> Option<u128> {
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
    /// Where each name ends.
    ends: Vec<usize>,
}

impl LongNames {
    /// From 1 on.
    fn number(&mut self, name: &[u8]) -> u64 {
        let Self { hasher, places, text, ends } = self;
        let hash = hasher.hash_one(name);
        if let Some(place) = places.find(hash, |place| name_at(text, ends, *place) == name) {
            return u64::from(*place) + 1;
        }
        let place = ends.len() as u32;
        text.extend_from_slice(name);
        ends.push(text.len());
        places.insert_unique(hash, place, |place| hasher.hash_one(name_at(text, ends, *place)));
        u64::from(place) + 1
    }
}

fn name_at<'a>(text: &'a [u8], ends: &[usize], place: u32) -> &'a [u8] {
    let place = place as usize;
    let start = place.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start..ends[place]]
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
        let numbers = names.map(|name| visitors.number(name));
        assert_eq!(names.map(|name| visitors.number(name)), numbers);
        let mut distinct = numbers.to_vec();
        distinct.push(0);
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), names.len() + 1);
    }
}
