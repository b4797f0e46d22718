//! The body of a delivery: JSON with the file in base64, made as it is read, in flat memory.

use std::io::{self, Read, Seek, SeekFrom};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::notice::WebhookNotice;

/// The bytes of the file that are encoded at a time: a multiple of 3, so that only the last chunk is
/// padded.
const CHUNK: usize = 48 * 1024;

/// The fields before the file.
#[derive(Serialize)]
struct Head<'a> {
    export_id: u64,
    model_id: u64,
    status: &'a str,
    format: &'a str,
    scope_type: &'a str,
    scope_id: Option<u64>,
    start_hour: u32,
    end_hour: u32,
    rows_exported: u64,
    file_name: &'a str,
    file_mime: &'a str,
}

/// The fields after the file.
#[derive(Serialize)]
struct Tail<'a> {
    completed_at: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    download_url: Option<&'a str>,
}

/// A delivery's body, to be read once or more.
#[derive(Debug)]
pub(super) struct Body<'f, F> {
    file: &'f mut F,
    file_bytes: u64,
    /// The JSON before and after the file's text.
    frame: [Vec<u8>; 2],
    part: Part,
    /// Text that was made and is not read yet.
    text: Vec<u8>,
    read: usize,
    raw: Vec<u8>,
    /// What the file failed with, as a reader's error does not come back from the client as it was.
    pub(super) fault: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    File { left: u64 },
    Tail,
    End,
}

impl<'f, F: Read + Seek> Body<'f, F> {
    /// A body around a file of `file_bytes` bytes.
    pub(super) fn new(
        notice: &WebhookNotice<'_>,
        file: &'f mut F,
        file_bytes: u64,
    ) -> Result<Self, serde_json::Error> {
        let mut before = serde_json::to_vec(&Head {
            export_id: notice.export_id,
            model_id: notice.model_id,
            status: notice.status,
            format: notice.format,
            scope_type: notice.scope_type,
            scope_id: notice.scope_id,
            start_hour: notice.start_hour,
            end_hour: notice.end_hour,
            rows_exported: notice.rows_exported,
            file_name: notice.file_name,
            file_mime: notice.file_mime,
        })?;
        before.pop();
        before.extend_from_slice(b",\"file_contents\":\"");
        let fields = serde_json::to_vec(&Tail {
            completed_at: notice.completed_at,
            download_url: notice.download_url.as_deref(),
        })?;
        let mut after = b"\",".to_vec();
        after.extend_from_slice(&fields[1..]);
        Ok(Self {
            file,
            file_bytes,
            frame: [before, after],
            part: Part::Head,
            text: Vec::new(),
            read: 0,
            raw: Vec::new(),
            fault: None,
        })
    }

    /// The bytes of the whole body.
    pub(super) fn length(&self) -> u64 {
        let frame = self.frame[0].len() + self.frame[1].len();
        frame as u64 + self.file_bytes.div_ceil(3) * 4
    }

    /// Whether the file is as long as was said.
    pub(super) fn file_is_whole(&mut self) -> io::Result<bool> {
        Ok(self.file.seek(SeekFrom::End(0))? == self.file_bytes)
    }

    /// Starts anew.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.part = Part::Head;
        self.text.clear();
        self.read = 0;
        Ok(())
    }

    /// The lower-case hex HMAC-SHA256 of the whole body, or nothing once `deadline` has passed.
    pub(super) fn signature(
        &mut self,
        secret: &[u8],
        deadline: Instant,
    ) -> io::Result<Option<String>> {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(io::Error::other)?;
        self.rewind()?;
        while self.fill()? {
            mac.update(&self.text);
            if Instant::now() >= deadline {
                return Ok(None);
            }
        }
        let digest = mac.finalize().into_bytes();
        let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Ok(Some(digits.map(|digit| char::from(HEX[usize::from(digit)])).collect()))
    }

    /// Makes the next text; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.read = 0;
        self.text.clear();
        match self.part {
            Part::Head => {
                self.text.extend_from_slice(&self.frame[0]);
                self.part = Part::File { left: self.file_bytes };
            }
            Part::File { left: 0 } => {
                self.text.extend_from_slice(&self.frame[1]);
                self.part = Part::Tail;
            }
            Part::File { left } => {
                let size = left.min(CHUNK as u64) as usize;
                self.raw.resize(size, 0);
                self.file.read_exact(&mut self.raw)?;
                self.text.resize(size.div_ceil(3) * 4, 0);
                STANDARD.encode_slice(&self.raw, &mut self.text).map_err(io::Error::other)?;
                self.part = Part::File { left: left - size as u64 };
            }
            Part::Tail | Part::End => self.part = Part::End,
        }
        Ok(self.part != Part::End)
    }
}

impl<F: Read + Seek> Read for Body<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.text.len() {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => {
                    self.fault = Some(error.to_string());
                    return Err(error);
                }
            }
        }
        let size = buffer.len().min(self.text.len() - self.read);
        buffer[..size].copy_from_slice(&self.text[self.read..self.read + size]);
        self.read += size;
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::time::Duration;

    use super::*;

    fn notice() -> WebhookNotice<'static> {
        WebhookNotice {
            export_id: u64::MAX,
            model_id: 2,
            status: "completed",
            format: "csv",
            scope_type: "campaign",
            scope_id: Some(9),
            start_hour: 3_600,
            end_hour: 7_200,
            rows_exported: 1,
            file_name: "a\"\n\u{e9}.csv",
            file_mime: "text/csv",
            completed_at: 8_000,
            download_url: None,
        }
    }

    fn whole(file: &[u8]) -> (Vec<u8>, u64) {
        let mut file = Cursor::new(file);
        let length = file.get_ref().len() as u64;
        let notice = notice();
        let mut body = Body::new(&notice, &mut file, length).unwrap();
        let bytes = body.length();
        let mut text = Vec::new();
        body.rewind().unwrap();
        body.read_to_end(&mut text).unwrap();
        (text, bytes)
    }

    #[test]
    fn the_fields_stand_in_the_stated_order() {
        let (text, bytes) = whole(b"a,b\n");
        let expected = "{\"export_id\":18446744073709551615,\"model_id\":2,\"status\":\"completed\",\
            \"format\":\"csv\",\"scope_type\":\"campaign\",\"scope_id\":9,\"start_hour\":3600,\
            \"end_hour\":7200,\"rows_exported\":1,\"file_name\":\"a\\\"\\n\u{e9}.csv\",\
            \"file_mime\":\"text/csv\",\"file_contents\":\"YSxiCg==\",\"completed_at\":8000}";
        assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
        assert_eq!(bytes, text.len() as u64);
    }

    #[test]
    fn files_of_any_length_are_encoded_as_if_at_once() {
        for length in [0, 1, 2, 3, 4, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 2] {
            let file: Vec<u8> = (0..length).map(|index| (index * 7 + index / 251) as u8).collect();
            let (text, bytes) = whole(&file);
            assert_eq!(bytes, text.len() as u64, "{length}");
            let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(value["file_contents"], STANDARD.encode(&file), "{length}");
        }
    }

    #[test]
    fn the_signature_is_that_of_the_bytes_that_are_read() {
        // RFC 4231, test case 2, by the same primitive.
        let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        mac.update(b"what do ya want for nothing?");
        assert_eq!(mac.finalize().into_bytes()[..4], [0x5b, 0xdc, 0xc1, 0x46]);

        let notice = notice();
        let mut file = Cursor::new(vec![7; 2 * CHUNK + 1]);
        let mut body = Body::new(&notice, &mut file, 2 * CHUNK as u64 + 1).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let signature = body.signature(b"hush", deadline).unwrap().unwrap();
        body.rewind().unwrap();
        let mut text = Vec::new();
        body.read_to_end(&mut text).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"hush").unwrap();
        mac.update(&text);
        let digest = mac.finalize().into_bytes();
        let digits = signature.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let bytes: Vec<u8> = digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect();
        assert_eq!(bytes, digest.as_slice());
        assert_eq!(signature, signature.to_lowercase());
        assert_eq!(body.signature(b"hush", Instant::now()).unwrap(), None);
    }

    #[test]
    fn a_file_that_shrank_is_an_error_and_not_an_endless_body() {
        let notice = notice();
        let mut file = Cursor::new(vec![7; 10]);
        let mut body = Body::new(&notice, &mut file, 11).unwrap();
        assert!(!body.file_is_whole().unwrap());
        body.rewind().unwrap();
        assert!(body.read_to_end(&mut Vec::new()).is_err());
        assert!(body.fault.is_some());
    }
}
