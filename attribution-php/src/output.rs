//! The core's results as PHP's arrays.

use attribution_core::{Money, ScopeType, Snapshot, SnapshotRecord, Touchpoints, hour_of};

use crate::failure::Failure;
use crate::keys;
use crate::rows::BETWEEN_LOOKS;
use crate::zend::globals;
use crate::zend::table::{Made, NewList, NewRow, NewValue, Shape};
use crate::zend::text::Key;

/// The name of a scope type, which all rows share.
pub(crate) fn scope_name(scope_type: ScopeType) -> NewValue {
    let key: &'static Key = match scope_type {
        ScopeType::Campaign => &keys::CAMPAIGN,
        ScopeType::Account => &keys::ACCOUNT,
        ScopeType::Advertiser => &keys::ADVERTISER,
        ScopeType::TrafficSource => &keys::TRAFFIC_SOURCE,
        ScopeType::LandingPage => &keys::LANDING_PAGE,
        ScopeType::Adgroup => &keys::ADGROUP,
        ScopeType::Global => &keys::GLOBAL,
    };
    NewValue::key(key)
}

/// The longest text of a count of 0.00001, with its sign and point.
const LONGEST: usize = 24;

/// A count of 0.00001 as a decimal string with 5 decimals.
#[inline]
pub(crate) fn decimal(units: i64) -> NewValue {
    let mut text = [0_u8; LONGEST];
    let start = write_decimal(units, &mut text);
    NewValue::text(text.get(start..).unwrap_or_default())
}

/// Writes a decimal to the end of the text and gives where it begins.
#[inline]
fn write_decimal(units: i64, text: &mut [u8; LONGEST]) -> usize {
    let mut rest = units.unsigned_abs();
    let mut start = LONGEST;
    let mut written = 0;
    for place in text.iter_mut().rev() {
        *place = if written == 5 {
            b'.'
        } else {
            let digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            digit
        };
        start -= 1;
        written += 1;
        if rest == 0 && written > 6 {
            break;
        }
    }
    if units < 0 {
        start -= 1;
        if let Some(sign) = text.get_mut(start) {
            *sign = b'-';
        }
    }
    start
}

/// Snapshots as a list of rows.
pub(crate) fn snapshot_rows(snapshots: &[Snapshot]) -> Result<NewList, Failure> {
    let shape = Shape::new([
        &keys::SCOPE_TYPE,
        &keys::SCOPE_ID,
        &keys::DATE_HOUR,
        &keys::ATTRIBUTED_CLICKS,
        &keys::ATTRIBUTED_CONVERSIONS,
        &keys::ATTRIBUTED_REVENUE,
        &keys::ATTRIBUTED_COST,
        &keys::CREDITED_CONVERSIONS,
    ]);
    let mut rows = NewList::with_capacity(snapshots.len());
    for (at, snapshot) in snapshots.iter().enumerate() {
        if at % BETWEEN_LOOKS == 0 {
            globals::poll()?;
        }
        rows.push(shape.row([
            scope_name(snapshot.scope.scope_type()),
            snapshot.scope.id().map_or(NewValue::NULL, NewValue::unsigned),
            NewValue::int(snapshot.date_hour.into()),
            NewValue::unsigned(snapshot.attributed_clicks),
            NewValue::unsigned(snapshot.attributed_conversions),
            decimal(snapshot.revenue.units()),
            decimal(snapshot.cost.units()),
            decimal(snapshot.credited_conversions.units() as i64),
        ]));
    }
    Ok(rows)
}

/// Touchpoints as a list of rows, with the ids and times of the batch's conversions.
pub(crate) fn touchpoint_rows(
    touchpoints: &Touchpoints,
    conversion_ids: &[u64],
    conversion_times: &[u32],
) -> Result<NewList, Failure> {
    let shape = Shape::new([
        &keys::CONV_ID,
        &keys::DATE_HOUR,
        &keys::CLICK_ID,
        &keys::POSITION,
        &keys::CREDIT,
        &keys::WEIGHT,
        &keys::STORED_CREDIT,
        &keys::REVENUE,
        &keys::COST,
    ]);
    let mut rows = NewList::with_capacity(touchpoints.len());
    let places =
        touchpoints.conversions.iter().zip(&touchpoints.click_ids).zip(&touchpoints.positions);
    let shares = touchpoints.credits.iter().zip(&touchpoints.stored_credits);
    let amounts = touchpoints.revenues.iter().zip(&touchpoints.costs);
    let all = places.zip(shares).zip(amounts).enumerate();
    for (at, ((((conversion, click_id), position), (credit, stored)), (revenue, cost))) in all {
        if at % BETWEEN_LOOKS == 0 {
            globals::poll()?;
        }
        let conversion = *conversion as usize;
        let id = conversion_ids.get(conversion).copied().unwrap_or_default();
        let time = conversion_times.get(conversion).copied().unwrap_or_default();
        rows.push(shape.row([
            NewValue::unsigned(id),
            NewValue::int(hour_of(time).into()),
            NewValue::unsigned(*click_id),
            NewValue::int((*position).into()),
            NewValue::float(*credit),
            NewValue::float(*credit),
            decimal((*stored).into()),
            decimal(*revenue),
            decimal(*cost),
        ]));
    }
    Ok(rows)
}

/// Stored snapshots as a list of rows.
pub(crate) fn record_rows(records: &[SnapshotRecord]) -> Result<Made, Failure> {
    let shape = Shape::new([
        &keys::SNAPSHOT_ID,
        &keys::SCOPE_TYPE,
        &keys::SCOPE_ID,
        &keys::DATE_HOUR,
        &keys::ATTRIBUTED_CLICKS,
        &keys::ATTRIBUTED_CONVERSIONS,
        &keys::ATTRIBUTED_REVENUE,
        &keys::ATTRIBUTED_COST,
    ]);
    let money = |amount: Money| decimal(amount.units());
    let mut rows = NewList::with_capacity(records.len());
    for (at, record) in records.iter().enumerate() {
        if at % BETWEEN_LOOKS == 0 {
            globals::poll()?;
        }
        rows.push(shape.row([
            NewValue::unsigned(record.snapshot_id),
            scope_name(record.scope.scope_type()),
            record.scope.id().map_or(NewValue::NULL, NewValue::unsigned),
            NewValue::int(record.date_hour.into()),
            NewValue::unsigned(record.attributed_clicks),
            NewValue::unsigned(record.attributed_conversions),
            money(record.revenue),
            money(record.cost),
        ]));
    }
    Ok(rows.into_made())
}

/// A JSON object or list of the core's as an array.
pub(crate) fn array_from_json(json: &serde_json::Value) -> Made {
    match json {
        serde_json::Value::Array(values) => list_from_json(values).into_made(),
        serde_json::Value::Object(entries) => row_from_json(entries).into_made(),
        _ => NewList::with_capacity(0).into_made(),
    }
}

fn list_from_json(values: &[serde_json::Value]) -> NewList {
    let mut list = NewList::with_capacity(values.len());
    for value in values {
        list.push(from_json(value));
    }
    list
}

fn row_from_json(entries: &serde_json::Map<String, serde_json::Value>) -> NewRow {
    let mut row = NewRow::new(entries.len());
    for (name, value) in entries {
        row.set_named(name.as_bytes(), from_json(value));
    }
    row
}

/// JSON of the core's as arrays, strings and numbers; the order of keys stays.
pub(crate) fn from_json(json: &serde_json::Value) -> NewValue {
    match json {
        serde_json::Value::Null => NewValue::NULL,
        serde_json::Value::Bool(value) => NewValue::bool(*value),
        serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => NewValue::unsigned(value),
            (None, Some(value)) => NewValue::int(value),
            (None, None) => NewValue::float(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => NewValue::text(text.as_bytes()),
        serde_json::Value::Array(values) => list_from_json(values).into_new_value(),
        serde_json::Value::Object(entries) => row_from_json(entries).into_new_value(),
    }
}
