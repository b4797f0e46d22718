//! A CSV file read by the names in its header, on several threads where it can be.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

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
    /// The same file, to be read from any place.
    plain: File,
    reader: CsvReader<Box<dyn Read>>,
    bytes: Rc<Cell<u64>>,
    /// How many bytes of a byte order mark the reader has not seen.
    mark: u64,
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
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

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
        let plain = opened.try_clone().map_err(Error::io(&file))?;
        let mut counted = Counted { file: opened, bytes: Rc::clone(&bytes) };
        // A pipe may give its first bytes one by one.
        let mut first = Vec::new();
        (&mut counted).take(3).read_to_end(&mut first).map_err(Error::io(&file))?;
        let zipped = first.starts_with(&GZIP);
        let mark = if first == BYTE_ORDER_MARK { BYTE_ORDER_MARK.len() } else { 0 };
        first.drain(..mark);
        let whole = BufReader::with_capacity(BUFFER, io::Cursor::new(first).chain(counted));
        let input: Box<dyn Read> =
            if zipped { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        let header = Header { file, columns, places: Vec::new(), width: 0 };
        let plain_size = size.filter(|_| !zipped && cfg!(any(unix, windows)));
        let reader = csv_reader(input, true);
        let mark = mark as u64;
        let mut table = Self { header, plain, reader, bytes, mark, plain_size };
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
        let last = names.iter().next_back().unwrap_or_default();
        if last.ends_with(END_ROW) && last != END_ROW {
            let allowed = "text whose quotes are closed";
            defects.push(Defect::new(place("header"), "found an open quote", allowed));
            return Ok(false);
        }
        if names.is_empty() || last == END_ROW {
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
        let start = self.mark + self.reader.position().byte();
        let line = self.reader.position().line();
        let blocks = self.plain_size.map_or(0, |size| size.saturating_sub(start).div_ceil(BLOCK));
        if threads < 2 || blocks < 2 {
            let Self { header, reader, bytes, .. } = self;
            return read_on(&header, reader, 1, rows, defects, &|| bytes.get(), &mut take);
        }
        let size = self.plain_size.unwrap_or(0);
        let header = &self.header;
        let blocks = Blocks { file: &self.plain, name: &header.file, start, size };
        let before = blocks.state()?;
        // The line at which the next block begins; and where a block has quotes, which may hide
        // line breaks, and from where on the rest is read in one go.
        let (mut line, mut quoted_from) = (line, None);
        let outcome = in_order(
            blocks.count(),
            threads,
            || (),
            |(), block| Ok((block, blocks.read(block, header, rows)?)),
            |(block, read)| {
                let Some((gathered, breaks)) = read else {
                    quoted_from = Some(blocks.first_row(block)?);
                    return Err(Error::Cancelled);
                };
                // The line break put in front counts as a line.
                let first_line = line - 1;
                let Gathered { data, lines, defects: row_defects } = gathered;
                row_defects.report(&header.file, first_line, defects);
                let end = (start + (block as u64 + 1) * BLOCK).min(size);
                take(Rows { data, lines, first_line, end })?;
                line += breaks;
                Ok(())
            },
        );
        match quoted_from {
            None => outcome.map(|_| ())?,
            Some(offset) => {
                let mut file = self.plain.try_clone().map_err(Error::io(&header.file))?;
                file.seek(SeekFrom::Start(offset)).map_err(Error::io(&header.file))?;
                let bytes = Rc::new(Cell::new(offset));
                let counted = Counted { file, bytes: Rc::clone(&bytes) };
                let reader = csv_reader(after_line_break(counted), false);
                read_on(header, reader, line - 1, rows, defects, &|| bytes.get(), &mut take)?;
            }
        }
        if blocks.state()? == before {
            return Ok(());
        }
        let source = io::Error::other("the file was changed while it was read");
        Err(Error::Io { what: header.file.clone(), source })
    }
}

/// What stands behind every file: the line break that the last line may lack, and bytes that are no
/// text, which are a row of their own unless a quote before them was not closed.
const END: &[u8] = b"\n\xff\xff";
const END_ROW: &[u8] = b"\xff\xff";

/// A reader takes a byte order mark off the beginning. Only a file's own beginning may have one, so
/// for any other place a line break stands before it.
fn after_line_break<R: Read>(input: R) -> impl Read {
    (&b"\n"[..]).chain(input)
}

/// A reader that ends rows at line feeds alone, so that its count of lines tells where each row was.
/// A row's last field may so end with a carriage return. Behind the input it reads [`END`].
fn csv_reader<R: Read>(input: R, has_headers: bool) -> CsvReader<R> {
    csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(has_headers)
        .terminator(csv::Terminator::Any(b'\n'))
        .buffer_capacity(BUFFER)
        .from_reader(input.chain(END))
}

type CsvReader<R> = csv::Reader<io::Chain<R, &'static [u8]>>;

/// The line on which a row that has just been read began. Where the reader said it did, there may
/// have been blank lines.
fn first_line_of(record: &ByteRecord, reader: &csv::Reader<impl Read>) -> u64 {
    reader.position().line().saturating_sub(line_breaks(record) + 1).max(1)
}

/// The line breaks within a row.
fn line_breaks(record: &ByteRecord) -> u64 {
    record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64
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
        let mut gathered = Gathered::new(rows);
        let mut more = true;
        let mut count = 0;
        let mut bad_ending = None;
        while more && count < ROWS_AT_A_TIME {
            match read_row(header, &mut reader, &mut record, rows, &mut gathered) {
                Ok(read) => more = read,
                Err(error) => {
                    let line = first_line + reader.position().line() - 1;
                    bad_ending = Some(bad_end(&header.file, error, line)?);
                    rows.skip(&mut gathered.data);
                    more = false;
                }
            }
            count += 1;
        }
        let Gathered { data, lines, defects: row_defects } = gathered;
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

/// Rows as they are read.
struct Gathered<T> {
    data: T,
    lines: LineMap,
    defects: RowDefects,
}

impl<T> Gathered<T> {
    fn new(rows: &impl RowReader<T>) -> Self {
        Self { data: rows.begin(), lines: LineMap::default(), defects: RowDefects::default() }
    }
}

/// Reads one row; false at the end.
fn read_row<T>(
    header: &Header,
    reader: &mut csv::Reader<impl Read>,
    record: &mut ByteRecord,
    rows: &impl RowReader<T>,
    Gathered { data, lines, defects }: &mut Gathered<T>,
) -> Result<bool, csv::Error> {
    if !reader.read_byte_record(record)? {
        return Ok(false);
    }
    if record.len() == 1 && record.get(0).is_some_and(|field| matches!(field, b"" | b"\r")) {
        // A blank line.
        return Ok(true);
    }
    let last = record.len().checked_sub(1).and_then(|at| record.get(at)).unwrap_or_default();
    if last.ends_with(END_ROW) {
        let alone = record.len() == 1 && last == END_ROW;
        let began = reader.position().line().saturating_sub(line_breaks(record)).max(1);
        let more = reader.read_byte_record(record)?;
        if more || !alone {
            let found = if more { "found bytes that are no text" } else { "found an open quote" };
            defects.note(began, "row", found, "text whose quotes are closed");
            rows.skip(data);
        }
        if !more {
            return Ok(false);
        }
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
    file: &'a File,
    name: &'a str,
    /// Where the first row begins.
    start: u64,
    size: u64,
}

/// A file from some place on, whatever other threads read of it.
struct From<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.offset)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(self.file, buffer, self.offset)?;
        #[cfg(not(any(unix, windows)))]
        let read = (&mut &*self.file).read(buffer)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// The rows of a block, and how many line breaks there are.
type BlockRows<T> = (Gathered<T>, u64);

impl Blocks<'_> {
    fn count(&self) -> usize {
        (self.size - self.start).div_ceil(BLOCK) as usize
    }

    /// How long the file is and when it was last changed.
    fn state(&self) -> Result<(u64, Option<SystemTime>), Error> {
        let metadata = self.file.metadata().map_err(self.failed())?;
        Ok((metadata.len(), metadata.modified().ok()))
    }

    /// The bytes of the rows that begin in a block, and where they begin.
    fn bytes(&self, block: usize) -> io::Result<(Vec<u8>, u64)> {
        let from = self.start + block as u64 * BLOCK;
        let to = (from + BLOCK).min(self.size);
        let reader = |offset| BufReader::new(From { file: self.file, offset });
        // A row begins after a line break, which may be the last byte of the block before.
        let mut begin = from;
        if block > 0 {
            let skipped = reader(from - 1).take(to - (from - 1)).skip_until(b'\n')?;
            begin = from - 1 + skipped as u64;
        }
        let mut bytes = Vec::with_capacity((to.saturating_sub(begin)) as usize + 256);
        if begin >= to {
            return Ok((bytes, begin));
        }
        let mut rest = reader(begin);
        (&mut rest).take(to - begin).read_to_end(&mut bytes)?;
        if bytes.last() != Some(&b'\n') {
            rest.read_until(b'\n', &mut bytes)?;
        }
        Ok((bytes, begin))
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> Error {
        Error::io(self.name)
    }

    fn first_row(&self, block: usize) -> Result<u64, Error> {
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
        let mut reader = csv_reader(after_line_break(&bytes[..]), false);
        let mut record = ByteRecord::new();
        let mut gathered = Gathered::new(rows);
        loop {
            match read_row(header, &mut reader, &mut record, rows, &mut gathered) {
                Ok(true) => {}
                Ok(false) => return Ok(Some((gathered, breaks))),
                Err(error) => return Err(self.failed()(error.into())),
            }
        }
    }
}
