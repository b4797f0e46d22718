//! Models: a kind and its weighting config, validated once.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::config::{ConfigEntries, ConfigValue, json_value, object_entries};
use crate::ground::error::{Error, ModelError, quoted};
use crate::ground::money::{Decimal, write_decimal};

/// One, as a weight in millionths.
pub(crate) const MILLION: u32 = 1_000_000;

/// The kinds of model.
///
/// ```
/// use attribution_core::ModelKind;
/// assert_eq!("linear".parse::<ModelKind>()?, ModelKind::Linear);
/// assert!("first".parse::<ModelKind>().is_err());
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ModelKind {
    /// All credit to the converting click.
    LastTouch,
    /// All credit to the first touch.
    FirstTouch,
    /// The same credit to every touch.
    Linear,
    /// Credit that halves with each half-life before the newest touch.
    TimeDecay,
    /// Fixed shares to the first and last touch, the rest spread over the middle.
    PositionBased,
    /// The same credit to every touch but the last.
    Assisted,
    /// Data-driven weights from the whole window's journeys: known, but not yet available.
    Algorithmic,
}

impl ModelKind {
    /// Every kind.
    ///
    /// ```
    /// use attribution_core::ModelKind;
    /// assert!(ModelKind::ALL.iter().all(|kind| kind.name().parse::<ModelKind>().is_ok()));
    /// ```
    pub const ALL: [Self; 7] = [
        Self::LastTouch,
        Self::FirstTouch,
        Self::Linear,
        Self::TimeDecay,
        Self::PositionBased,
        Self::Assisted,
        Self::Algorithmic,
    ];

    /// The name, as the host stores it.
    ///
    /// ```
    /// assert_eq!(attribution_core::ModelKind::TimeDecay.name(), "time_decay");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::LastTouch => "last_touch",
            Self::FirstTouch => "first_touch",
            Self::Linear => "linear",
            Self::TimeDecay => "time_decay",
            Self::PositionBased => "position_based",
            Self::Assisted => "assisted",
            Self::Algorithmic => "algorithmic",
        }
    }

    /// The fields of the kind's weighting config, each with what is allowed there.
    ///
    /// ```
    /// let fields = attribution_core::ModelKind::TimeDecay.config_fields();
    /// assert_eq!(fields, [("half_life_hours", "a whole number from 1 to 4294967295")]);
    /// ```
    pub const fn config_fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::TimeDecay => &[("half_life_hours", "a whole number from 1 to 4294967295")],
            Self::PositionBased => {
                &[("first_touch_weight", SHARE_ALLOWED), ("last_touch_weight", SHARE_ALLOWED)]
            }
            _ => &[],
        }
    }

    /// A SPEC of the kind that [`Model::from_spec`] takes; none while the kind is not available.
    ///
    /// ```
    /// use attribution_core::{Model, ModelKind};
    /// for spec in ModelKind::ALL.into_iter().filter_map(ModelKind::example_spec) {
    ///     assert!(Model::from_spec(spec).is_ok());
    /// }
    /// ```
    pub const fn example_spec(self) -> Option<&'static str> {
        match self {
            Self::LastTouch => Some("last_touch"),
            Self::FirstTouch => Some("first_touch"),
            Self::Linear => Some("linear"),
            Self::TimeDecay => Some("time_decay:half_life_hours=48"),
            Self::PositionBased => {
                Some("position_based:first_touch_weight=0.4,last_touch_weight=0.4")
            }
            Self::Assisted => Some("assisted"),
            Self::Algorithmic => None,
        }
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const KINDS_ALLOWED: &str = "last_touch, first_touch, linear, time_decay, position_based, assisted";
const SHARE_ALLOWED: &str = "a decimal from 0 to 1, the two together at most 1";

impl FromStr for ModelKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(parse_kind(text)?)
    }
}

fn parse_kind(text: &str) -> Result<ModelKind, ModelError> {
    ModelKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
        ModelError::new("type", format!("{} was given", quoted(text)), KINDS_ALLOWED)
    })
}

/// A model's kind with its checked config. Those with a config cannot be built outside the crate, so
/// each one that exists is valid.
///
/// ```
/// use attribution_core::{Model, Weighting};
/// let model = Model::from_spec("position_based:first_touch_weight=0.4,last_touch_weight=0.2")?;
/// let Weighting::PositionBased { first_touch_millionths, .. } = model.weighting() else {
///     unreachable!()
/// };
/// assert_eq!(first_touch_millionths, 400_000);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Weighting {
    /// All credit to the converting click.
    LastTouch,
    /// All credit to the first touch.
    FirstTouch,
    /// The same credit to every touch.
    Linear,
    /// Credit that halves with each half-life.
    #[non_exhaustive]
    TimeDecay {
        /// The half-life in hours, at least 1.
        half_life_hours: u32,
    },
    /// Fixed shares to the first and last touch.
    #[non_exhaustive]
    PositionBased {
        /// The first touch's share in millionths, 0..=1000000.
        first_touch_millionths: u32,
        /// The last touch's share in millionths; the two together are at most 1000000.
        last_touch_millionths: u32,
    },
    /// The same credit to every touch but the last.
    Assisted,
}

impl Weighting {
    fn from_entries(
        kind: ModelKind,
        entries: &[(String, ConfigValue)],
    ) -> Result<Self, ModelError> {
        let fields = kind.config_fields();
        for (index, (key, _)) in entries.iter().enumerate() {
            if !fields.iter().any(|(field, _)| field == key) {
                let allowed = match fields {
                    [] => format!("no config for {kind}"),
                    fields => {
                        let names: Vec<_> = fields.iter().map(|(field, _)| *field).collect();
                        format!("{} for {kind}", names.join(" and "))
                    }
                };
                let shown = ConfigValue::shown_key(key);
                return Err(ModelError::new(shown, "an unknown field was given", allowed));
            }
            if entries[..index].iter().any(|(earlier, _)| earlier == key) {
                return Err(ModelError::new(key, "the field was given twice", "each field once"));
            }
        }
        let field = |name: &'static str| {
            let allowed =
                fields.iter().find(|(field, _)| *field == name).map_or("", |field| field.1);
            match entries.iter().find(|(key, _)| key == name) {
                Some((_, value)) => Ok((value, allowed)),
                None => Err(ModelError::new(name, "nothing was given", allowed)),
            }
        };
        Ok(match kind {
            ModelKind::LastTouch => Self::LastTouch,
            ModelKind::FirstTouch => Self::FirstTouch,
            ModelKind::Linear => Self::Linear,
            ModelKind::Assisted => Self::Assisted,
            ModelKind::TimeDecay => {
                let (value, allowed) = field("half_life_hours")?;
                let hours = value
                    .decimal()
                    .and_then(|decimal| decimal.whole())
                    .and_then(|hours| u32::try_from(hours).ok())
                    .filter(|hours| *hours > 0);
                match hours {
                    Some(half_life_hours) => Self::TimeDecay { half_life_hours },
                    None => return Err(ModelError::new("half_life_hours", value.given(), allowed)),
                }
            }
            ModelKind::PositionBased => {
                let share = |name| {
                    let (value, allowed) = field(name)?;
                    value
                        .decimal()
                        .and_then(|decimal| millionths(&decimal))
                        .ok_or_else(|| ModelError::new(name, value.given(), allowed))
                };
                let first_touch_millionths = share("first_touch_weight")?;
                let last_touch_millionths = share("last_touch_weight")?;
                let together = first_touch_millionths + last_touch_millionths;
                if together > MILLION {
                    let mut given = String::new();
                    write_decimal(&mut given, i128::from(together), 6);
                    return Err(ModelError::new(
                        "first_touch_weight + last_touch_weight",
                        format!("{given} was given"),
                        "at most 1",
                    ));
                }
                Self::PositionBased { first_touch_millionths, last_touch_millionths }
            }
            ModelKind::Algorithmic => {
                return Err(ModelError::new(
                    "type",
                    "\"algorithmic\" was given, which is not yet available",
                    KINDS_ALLOWED,
                ));
            }
        })
    }

    const fn kind(self) -> ModelKind {
        match self {
            Self::LastTouch => ModelKind::LastTouch,
            Self::FirstTouch => ModelKind::FirstTouch,
            Self::Linear => ModelKind::Linear,
            Self::TimeDecay { .. } => ModelKind::TimeDecay,
            Self::PositionBased { .. } => ModelKind::PositionBased,
            Self::Assisted => ModelKind::Assisted,
        }
    }
}

/// A share in 0..=1 as millionths, rounded half to even before it is checked.
fn millionths(decimal: &Decimal) -> Option<u32> {
    let rounded = decimal.rounded(6)?;
    u32::try_from(rounded).ok().filter(|rounded| *rounded <= MILLION)
}

/// A model: a name, a slug, and a kind with its checked weighting config.
///
/// Serde reads and writes `{"name", "slug", "type", "weighting_config"}`; name, slug and config
/// may be left out when reading. A serde format hands numbers on as floats; [`Model::from_stored`]
/// reads the decimals of JSON as they are written, which differs beyond 17 digits.
///
/// ```
/// use attribution_core::{Model, ModelKind};
/// let model = Model::from_stored("time_decay", Some(r#"{"half_life_hours": "48"}"#))?;
/// assert_eq!(model.kind(), ModelKind::TimeDecay);
/// assert_eq!((model.name(), model.slug()), ("time_decay", "time-decay"));
/// let json = serde_json::to_string(&model).unwrap();
/// assert_eq!(serde_json::from_str::<Model>(&json).unwrap(), model);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "ModelFields")]
pub struct Model {
    name: String,
    slug: String,
    weighting: Weighting,
}

impl Model {
    /// The most characters that a name may have.
    ///
    /// ```
    /// use attribution_core::Model;
    /// let name = "x".repeat(Model::LONGEST_NAME);
    /// assert!(Model::from_spec("linear")?.with_name(&name).is_ok());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const LONGEST_NAME: usize = 255;
    /// The most characters that a slug may have.
    ///
    /// ```
    /// use attribution_core::{Model, slugify};
    /// assert_eq!(slugify(&"x".repeat(255)).len(), Model::LONGEST_SLUG);
    /// ```
    pub const LONGEST_SLUG: usize = 191;

    /// A model from its kind's name and the fields of its config. The name defaults to the kind.
    ///
    /// # Errors
    /// [`Error::Model`] names the field, what was given, and what is allowed.
    ///
    /// ```
    /// use attribution_core::{ConfigValue, Model};
    /// let error = Model::new("linear", &[("half_life_hours", ConfigValue::from(1_u64))]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "half_life_hours: an unknown field was given; allowed: no config for linear"
    /// );
    /// ```
    pub fn new<K: AsRef<str>>(kind: &str, config: &[(K, ConfigValue)]) -> Result<Self, Error> {
        let entries: Vec<_> =
            config.iter().map(|(key, value)| (key.as_ref().to_owned(), value.clone())).collect();
        Ok(Self::from_entries(kind, &entries)?)
    }

    /// A model from what the host stores: its type and its weighting config as JSON. None, null, {}
    /// and [] mean no config; an empty text is no JSON and refused.
    ///
    /// # Errors
    /// [`Error::Model`] names the field, what was given, and what is allowed.
    ///
    /// ```
    /// use attribution_core::Model;
    /// assert!(Model::from_stored("linear", Some("[]")).is_ok());
    /// assert!(Model::from_stored("linear", Some("{")).is_err());
    /// ```
    pub fn from_stored(kind: &str, weighting_config: Option<&str>) -> Result<Self, Error> {
        let entries = ConfigEntries::from_json(weighting_config)?;
        Ok(Self::from_entries(kind, &entries.0)?)
    }

    /// A model from a JSON object with `type` and, where they are wanted, `weighting_config`, `name`
    /// and `slug`. Numbers are read as the decimals they are written as.
    ///
    /// # Errors
    /// [`Error::Model`] names the field, what was given, and what is allowed.
    ///
    /// ```
    /// use attribution_core::Model;
    /// let json = r#"{"type": "time_decay", "weighting_config": {"half_life_hours": 48}}"#;
    /// assert_eq!(Model::from_json(json)?.name(), "time_decay");
    /// assert!(Model::from_json(r#"{"type": "linear", "colour": "red"}"#).is_err());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn from_json(json: &str) -> Result<Self, Error> {
        const FIELDS: &str = "type, weighting_config, name and slug";
        let not_a_model = |error: serde_json::Error| {
            ModelError::new(
                "model",
                format!("text that is no JSON object was given ({error})"),
                format!("a JSON object with {FIELDS}"),
            )
        };
        let (mut kind, mut config, mut name, mut slug) = (None, None, None, None);
        for (key, value) in object_entries(json).map_err(not_a_model)? {
            let text = |allowed: &'static str| match json_value(&value) {
                Ok(ConfigValue::Text(text)) => Ok(text),
                Ok(other) => Err(ModelError::new(&key, other.given(), allowed)),
                Err(error) => Err(not_a_model(error)),
            };
            let earlier = match key.as_str() {
                "type" => kind.replace(text(KINDS_ALLOWED)?).is_some(),
                "weighting_config" => {
                    config.replace(ConfigEntries::from_json(Some(value.get()))?).is_some()
                }
                "name" => name.replace(text("text")?).is_some(),
                "slug" => slug.replace(text("text")?).is_some(),
                _ => {
                    let unknown = "an unknown field was given";
                    let field = ConfigValue::shown_key(&key);
                    return Err(ModelError::new(field, unknown, FIELDS).into());
                }
            };
            if earlier {
                return Err(
                    ModelError::new(key, "the field was given twice", "each field once").into()
                );
            }
        }
        let Some(kind) = kind else {
            return Err(ModelError::new("type", "nothing was given", KINDS_ALLOWED).into());
        };
        let mut model = Self::from_entries(&kind, &config.unwrap_or_default().0)?;
        if let Some(name) = name {
            model = model.named(&name)?;
        }
        if let Some(slug) = slug {
            model = model.slugged(&slug)?;
        }
        Ok(model)
    }

    /// The model as a JSON object that [`Model::from_json`] takes, its config normalised.
    ///
    /// # Errors
    /// [`Error::Internal`] for a model that has no JSON form, which none is.
    ///
    /// ```
    /// use attribution_core::Model;
    /// let model = Model::from_spec("time_decay:half_life_hours=48")?;
    /// assert_eq!(Model::from_json(&model.to_json()?)?, model);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string(self)
            .map_err(|error| Error::Internal(format!("a model has no JSON form: {error}")))
    }

    /// A model from a SPEC: `kind` or `kind:key=value,key=value`, optionally `name=kind:...`.
    ///
    /// # Errors
    /// [`Error::Model`] names the field, what was given, and what is allowed.
    ///
    /// ```
    /// use attribution_core::Model;
    /// let model = Model::from_spec("two days=time_decay:half_life_hours=48")?;
    /// assert_eq!(model.name(), "two days");
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn from_spec(spec: &str) -> Result<Self, Error> {
        let (head, config) = match spec.split_once(':') {
            Some((head, config)) => (head, Some(config)),
            None => (spec, None),
        };
        let (name, kind) = match head.rsplit_once('=') {
            Some((name, kind)) => (Some(name), kind),
            None => (None, head),
        };
        let mut entries = Vec::new();
        for field in config.into_iter().flat_map(|config| config.split(',')) {
            let Some((key, value)) = field.split_once('=') else {
                return Err(ModelError::new(
                    "weighting_config",
                    format!("{} was given", quoted(field)),
                    "key=value,key=value after the colon",
                )
                .into());
            };
            entries.push((key.trim().to_owned(), ConfigValue::from(value)));
        }
        let model = Self::from_entries(kind.trim(), &entries)?;
        match name {
            Some(name) => model.with_name(name),
            None => Ok(model),
        }
    }

    fn from_entries(kind: &str, entries: &[(String, ConfigValue)]) -> Result<Self, ModelError> {
        let weighting = Weighting::from_entries(parse_kind(kind)?, entries)?;
        Ok(Self { name: kind.to_owned(), slug: slugify(kind), weighting })
    }

    /// The model under another name, its slug made from the name.
    ///
    /// # Errors
    /// [`Error::Model`] for a name that is empty, longer than 255 characters, or has a control
    /// character.
    ///
    /// ```
    /// let model = attribution_core::Model::from_spec("linear")?.with_name("Even split")?;
    /// assert_eq!(model.slug(), "even-split");
    /// assert!(model.with_name(" ").is_err());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn with_name(self, name: &str) -> Result<Self, Error> {
        Ok(self.named(name)?)
    }

    fn named(mut self, name: &str) -> Result<Self, ModelError> {
        let name = name.trim();
        let length = name.chars().count();
        let allowed = "1 to 255 characters, none of them a control character";
        if length == 0 {
            return Err(ModelError::new("name", "an empty name was given", allowed));
        }
        if length > Self::LONGEST_NAME {
            return Err(ModelError::new(
                "name",
                format!("{length} characters were given"),
                allowed,
            ));
        }
        if name.chars().any(char::is_control) {
            return Err(ModelError::new("name", format!("{} was given", quoted(name)), allowed));
        }
        self.slug = slugify(name);
        name.clone_into(&mut self.name);
        Ok(self)
    }

    /// The model under another slug.
    ///
    /// # Errors
    /// [`Error::Model`] for a slug that is not 1 to 191 of a-z, 0-9, `-` and `_`, or that begins
    /// or ends with `-` or `_`.
    ///
    /// ```
    /// let model = attribution_core::Model::from_spec("linear")?.with_slug("even")?;
    /// assert_eq!(model.slug(), "even");
    /// assert!(model.with_slug("Even").is_err());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn with_slug(self, slug: &str) -> Result<Self, Error> {
        Ok(self.slugged(slug)?)
    }

    fn slugged(mut self, slug: &str) -> Result<Self, ModelError> {
        let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let outer = |byte: Option<u8>| matches!(byte, Some(b'a'..=b'z' | b'0'..=b'9'));
        let valid = slug.len() <= Self::LONGEST_SLUG
            && slug.bytes().all(inner)
            && outer(slug.bytes().next())
            && outer(slug.bytes().last());
        if !valid {
            return Err(ModelError::new(
                "slug",
                format!("{} was given", quoted(slug)),
                "1 to 191 of a-z, 0-9, - and _, beginning and ending with a letter or digit",
            ));
        }
        slug.clone_into(&mut self.slug);
        Ok(self)
    }

    /// The name, 1 to 255 characters.
    ///
    /// ```
    /// assert_eq!(attribution_core::Model::from_spec("linear")?.name(), "linear");
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The slug, 1 to 191 of a-z, 0-9, `-` and `_`.
    ///
    /// ```
    /// assert_eq!(attribution_core::Model::from_spec("last_touch")?.slug(), "last-touch");
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The kind.
    ///
    /// ```
    /// use attribution_core::{Model, ModelKind};
    /// assert_eq!(Model::from_spec("assisted")?.kind(), ModelKind::Assisted);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn kind(&self) -> ModelKind {
        self.weighting.kind()
    }

    /// The kind with its checked config.
    ///
    /// ```
    /// use attribution_core::{Model, Weighting};
    /// assert_eq!(Model::from_spec("linear")?.weighting(), Weighting::Linear);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn weighting(&self) -> Weighting {
        self.weighting
    }
}

/// A slug made from a name: its letters and digits in lower case, everything else as single
/// hyphens, at most 191 characters; `model` where nothing is left.
///
/// ```
/// use attribution_core::slugify;
/// assert_eq!(slugify("  40 / 20 / 40 (U-shape) "), "40-20-40-u-shape");
/// assert_eq!(slugify("模型"), "model");
/// ```
pub fn slugify(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        if slug.len() >= Model::LONGEST_SLUG {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() { "model".to_owned() } else { slug }
}

/// A model as serde reads it, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFields {
    name: Option<String>,
    slug: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    weighting_config: ConfigEntries,
}

impl TryFrom<ModelFields> for Model {
    type Error = ModelError;

    fn try_from(fields: ModelFields) -> Result<Self, ModelError> {
        let mut model = Self::from_entries(&fields.kind, &fields.weighting_config.0)?;
        if let Some(name) = fields.name {
            model = model.named(&name)?;
        }
        if let Some(slug) = fields.slug {
            model = model.slugged(&slug)?;
        }
        Ok(model)
    }
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            name: &'a str,
            slug: &'a str,
            r#type: ModelKind,
            weighting_config: Weighting,
        }
        Fields {
            name: &self.name,
            slug: &self.slug,
            r#type: self.kind(),
            weighting_config: self.weighting,
        }
        .serialize(serializer)
    }
}

impl Serialize for Weighting {
    /// The weighting config alone: an object, empty for the kinds that take none.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Millionths divided by a million print as the decimal they came from.
        let share = |millionths: u32| f64::from(millionths) / f64::from(MILLION);
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::TimeDecay { half_life_hours } => {
                map.serialize_entry("half_life_hours", half_life_hours)?;
            }
            Self::PositionBased { first_touch_millionths, last_touch_millionths } => {
                map.serialize_entry("first_touch_weight", &share(*first_touch_millionths))?;
                map.serialize_entry("last_touch_weight", &share(*last_touch_millionths))?;
            }
            Self::LastTouch | Self::FirstTouch | Self::Linear | Self::Assisted => {}
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: &str, config: &str) -> String {
        Model::from_stored(kind, Some(config)).unwrap_err().to_string()
    }

    #[test]
    fn no_config_has_many_spellings() {
        for config in [None, Some("null"), Some("{}"), Some("[]"), Some(" { } ")] {
            assert!(Model::from_stored("linear", config).is_ok(), "{config:?}");
        }
    }

    #[test]
    fn refusals_name_field_given_and_allowed() {
        for (kind, config, expected) in [
            (
                "linear",
                r#"{"x": 1}"#,
                "x: an unknown field was given; allowed: no config for linear",
            ),
            ("time_decay", "{}", "half_life_hours: nothing was given; allowed: a whole number"),
            ("time_decay", r#"{"half_life_hours": 0}"#, "half_life_hours: 0 was given; allowed"),
            ("time_decay", r#"{"half_life_hours": 1.5}"#, "half_life_hours: 1.5 was given"),
            ("time_decay", r#"{"half_life_hours": -3}"#, "half_life_hours: -3 was given"),
            ("time_decay", r#"{"half_life_hours": 4294967296}"#, "half_life_hours: 4294967296 was"),
            ("time_decay", r#"{"half_life_hours": 1e400}"#, "half_life_hours: 1e400 was given"),
            ("time_decay", r#"{"half_life_hours": "NaN"}"#, "half_life_hours: \"NaN\" was given"),
            ("time_decay", r#"{"half_life_hours": true}"#, "half_life_hours: true was given"),
            ("time_decay", r#"{"half_life_hours": null}"#, "half_life_hours: null was given"),
            ("time_decay", r#"{"half_life_hours": [1]}"#, "half_life_hours: a list was given"),
            (
                "time_decay",
                r#"{"half_life_hours": 1, "half_life_hours": 2}"#,
                "half_life_hours: the field was given twice",
            ),
            (
                "position_based",
                r#"{"first_touch_weight": 0.6, "last_touch_weight": 0.5}"#,
                "first_touch_weight + last_touch_weight: 1.100000 was given; allowed: at most 1",
            ),
            (
                "position_based",
                r#"{"first_touch_weight": 0.6}"#,
                "last_touch_weight: nothing was given; allowed: a decimal from 0 to 1",
            ),
            ("linear", "{", "weighting_config: text that is not JSON was given"),
            ("linear", "3", "weighting_config: a number was given"),
            ("linear", "[1]", "weighting_config: a list with entries was given"),
            ("linear", "\"x\"", "weighting_config: text was given"),
            ("", "{}", "type: \"\" was given; allowed: last_touch"),
            ("algorithmic", "{}", "type: \"algorithmic\" was given, which is not yet available"),
        ] {
            let message = refusal(kind, config);
            assert!(message.starts_with(expected), "{kind} {config}: {message}");
        }
        let nan = Model::new("time_decay", &[("half_life_hours", f64::NAN.into())]).unwrap_err();
        assert!(nan.to_string().starts_with("half_life_hours: NaN was given"));
    }

    #[test]
    fn numeric_text_and_rounding_before_checking() {
        let model = Model::from_stored(
            "position_based",
            Some(r#"{"first_touch_weight": " 0.5000004 ", "last_touch_weight": 0.50000049}"#),
        )
        .unwrap();
        let half = Weighting::PositionBased {
            first_touch_millionths: 500_000,
            last_touch_millionths: 500_000,
        };
        assert_eq!(model.weighting(), half);
        let model =
            Model::from_stored("time_decay", Some(r#"{"half_life_hours": 4.80e1}"#)).unwrap();
        assert_eq!(model.weighting(), Weighting::TimeDecay { half_life_hours: 48 });
    }

    #[test]
    fn json_is_read_exactly_and_its_fields_are_named() {
        let json = r#"{"slug": "u", "name": "U", "type": "position_based",
            "weighting_config": {"first_touch_weight": 0.40000049999999999999999, "last_touch_weight": "0.4"}}"#;
        let model = Model::from_json(json).unwrap();
        assert_eq!((model.name(), model.slug()), ("U", "u"));
        assert_eq!(
            model.weighting(),
            Weighting::PositionBased {
                first_touch_millionths: 400_000,
                last_touch_millionths: 400_000
            }
        );
        for (json, expected) in [
            ("", "model: text that is no JSON object was given"),
            ("[]", "model: text that is no JSON object was given"),
            ("{}", "type: nothing was given"),
            (r#"{"type": 3}"#, "type: 3 was given"),
            (r#"{"type": "linear", "x": 1}"#, "x: an unknown field was given; allowed: type"),
            (r#"{"type": "linear", "type": "linear"}"#, "type: the field was given twice"),
            (r#"{"type": "linear", "name": null}"#, "name: null was given"),
            (r#"{"type": "linear", "weighting_config": 1}"#, "weighting_config: a number was"),
            (r#"{"type": "linear", "slug": "A"}"#, "slug: \"A\" was given"),
        ] {
            let message = Model::from_json(json).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{json}: {message}");
        }
    }

    #[test]
    fn serde_goes_both_ways_and_refuses_what_the_model_refuses() {
        for spec in ModelKind::ALL.into_iter().filter_map(ModelKind::example_spec) {
            let model = Model::from_spec(spec).unwrap().with_name("A \"b\"").unwrap();
            let json = serde_json::to_string(&model).unwrap();
            assert_eq!(serde_json::from_str::<Model>(&json).unwrap(), model, "{json}");
        }
        let json = r#"{"type":"position_based","weighting_config":{"first_touch_weight":0.4,"last_touch_weight":"0.4"}}"#;
        assert!(serde_json::from_str::<Model>(json).is_ok());
        for (json, expected) in [
            (r#"{"type":"time_decay"}"#, "half_life_hours: nothing was given"),
            (r#"{"type":"linear","weighting_config":[1]}"#, "a list with entries was given"),
            (r#"{"type":"linear","x":1}"#, "unknown field `x`"),
            (r#"{"type":"linear","slug":"A"}"#, "slug: \"A\" was given"),
        ] {
            let message = serde_json::from_str::<Model>(json).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn specs_name_models_and_refuse_nonsense() {
        let model = Model::from_spec("a=b=time_decay:half_life_hours=24").unwrap();
        assert_eq!(model.name(), "a=b");
        for spec in
            ["", "linear:", "linear:x", "time_decay:half_life_hours", "=linear", "a\nb=linear"]
        {
            assert!(Model::from_spec(spec).is_err(), "{spec:?}");
        }
        let long = "x".repeat(256);
        assert!(Model::from_spec("linear").unwrap().with_name(&long).is_err());
        assert!(Model::from_spec("linear").unwrap().with_name(&long[1..]).is_ok());
        assert_eq!(slugify(&long).len(), Model::LONGEST_SLUG);
    }
}
