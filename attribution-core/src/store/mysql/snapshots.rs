//! Snapshots and credits read back.

use mysql::Value;
use serde::Serialize;

use super::connection::Connection;
use super::values::Fields;
use super::worker::read_snapshot;
use crate::ground::error::Error;
use crate::ground::money::{Credit, Money};
use crate::ground::scope::{Scope, ScopeType};
use crate::ground::time::{Window, hour_of};
use crate::job::tables::SnapshotRecord;

/// Which snapshots to read.
///
/// ```
/// use attribution_core::{SnapshotQuery, Window};
/// let query = SnapshotQuery::new("linear", Window::new(1_717_200_000, 1_717_286_400)?);
/// assert_eq!(query.scope_type, None);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotQuery {
    /// The model's slug.
    pub model: String,
    /// The hours.
    pub window: Window,
    /// Of this scope type only.
    pub scope_type: Option<ScopeType>,
    /// Of this id of the scope type only.
    pub scope_id: Option<u64>,
    /// At most so many rows.
    pub limit: u64,
    /// After so many rows.
    pub offset: u64,
}

impl SnapshotQuery {
    /// All snapshots of a model in a window.
    ///
    /// ```
    /// use attribution_core::{SnapshotQuery, Window};
    /// assert_eq!(SnapshotQuery::new("linear", Window::new(0, 1)?).offset, 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new(model: impl Into<String>, window: Window) -> Self {
        Self {
            model: model.into(),
            window,
            scope_type: None,
            scope_id: None,
            limit: i64::MAX as u64,
            offset: 0,
        }
    }
}

/// What credits to read.
///
/// ```
/// assert_ne!(
///     attribution_core::CreditQuery::Conversion(1),
///     attribution_core::CreditQuery::Snapshot(1),
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CreditQuery {
    /// Those of a conversion, under every model.
    Conversion(u64),
    /// Those that hang on a snapshot.
    Snapshot(u64),
}

/// A stored credit.
///
/// ```
/// assert_eq!(attribution_core::CreditRecord::default().position, 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub struct CreditRecord {
    /// The model's id.
    pub model_id: u64,
    /// The global snapshot of the conversion's hour.
    pub snapshot_id: u64,
    /// The conversion.
    pub conversion_id: u64,
    /// The place in the journey, from 0 for the oldest touch.
    pub position: u32,
    /// The touch's click.
    pub click_id: u64,
    /// The touch's share of the conversion.
    pub credit: Credit,
}

/// Gives snapshots to `take`, ordered by scope type, scope id and hour.
pub(super) fn read(
    connection: &mut Connection,
    owner: u64,
    model_id: u64,
    query: &SnapshotQuery,
    take: &mut dyn FnMut(SnapshotRecord) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut values = vec![
        Value::UInt(owner),
        Value::UInt(model_id),
        Value::UInt(query.window.start()),
        Value::UInt(query.window.end()),
    ];
    let mut conditions = String::new();
    if let Some(scope_type) = query.scope_type {
        conditions.push_str(" AND scope_type = ?");
        values.push(Value::from(scope_type.name()));
    }
    if let Some(scope_id) = query.scope_id {
        conditions.push_str(" AND scope_id = ?");
        values.push(Value::UInt(scope_id));
    }
    values.extend([Value::UInt(query.limit), Value::UInt(query.offset)]);
    connection.each(
        "reading snapshots",
        &format!(
            "SELECT snapshot_id, model_id, scope_type, scope_id, date_hour, attributed_clicks, \
             attributed_conversions, attributed_revenue, attributed_cost \
             FROM 202_attribution_snapshots \
             WHERE user_id = ? AND model_id = ? AND date_hour >= ? AND date_hour < ?{conditions} \
             ORDER BY scope_type, scope_id, date_hour, snapshot_id LIMIT ? OFFSET ?"
        ),
        values,
        &mut |row| {
            let row = read_snapshot(row)?;
            let scope = row.scope_type.and_then(|kind| Scope::new(kind, row.scope_id).ok());
            // What is no scope at all is for `check` to find, not for readers.
            let Some(scope) = scope else { return Ok(()) };
            take(SnapshotRecord {
                snapshot_id: row.snapshot_id,
                scope,
                date_hour: row.hour,
                attributed_clicks: row.totals.clicks,
                attributed_conversions: row.totals.conversions,
                revenue: Money::from_units(row.totals.revenue * 10),
                cost: Money::from_units(row.totals.cost * 10),
            })
        },
    )
}

/// Credits ordered by model, snapshot, conversion and position.
pub(super) fn read_credits(
    connection: &mut Connection,
    owner: u64,
    query: CreditQuery,
) -> Result<Vec<CreditRecord>, Error> {
    let (condition, values) = match query {
        CreditQuery::Snapshot(id) => ("s.snapshot_id = ?", vec![id]),
        CreditQuery::Conversion(id) => {
            let mut time = None;
            connection.each(
                "reading a conversion",
                "SELECT conv_id, conv_time FROM 202_conversion_logs \
                 WHERE conv_id = ? AND user_id = ?",
                (id, owner),
                &mut |row| {
                    time = Some(Fields::new(row, "202_conversion_logs").time(1)?);
                    Ok(())
                },
            )?;
            let Some(time) = time else { return Ok(Vec::new()) };
            // The credits have no key on the conversion alone, but on its hour's snapshots and it.
            ("s.date_hour = ? AND t.conv_id = ?", vec![hour_of(time).into(), id])
        }
    };
    let values: Vec<Value> = std::iter::once(owner).chain(values).map(Value::UInt).collect();
    let mut credits = Vec::new();
    connection.each(
        "reading credits",
        &format!(
            "SELECT t.touchpoint_id, s.model_id, t.snapshot_id, t.conv_id, t.position, \
             t.click_id, t.credit FROM 202_attribution_snapshots s \
             STRAIGHT_JOIN 202_attribution_touchpoints t ON t.snapshot_id = s.snapshot_id \
             WHERE s.user_id = ? AND {condition} \
             ORDER BY s.model_id, t.snapshot_id, t.conv_id, t.position, t.touchpoint_id"
        ),
        values,
        &mut |row| {
            let fields = Fields::new(row, "202_attribution_touchpoints");
            credits.push(CreditRecord {
                model_id: fields.number(1)?,
                snapshot_id: fields.number(2)?,
                conversion_id: fields.number(3)?,
                position: fields.number(4)? as u32,
                click_id: fields.number(5)?,
                credit: Credit::from_units(fields.amount(6)?.max(0) as u64),
            });
            Ok(())
        },
    )?;
    Ok(credits)
}
