//! A CSV file read by the names in its header, on several threads where it can be.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use csv::ByteRecord;
use flate2::bufread::MultiGzDecoder;

use super::row::{Column, Header, LineMap, Row, RowDefects};
use crate::engine::parallel::in_order;
use crate::ground::error::{Defect, Defects, Error};

/// How many bytes are read at a time.
const BUFFER: usize = 1 << 18;

/// A file is read in blocks of so many bytes.
const BLOCK: u64 = 1 << 21;

/// Rows that are handed on at a time where a file is read in one go.
const ROWS_AT_A_TIME: usize = 1 << 15;

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
    pub(super) header: Header,
    path: PathBuf,
    reader: CsvReader<Box<dyn Read>>,
    bytes: Rc<Cell<u64>>,
    /// How long the file is, where it can be read from any place: not zipped, no pipe.
    plain_size: Option<u64>,
}

/// Some rows as their reader left them.
pub(super) struct Rows<T> {
    pub(super) data: T,
    /// The line of each row, counted from the first of these.
    pub(super) lines: LineMap,
    pub(super) first_line: u64,
    /// How far into the file they reach, in bytes.
    pub(super) end: u64,
}

/// Reads the fields of a row into `T`.
pub(super) trait RowReader<T>: Sync {
    /// Something to read rows into.
    fn begin(&self) -> T;

    /// Reads a row that has been found sound, as the `index`th of these.
    fn read(&self, data: &mut T, row: &mut Row<'_>);

    /// How many rows there are.
    fn rows(&self, data: &T) -> usize;

    /// Notes that a row was not sound.
    fn skip(&self, data: &mut T);
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
        let opened = File::open(path).and_then(|opened| {
            let metadata = opened.metadata()?;
            if metadata.is_dir() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            Ok((opened, metadata.is_file().then_some(metadata.len())))
        });
        let (opened, size) = opened.map_err(|source| {
            let found = format!("the file cannot be opened ({source})");
            Error::input(&file, found, "a readable file")
        })?;
        let bytes = Rc::new(Cell::new(0));
        let counted = Counted { file: opened, bytes: Rc::clone(&bytes) };
        let mut buffered = BufReader::with_capacity(BUFFER, counted);
        let zipped = buffered.fill_buf().map_err(Error::io(&file))?.starts_with(&GZIP);
        let input: Box<dyn Read> =
            if zipped { Box::new(MultiGzDecoder::new(buffered)) } else { Box::new(buffered) };
        let header = Header { file, columns, places: Vec::new(), width: 0 };
        let plain_size = size.filter(|_| !zipped);
        let mut table = Self {
            header,
            path: path.to_owned(),
            reader: csv_reader(input, true),
            bytes,
            plain_size,
        };
        Ok(table.read_header(also_required, defects)?.then_some(table))
    }

    fn read_header(
        &mut self,
        also_required: &[&str],
        defects: &mut Defects,
    ) -> Result<bool, Error> {
        let before = defects.total();
        let names = match self.reader.byte_headers() {
            Ok(names) => names.clone(),
            Err(error) => {
                defects.push(bad_end(&self.header.file, error, 1)?);
                return Ok(false);
            }
        };
        let line = first_line_of(&names, &self.reader);
        let place = |column: &str| format!("{}:{line}: {column}", self.header.file);
        if names.is_empty() {
            let allowed = "a line with the names of the columns";
            defects.push(Defect::new(place("header"), "found no bytes", allowed));
            return Ok(false);
        }
        let names: Vec<&[u8]> = names.iter().map(<[u8]>::trim_ascii).collect();
        for (index, name) in names.iter().enumerate() {
            if std::str::from_utf8(name).is_err() {
                let found = format!("found bytes that are not UTF-8 in column {}", index + 1);
                defects.push(Defect::new(place("header"), found, "UTF-8"));
            }
        }
        let mut places = Vec::new();
        for column in self.header.columns {
            let named = |(_, name): &(usize, &&[u8])| **name == column.name.as_bytes();
            let mut found = names.iter().enumerate().filter(named);
            let first = found.next().map(|(index, _)| index);
            if let Some((again, _)) = found.next() {
                let found = format!("found the column again as column {}", again + 1);
                defects.push(Defect::new(place(column.name), found, "each column once"));
            }
            if first.is_none() && (column.required || also_required.contains(&column.name)) {
                let found = format!("found no such column among {} in the header", names.len());
                defects.push(Defect::new(place(column.name), found, "a header with this column"));
            }
            places.push(first);
        }
        self.header.places = places;
        self.header.width = names.len();
        Ok(defects.total() == before)
    }

    /// Reads all rows, handing them on to `take` in order, some at a time.
    pub(super) fn read_rows<T: Send>(
        self,
        rows: &impl RowReader<T>,
        threads: usize,
        defects: &mut Defects,
        mut take: impl FnMut(Rows<T>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let start = self.reader.position().byte();
        let line = self.reader.position().line();
        let blocks = self.plain_size.map_or(0, |size| size.saturating_sub(start).div_ceil(BLOCK));
        if threads < 2 || blocks < 2 {
            let Self { header, reader, bytes, .. } = self;
            return read_on(&header, reader, 1, rows, defects, &|| bytes.get(), &mut take);
        }
        let size = self.plain_size.unwrap_or(0);
        let blocks = Blocks { path: &self.path, start, size };
        let header = &self.header;
        // The line at which the next block begins; and where a block has quotes, which may hide
        // line breaks, and from where on the rest is read in one go.
        let (mut line, mut quoted_from) = (line, None);
        let outcome = in_order(
            blocks.count(),
            threads,
            || (),
            |(), block| Ok((block, blocks.read(block, header, rows)?)),
            |(block, read)| {
                let Some((data, lines, row_defects, breaks)) = read else {
                    quoted_from = Some(blocks.first_record(block)?);
                    return Err(Error::Cancelled);
                };
                row_defects.report(&header.file, line, defects);
                let end = (start + (block as u64 + 1) * BLOCK).min(size);
                take(Rows { data, lines, first_line: line, end })?;
                line += breaks;
                Ok(())
            },
        );
        let Some(offset) = quoted_from else { return outcome.map(|_| ()) };
        let mut file = File::open(&self.path).map_err(Error::io(&header.file))?;
        file.seek(SeekFrom::Start(offset)).map_err(Error::io(&header.file))?;
        let bytes = Rc::new(Cell::new(offset));
        let counted: Box<dyn Read> = Box::new(Counted { file, bytes: Rc::clone(&bytes) });
        let reader = csv_reader(counted, false);
        read_on(header, reader, line, rows, defects, &|| bytes.get(), &mut take)
    }
}

/// A reader that ends rows at line feeds alone, with one added at the end, so that its count of
/// lines tells where each row was. A row's last field may so end with a carriage return.
fn csv_reader<R: Read>(input: R, has_headers: bool) -> CsvReader<R> {
    csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(has_headers)
        .terminator(csv::Terminator::Any(b'\n'))
        .buffer_capacity(BUFFER)
        .from_reader(input.chain(&b"\n"[..]))
}

type CsvReader<R> = csv::Reader<io::Chain<R, &'static [u8]>>;

/// The line on which a row that has just been read began. Where the reader said it did, there may
/// have been blank lines.
fn first_line_of(record: &ByteRecord, reader: &csv::Reader<impl Read>) -> u64 {
    let within = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
    reader.position().line().saturating_sub(within + 1).max(1)
}

/// Reads rows to the end of a reader; its lines count from `first_line` on.
fn read_on<T>(
    header: &Header,
    mut reader: csv::Reader<impl Read>,
    first_line: u64,
    rows: &impl RowReader<T>,
    defects: &mut Defects,
    bytes: &dyn Fn() -> u64,
    take: &mut impl FnMut(Rows<T>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut record = ByteRecord::new();
    loop {
        let (mut data, mut lines) = (rows.begin(), LineMap::default());
        let mut row_defects = RowDefects::default();
        let mut more = true;
        let mut count = 0;
        let mut bad_ending = None;
        while more && count < ROWS_AT_A_TIME {
            match read_row(
                header,
                &mut reader,
                &mut record,
                rows,
                &mut data,
                &mut lines,
                &mut row_defects,
            ) {
                Ok(read) => more = read,
                Err(error) => {
                    let line = first_line + reader.position().line() - 1;
                    bad_ending = Some(bad_end(&header.file, error, line)?);
                    more = false;
                }
            }
            count += 1;
        }
        row_defects.report(&header.file, first_line, defects);
        if let Some(defect) = bad_ending {
            defects.push(defect);
        }
        take(Rows { data, lines, first_line, end: bytes() })?;
        if !more {
            return Ok(());
        }
    }
}

/// Reads one row; false at the end.
fn read_row<T>(
    header: &Header,
    reader: &mut csv::Reader<impl Read>,
    record: &mut ByteRecord,
    rows: &impl RowReader<T>,
    data: &mut T,
    lines: &mut LineMap,
    defects: &mut RowDefects,
) -> Result<bool, csv::Error> {
    if !reader.read_byte_record(record)? {
        return Ok(false);
    }
    if record.len() == 1 && record.get(0).is_some_and(|field| matches!(field, b"" | b"\r")) {
        // A blank line.
        return Ok(true);
    }
    let line = first_line_of(record, reader);
    let mut row = Row::new(header, record, line, defects);
    if row.is_sound() {
        lines.note(rows.rows(data), line);
        rows.read(data, &mut row);
    } else {
        rows.skip(data);
    }
    Ok(true)
}

/// A file that cannot be read to its end: its own fault is a defect, the system's an error.
fn bad_end(file: &str, error: csv::Error, line: u64) -> Result<Defect, Error> {
    let csv::ErrorKind::Io(source) = error.into_kind() else {
        return Err(Error::Internal(format!("{file}:{line}: the row could not be read")));
    };
    let place = format!("{file}:{line}: file");
    match source.kind() {
        io::ErrorKind::UnexpectedEof => {
            Ok(Defect::new(place, "found a truncated gzip", "a whole one"))
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Ok(Defect::new(place, format!("found a damaged gzip ({source})"), "a whole one"))
        }
        _ => Err(Error::Io { what: file.to_owned(), source }),
    }
}

/// A plain file in blocks. A row belongs to the block in which it begins.
struct Blocks<'a> {
    path: &'a Path,
    /// Where the first row begins.
    start: u64,
    size: u64,
}

/// The rows of a block, their lines and defects, and how many line breaks there are.
type BlockRows<T> = (T, LineMap, RowDefects, u64);

impl Blocks<'_> {
    fn count(&self) -> usize {
        (self.size - self.start).div_ceil(BLOCK) as usize
    }

    /// The bytes of the rows that begin in a block, and where they begin.
    fn bytes(&self, block: usize) -> io::Result<(Vec<u8>, u64)> {
        let from = self.start + block as u64 * BLOCK;
        let to = (from + BLOCK).min(self.size);
        let mut file = File::open(self.path)?;
        // A row begins after a line break, which may be the last byte of the block before.
        let mut begin = from;
        if block > 0 {
            file.seek(SeekFrom::Start(from - 1))?;
            begin = from - 1 + to_line_break(&mut BufReader::new(&mut file), &mut Vec::new())?;
        }
        let mut bytes = Vec::with_capacity((to.saturating_sub(begin)) as usize + 256);
        if begin >= to {
            return Ok((bytes, begin));
        }
        file.seek(SeekFrom::Start(begin))?;
        let mut rest = BufReader::new(file);
        (&mut rest).take(to - begin).read_to_end(&mut bytes)?;
        if bytes.last() != Some(&b'\n') {
            to_line_break(&mut rest, &mut bytes)?;
        }
        Ok((bytes, begin))
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> Error {
        Error::io(self.path.display().to_string())
    }

    fn first_record(&self, block: usize) -> Result<u64, Error> {
        Ok(self.bytes(block).map_err(self.failed())?.1)
    }

    /// Reads the rows of a block; None where there are quotes.
    fn read<T>(
        &self,
        block: usize,
        header: &Header,
        rows: &impl RowReader<T>,
    ) -> Result<Option<BlockRows<T>>, Error> {
        let (bytes, _) = self.bytes(block).map_err(self.failed())?;
        if bytes.contains(&b'"') {
            return Ok(None);
        }
        let breaks = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let mut reader = csv_reader(&bytes[..], false);
        let mut record = ByteRecord::new();
        let (mut data, mut lines) = (rows.begin(), LineMap::default());
        let mut defects = RowDefects::default();
        loop {
            let more = read_row(
                header,
                &mut reader,
                &mut record,
                rows,
                &mut data,
                &mut lines,
                &mut defects,
            );
            match more {
                Ok(true) => {}
                Ok(false) => return Ok(Some((data, lines, defects, breaks))),
                Err(error) => return Err(self.failed()(error.into())),
            }
        }
    }
}

/// Appends all up to and with the next line break, or the end; gives how much that was.
fn to_line_break(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<u64> {
    reader.read_until(b'\n', bytes).map(|read| read as u64)
}
