//! Results as files for people and programs.

use std::ffi::{c_char, c_void};
use std::io::{self, BufWriter, Write};

use attribution_core::{Error, ExportFile, ExportFormat, SnapshotExporter, SnapshotRow};

use crate::border::{Failure, borrow, check_pointer, guard, text};
use crate::error::{attribution_error, attribution_status};
use crate::result::{Results, attribution_result};

/// The format of an export.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_format {
    /// CSV.
    ATTRIBUTION_FORMAT_CSV = 1,
    /// A workbook for spreadsheets.
    ATTRIBUTION_FORMAT_XLSX = 2,
    /// A JSON object a line.
    ATTRIBUTION_FORMAT_JSON_LINES = 3,
}

/// Takes some bytes of an export, in order; gives 0, or another number to end the export with
/// ATTRIBUTION_STATUS_IO. It is called on the thread that exports, during that call alone, must not
/// unwind or jump out, and may call the library.
pub type attribution_write =
    Option<unsafe extern "C" fn(data: *const u8, length: usize, context: *mut c_void) -> i32>;

pub(crate) fn format_of(number: u32) -> Result<ExportFormat, Failure> {
    match number {
        1 => Ok(ExportFormat::Csv),
        2 => Ok(ExportFormat::Xlsx),
        3 => Ok(ExportFormat::JsonLines),
        other => {
            let allowed = "one of the ATTRIBUTION_FORMAT_ numbers";
            Err(Failure::argument("format", format!("found {other}"), allowed))
        }
    }
}

/// Hands out every snapshot of a result, model by model.
fn each_row(
    results: &Results,
    mut take: impl FnMut(&SnapshotRow<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    for model in &results.models {
        for snapshot in &model.snapshots {
            take(&SnapshotRow { model: &model.name, snapshot: *snapshot })?;
        }
    }
    Ok(())
}

/// Says how many rows there were, where that is wanted.
///
/// # Safety
/// Where it is not NULL, `rows` can be written to.
unsafe fn tell_rows(rows: *mut u64, count: u64) -> Result<(), Failure> {
    if rows.is_null() {
        return Ok(());
    }
    check_pointer(rows.cast_const(), "rows")?;
    // SAFETY: not NULL and aligned; the rest is the caller's promise.
    unsafe { rows.write(count) };
    Ok(())
}

/// Writes the snapshots of all models of a result to a file: aside in its folder, renamed over `path` once
/// it is whole and on the disk. `format` is one of the ATTRIBUTION_FORMAT_ numbers. `rows` may be NULL;
/// else the number of rows is written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_export_file(
    result: *const attribution_result,
    format: u32,
    path: *const c_char,
    rows: *mut u64,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (results, path) = unsafe {
            tell_rows(rows, 0)?;
            (&borrow(result)?.0, text(path, "path")?)
        };
        let mut export = ExportFile::create(format_of(format)?, path)?;
        each_row(results, |row| export.write(row))?;
        let count = export.commit()?;
        // SAFETY: the caller's promise.
        unsafe { tell_rows(rows, count) }
    })
}

/// What a caller's function takes.
struct Callback {
    write: unsafe extern "C" fn(*const u8, usize, *mut c_void) -> i32,
    context: *mut c_void,
    /// What it gave last. Once it has failed it is not called again, as buffers do when they are dropped.
    gave: i32,
}

impl Write for Callback {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gave == 0 {
            // SAFETY: the caller's function, with the caller's context and bytes that are there meanwhile.
            self.gave = unsafe { (self.write)(bytes.as_ptr(), bytes.len(), self.context) };
        }
        match self.gave {
            0 => Ok(bytes.len()),
            other => Err(io::Error::other(format!("the write callback gave {other}"))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As attribution_result_export_file, through a function that takes the bytes, with a pointer of the
/// caller's that it is given each time. Where the export fails, what was given so far is no whole export.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_result_export(
    result: *const attribution_result,
    format: u32,
    write: attribution_write,
    context: *mut c_void,
    rows: *mut u64,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let results = unsafe {
            tell_rows(rows, 0)?;
            &borrow(result)?.0
        };
        let Some(write) = write else {
            return Err(Failure::argument("write", "found NULL", "a function"));
        };
        let writer = BufWriter::new(Callback { write, context, gave: 0 });
        let mut exporter = SnapshotExporter::new(format_of(format)?, writer)?;
        each_row(results, |row| exporter.write(row))?;
        let count = exporter.rows();
        let mut writer = exporter.finish()?;
        writer.flush().map_err(|source| Error::Io { what: "export".to_owned(), source })?;
        // SAFETY: the caller's promise.
        unsafe { tell_rows(rows, count) }
    })
}
