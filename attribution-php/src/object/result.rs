//! What a calculation gave, as objects.

use ext_php_rs::boxed::ZBox;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::convert::IntoZval;
use ext_php_rs::flags::{ClassFlags, DataType};
use ext_php_rs::prelude::*;
use ext_php_rs::types::{ZendClassObject, ZendObject, Zval};
use ext_php_rs::zend::{BailoutGuard, ClassEntry, ce};

use super::model::json_serializable;
use crate::export::export_to;
use crate::failure::settle;
use crate::keys;
use crate::zend::property::{ARRAY, PropertyType, TEXT, set_property};
use crate::zend::table::{Kept, Made, NewRow, NewValue, Value, value_of};

/// An object that foreach walks through.
pub struct Walk(ZBox<ZendObject>);

impl IntoZval for Walk {
    const TYPE: DataType = DataType::object("ArrayIterator");
    const NULLABLE: bool = false;

    fn set_zval(self, value: &mut Zval, persistent: bool) -> ext_php_rs::error::Result<()> {
        self.0.set_zval(value, persistent)
    }
}

/// PHP's iterator over an array.
fn walk(array: Kept) -> PhpResult<Walk> {
    let class = ClassEntry::try_find("ArrayIterator").ok_or("PHP has no ArrayIterator")?;
    let object = ZendObject::new(class);
    let value = array.into_zval(false).map_err(|error| error.to_string())?;
    object.try_call_method("__construct", vec![&value]).map_err(|error| error.to_string())?;
    Ok(Walk(object))
}

/// The properties of both classes, each set once.
pub(crate) const PROPERTIES: [(&str, PropertyType); 3] =
    [("model", TEXT), ("snapshots", ARRAY), ("touchpoints", ARRAY)];

/// An object with its properties.
fn object_of<T: RegisteredClass>(
    value: T,
    model: &str,
    snapshots: Kept,
    touchpoints: Kept,
) -> ext_php_rs::error::Result<ZBox<ZendClassObject<T>>> {
    let mut object = ZendClassObject::new(value);
    let class = T::get_metadata().ce();
    let values =
        [model.into_zval(false)?, snapshots.into_zval(false)?, touchpoints.into_zval(false)?];
    for ((name, _), value) in PROPERTIES.into_iter().zip(values) {
        set_property(object.get_mut_zend_obj(), class, name, value);
    }
    Ok(object)
}

/// The snapshots and credits of one model; counted and walked through by snapshots.
#[php_class]
#[php(name = "Attribution\\Result")]
#[php(flags = ClassFlags::Final)]
#[php(implements(ce = ce::countable, stub = "\\Countable"))]
#[php(implements(ce = ce::aggregate, stub = "\\IteratorAggregate"))]
#[php(implements(ce = json_serializable, stub = "\\JsonSerializable"))]
pub struct Result {
    pub(crate) model: String,
    pub(crate) snapshots: Kept,
    pub(crate) touchpoints: Kept,
}

impl Result {
    fn to_row(&self) -> NewRow {
        let mut row = NewRow::new(3);
        row.set(&keys::MODEL, NewValue::text(self.model.as_bytes()));
        row.set(&keys::SNAPSHOTS, self.snapshots.share_value());
        row.set(&keys::TOUCHPOINTS, self.touchpoints.share_value());
        row
    }
}

impl Result {
    pub(crate) fn into_object(self) -> PhpResult<ZBox<ZendClassObject<Self>>> {
        let (model, snapshots, touchpoints) =
            (self.model.clone(), self.snapshots.share(), self.touchpoints.share());
        Ok(object_of(self, &model, snapshots, touchpoints)?)
    }
}

#[php_impl]
impl Result {
    /// The number of snapshots.
    pub fn count(&self) -> i64 {
        self.snapshots.len()
    }

    /// Walks through the snapshots.
    pub fn get_iterator(&self) -> PhpResult<Walk> {
        walk(self.snapshots.share())
    }

    /// The model's name, the snapshots and the touchpoints as an array.
    pub fn to_array(&self) -> Made {
        self.to_row().into_made()
    }

    /// As `toArray()`.
    pub fn json_serialize(&self) -> Made {
        self.to_array()
    }

    /// Writes the snapshots to a file, whole or not at all, and gives the number of rows.
    pub fn export(&self, path: String, format: String) -> PhpResult<i64> {
        let row = BailoutGuard::new(self.to_row().into_made());
        let outcome = export_to(row.get(), &path, &format);
        drop((row, path, format));
        settle(outcome)
    }
}

/// The snapshots and credits of one model as columns; counted by snapshots, walked through by the two groups
/// of columns.
#[php_class]
#[php(name = "Attribution\\Columns")]
#[php(flags = ClassFlags::Final)]
#[php(implements(ce = ce::countable, stub = "\\Countable"))]
#[php(implements(ce = ce::aggregate, stub = "\\IteratorAggregate"))]
#[php(implements(ce = json_serializable, stub = "\\JsonSerializable"))]
pub struct Columns {
    pub(crate) model: String,
    pub(crate) snapshots: Kept,
    pub(crate) touchpoints: Kept,
}

impl Columns {
    pub(crate) fn into_object(self) -> PhpResult<ZBox<ZendClassObject<Self>>> {
        let (model, snapshots, touchpoints) =
            (self.model.clone(), self.snapshots.share(), self.touchpoints.share());
        Ok(object_of(self, &model, snapshots, touchpoints)?)
    }
}

#[php_impl]
impl Columns {
    /// The number of snapshots.
    pub fn count(&self) -> i64 {
        let length =
            match self.snapshots.table().and_then(|table| table.get("scope_types")).map(value_of) {
                Some(Value::Table(table)) => table.len(),
                _ => 0,
            };
        length as i64
    }

    /// Walks through the two groups of columns by their names.
    pub fn get_iterator(&self) -> PhpResult<Walk> {
        walk(Kept::new(self.to_array()))
    }

    /// The two groups of columns as an array.
    pub fn to_array(&self) -> Made {
        let mut row = NewRow::new(2);
        row.set(&keys::SNAPSHOTS, self.snapshots.share_value());
        row.set(&keys::TOUCHPOINTS, self.touchpoints.share_value());
        row.into_made()
    }

    /// As `toArray()`.
    pub fn json_serialize(&self) -> Made {
        self.to_array()
    }
}
