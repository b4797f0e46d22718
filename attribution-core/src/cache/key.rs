//! What a value is the answer to.

use std::sync::Arc;

use crate::ground::scope::ScopeType;
use crate::store::mysql::SnapshotQuery;

/// Whose snapshots, which, and which page of them. With a generation it says all that an answer
/// depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Which server's database.
    pub(crate) database: Arc<str>,
    pub(crate) owner: u64,
    pub(crate) model_id: u64,
    pub(crate) scope_type: Option<ScopeType>,
    pub(crate) scope_id: Option<u64>,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) limit: u64,
    pub(crate) offset: u64,
}

impl Key {
    pub(crate) fn new(
        database: Arc<str>,
        owner: u64,
        model_id: u64,
        query: &SnapshotQuery,
    ) -> Self {
        Self {
            database,
            owner,
            model_id,
            scope_type: query.scope_type,
            scope_id: query.scope_id,
            start: query.window.start(),
            end: query.window.end(),
            limit: query.limit,
            offset: query.offset,
        }
    }

    /// The key and a generation as bytes, no two the same.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    pub(crate) fn to_bytes(&self, generation: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160 + self.database.len());
        let scope_type = self.scope_type.map_or(0, |scope_type| scope_type as u64 + 1);
        for number in [
            generation,
            self.owner,
            self.model_id,
            scope_type,
            u64::from(self.scope_id.is_some()),
            self.scope_id.unwrap_or(0),
            self.start,
            self.end,
            self.limit,
            self.offset,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        // All before it has a fixed width, so that the text may hold anything.
        bytes.extend_from_slice(self.database.as_bytes());
        bytes
    }
}

#[cfg(test)]
impl Key {
    /// A key that differs from others by its model.
    pub(crate) fn of_model(model_id: u64) -> Self {
        let window = crate::ground::time::Window::new(0, 3_600);
        let query = SnapshotQuery::new("linear", window.unwrap());
        Self::new("test".into(), 1, model_id, &query)
    }
}
