//! A zip archive that is written as it comes, without seeks (APPNOTE.TXT, 4.3 and 4.4).

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::ground::error::Error;

/// Fast rather than small: the rows of a table deflate well at any level.
const LEVEL: u32 = 1;
/// What a reader has to understand: deflated entries.
const VERSION: u16 = 20;
/// Sizes and checksum follow the entry; names are UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
const DEFLATED: u16 = 8;
/// 1980-01-01, the first day that a zip can say, so that the same rows give the same bytes.
const DATE: u16 = 1 << 5 | 1;

/// Counts what goes through.
#[derive(Debug)]
struct Counted<W> {
    writer: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[derive(Debug)]
struct Entry {
    name: String,
    start: u32,
    crc: u32,
    packed: u32,
    unpacked: u32,
}

#[derive(Debug)]
enum State<W: Write> {
    Between(Counted<W>),
    Within(DeflateEncoder<Counted<W>>),
    /// After a failure.
    Broken,
}

/// An archive, entry after entry.
#[derive(Debug)]
pub(super) struct Zip<W: Write> {
    state: State<W>,
    entries: Vec<Entry>,
    crc: Crc,
    /// Where the entry's data begins, and how much went into it.
    begin: u64,
    unpacked: u64,
}

fn broken() -> Error {
    Error::Io {
        what: "export".to_owned(),
        source: io::Error::other("an earlier write of the workbook failed"),
    }
}

fn short(number: u64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| {
        let found = format!("found {number} bytes");
        Error::limit("export", found, "a workbook of less than 4 GiB; CSV has no limit")
    })
}

impl<W: Write> Zip<W> {
    pub(super) fn new(writer: W) -> Self {
        Self {
            state: State::Between(Counted { writer, bytes: 0 }),
            entries: Vec::new(),
            crc: Crc::new(),
            begin: 0,
            unpacked: 0,
        }
    }

    /// Ends the entry at hand and begins the next.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), Error> {
        let mut writer = self.end()?;
        let start = short(writer.bytes)?;
        let mut head = Vec::with_capacity(30 + name.len());
        head.extend(0x0403_4b50_u32.to_le_bytes());
        for number in [VERSION, FLAGS, DEFLATED, 0, DATE] {
            head.extend(number.to_le_bytes());
        }
        head.extend([0; 12]);
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0; 2]);
        head.extend(name.as_bytes());
        writer.write_all(&head).map_err(Error::io("export"))?;
        self.begin = writer.bytes;
        self.unpacked = 0;
        self.crc.reset();
        let name = name.to_owned();
        self.entries.push(Entry { name, start, crc: 0, packed: 0, unpacked: 0 });
        self.state = State::Within(DeflateEncoder::new(writer, Compression::new(LEVEL)));
        Ok(())
    }

    /// Adds to the entry at hand.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let State::Within(encoder) = &mut self.state else { return Err(broken()) };
        self.crc.update(bytes);
        self.unpacked += bytes.len() as u64;
        encoder.write_all(bytes).map_err(Error::io("export"))
    }

    /// Ends the entry at hand, if there is one.
    fn end(&mut self) -> Result<Counted<W>, Error> {
        let encoder = match std::mem::replace(&mut self.state, State::Broken) {
            State::Between(writer) => return Ok(writer),
            State::Within(encoder) => encoder,
            State::Broken => return Err(broken()),
        };
        let mut writer = encoder.finish().map_err(Error::io("export"))?;
        let entry = self.entries.last_mut().ok_or_else(broken)?;
        entry.crc = self.crc.sum();
        entry.packed = short(writer.bytes - self.begin)?;
        entry.unpacked = short(self.unpacked)?;
        let mut descriptor = Vec::with_capacity(16);
        for number in [0x0807_4b50, entry.crc, entry.packed, entry.unpacked] {
            descriptor.extend(number.to_le_bytes());
        }
        writer.write_all(&descriptor).map_err(Error::io("export"))?;
        Ok(writer)
    }

    /// Writes the directory and gives the writer back.
    pub(super) fn finish(mut self) -> Result<W, Error> {
        let mut writer = self.end()?;
        let start = short(writer.bytes)?;
        let mut directory = Vec::new();
        for entry in &self.entries {
            directory.extend(0x0201_4b50_u32.to_le_bytes());
            for number in [VERSION, VERSION, FLAGS, DEFLATED, 0, DATE] {
                directory.extend(number.to_le_bytes());
            }
            for number in [entry.crc, entry.packed, entry.unpacked] {
                directory.extend(number.to_le_bytes());
            }
            directory.extend((entry.name.len() as u16).to_le_bytes());
            directory.extend([0; 12]);
            directory.extend(entry.start.to_le_bytes());
            directory.extend(entry.name.as_bytes());
        }
        let entries = u16::try_from(self.entries.len()).map_err(|_| {
            let found = format!("found {} parts", self.entries.len());
            Error::limit("export", found, "a workbook of at most 65535 parts")
        })?;
        let size = short(directory.len() as u64)?;
        directory.extend(0x0605_4b50_u32.to_le_bytes());
        directory.extend([0; 4]);
        directory.extend(entries.to_le_bytes());
        directory.extend(entries.to_le_bytes());
        directory.extend(size.to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend([0; 2]);
        let written = writer.write_all(&directory).and_then(|()| writer.flush());
        written.map_err(Error::io("export"))?;
        Ok(writer.writer)
    }
}
