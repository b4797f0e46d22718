//! Results as files for people and programs.

use attribution_core::{Credit, ExportFile, ExportFormat, Money, Scope, Snapshot, SnapshotRow};
use ext_php_rs::types::ZendHashTable;

use crate::failure::{Failure, refused};
use crate::input::{self, Refusal, described, shown};
use crate::keys;
use crate::options;
use crate::rows::{BETWEEN_LOOKS, given, no_row, required};
use crate::zend::globals;
use crate::zend::paths;
use crate::zend::table::{EntryKey, Field, Table, Value, share, value_of};

const FORMATS: &str = "csv, xlsx or jsonl";

fn format_of(name: &str) -> Result<ExportFormat, Failure> {
    match name {
        "csv" => Ok(ExportFormat::Csv),
        "xlsx" => Ok(ExportFormat::Xlsx),
        "jsonl" => Ok(ExportFormat::JsonLines),
        other => Err(refused("format", format!("found {}", shown(other.as_bytes())), FORMATS)),
    }
}

/// The fields of a snapshot's row.
struct SnapshotFields {
    scope_type: Field,
    scope_id: Field,
    date_hour: Field,
    clicks: Field,
    conversions: Field,
    revenue: Field,
    cost: Field,
    credited: Field,
}

impl SnapshotFields {
    fn new() -> Self {
        Self {
            scope_type: Field::new(&keys::SCOPE_TYPE),
            scope_id: Field::new(&keys::SCOPE_ID),
            date_hour: Field::new(&keys::DATE_HOUR),
            clicks: Field::new(&keys::ATTRIBUTED_CLICKS),
            conversions: Field::new(&keys::ATTRIBUTED_CONVERSIONS),
            revenue: Field::new(&keys::ATTRIBUTED_REVENUE),
            cost: Field::new(&keys::ATTRIBUTED_COST),
            credited: Field::new(&keys::CREDITED_CONVERSIONS),
        }
    }

    fn read(&self, row: Table<'_>, place: &dyn Fn() -> String) -> Result<Snapshot, Failure> {
        let scope_type = required(
            row,
            &self.scope_type,
            |value| {
                let allowed = "the name of a scope type";
                options::scope_type(value).ok_or_else(|| Refusal::new(value, allowed))
            },
            place,
        )?;
        let scope_id = given(row, &self.scope_id, input::id, place)?;
        let scope = Scope::new(scope_type, scope_id).map_err(|_| {
            let allowed = "an id above 0 for every scope but global, which has none";
            let found =
                scope_id.map_or_else(|| "found null".to_owned(), |id| format!("found {id}"));
            refused(format!("{}.scope_id", place()), found, allowed)
        })?;
        let credited = required(row, &self.credited, crate::rows::money_not_negative, place)?;
        Ok(Snapshot {
            scope,
            date_hour: required(row, &self.date_hour, input::time, place)?,
            attributed_clicks: required(row, &self.clicks, input::id, place)?,
            attributed_conversions: required(row, &self.conversions, input::id, place)?,
            credited_conversions: Credit::from_units(credited as u64),
            revenue: Money::from_units(required(row, &self.revenue, input::money, place)?),
            cost: Money::from_units(required(row, &self.cost, input::money, place)?),
        })
    }
}

/// Writes the snapshots of one result.
fn write_result(
    export: &mut ExportFile,
    result: Table<'_>,
    name: &str,
    place: &str,
    fields: &SnapshotFields,
) -> Result<(), Failure> {
    let place = format!("{place}.snapshots");
    // A share, for a handler of a signal may run before all is written.
    let Some(value) = result.0.get("snapshots").map(share) else {
        return Err(refused(place, "found nothing", "the list that attribution_calculate() gives"));
    };
    input::list(&value, || place.clone())?.each(|at, value| {
        if at % BETWEEN_LOOKS == 0 {
            globals::poll()?;
        }
        let place = || format!("{place}[{at}]");
        let Value::Table(row) = value_of(value) else { return Err(no_row(place(), value)) };
        export.write(&SnapshotRow { model: name, snapshot: fields.read(row, &place)? })?;
        Ok(())
    })
}

/// The name that a result has for its model, where it has one.
fn model_name(result: Table<'_>, place: &str) -> Result<String, Failure> {
    match result.0.get("model") {
        None => Ok(String::new()),
        Some(value) => match value_of(value) {
            Value::Null => Ok(String::new()),
            Value::Text(bytes) => std::str::from_utf8(bytes)
                .map(str::to_owned)
                .map_err(|_| refused(format!("{place}.model"), "found bytes", "text in UTF-8")),
            _ => Err(refused(format!("{place}.model"), described(value), "text")),
        },
    }
}

/// What `attribution_export` does: writes results to a file, aside in its folder, and renamed once it is whole.
pub(crate) fn export_to(result: &ZendHashTable, path: &str, format: &str) -> Result<i64, Failure> {
    let format = format_of(format)?;
    if path.is_empty() {
        return Err(refused("path", "found no text", "the path of a file"));
    }
    let path = paths::allowed(path, "path")?;
    let fields = SnapshotFields::new();
    let mut export = ExportFile::create(format, &path)?;
    if result.get("snapshots").is_some() {
        let name = model_name(Table(result), "result")?;
        write_result(&mut export, Table(result), &name, "result", &fields)?;
    } else {
        for (key, value) in Table(result).entries() {
            let name = match key {
                EntryKey::Name(name) => String::from_utf8_lossy(name).into_owned(),
                EntryKey::Index(index) => index.to_string(),
            };
            let place = format!("result[{name}]");
            let value = share(value);
            let Value::Table(one) = value_of(&value) else {
                return Err(refused(
                    place,
                    described(&value),
                    "what attribution_calculate() gives",
                ));
            };
            let told = model_name(one, &place)?;
            let name = if told.is_empty() { name } else { told };
            write_result(&mut export, one, &name, &place, &fields)?;
        }
    }
    let rows = export.commit()?;
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}
