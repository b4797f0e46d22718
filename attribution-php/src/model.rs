//! Models from PHP's arrays, and back.

use attribution_core::{ConfigValue, Error, Model, ModelError};
use ext_php_rs::types::Zval;

use crate::failure::Failure;
use crate::input::{self, shown};
use crate::keys;
use crate::object::kinds::MODEL_KIND;
use crate::output::from_json;
use crate::zend::table::{EntryKey, NewRow, NewValue, Table, Value, value_of};

/// A model with what the host knows it by.
#[derive(Debug, Clone)]
pub(crate) struct GivenModel {
    pub(crate) model: Model,
    pub(crate) model_id: Option<u64>,
}

const FIELDS: &str = "type, weighting_config, model_id, slug and name";
const CONFIG_ALLOWED: &str = "an array with names as keys, or JSON of one";

fn wrong(field: impl Into<String>, given: impl Into<String>, allowed: &str) -> Failure {
    Error::Model(ModelError {
        field: field.into(),
        given: given.into(),
        allowed: allowed.to_owned(),
    })
    .into()
}

/// A value of a config, as the core takes it.
fn config_value(value: &Zval) -> ConfigValue {
    match value_of(value) {
        Value::Null => ConfigValue::Null,
        Value::Bool(value) => ConfigValue::Bool(value),
        Value::Int(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Text(bytes) => ConfigValue::Text(String::from_utf8_lossy(bytes).into_owned()),
        Value::Table(table) if table.list().is_ok() => ConfigValue::List,
        Value::Table(_) | Value::Other(_) => ConfigValue::Object,
    }
}

fn given(value: &Zval) -> String {
    format!("{} was given", input::described(value).trim_start_matches("found "))
}

fn text<'a>(value: &'a Zval, field: &str) -> Result<&'a str, Failure> {
    if let Value::Text(bytes) = value_of(value)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Ok(text);
    }
    Err(wrong(field, given(value), "text in UTF-8"))
}

/// Reads a model. `place` is where it stands, where it is one of several.
pub(crate) fn read_model(table: Table<'_>, place: Option<usize>) -> Result<GivenModel, Failure> {
    read(table).map_err(|failure| match (failure, place) {
        (Failure::Engine(Error::Model(mut error)), Some(place)) => {
            error.field = format!("models[{place}].{}", error.field);
            Error::Model(error).into()
        }
        (failure, _) => failure,
    })
}

fn read(table: Table<'_>) -> Result<GivenModel, Failure> {
    let (mut kind, mut config, mut name, mut slug, mut model_id) = (None, None, None, None, None);
    for (key, value) in table.entries() {
        let is_null = matches!(value_of(value), Value::Null);
        let unknown = "an unknown field was given";
        match key {
            EntryKey::Name(b"type") => {
                kind = Some(match input::enum_value(value, MODEL_KIND) {
                    Some(name) => name,
                    None => text(value, "type")?.to_owned(),
                });
            }
            EntryKey::Name(b"weighting_config") => config = Some(value),
            EntryKey::Name(b"name" | b"slug" | b"model_id") if is_null => {}
            EntryKey::Name(b"name") => name = Some(text(value, "name")?),
            EntryKey::Name(b"slug") => slug = Some(text(value, "slug")?),
            EntryKey::Name(b"model_id") => {
                let allowed = "a whole number from 0 to 18446744073709551615";
                let id = input::id(value).map_err(|_| wrong("model_id", given(value), allowed))?;
                model_id = Some(id);
            }
            EntryKey::Name(name) => return Err(wrong(field_name(name), unknown, FIELDS)),
            EntryKey::Index(index) => return Err(wrong(index.to_string(), unknown, FIELDS)),
        }
    }
    let Some(kind) = kind else {
        let allowed = "last_touch, first_touch, linear, time_decay, position_based, assisted";
        return Err(wrong("type", "nothing was given", allowed));
    };
    let mut model = match config.map(value_of) {
        None | Some(Value::Null) => Model::from_stored(&kind, None)?,
        Some(Value::Text(json)) => match std::str::from_utf8(json) {
            Ok(json) => Model::from_stored(&kind, Some(json))?,
            Err(_) => {
                return Err(wrong(
                    "weighting_config",
                    "text that is not UTF-8 was given",
                    CONFIG_ALLOWED,
                ));
            }
        },
        Some(Value::Table(entries)) => Model::new(&kind, &config_entries(entries)?)?,
        Some(_) => {
            let given = config.map_or_else(String::new, given);
            return Err(wrong("weighting_config", given, CONFIG_ALLOWED));
        }
    };
    if let Some(name) = name {
        model = model.with_name(name)?;
    }
    if let Some(slug) = slug {
        model = model.with_slug(slug)?;
    }
    Ok(GivenModel { model, model_id })
}

/// A field's name from outside: as it is where it could be one, else quoted, and cut where it is long.
fn field_name(name: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match std::str::from_utf8(name) {
        Ok(text) if (1..=60).contains(&name.len()) && name.iter().all(plain) => text.to_owned(),
        _ => shown(name),
    }
}

fn config_entries(table: Table<'_>) -> Result<Vec<(String, ConfigValue)>, Failure> {
    table
        .entries()
        .map(|(key, value)| match key {
            EntryKey::Name(name) => {
                Ok((String::from_utf8_lossy(name).into_owned(), config_value(value)))
            }
            EntryKey::Index(_) => {
                Err(wrong("weighting_config", "a list with entries was given", CONFIG_ALLOWED))
            }
        })
        .collect()
}

impl GivenModel {
    /// The model as JSON of the core's, which has its fields in their order.
    pub(crate) fn json(&self) -> Result<serde_json::Value, Failure> {
        let json = self.model.to_json()?;
        serde_json::from_str(&json).map_err(|error| {
            Error::Internal(format!("a model's JSON cannot be read: {error}")).into()
        })
    }

    /// The model as an array that [`read_model`] takes, normalised.
    pub(crate) fn to_row(&self) -> Result<NewRow, Failure> {
        let json = self.json()?;
        let mut row = NewRow::new(5);
        let field = |name: &str| json.get(name).map_or(NewValue::NULL, from_json);
        row.set(&keys::TYPE, field("type"));
        row.set(
            &keys::WEIGHTING_CONFIG,
            match json.get("weighting_config") {
                Some(config @ serde_json::Value::Object(_)) => from_json(config),
                _ => NewRow::new(0).into_new_value(),
            },
        );
        if let Some(id) = self.model_id {
            row.set(&keys::MODEL_ID, NewValue::unsigned(id));
        }
        row.set(&keys::SLUG, field("slug"));
        row.set(&keys::NAME, field("name"));
        Ok(row)
    }
}
