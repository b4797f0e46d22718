//! Attribution\Model.

use ext_php_rs::convert::IntoZval;
use ext_php_rs::flags::ClassFlags;
use ext_php_rs::prelude::*;
use ext_php_rs::types::{ZendHashTable, Zval};

use super::kinds::{Kind, MODEL_KIND};
use crate::failure::{Failure, settle};
use crate::model::{GivenModel, read_model};
use crate::output::array_from_json;
use crate::zend::property::{ARRAY, ID_OR_NULL, PropertyType, TEXT};
use crate::zend::table::{Made, NewRow, Table};

/// PHP's interface of what `json_encode()` takes.
pub(crate) fn json_serializable() -> &'static ext_php_rs::zend::ClassEntry {
    unsafe extern "C" {
        static php_json_serializable_ce: *mut ext_php_rs::zend::ClassEntry;
    }
    // SAFETY: a class of PHP's that is there before any extension starts.
    unsafe { php_json_serializable_ce.as_ref() }
        .unwrap_or_else(|| ext_php_rs::zend::ce::stringable())
}

/// The properties, which the getters below give.
pub(crate) const PROPERTIES: [(&str, PropertyType); 5] = [
    ("kind", PropertyType::Class(MODEL_KIND)),
    ("name", TEXT),
    ("slug", TEXT),
    ("modelId", ID_OR_NULL),
    ("weightingConfig", ARRAY),
];

/// A model, checked once.
#[php_class]
#[php(name = "Attribution\\Model")]
#[php(flags = ClassFlags::Final)]
#[php(implements(ce = json_serializable, stub = "\\JsonSerializable"))]
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) given: GivenModel,
}

#[php_impl]
impl Model {
    /// Takes the array that `attribution_validate_model()` takes.
    pub fn __construct(model: &ZendHashTable) -> PhpResult<Self> {
        settle(read_model(Table(model), None).map(|given| Self { given }))
    }

    /// A model from a short text such as `time_decay:half_life_hours=48`.
    pub fn from_spec(spec: &str) -> PhpResult<Self> {
        let model = attribution_core::Model::from_spec(spec);
        settle(
            model
                .map(|model| Self { given: GivenModel { model, model_id: None } })
                .map_err(Failure::from),
        )
    }

    /// The kind.
    #[php(getter)]
    pub fn get_kind(&self) -> Kind {
        Kind(self.given.model.kind())
    }

    /// The name.
    #[php(getter)]
    pub fn get_name(&self) -> String {
        self.given.model.name().to_owned()
    }

    /// The slug.
    #[php(getter)]
    pub fn get_slug(&self) -> String {
        self.given.model.slug().to_owned()
    }

    /// The host's id, where one was given; beyond PHP's integers a string of digits.
    #[php(getter)]
    pub fn get_model_id(&self) -> PhpResult<Zval> {
        let Some(id) = self.given.model_id else { return Ok(Zval::null()) };
        let value = match i64::try_from(id) {
            Ok(id) => id.into_zval(false),
            Err(_) => id.to_string().into_zval(false),
        };
        value.map_err(|error| error.to_string().into())
    }

    /// The weighting config in its normal form.
    #[php(getter)]
    pub fn get_weighting_config(&self) -> PhpResult<Made> {
        settle(self.given.json().map(|json| match json.get("weighting_config") {
            Some(config @ serde_json::Value::Object(_)) => array_from_json(config),
            _ => NewRow::new(0).into_made(),
        }))
    }

    /// The model as the array that the constructor takes, in its normal form.
    pub fn to_array(&self) -> PhpResult<Made> {
        settle(self.given.to_row().map(NewRow::into_made))
    }

    /// As `toArray()`.
    pub fn json_serialize(&self) -> PhpResult<Made> {
        self.to_array()
    }
}
