//! The enums of kinds and of scopes. The derive has no enum with a case of a keyword's name, such as Global.

use attribution_core::ModelKind;
use ext_php_rs::builders::EnumBuilder;
use ext_php_rs::convert::IntoZval;
use ext_php_rs::enum_::{Discriminant, EnumCase};
use ext_php_rs::error::{Error, Result};
use ext_php_rs::ffi::zend_enum_get_case;
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendStr, Zval};
use ext_php_rs::zend::ClassEntry;

pub(crate) const MODEL_KIND: &str = "Attribution\\ModelKind";
pub(crate) const SCOPE_TYPE: &str = "Attribution\\ScopeType";

/// In the order of [`ModelKind::ALL`].
static KINDS: [EnumCase; 7] = [
    EnumCase {
        name: "LastTouch",
        discriminant: Some(Discriminant::String("last_touch")),
        docs: &[],
    },
    EnumCase {
        name: "FirstTouch",
        discriminant: Some(Discriminant::String("first_touch")),
        docs: &[],
    },
    EnumCase { name: "Linear", discriminant: Some(Discriminant::String("linear")), docs: &[] },
    EnumCase {
        name: "TimeDecay",
        discriminant: Some(Discriminant::String("time_decay")),
        docs: &[],
    },
    EnumCase {
        name: "PositionBased",
        discriminant: Some(Discriminant::String("position_based")),
        docs: &[],
    },
    EnumCase { name: "Assisted", discriminant: Some(Discriminant::String("assisted")), docs: &[] },
    EnumCase {
        name: "Algorithmic",
        discriminant: Some(Discriminant::String("algorithmic")),
        docs: &[],
    },
];

static SCOPES: [EnumCase; 7] = [
    EnumCase { name: "Global", discriminant: Some(Discriminant::String("global")), docs: &[] },
    EnumCase { name: "Campaign", discriminant: Some(Discriminant::String("campaign")), docs: &[] },
    EnumCase { name: "Account", discriminant: Some(Discriminant::String("account")), docs: &[] },
    EnumCase {
        name: "Advertiser",
        discriminant: Some(Discriminant::String("advertiser")),
        docs: &[],
    },
    EnumCase {
        name: "TrafficSource",
        discriminant: Some(Discriminant::String("traffic_source")),
        docs: &[],
    },
    EnumCase {
        name: "LandingPage",
        discriminant: Some(Discriminant::String("landing_page")),
        docs: &[],
    },
    EnumCase { name: "Adgroup", discriminant: Some(Discriminant::String("adgroup")), docs: &[] },
];

/// Makes the enums known. Only for the module's startup.
pub(crate) fn register() -> Result<()> {
    for (name, cases) in [(MODEL_KIND, &KINDS), (SCOPE_TYPE, &SCOPES)] {
        let new = EnumBuilder::new(name).registration(|_, tables| std::mem::forget(tables));
        cases.iter().fold(new, EnumBuilder::case).register()?;
    }
    Ok(())
}

/// A kind as its case of the enum.
#[derive(Debug, Clone, Copy)]
pub struct Kind(pub(crate) ModelKind);

impl IntoZval for Kind {
    const TYPE: DataType = DataType::object(MODEL_KIND);
    const NULLABLE: bool = false;

    fn set_zval(self, value: &mut Zval, _persistent: bool) -> Result<()> {
        let place = ModelKind::ALL.iter().position(|kind| *kind == self.0);
        let case = place.and_then(|place| KINDS.get(place)).ok_or(Error::InvalidPointer)?;
        let class = ClassEntry::try_find(MODEL_KIND).ok_or(Error::InvalidPointer)?;
        let mut name = ZendStr::new(case.name, false);
        // SAFETY: a case of the enum, which is there until the request ends; the value takes its own share.
        let object = unsafe {
            zend_enum_get_case(std::ptr::from_ref(class).cast_mut(), &raw mut *name).as_mut()
        };
        value.set_object(object.ok_or(Error::InvalidPointer)?);
        Ok(())
    }
}
