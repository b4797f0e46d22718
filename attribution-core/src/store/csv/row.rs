//! One row of a CSV file, its fields read by column, every defect noted by line and column.

use csv::ByteRecord;

use crate::ground::error::{Defect, Defects, quoted};
use crate::ground::money::parse_units;
use crate::ground::time::read_time;

/// A column that a file has or may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) required: bool,
}

/// Where a row has which column.
#[derive(Debug)]
pub(super) struct Header {
    /// As the user named it, for messages.
    pub(super) file: String,
    pub(super) columns: &'static [Column],
    /// Per column: where a row has it.
    pub(super) places: Vec<Option<usize>>,
    /// How many fields a row has.
    pub(super) width: usize,
}

impl Header {
    /// Whether the file has the column.
    pub(super) fn has(&self, column: usize) -> bool {
        self.places[column].is_some()
    }
}

/// Defects of some rows, whose lines count from the first of these rows' own.
#[derive(Debug, Default)]
pub(super) struct RowDefects {
    shown: Vec<RowDefect>,
    total: u64,
}

#[derive(Debug)]
struct RowDefect {
    line: u64,
    column: String,
    found: String,
    allowed: String,
}

impl RowDefects {
    pub(super) fn note(
        &mut self,
        line: u64,
        column: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) {
        if self.shown.len() < Defects::SHOWN {
            let (column, found, allowed) = (column.into(), found.into(), allowed.into());
            self.shown.push(RowDefect { line, column, found, allowed });
        }
        self.total += 1;
    }

    /// Adds these to the defects of all, the lines counted from `first_line` on.
    pub(super) fn report(self, file: &str, first_line: u64, defects: &mut Defects) {
        let untold = self.total - self.shown.len() as u64;
        for RowDefect { line, column, found, allowed } in self.shown {
            let place = format!("{file}:{}: {column}", first_line + line - 1);
            defects.push(Defect::new(place, found, allowed));
        }
        defects.count_more(untold);
    }
}

/// A row, whose fields are read by column. A field that is not good is noted and reads as 0.
pub(super) struct Row<'r> {
    header: &'r Header,
    record: &'r ByteRecord,
    line: u64,
    defects: &'r mut RowDefects,
    sound: bool,
}

const ID_ALLOWED: &str = "a whole number from 0 to 18446744073709551615";

impl<'r> Row<'r> {
    /// A row whose shape has been checked.
    pub(super) fn new(
        header: &'r Header,
        record: &'r ByteRecord,
        line: u64,
        defects: &'r mut RowDefects,
    ) -> Self {
        let mut row = Self { header, record, line, defects, sound: true };
        row.check_shape();
        row
    }

    fn note(&mut self, column: &str, found: impl Into<String>, allowed: &str) {
        self.sound = false;
        self.defects.note(self.line, column, found, allowed);
    }

    fn check_shape(&mut self) {
        let (found, width) = (self.record.len(), self.header.width);
        if found != width {
            let fields = if found == 1 { "1 field".into() } else { format!("{found} fields") };
            self.note("row", format!("found {fields}"), &format!("{width}, as in the header"));
        }
        if self.record.as_slice().is_ascii() {
            return;
        }
        let known = |index: usize| {
            let column = self.header.places.iter().position(|place| *place == Some(index));
            column.map_or_else(
                || format!("column {}", index + 1),
                |at| self.header.columns[at].name.into(),
            )
        };
        let bad: Vec<String> = self
            .record
            .iter()
            .enumerate()
            .filter(|(_, field)| std::str::from_utf8(field).is_err())
            .map(|(index, _)| known(index))
            .collect();
        for column in bad {
            self.note(&column, "found bytes that are not UTF-8", "UTF-8");
        }
    }

    /// Whether the row has as many fields as the header and all of them UTF-8; the fields of a row
    /// that has not are not worth a look.
    pub(super) const fn is_sound(&self) -> bool {
        self.sound
    }

    /// The bytes of a field; empty where the file lacks the column.
    pub(super) fn bytes(&self, column: usize) -> &[u8] {
        let Some(place) = self.header.places[column] else { return &[] };
        let field = self.record.get(place).unwrap_or_default();
        // The line may have ended with a carriage return before its line feed.
        let last = place + 1 == self.header.width;
        if last { field.strip_suffix(b"\r").unwrap_or(field) } else { field }
    }

    fn text(&self, column: usize) -> String {
        String::from_utf8_lossy(self.bytes(column)).into_owned()
    }

    fn name(&self, column: usize) -> &'static str {
        self.header.columns[column].name
    }

    /// An id; None where it is not good.
    pub(super) fn id(&mut self, column: usize) -> Option<u64> {
        let id = parse_id(self.bytes(column));
        if id.is_none() {
            let found = match self.bytes(column) {
                b"" => "found nothing".to_owned(),
                _ => format!("found {}", quoted(&self.text(column))),
            };
            self.note(self.name(column), found, ID_ALLOWED);
        }
        id
    }

    /// An id that may be left empty, or whose column may be missing.
    pub(super) fn optional_id(&mut self, column: usize) -> Option<u64> {
        if self.bytes(column).is_empty() { None } else { self.id(column) }
    }

    pub(super) fn time(&mut self, column: usize) -> u32 {
        let bytes = self.bytes(column);
        if let Some(time) = parse_id(bytes).and_then(|time| u32::try_from(time).ok()) {
            return time;
        }
        match read_time(&self.text(column)) {
            Ok(time) => time,
            Err((found, allowed)) => {
                self.note(self.name(column), found, allowed);
                0
            }
        }
    }

    pub(super) fn money(&mut self, column: usize) -> i64 {
        match parse_units(self.bytes(column)) {
            Ok(units) => units,
            Err(problem) => {
                let (found, allowed) = problem.describe(&self.text(column));
                self.note(self.name(column), found, allowed);
                0
            }
        }
    }

    pub(super) fn cost(&mut self, column: usize) -> i64 {
        let units = self.money(column);
        if units < 0 {
            let found = format!("{} is negative", quoted(&self.text(column)));
            self.note(self.name(column), found, "0 or more");
            return 0;
        }
        units
    }

    /// A cost that may be left empty, or whose column may be missing.
    pub(super) fn optional_cost(&mut self, column: usize) -> Option<i64> {
        if self.bytes(column).is_empty() { None } else { Some(self.cost(column)) }
    }

    /// A flag that may be left empty (0), or whose column may be missing.
    pub(super) fn flag(&mut self, column: usize) -> bool {
        match self.bytes(column) {
            b"" | b"0" => false,
            b"1" => true,
            _ => {
                let found = format!("found {}", quoted(&self.text(column)));
                self.note(self.name(column), found, "0 or 1");
                false
            }
        }
    }
}

#[inline]
fn parse_id(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    let digits = |value: u64, byte: &u8| {
        byte.is_ascii_digit().then(|| value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')))
    };
    if bytes.len() < 20 {
        // 19 digits cannot overflow.
        return bytes.iter().try_fold(0, digits);
    }
    bytes.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// The line on which each row began: rows mostly follow line by line, so only the others are kept.
#[derive(Debug, Default)]
pub(super) struct LineMap {
    /// From this row on, a row's line is the row plus so many.
    shifts: Vec<(usize, u64)>,
}

impl LineMap {
    pub(super) fn note(&mut self, row: usize, line: u64) {
        // Wrapping, since rows can outnumber lines only where lines are not told apart.
        let shift = line.wrapping_sub(row as u64);
        if self.shifts.last().is_none_or(|(_, last)| *last != shift) {
            self.shifts.push((row, shift));
        }
    }

    /// Notes the lines of further rows, which are the rows from `first_row` on and count their
    /// lines from `first_line` on.
    pub(super) fn append(&mut self, more: &Self, first_row: usize, first_line: u64) {
        for (row, shift) in &more.shifts {
            let line = first_line + row_line(*row, *shift) - 1;
            self.note(first_row + row, line);
        }
    }

    pub(super) fn line(&self, row: usize) -> u64 {
        let at = self.shifts.partition_point(|(from, _)| *from <= row);
        let shift = at.checked_sub(1).map_or(0, |at| self.shifts[at].1);
        row_line(row, shift)
    }
}

fn row_line(row: usize, shift: u64) -> u64 {
    shift.wrapping_add(row as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_reach_to_the_end_of_64_bits_and_no_further() {
        assert_eq!(parse_id(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_id(b"00000000000000000000000000007"), Some(7));
        for text in ["", "-1", "1 ", "18446744073709551616", "99999999999999999999", "1.0"] {
            assert_eq!(parse_id(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn lines_are_found_again() {
        let mut lines = LineMap::default();
        for (row, line) in [(0, 2), (1, 3), (2, 7), (3, 8), (4, 8)] {
            lines.note(row, line);
        }
        assert_eq!([0, 1, 2, 3, 4].map(|row| lines.line(row)), [2, 3, 7, 8, 8]);
    }
}
