//! The weighting config of a model, as JSON, a SPEC or a host's array gives it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::ground::error::{ModelError, quoted};
use crate::ground::money::Decimal;

const CONFIG: &str = "weighting_config";
const CONFIG_ALLOWED: &str = "a JSON object, or null, {} or [] for no config";

/// A value of a weighting config, before it is checked.
///
/// ```
/// use attribution_core::{ConfigValue, Model};
/// let model = Model::new("time_decay", &[("half_life_hours", ConfigValue::from(48_u64))])?;
/// assert_eq!(model, Model::from_spec("time_decay:half_life_hours=48")?);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigValue {
    /// JSON's null.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as its decimal text, so that it is read exactly.
    Number(String),
    /// Text; numeric text counts as a number, as forms send it.
    Text(String),
    /// A list, which no config takes.
    List,
    /// An object, which no config takes.
    Object,
}

impl From<u64> for ConfigValue {
    fn from(value: u64) -> Self {
        Self::Number(value.to_string())
    }
}

impl From<i64> for ConfigValue {
    fn from(value: i64) -> Self {
        Self::Number(value.to_string())
    }
}

impl From<f64> for ConfigValue {
    /// By the float's shortest decimal text: 0.4 means 0.4. NaN and infinities are kept as such
    /// and refused when the config is checked.
    fn from(value: f64) -> Self {
        Self::Number(format!("{value:?}"))
    }
}

impl From<&str> for ConfigValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl ConfigValue {
    /// The number that stands here, or in text.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Number(text) => Decimal::parse(text),
            // PHP takes blanks around a numeric string for part of it.
            Self::Text(text) => Decimal::parse(text.trim_matches([' ', '\t', '\n', '\r'])),
            _ => None,
        }
    }

    /// A key from outside, quoted and cut where it is long.
    pub(crate) fn shown_key(key: &str) -> String {
        if key.chars().count() > 60 { quoted(key) } else { key.to_owned() }
    }

    /// What was given, as the clause of an error.
    pub(crate) fn given(&self) -> String {
        match self {
            Self::Null => "null was given".into(),
            Self::Bool(value) => format!("{value} was given"),
            Self::Number(text) if text.len() <= 60 => format!("{text} was given"),
            Self::Number(text) | Self::Text(text) => format!("{} was given", quoted(text)),
            Self::List => "a list was given".into(),
            Self::Object => "an object was given".into(),
        }
    }
}

/// The entries of a config, keys as given, checked for nothing but their shape.
#[derive(Debug, Default)]
pub(crate) struct ConfigEntries(pub(crate) Vec<(String, ConfigValue)>);

impl ConfigEntries {
    /// Reads the JSON that the host stores. None and JSON's null, {} and [] all mean no config.
    pub(crate) fn from_json(json: Option<&str>) -> Result<Self, ModelError> {
        let Some(json) = json else { return Ok(Self::default()) };
        let not_json = |error: serde_json::Error| {
            ModelError::new(
                CONFIG,
                format!("text that is not JSON was given ({error})"),
                CONFIG_ALLOWED,
            )
        };
        let shape =
            |given: &str| ModelError::new(CONFIG, format!("{given} was given"), CONFIG_ALLOWED);
        let raw: &RawValue = serde_json::from_str(json).map_err(not_json)?;
        match raw.get().as_bytes().first() {
            Some(b'n') => Ok(Self::default()),
            Some(b'[') => {
                let list: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(not_json)?;
                if list.is_empty() {
                    Ok(Self::default())
                } else {
                    Err(shape("a list with entries"))
                }
            }
            Some(b'{') => {
                let entries = object_entries(raw.get()).map_err(not_json)?;
                let entries = entries.into_iter().map(|(key, value)| {
                    let value = json_value(&value).map_err(not_json)?;
                    Ok((key, value))
                });
                Ok(Self(entries.collect::<Result<_, ModelError>>()?))
            }
            Some(b'"') => Err(shape("text")),
            Some(b't' | b'f') => Err(shape(raw.get())),
            _ => Err(shape("a number")),
        }
    }
}

/// The entries of a JSON object as they stand, numbers undecoded and repeated keys kept.
pub(crate) fn object_entries(
    json: &str,
) -> Result<Vec<(String, Box<RawValue>)>, serde_json::Error> {
    serde_json::from_str::<RawEntries>(json).map(|entries| entries.0)
}

pub(crate) fn json_value(raw: &RawValue) -> Result<ConfigValue, serde_json::Error> {
    Ok(match raw.get().as_bytes().first() {
        Some(b'n') => ConfigValue::Null,
        Some(b't') => ConfigValue::Bool(true),
        Some(b'f') => ConfigValue::Bool(false),
        Some(b'"') => ConfigValue::Text(serde_json::from_str(raw.get())?),
        Some(b'[') => ConfigValue::List,
        Some(b'{') => ConfigValue::Object,
        _ => ConfigValue::Number(raw.get().to_owned()),
    })
}

/// A JSON object's entries with their values as text, so that numbers stay exact and a key given
/// twice is seen.
struct RawEntries(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for RawEntries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = RawEntries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawEntries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(RawEntries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

impl<'de> Deserialize<'de> for ConfigEntries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = ConfigEntries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(CONFIG_ALLOWED)
            }
            fn visit_unit<E>(self) -> Result<ConfigEntries, E> {
                Ok(ConfigEntries::default())
            }
            fn visit_none<E>(self) -> Result<ConfigEntries, E> {
                Ok(ConfigEntries::default())
            }
            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<ConfigEntries, D::Error> {
                ConfigEntries::deserialize(inner)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ConfigEntries, A::Error> {
                match seq.next_element::<ConfigValue>()? {
                    None => Ok(ConfigEntries::default()),
                    Some(_) => Err(serde::de::Error::custom(format_args!(
                        "{CONFIG}: a list with entries was given; allowed: {CONFIG_ALLOWED}"
                    ))),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ConfigEntries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(ConfigEntries(entries))
            }
        }
        deserializer.deserialize_any(EntriesVisitor)
    }
}

impl<'de> Deserialize<'de> for ConfigValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = ConfigValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a config value")
            }
            fn visit_unit<E>(self) -> Result<ConfigValue, E> {
                Ok(ConfigValue::Null)
            }
            fn visit_none<E>(self) -> Result<ConfigValue, E> {
                Ok(ConfigValue::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<ConfigValue, D::Error> {
                ConfigValue::deserialize(inner)
            }
            fn visit_bool<E>(self, value: bool) -> Result<ConfigValue, E> {
                Ok(ConfigValue::Bool(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<ConfigValue, E> {
                Ok(value.into())
            }
            fn visit_i64<E>(self, value: i64) -> Result<ConfigValue, E> {
                Ok(value.into())
            }
            fn visit_f64<E>(self, value: f64) -> Result<ConfigValue, E> {
                Ok(value.into())
            }
            fn visit_str<E>(self, value: &str) -> Result<ConfigValue, E> {
                Ok(value.into())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ConfigValue, A::Error> {
                while seq.next_element::<ConfigValue>()?.is_some() {}
                Ok(ConfigValue::List)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ConfigValue, A::Error> {
                while map.next_entry::<String, ConfigValue>()?.is_some() {}
                Ok(ConfigValue::Object)
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}
