//! A CSV file read by the names in its header, with every defect noted by file, line and column.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use csv::ByteRecord;
use flate2::bufread::MultiGzDecoder;

use crate::ground::error::{Defect, Defects, Error, quoted};
use crate::ground::money::parse_units;
use crate::ground::time::read_time;

/// A column that a file has or may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) required: bool,
}

/// How many bytes are read at a time.
const BUFFER: usize = 1 << 18;

/// Lets the number of bytes read so far be seen while reading goes on.
struct Counted {
    file: File,
    bytes: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

/// An open file whose header has been read.
pub(super) struct Table {
    /// As the user named it, for messages.
    file: String,
    reader: csv::Reader<Box<dyn Read>>,
    columns: &'static [Column],
    /// Per column: where a row has it.
    places: Vec<Option<usize>>,
    /// How many fields a row has.
    width: usize,
    bytes: Rc<Cell<u64>>,
}

const GZIP: [u8; 2] = [0x1f, 0x8b];

impl Table {
    /// Opens a plain or gzip file and finds the columns in its header. None when the header is not
    /// good, which is then among the defects.
    pub(super) fn open(
        path: &Path,
        columns: &'static [Column],
        also_required: &[&str],
        defects: &mut Defects,
    ) -> Result<Option<Self>, Error> {
        let file = path.display().to_string();
        let opened = File::open(path)
            .and_then(|opened| match opened.metadata()?.is_dir() {
                true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
                false => Ok(opened),
            })
            .map_err(|source| {
                Error::input(
                    &file,
                    format!("the file cannot be opened ({source})"),
                    "a readable file",
                )
            })?;
        let bytes = Rc::new(Cell::new(0));
        let counted = Counted { file: opened, bytes: Rc::clone(&bytes) };
        let mut buffered = BufReader::with_capacity(BUFFER, counted);
        let zipped = buffered.fill_buf().map_err(Error::io(&file))?.starts_with(&GZIP);
        let input: Box<dyn Read> =
            if zipped { Box::new(MultiGzDecoder::new(buffered)) } else { Box::new(buffered) };
        let reader =
            csv::ReaderBuilder::new().flexible(true).buffer_capacity(BUFFER).from_reader(input);
        let mut table = Self { file, reader, columns, places: Vec::new(), width: 0, bytes };
        Ok(table.read_header(also_required, defects)?.then_some(table))
    }

    fn read_header(
        &mut self,
        also_required: &[&str],
        defects: &mut Defects,
    ) -> Result<bool, Error> {
        let before = defects.total();
        let header = match self.reader.byte_headers() {
            Ok(header) => header.clone(),
            Err(error) => {
                self.failed(error, 1, defects)?;
                return Ok(false);
            }
        };
        let line = header.position().map_or(1, csv::Position::line);
        let place = |column: &str| format!("{}:{line}: {column}", self.file);
        if header.is_empty() {
            let allowed = "a line with the names of the columns";
            defects.push(Defect::new(place("header"), "found no bytes", allowed));
            return Ok(false);
        }
        let names: Vec<&[u8]> = header.iter().map(<[u8]>::trim_ascii).collect();
        for (index, name) in names.iter().enumerate() {
            if std::str::from_utf8(name).is_err() {
                let found = format!("found bytes that are not UTF-8 in column {}", index + 1);
                defects.push(Defect::new(place("header"), found, "UTF-8"));
            }
        }
        for column in self.columns {
            let mut found =
                names.iter().enumerate().filter(|(_, name)| **name == column.name.as_bytes());
            let first = found.next().map(|(index, _)| index);
            if let Some((again, _)) = found.next() {
                let found = format!("found the column again as column {}", again + 1);
                defects.push(Defect::new(place(column.name), found, "each column once"));
            }
            if first.is_none() && (column.required || also_required.contains(&column.name)) {
                let found = format!("found no such column among {} in the header", names.len());
                defects.push(Defect::new(place(column.name), found, "a header with this column"));
            }
            self.places.push(first);
        }
        self.width = names.len();
        Ok(defects.total() == before)
    }

    /// How many bytes of the file have been read.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Whether the header has the column.
    pub(super) fn has(&self, column: usize) -> bool {
        self.places[column].is_some()
    }

    /// Reads the next row. None at the end, or where the file ends badly, which is then noted.
    pub(super) fn next<'r>(
        &'r mut self,
        record: &'r mut ByteRecord,
        defects: &'r mut Defects,
    ) -> Result<Option<Row<'r>>, Error> {
        let line = self.reader.position().line();
        match self.reader.read_byte_record(record) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) => {
                self.failed(error, line, defects)?;
                return Ok(None);
            }
        }
        let line = record.position().map_or(line, csv::Position::line);
        let mut row = Row { table: self, record, line, defects, sound: true };
        row.check_shape();
        Ok(Some(row))
    }

    /// A file that cannot be read to its end: its own fault is a defect, the system's an error.
    fn failed(&self, error: csv::Error, line: u64, defects: &mut Defects) -> Result<(), Error> {
        let csv::ErrorKind::Io(source) = error.into_kind() else {
            return Err(Error::Internal(format!(
                "{}:{line}: the row could not be read",
                self.file
            )));
        };
        let place = format!("{}:{line}: file", self.file);
        match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                defects.push(Defect::new(place, "found a truncated gzip", "a whole one"));
                Ok(())
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                let found = format!("found a damaged gzip ({source})");
                defects.push(Defect::new(place, found, "a whole one"));
                Ok(())
            }
            _ => Err(Error::Io { what: self.file.clone(), source }),
        }
    }
}

/// A row, whose fields are read by column. A field that is not good is noted and reads as 0.
pub(super) struct Row<'r> {
    table: &'r Table,
    record: &'r ByteRecord,
    line: u64,
    defects: &'r mut Defects,
    sound: bool,
}

const ID_ALLOWED: &str = "a whole number from 0 to 18446744073709551615";

impl Row<'_> {
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    fn note(&mut self, column: &str, found: impl Into<String>, allowed: &str) {
        self.sound = false;
        let place = format!("{}:{}: {column}", self.table.file, self.line);
        self.defects.push(Defect::new(place, found, allowed));
    }

    fn check_shape(&mut self) {
        let (found, width) = (self.record.len(), self.table.width);
        if found != width {
            let fields = if found == 1 { "1 field".into() } else { format!("{found} fields") };
            self.note("row", format!("found {fields}"), &format!("{width}, as in the header"));
        }
        if self.record.as_slice().is_ascii() {
            return;
        }
        let known = |index: usize| {
            let column = self.table.places.iter().position(|place| *place == Some(index));
            column.map_or_else(
                || format!("column {}", index + 1),
                |at| self.table.columns[at].name.into(),
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
        self.table.places[column].and_then(|place| self.record.get(place)).unwrap_or_default()
    }

    fn text(&self, column: usize) -> String {
        String::from_utf8_lossy(self.bytes(column)).into_owned()
    }

    fn name(&self, column: usize) -> &'static str {
        self.table.columns[column].name
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
        let shift = line - row as u64;
        if self.shifts.last().is_none_or(|(_, last)| *last != shift) {
            self.shifts.push((row, shift));
        }
    }

    pub(super) fn line(&self, row: usize) -> u64 {
        let at = self.shifts.partition_point(|(from, _)| *from <= row);
        let shift = at.checked_sub(1).map_or(0, |at| self.shifts[at].1);
        row as u64 + shift
    }
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
