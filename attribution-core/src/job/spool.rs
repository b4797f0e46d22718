//! Records that are set aside, in memory while they are few and in a file when they are many.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;

use crate::ground::error::Error;

/// The most words that a record may have.
const MOST_WORDS: usize = 6;
/// From this size on records go to a file.
const MOST_BYTES: usize = 4 << 20;

/// A fixed number of 64-bit words.
pub(crate) trait Record: Copy {
    /// How many words it has, at most [`MOST_WORDS`].
    const WORDS: usize;
    fn to_words(self, words: &mut [u64]);
    fn from_words(words: &[u64]) -> Self;
}

/// Records in the order they came, to be read any number of times.
#[derive(Debug)]
pub(crate) struct Spool<R> {
    /// Those that are not in the file; all of them while there is none.
    recent: Vec<R>,
    file: Option<BufWriter<File>>,
    filed: u64,
    most: usize,
}

/// The system's temporary folder is what has to have room.
fn aside() -> impl FnOnce(std::io::Error) -> Error {
    Error::io("a temporary file for what does not fit in memory")
}

impl<R: Record> Spool<R> {
    pub(crate) fn new() -> Self {
        Self::holding(MOST_BYTES / (R::WORDS * 8))
    }

    fn holding(most: usize) -> Self {
        Self { recent: Vec::new(), file: None, filed: 0, most }
    }

    /// All of these, straight into a file.
    pub(crate) fn filed(records: &[R]) -> Result<Self, Error> {
        let mut spool = Self::new();
        spool.recent.extend_from_slice(records);
        spool.file_recent()?;
        spool.recent.shrink_to_fit();
        Ok(spool)
    }

    pub(crate) fn len(&self) -> u64 {
        self.filed + self.recent.len() as u64
    }

    pub(crate) fn push(&mut self, record: R) -> Result<(), Error> {
        self.recent.push(record);
        if self.recent.len() >= self.most { self.file_recent() } else { Ok(()) }
    }

    fn file_recent(&mut self) -> Result<(), Error> {
        if self.file.is_none() {
            let file = tempfile::tempfile().map_err(aside())?;
            self.file = Some(BufWriter::with_capacity(1 << 16, file));
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut words = [0; MOST_WORDS];
        let mut bytes = [0; MOST_WORDS * 8];
        for record in &self.recent {
            record.to_words(&mut words[..R::WORDS]);
            for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
                place.copy_from_slice(&word.to_le_bytes());
            }
            file.write_all(&bytes[..R::WORDS * 8]).map_err(aside())?;
        }
        file.flush().map_err(aside())?;
        self.filed += self.recent.len() as u64;
        self.recent.clear();
        Ok(())
    }

    /// Reads from the first record on. One reader at a time, as they share the file's place.
    pub(crate) fn read(&mut self) -> Result<SpoolReader<'_, R>, Error> {
        let file = match &self.file {
            Some(file) => {
                let mut file = file.get_ref();
                file.seek(SeekFrom::Start(0)).map_err(aside())?;
                Some(BufReader::with_capacity(1 << 16, file))
            }
            None => None,
        };
        Ok(SpoolReader { file, filed: self.filed, recent: self.recent.iter(), kind: PhantomData })
    }
}

/// The records of a spool, one after the other.
pub(crate) struct SpoolReader<'a, R> {
    file: Option<BufReader<&'a File>>,
    filed: u64,
    recent: std::slice::Iter<'a, R>,
    kind: PhantomData<R>,
}

impl<R: Record> SpoolReader<'_, R> {
    pub(crate) fn next(&mut self) -> Result<Option<R>, Error> {
        let Some(file) = self.file.as_mut().filter(|_| self.filed > 0) else {
            return Ok(self.recent.next().copied());
        };
        self.filed -= 1;
        let mut bytes = [0; MOST_WORDS * 8];
        let bytes = &mut bytes[..R::WORDS * 8];
        file.read_exact(bytes).map_err(aside())?;
        let mut words = [0; MOST_WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut eight = [0; 8];
            eight.copy_from_slice(bytes);
            *word = u64::from_le_bytes(eight);
        }
        Ok(Some(R::from_words(&words[..R::WORDS])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Record for u64 {
        const WORDS: usize = 1;
        fn to_words(self, words: &mut [u64]) {
            words[0] = self;
        }
        fn from_words(words: &[u64]) -> Self {
            words[0]
        }
    }

    #[test]
    fn what_goes_in_comes_out_in_order_and_again() {
        for (count, most) in [(0, 4), (3, 4), (4, 4), (11, 4), (11, 100)] {
            let mut spool = Spool::holding(most);
            for record in 0..count {
                spool.push(record).unwrap();
            }
            assert_eq!(spool.len(), count);
            for _ in 0..2 {
                let mut reader = spool.read().unwrap();
                let mut seen = Vec::new();
                while let Some(record) = reader.next().unwrap() {
                    seen.push(record);
                }
                assert_eq!(seen, (0..count).collect::<Vec<_>>());
            }
        }
    }
}
