//! Values of PHP's as the core takes them: ids, times, money.

use attribution_core::{Defects, Error, Money};
use ext_php_rs::types::Zval;

use crate::failure::{Failure, refused};
use crate::zend::table::{EntryKey, List, Table, Value, value_of};

/// A value that is not allowed; where it stands, the caller knows.
#[derive(Debug)]
pub(crate) struct Refusal {
    found: String,
    allowed: &'static str,
}

impl Refusal {
    #[cold]
    pub(crate) fn new(value: &Zval, allowed: &'static str) -> Self {
        Self { found: described(value), allowed }
    }

    #[cold]
    pub(crate) fn at(self, place: impl Into<String>) -> Failure {
        refused(place, self.found, self.allowed)
    }
}

/// Bytes from outside, quoted and cut where they are long.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const LONGEST: usize = 60;
    let text = String::from_utf8_lossy(bytes);
    if text.chars().count() > LONGEST {
        let head: String = text.chars().take(LONGEST).collect();
        format!("{head:?}...")
    } else {
        format!("{text:?}")
    }
}

/// What was found, as the clause of a message.
#[cold]
pub(crate) fn described(value: &Zval) -> String {
    match value_of(value) {
        Value::Null => "found null".to_owned(),
        Value::Bool(value) => format!("found {value}"),
        Value::Int(value) => format!("found {value}"),
        Value::Float(value) => format!("found {value:?}"),
        Value::Text(bytes) => format!("found {}", shown(bytes)),
        Value::Table(_) => "found an array".to_owned(),
        Value::Other(value) => {
            match value.object().map(ext_php_rs::ffi::_zend_object::get_class_name) {
                Some(Ok(name)) => format!("found an object of the class {name}"),
                Some(Err(_)) => "found an object".to_owned(),
                None => "found a resource".to_owned(),
            }
        }
    }
}

/// A whole number in digits.
fn digits(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 20 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// An id: a whole number from 0 to 2^64-1, beyond PHP's integers as a string of digits.
#[inline]
pub(crate) fn id(value: &Zval) -> Result<u64, Refusal> {
    match value_of(value) {
        Value::Int(number) if number >= 0 => Ok(number as u64),
        Value::Text(bytes) => digits(bytes).ok_or_else(|| Refusal::new(value, ID_ALLOWED)),
        _ => Err(Refusal::new(value, ID_ALLOWED)),
    }
}

const ID_ALLOWED: &str = "a whole number from 0 to 18446744073709551615";

/// A time in unix seconds, or a number of seconds.
#[inline]
pub(crate) fn time(value: &Zval) -> Result<u32, Refusal> {
    let number = match value_of(value) {
        Value::Int(number) => u32::try_from(number).ok(),
        Value::Text(bytes) => digits(bytes).and_then(|number| u32::try_from(number).ok()),
        _ => None,
    };
    number.ok_or_else(|| Refusal::new(value, "a whole number of seconds from 0 to 4294967295"))
}

/// Money as a count of 0.00001: an integer, a float, which is rounded to 5 decimals, or a decimal string.
#[inline]
pub(crate) fn money(value: &Zval) -> Result<i64, Refusal> {
    let units = match value_of(value) {
        Value::Int(number) => number.checked_mul(100_000),
        Value::Float(number) => return money_of(number, value),
        Value::Text(bytes) => {
            let text =
                std::str::from_utf8(bytes).map_err(|_| Refusal::new(value, MONEY_ALLOWED))?;
            let parsed: Result<Money, Error> = text.parse();
            return parsed.map(Money::units).map_err(|error| as_found(&error, value));
        }
        _ => None,
    };
    units.ok_or_else(|| Refusal::new(value, MONEY_ALLOWED))
}

fn money_of(number: f64, value: &Zval) -> Result<i64, Refusal> {
    Money::from_f64(number).map(Money::units).map_err(|error| as_found(&error, value))
}

/// What the core found, with what it allows.
#[cold]
fn as_found(error: &Error, value: &Zval) -> Refusal {
    let found = match error {
        Error::Input(defects) => first_found(defects),
        _ => None,
    };
    Refusal { found: found.unwrap_or_else(|| described(value)), allowed: MONEY_ALLOWED }
}

fn first_found(defects: &Defects) -> Option<String> {
    defects.shown().first().map(|defect| defect.found.clone())
}

pub(crate) const MONEY_ALLOWED: &str = "an amount with at most 5 decimals as int, float or decimal string, from \
    -92233720368547.75808 to 92233720368547.75807";

/// A list, whose keys are 0, 1, 2 and so on.
pub(crate) fn list(value: &Zval, place: impl FnOnce() -> String) -> Result<List<'_>, Failure> {
    match value_of(value) {
        Value::Table(table) => list_of(table, place),
        _ => Err(refused(place(), described(value), "a list")),
    }
}

/// As [`list`], of what is known to be an array.
pub(crate) fn list_of(
    table: Table<'_>,
    place: impl FnOnce() -> String,
) -> Result<List<'_>, Failure> {
    table.list().map_err(|key| {
        let found = match key {
            EntryKey::Index(index) => format!("found the key {index} out of place"),
            EntryKey::Name(name) => format!("found the key {}", shown(name)),
        };
        refused(place(), found, "a list: the keys 0, 1, 2 and so on, as array_values() gives them")
    })
}

/// The value of a case of a string-backed enum of this name.
pub(crate) fn enum_value(value: &Zval, name: &str) -> Option<String> {
    let Value::Other(value) = value_of(value) else { return None };
    let object = value.object()?;
    if object.get_class_name().ok()? != name {
        return None;
    }
    // SAFETY: a case of a backed enum has two properties in this order, its name and its value.
    let value = unsafe { object.properties_table.as_ptr().add(1).as_ref()? };
    value.string()
}
