//! Values of rows, exact: decimals come and go as text.

use mysql::{Row, Value};

use crate::ground::error::Error;
use crate::ground::money::{parse_units, write_decimal};

/// Reads the values of a row by their places. A value that is not what its column should hold is
/// refused by the column's name and the row's id.
pub(super) struct Fields<'a> {
    row: &'a Row,
    table: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) const fn new(row: &'a Row, table: &'static str) -> Self {
        Self { row, table }
    }

    fn value(&self, place: usize) -> &Value {
        self.row.as_ref(place).unwrap_or(&Value::NULL)
    }

    fn refused(&self, place: usize, allowed: &str) -> Error {
        let columns = self.row.columns_ref();
        let name = |at: usize| columns.get(at).map(|column| column.name_str().into_owned());
        // The first column is the row's id.
        let id = self.value(0).as_sql(true);
        Error::input(
            format!(
                "{}: {} {}: {}",
                self.table,
                name(0).unwrap_or_default(),
                id.trim_matches('\''),
                name(place).unwrap_or_default()
            ),
            format!("found {}", self.value(place).as_sql(true)),
            allowed.to_owned(),
        )
    }

    /// A whole number from 0 on; none for NULL.
    pub(super) fn number_or_null(&self, place: usize) -> Result<Option<u64>, Error> {
        let number = match self.value(place) {
            Value::NULL => return Ok(None),
            Value::UInt(number) => Some(*number),
            Value::Int(number) => u64::try_from(*number).ok(),
            Value::Bytes(text) => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()),
            _ => None,
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(self.refused(place, "a whole number from 0 on")),
        }
    }

    /// A whole number from 0 on; 0 for NULL.
    pub(super) fn number(&self, place: usize) -> Result<u64, Error> {
        Ok(self.number_or_null(place)?.unwrap_or(0))
    }

    pub(super) fn time_or_null(&self, place: usize) -> Result<Option<u32>, Error> {
        let number = self.number_or_null(place)?;
        let time = |number| u32::try_from(number).ok();
        match number.map(|number| (number, time(number))) {
            None => Ok(None),
            Some((_, Some(time))) => Ok(Some(time)),
            Some((_, None)) => Err(self.refused(place, "unix seconds from 0 to 4294967295")),
        }
    }

    /// Unix seconds; none for what is no such time.
    pub(super) fn time_if_any(&self, place: usize) -> Option<u32> {
        self.time_or_null(place).ok().flatten()
    }

    /// Unix seconds; 0 for NULL.
    pub(super) fn time(&self, place: usize) -> Result<u32, Error> {
        Ok(self.time_or_null(place)?.unwrap_or(0))
    }

    pub(super) fn is_one(&self, place: usize) -> Result<bool, Error> {
        Ok(self.number(place)? == 1)
    }

    /// A decimal as a count of 0.00001; 0 for NULL.
    pub(super) fn amount(&self, place: usize) -> Result<i64, Error> {
        let text = match self.value(place) {
            Value::NULL => return Ok(0),
            Value::Bytes(text) => text.as_slice(),
            _ => return Err(self.refused(place, "a decimal")),
        };
        parse_units(without_idle_zeros(text))
            .map_err(|_| self.refused(place, "a decimal with at most 5 decimals"))
    }

    /// A cost as a count of 0.00001, which is 0 or more.
    pub(super) fn cost(&self, place: usize) -> Result<i64, Error> {
        let cost = self.amount(place)?;
        if cost >= 0 { Ok(cost) } else { Err(self.refused(place, "0 or more")) }
    }

    /// A decimal of at most 4 places as a count of 0.0001; 0 for NULL.
    pub(super) fn rounded_amount(&self, place: usize) -> Result<i64, Error> {
        let units = self.amount(place)?;
        if units % 10 == 0 { Ok(units / 10) } else { Err(self.refused(place, "4 decimals")) }
    }

    pub(super) fn text_or_null(&self, place: usize) -> Result<Option<String>, Error> {
        match self.value(place) {
            Value::NULL => Ok(None),
            Value::Bytes(text) => match String::from_utf8(text.clone()) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(self.refused(place, "text in UTF-8")),
            },
            other => Ok(Some(other.as_sql(true).trim_matches('\'').to_owned())),
        }
    }

    /// Text without a copy; none for whatever is no text in UTF-8.
    pub(super) fn text_as_it_is(&self, place: usize) -> Option<&str> {
        match self.value(place) {
            Value::Bytes(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    pub(super) fn text(&self, place: usize) -> Result<String, Error> {
        Ok(self.text_or_null(place)?.unwrap_or_default())
    }
}

/// A decimal's text without zeros at its end that say nothing, as a wider column has them.
fn without_idle_zeros(text: &[u8]) -> &[u8] {
    let Some(point) = text.iter().position(|byte| *byte == b'.') else { return text };
    let mut end = text.len();
    while end > point + 6 && text[end - 1] == b'0' {
        end -= 1;
    }
    &text[..end]
}

/// A count of 0.00001 as a decimal.
pub(super) fn decimal_5(units: i64) -> Value {
    decimal(units.into(), 5)
}

/// A count of 0.0001 as a decimal.
pub(super) fn decimal_4(count: i64) -> Value {
    decimal(count.into(), 4)
}

fn decimal(count: i128, places: u32) -> Value {
    let mut text = String::with_capacity(16);
    write_decimal(&mut text, count, places);
    Value::Bytes(text.into_bytes())
}
