//! A value as a server holds it.
//!
//! ```text
//! magic "ATsc"     4 bytes
//! version          2
//! bytes of a row   2
//! digest          32   of the key and the generation that it is the answer to
//! expires          8   microseconds since 1970
//! cost             8   microseconds that the reading took
//! rows             8
//! each row        53   snapshot_id 8, scope type 1, scope_id 8, hour 4, clicks 8, conversions 8,
//!                      revenue 8, cost 8 (counts of 0.00001)
//! check sum       16   of all before it
//! ```
//! All numbers are little-endian. Whatever is cut short, damaged, of another version or the answer to
//! something else is no value at all. Digest and check sum are SHA-256's, the latter's first half: they
//! guard against accidents, not against one who can write to the server.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::expiry::Lifetime;
use super::key::Key;
use super::memory::Value;
use crate::ground::money::Money;
use crate::ground::scope::{Scope, ScopeType};
use crate::job::tables::SnapshotRecord;

/// Of the layout and of what the rows mean; a value of another version is read anew.
const VERSION: u16 = 1;
const MAGIC: &[u8; 4] = b"ATsc";
const HEAD: usize = 64;
const ROW: usize = 53;
const CHECK_SUM: usize = 16;
/// The longest value that is sent: memcached takes a mebibyte, its own head included.
pub(crate) const LONGEST: usize = 1_000_000;

/// The name of a key under a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    digest: [u8; 32],
    /// What the server calls it: 80 letters, digits and colons.
    pub(crate) text: String,
}

impl Name {
    pub(crate) fn new(key: &Key, generation: u64) -> Self {
        let digest: [u8; 32] = Sha256::digest(key.to_bytes(generation)).into();
        let mut text = format!("attribution:{VERSION:03}:");
        for byte in digest {
            for nibble in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(nibble.into(), 16));
            }
        }
        Self { digest, text }
    }
}

/// How long a value of so many rows is.
pub(crate) const fn length(rows: usize) -> usize {
    HEAD + rows * ROW + CHECK_SUM
}

fn check_sum(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) fn encode(name: &Name, value: &Value) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length(value.rows.len()));
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(ROW as u16).to_le_bytes());
    bytes.extend_from_slice(&name.digest);
    bytes.extend_from_slice(&microseconds(value.lifetime.expires).to_le_bytes());
    bytes.extend_from_slice(&microseconds(value.lifetime.cost).to_le_bytes());
    bytes.extend_from_slice(&(value.rows.len() as u64).to_le_bytes());
    for row in &*value.rows {
        bytes.extend_from_slice(&row.snapshot_id.to_le_bytes());
        bytes.push(row.scope.scope_type() as u8);
        bytes.extend_from_slice(&row.scope.id().unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(&row.date_hour.to_le_bytes());
        bytes.extend_from_slice(&row.attributed_clicks.to_le_bytes());
        bytes.extend_from_slice(&row.attributed_conversions.to_le_bytes());
        bytes.extend_from_slice(&row.revenue.units().to_le_bytes());
        bytes.extend_from_slice(&row.cost.units().to_le_bytes());
    }
    let sum = check_sum(&bytes);
    bytes.extend_from_slice(&sum[..CHECK_SUM]);
    bytes
}

/// Takes numbers from the front of bytes.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn number(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn row(&mut self) -> Option<SnapshotRecord> {
        let snapshot_id = self.number()?;
        let [scope_type] = self.bytes()?;
        let scope_type = *ScopeType::ALL.get(usize::from(scope_type))?;
        let id = self.number()?;
        let scope = Scope::new(scope_type, (id != 0).then_some(id)).ok()?;
        Some(SnapshotRecord {
            snapshot_id,
            scope,
            date_hour: self.bytes().map(u32::from_le_bytes)?,
            attributed_clicks: self.number()?,
            attributed_conversions: self.number()?,
            revenue: Money::from_units(self.bytes().map(i64::from_le_bytes)?),
            cost: Money::from_units(self.bytes().map(i64::from_le_bytes)?),
        })
    }
}

/// The value that bytes hold for a name; none where they do not.
pub(crate) fn decode(name: &Name, bytes: &[u8]) -> Option<Value> {
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(CHECK_SUM)?)?;
    let mut reader = Reader(body);
    if reader.bytes()? != *MAGIC
        || reader.bytes().map(u16::from_le_bytes)? != VERSION
        || reader.bytes().map(u16::from_le_bytes)? as usize != ROW
        || reader.bytes()? != name.digest
    {
        return None;
    }
    let lifetime = Lifetime {
        expires: Duration::from_micros(reader.number()?),
        cost: Duration::from_micros(reader.number()?),
    };
    let count = reader.number()?;
    // Before anything is made room for: the count has to be what is there.
    if !reader.0.len().is_multiple_of(ROW) || (reader.0.len() / ROW) as u64 != count {
        return None;
    }
    if check_sum(body)[..CHECK_SUM] != *sum {
        return None;
    }
    let rows: Option<Arc<[SnapshotRecord]>> = (0..count).map(|_| reader.row()).collect();
    Some(Value { rows: rows?, lifetime })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::rows;

    fn value(count: u64) -> Value {
        let lifetime =
            Lifetime { expires: Duration::from_secs(1_717), cost: Duration::from_micros(1_234) };
        Value { rows: rows(count).into(), lifetime }
    }

    #[test]
    fn values_come_back_as_they_went() {
        let name = Name::new(&Key::of_model(1), 7);
        for count in [0, 1, 168, 5_000] {
            let value = value(count);
            let bytes = encode(&name, &value);
            assert_eq!(bytes.len(), length(count as usize));
            let back = decode(&name, &bytes).unwrap();
            assert_eq!(back.rows, value.rows);
            assert_eq!(back.lifetime, value.lifetime);
        }
        let extreme = SnapshotRecord {
            snapshot_id: u64::MAX,
            scope: Scope::new(ScopeType::TrafficSource, Some(u64::MAX)).unwrap(),
            date_hour: u32::MAX,
            attributed_clicks: u64::MAX,
            attributed_conversions: u64::MAX,
            revenue: Money::from_units(i64::MIN),
            cost: Money::from_units(i64::MAX),
        };
        let value = Value { rows: [extreme].into(), ..value(0) };
        assert_eq!(decode(&name, &encode(&name, &value)).unwrap().rows[0], extreme);
    }

    #[test]
    fn names_are_short_and_differ_by_all_that_an_answer_depends_on() {
        let name = Name::new(&Key::of_model(1), 7);
        assert_eq!(name.text.len(), 80);
        assert!(name.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':'));
        assert_ne!(name, Name::new(&Key::of_model(1), 8));
        assert_ne!(name, Name::new(&Key::of_model(2), 7));
        let other = Key { database: "other".into(), ..Key::of_model(1) };
        assert_ne!(name, Name::new(&other, 7));
        let other = Key { owner: 2, ..Key::of_model(1) };
        assert_ne!(name, Name::new(&other, 7));
    }

    #[test]
    fn what_is_damaged_is_no_value() {
        let name = Name::new(&Key::of_model(1), 7);
        let bytes = encode(&name, &value(3));
        for place in 0..bytes.len() {
            for bit in [1, 0x80] {
                let mut damaged = bytes.clone();
                damaged[place] ^= bit;
                assert!(decode(&name, &damaged).is_none(), "byte {place}");
            }
            assert!(decode(&name, &bytes[..place]).is_none(), "cut at {place}");
            assert!(decode(&name, &bytes[place + 1..]).is_none(), "without the first {place}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(decode(&name, &longer).is_none());
        assert!(decode(&Name::new(&Key::of_model(2), 7), &bytes).is_none(), "another's");
        // A count that is far too large asks for no memory.
        let mut huge = bytes;
        huge[56..64].copy_from_slice(&u64::MAX.to_le_bytes());
        let end = huge.len() - CHECK_SUM;
        let sum = check_sum(&huge[..end]);
        huge[end..].copy_from_slice(&sum[..CHECK_SUM]);
        assert!(decode(&name, &huge).is_none());
    }

    #[test]
    fn scope_types_keep_their_numbers() {
        // They stand in values that another build of the same version wrote.
        let numbers = ScopeType::ALL.map(|scope_type| scope_type as u8);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(ScopeType::ALL[4], ScopeType::Global);
    }
}
