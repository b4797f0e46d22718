//! Credits and snapshots of conversions that are given as columns.

use std::borrow::Cow;

use attribution_core::{
    Batch, BatchColumns, Dimensions, Model, ModelResult, ScopeType, Snapshot, Touchpoints,
};
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::BailoutGuard;

use crate::calculate::{OPTIONS, Task};
use crate::failure::{Failure, refused};
use crate::input::{self, Refusal, described};
use crate::keys;
use crate::memory;
use crate::model::read_model;
use crate::options::Options;
use crate::output::scope_name;
use crate::rows::money_not_negative;
use crate::zend::globals::{self, Stop, poll};
use crate::zend::table::{Made, NewList, NewRow, NewValue, Table, Value, share, value_of};
use crate::zend::text::Key;

/// The dimensions' columns, named as the core names them.
const DIMENSIONS: [(ScopeType, &Key); 6] = [
    (ScopeType::Campaign, &keys::CAMPAIGN_IDS),
    (ScopeType::Account, &keys::ACCOUNT_IDS),
    (ScopeType::LandingPage, &keys::LANDING_PAGE_IDS),
    (ScopeType::Advertiser, &keys::ADVERTISER_IDS),
    (ScopeType::TrafficSource, &keys::TRAFFIC_SOURCE_IDS),
    (ScopeType::Adgroup, &keys::ADGROUP_IDS),
];

const COLUMNS: [&str; 16] = [
    "conversion_ids",
    "converting_click_ids",
    "conversion_times",
    "payouts",
    "payout_units",
    "costs",
    "cost_units",
    "offsets",
    "click_ids",
    "click_times",
    "campaign_ids",
    "account_ids",
    "landing_page_ids",
    "advertiser_ids",
    "traffic_source_ids",
    "adgroup_ids",
];

/// A type of which a binary string can hold entries, in the machine's byte order.
///
/// # Safety
/// Every pattern of bits is a value.
unsafe trait Entry: Copy + 'static {
    /// The name of the type in messages.
    const NAME: &'static str;
    /// The bits that no integer of the type has.
    const FORBIDDEN: u64;

    /// An integer without these bits.
    fn of(integer: i64) -> Self;
}

// SAFETY: numbers.
unsafe impl Entry for u64 {
    const FORBIDDEN: u64 = 1 << 63;
    const NAME: &'static str = "unsigned 64-bit integers";

    fn of(integer: i64) -> Self {
        integer as u64
    }
}
// SAFETY: numbers.
unsafe impl Entry for u32 {
    const FORBIDDEN: u64 = !0 << 32;
    const NAME: &'static str = "unsigned 32-bit integers";

    fn of(integer: i64) -> Self {
        integer as u32
    }
}
// SAFETY: numbers.
unsafe impl Entry for i64 {
    const FORBIDDEN: u64 = 0;
    const NAME: &'static str = "signed 64-bit integers";

    fn of(integer: i64) -> Self {
        integer
    }
}
// SAFETY: numbers.
unsafe impl Entry for f64 {
    const FORBIDDEN: u64 = 0;
    const NAME: &'static str = "doubles";

    fn of(integer: i64) -> Self {
        integer as f64
    }
}

/// The entries of a binary string, lent where they are aligned.
fn entries<'a, T: Entry>(bytes: &'a [u8], name: &str) -> Result<Cow<'a, [T]>, Failure> {
    if !bytes.len().is_multiple_of(size_of::<T>()) {
        return Err(refused(
            name,
            format!("found a string of {} bytes", bytes.len()),
            format!("{} of {} bytes each, or an array", T::NAME, size_of::<T>()),
        ));
    }
    // SAFETY: every pattern of bits is a value.
    let (before, entries, after) = unsafe { bytes.align_to::<T>() };
    if before.is_empty() && after.is_empty() {
        return Ok(Cow::Borrowed(entries));
    }
    let copied = bytes.chunks_exact(size_of::<T>()).map(|chunk| {
        // SAFETY: as many bytes as the type has, wherever they are; every pattern of bits is a value.
        unsafe { chunk.as_ptr().cast::<T>().read_unaligned() }
    });
    Ok(Cow::Owned(copied.collect()))
}

/// The entries of a list. `whole` says that an integer is an entry as it is.
fn listed<T: Entry>(
    table: Table<'_>,
    name: &str,
    whole: bool,
    read: impl Fn(&Zval) -> Result<T, Refusal>,
) -> Result<Vec<T>, Failure> {
    memory::check(name, table.len().saturating_mul(size_of::<T>()))?;
    globals::poll()?;
    let list = input::list_of(table, || name.to_owned())?;
    if let Some(integers) = whole.then(|| list.integers(T::FORBIDDEN)).flatten() {
        return Ok(integers.map(T::of).collect());
    }
    let mut entries = Vec::with_capacity(table.len());
    list.each(|place, value| {
        entries.push(read(value).map_err(|refusal| refusal.at(format!("{name}[{place}]")))?);
        Ok::<(), Failure>(())
    })?;
    Ok(entries)
}

fn neither(name: &str, value: &Zval) -> Failure {
    refused(name, described(value), "a list or a binary string")
}

/// The columns by their names.
#[derive(Debug, Clone, Copy)]
struct Given<'a>(&'a [(&'static str, Zval)]);

impl<'a> Given<'a> {
    fn get(self, name: &str) -> Option<&'a Zval> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, column)| column)
    }

    fn needed(self, name: &'static str) -> Result<&'a Zval, Failure> {
        let missing = || refused(name, "found no such column", "a list or a binary string");
        self.get(name).ok_or_else(missing)
    }

    fn column<T: Entry>(
        value: &'a Zval,
        name: &str,
        read: impl Fn(&Zval) -> Result<T, Refusal>,
    ) -> Result<Cow<'a, [T]>, Failure> {
        match value_of(value) {
            Value::Text(bytes) => entries(bytes, name),
            Value::Table(table) => Ok(Cow::Owned(listed(table, name, true, read)?)),
            _ => Err(neither(name, value)),
        }
    }

    fn ids(self, name: &'static str) -> Result<Cow<'a, [u64]>, Failure> {
        Self::column(self.needed(name)?, name, input::id)
    }

    fn times(self, name: &'static str) -> Result<Cow<'a, [u32]>, Failure> {
        Self::column(self.needed(name)?, name, input::time)
    }

    /// Amounts: in money under the one name, or as counts of 0.00001 under the other.
    fn amounts(
        self,
        money: &'static str,
        units: &'static str,
        read: fn(&Zval) -> Result<i64, Refusal>,
        read_units: fn(&Zval) -> Result<i64, Refusal>,
    ) -> Result<Cow<'a, [i64]>, Failure> {
        match (self.get(money), self.get(units)) {
            (Some(_), Some(_)) => {
                Err(refused(money, format!("found {money} and {units}"), "one of the two"))
            }
            (None, None) => {
                Err(refused(money, "found no such column", format!("{money} or {units}")))
            }
            (None, Some(value)) => Self::column(value, units, read_units),
            (Some(value), None) => match value_of(value) {
                Value::Text(bytes) => {
                    let doubles: Cow<'_, [f64]> = entries(bytes, money)?;
                    let amount = |(row, double): (usize, &f64)| {
                        let mut value = Zval::new();
                        value.set_double(*double);
                        read(&value).map_err(|refusal| refusal.at(format!("{money}[{row}]")))
                    };
                    doubles
                        .iter()
                        .enumerate()
                        .map(amount)
                        .collect::<Result<Vec<i64>, _>>()
                        .map(Cow::Owned)
                }
                Value::Table(table) => Ok(Cow::Owned(listed(table, money, false, read)?)),
                _ => Err(neither(money, value)),
            },
        }
    }
}

/// A count of 0.00001.
fn units_of(value: &Zval) -> Result<i64, Refusal> {
    match value_of(value) {
        Value::Int(units) => Ok(units),
        _ => Err(Refusal::new(value, "a whole number, a count of 0.00001")),
    }
}

/// A count of 0.00001 that is not negative.
fn units_not_negative(value: &Zval) -> Result<i64, Refusal> {
    match units_of(value)? {
        units if units >= 0 => Ok(units),
        _ => Err(Refusal::new(value, "0 or more")),
    }
}

/// What was calculated, kept by a guard while rows are made.
#[derive(Debug)]
pub(crate) struct Calculated(Vec<ModelResult>);

/// Reads columns and calculates the models over them.
pub(crate) fn calculate(
    models: &[Model],
    columns: &ZendHashTable,
    task: Task,
) -> Result<Calculated, Failure> {
    let options = Options::new(columns, "columns", &COLUMNS)?;
    // Shares, for a handler of a signal may run before the columns have been used.
    let shares: Vec<(&str, Zval)> =
        COLUMNS.into_iter().filter_map(|name| Some((name, share(options.get(name)?)))).collect();
    let given = Given(&shares);
    let conversion_ids = given.ids("conversion_ids")?;
    let converting_click_ids = given.ids("converting_click_ids")?;
    let conversion_times = given.times("conversion_times")?;
    let payouts = given.amounts("payouts", "payout_units", input::money, units_of)?;
    let costs = given.amounts("costs", "cost_units", money_not_negative, units_not_negative)?;
    let offsets: Vec<usize> = given.ids("offsets")?.iter().map(|offset| *offset as usize).collect();
    let click_ids = given.ids("click_ids")?;
    let click_times = given.times("click_times")?;
    let mut dimensions: Vec<(ScopeType, Cow<'_, [u64]>)> = Vec::new();
    for (scope_type, key) in DIMENSIONS {
        if given.get(key.name).is_some() {
            dimensions.push((scope_type, given.ids(key.name)?));
        }
    }
    let lent = dimensions.iter().fold(Dimensions::default(), |lent, (scope_type, column)| {
        lent.with(*scope_type, &**column)
    });
    let batch = Batch::new(BatchColumns {
        conversion_ids: &conversion_ids,
        converting_click_ids: &converting_click_ids,
        conversion_times: &conversion_times,
        payouts: &payouts,
        costs: &costs,
        offsets: &offsets,
        click_ids: &click_ids,
        click_times: &click_times,
        dimensions: lent,
    })?;
    Ok(Calculated(task.calculate(models, &batch, "columns")?))
}

/// A column on its way out.
struct Out {
    binary: bool,
    row: NewRow,
}

impl Out {
    fn set<T: Entry>(
        &mut self,
        key: &'static Key,
        column: &[T],
        value: impl Fn(T) -> NewValue,
    ) -> Result<(), Stop> {
        poll()?;
        let new = if self.binary {
            let length = size_of_val(column);
            // SAFETY: the column's own memory, seen as bytes; numbers have no gaps.
            NewValue::text(unsafe { std::slice::from_raw_parts(column.as_ptr().cast(), length) })
        } else {
            NewList::filled(column.len(), column.iter().map(|entry| value(*entry)))?
                .into_new_value()
        };
        self.row.set(key, new);
        Ok(())
    }
}

/// A column of one field of the snapshots.
fn field<T>(snapshots: &[Snapshot], field: impl Fn(&Snapshot) -> T) -> Vec<T> {
    snapshots.iter().map(field).collect()
}

fn snapshot_columns(snapshots: &[Snapshot], binary: bool) -> Result<NewRow, Stop> {
    let mut out = Out { binary, row: NewRow::new(8) };
    let names = snapshots.iter().map(|row| scope_name(row.scope.scope_type()));
    out.row.set(&keys::SCOPE_TYPES, NewList::filled(snapshots.len(), names)?.into_new_value());
    // What is made for one column is gone before the next: PHP may end the call where its memory does.
    let mut set = |key, column: Vec<u64>| {
        let column = BailoutGuard::new(column);
        out.set(key, column.get(), NewValue::unsigned)
    };
    set(&keys::SCOPE_IDS, field(snapshots, |row| row.scope.id().unwrap_or(0)))?;
    set(&keys::DATE_HOURS, field(snapshots, |row| row.date_hour.into()))?;
    set(&keys::ATTRIBUTED_CLICKS, field(snapshots, |row| row.attributed_clicks))?;
    set(&keys::ATTRIBUTED_CONVERSIONS, field(snapshots, |row| row.attributed_conversions))?;
    set(&keys::CREDITED_UNITS, field(snapshots, |row| row.credited_conversions.units()))?;
    let mut set = |key, column: Vec<i64>| {
        let column = BailoutGuard::new(column);
        out.set(key, column.get(), NewValue::int)
    };
    set(&keys::REVENUE_UNITS, field(snapshots, |row| row.revenue.units()))?;
    set(&keys::COST_UNITS, field(snapshots, |row| row.cost.units()))?;
    Ok(out.row)
}

fn touchpoint_columns(touchpoints: &Touchpoints, binary: bool) -> Result<NewRow, Stop> {
    let mut out = Out { binary, row: NewRow::new(7) };
    let from_u32 = |entry: u32| NewValue::int(entry.into());
    out.set(&keys::CONVERSIONS, &touchpoints.conversions, from_u32)?;
    out.set(&keys::CLICK_IDS, &touchpoints.click_ids, NewValue::unsigned)?;
    out.set(&keys::POSITIONS, &touchpoints.positions, from_u32)?;
    out.set(&keys::CREDITS, &touchpoints.credits, NewValue::float)?;
    out.set(&keys::STORED_CREDIT_UNITS, &touchpoints.stored_credits, from_u32)?;
    out.set(&keys::REVENUE_UNITS, &touchpoints.revenues, NewValue::int)?;
    out.set(&keys::COST_UNITS, &touchpoints.costs, NewValue::int)?;
    Ok(out.row)
}

/// For each model, the columns of its snapshots and of its touchpoints.
pub(crate) fn to_columns(
    calculated: Calculated,
    binary: bool,
) -> Result<Vec<(NewRow, NewRow)>, Failure> {
    let guarded = BailoutGuard::new(calculated);
    let mut all = BailoutGuard::new(Vec::new());
    for result in &guarded.get().0 {
        let snapshots = snapshot_columns(&result.snapshots, binary)?;
        let touchpoints = touchpoint_columns(&result.touchpoints, binary)?;
        all.get_mut().push((snapshots, touchpoints));
        globals::poll()?;
    }
    Ok(all.into_inner())
}

/// Reads a list of models.
pub(crate) fn read_models(models: &ZendHashTable) -> Result<Vec<Model>, Failure> {
    let list = input::list_of(Table(models), || "models".to_owned())?;
    let mut read = Vec::new();
    list.each(|place, value| match value_of(value) {
        Value::Table(table) => {
            read.push(read_model(table, Some(place))?.model);
            Ok(())
        }
        _ => Err(refused(
            format!("models[{place}]"),
            described(value),
            "an array with names as keys",
        )),
    })?;
    Ok(read)
}

/// What `attribution_calculate_columns` gives.
pub(crate) fn calculate_all(
    models: &ZendHashTable,
    columns: &ZendHashTable,
    options: Option<&ZendHashTable>,
) -> Result<Made, Failure> {
    let (task, binary) = match options {
        Some(options) => {
            let [scopes, touchpoints, threads] = OPTIONS;
            let known = [scopes, touchpoints, threads, "binary"];
            let options = Options::new(options, "options", &known)?;
            (Task::read(options)?, options.switch("binary", false)?)
        }
        None => (Task::of(None)?, false),
    };
    let calculated = {
        let models = read_models(models)?;
        calculate(&models, columns, task)?
    };
    let mut list = NewList::with_capacity(0);
    for (snapshots, touchpoints) in to_columns(calculated, binary)? {
        let mut row = NewRow::new(2);
        row.set(&keys::SNAPSHOTS, snapshots.into_new_value());
        row.set(&keys::TOUCHPOINTS, touchpoints.into_new_value());
        list.push(row.into_new_value());
    }
    Ok(list.into_made())
}
