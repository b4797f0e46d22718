//! Snapshots read back.

use std::ffi::c_char;

use attribution_core::{SnapshotQuery, SnapshotRecord, Window};

use super::store::attribution_store;
use crate::border::{
    Failure, Growing, Handle, borrow, clear, fill_growing, first, free, give, guard, read_growing,
    text,
};
use crate::error::{attribution_error, attribution_status};
use crate::scope::{number_of, scope_type};
use crate::signals::without_sigpipe;

/// Which stored snapshots to read. To be begun with ATTRIBUTION_SNAPSHOT_QUERY_INIT, which asks for all
/// scopes; the user, the model and the window are to be set.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_snapshot_query {
    /// sizeof(attribution_snapshot_query)
    pub size: usize,
    /// The account owner.
    pub user_id: u64,
    /// The model's slug.
    pub model: *const c_char,
    /// The first second of the window, in unix time; it falls to its hour.
    pub start: u32,
    /// The second after the window's last; it rises to the next whole hour unless it is on one.
    pub end: u32,
    /// One of the ATTRIBUTION_SCOPE_ numbers, or ATTRIBUTION_SCOPE_ANY.
    pub scope_type: u32,
    /// The scope's id; 0 for any.
    pub scope_id: u64,
    /// The most snapshots to read; 0 for all.
    pub limit: u64,
    /// How many to pass over first.
    pub offset: u64,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_snapshot_query {
    const NAME: &'static str = "attribution_snapshot_query";
}

/// Snapshots that were read from a database.
///
/// Made by attribution_store_snapshots or attribution_cache_snapshots, owned by the caller and freed with
/// attribution_stored_snapshots_free. It never changes; threads may share it.
pub struct attribution_stored_snapshots {
    _private: (),
}

/// What is behind stored snapshots: a column each.
#[derive(Debug, Default)]
pub(crate) struct StoredColumns {
    snapshot_ids: Vec<u64>,
    scope_types: Vec<u32>,
    scope_ids: Vec<u64>,
    date_hours: Vec<u32>,
    attributed_clicks: Vec<u64>,
    attributed_conversions: Vec<u64>,
    revenues: Vec<i64>,
    costs: Vec<i64>,
}

impl StoredColumns {
    pub(super) fn push(&mut self, record: &SnapshotRecord) {
        self.snapshot_ids.push(record.snapshot_id);
        self.scope_types.push(number_of(record.scope.scope_type()));
        self.scope_ids.push(record.scope.id().unwrap_or(0));
        self.date_hours.push(record.date_hour);
        self.attributed_clicks.push(record.attributed_clicks);
        self.attributed_conversions.push(record.attributed_conversions);
        self.revenues.push(record.revenue.units());
        self.costs.push(record.cost.units());
    }
}

impl Handle for attribution_stored_snapshots {
    type Value = StoredColumns;
    const NAME: &'static str = "attribution_stored_snapshots";
    const TAG: u64 = u64::from_le_bytes(*b"attr:ssn");
}

/// Stored snapshots, ordered by scope, id and hour; each pointer is to `length` entries, or NULL where
/// there are none. The entries are those of the attribution_stored_snapshots, never change, and stay until it is
/// freed. To be begun with ATTRIBUTION_STORED_SNAPSHOT_COLUMNS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_stored_snapshot_columns {
    /// sizeof(attribution_stored_snapshot_columns)
    pub size: usize,
    /// The number of snapshots.
    pub length: usize,
    /// The row's id.
    pub snapshot_ids: *const u64,
    /// The scope, one of the ATTRIBUTION_SCOPE_ numbers.
    pub scope_types: *const u32,
    /// The scope's id; 0 for global.
    pub scope_ids: *const u64,
    /// The unix second at which the conversions' hour begins, UTC.
    pub date_hours: *const u32,
    /// Credited touches in the scope.
    pub attributed_clicks: *const u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: *const u64,
    /// Revenue as a count of 0.00001; the tables have it with 4 decimals.
    pub revenues: *const i64,
    /// Cost as a count of 0.00001; the tables have it with 4 decimals.
    pub costs: *const i64,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_stored_snapshot_columns {
    const NAME: &'static str = "attribution_stored_snapshot_columns";
}

/// What a query asks for, and of whom.
///
/// # Safety
/// As [`read_growing`], and its model is a text.
pub(super) unsafe fn asked(
    query: *const attribution_snapshot_query,
) -> Result<(u64, SnapshotQuery), Failure> {
    // SAFETY: the caller's promise.
    let (query, model) = unsafe {
        let query = read_growing(query)?;
        (query, text(query.model, "model")?)
    };
    let mut asked = SnapshotQuery::new(model, Window::new(query.start, query.end)?);
    asked.scope_type = scope_type(query.scope_type, "scope_type")?;
    asked.scope_id = (query.scope_id != 0).then_some(query.scope_id);
    asked.offset = query.offset;
    if query.limit != 0 {
        asked.limit = query.limit;
    }
    Ok((query.user_id, asked))
}

/// Reads stored snapshots of a user's model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_snapshots(
    store: *const attribution_store,
    query: *const attribution_snapshot_query,
    snapshots: *mut *mut attribution_stored_snapshots,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (store, (user_id, asked)) = unsafe {
            clear(snapshots, "snapshots")?;
            (borrow(store)?, asked(query)?)
        };
        let mut columns = StoredColumns::default();
        let mut take = |record: SnapshotRecord| {
            columns.push(&record);
            Ok(())
        };
        without_sigpipe(|| store.snapshots(user_id, &asked, &mut take))?;
        // SAFETY: cleared above.
        unsafe { give(snapshots, columns) };
        Ok(())
    })
}

/// The stored snapshots as columns, valid until they are freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_stored_snapshots_columns(
    snapshots: *const attribution_stored_snapshots,
    columns: *mut attribution_stored_snapshot_columns,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let stored = unsafe { borrow(snapshots)? };
        let filled = attribution_stored_snapshot_columns {
            size: 0,
            length: stored.snapshot_ids.len(),
            snapshot_ids: first(&stored.snapshot_ids),
            scope_types: first(&stored.scope_types),
            scope_ids: first(&stored.scope_ids),
            date_hours: first(&stored.date_hours),
            attributed_clicks: first(&stored.attributed_clicks),
            attributed_conversions: first(&stored.attributed_conversions),
            revenues: first(&stored.revenues),
            costs: first(&stored.costs),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(columns, filled) }
    })
}

/// Frees stored snapshots and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_stored_snapshots_free(
    snapshots: *mut *mut attribution_stored_snapshots,
) {
    // SAFETY: the caller's promise.
    unsafe { free(snapshots) }
}
