//! A real workbook, in constant memory: rows go to a file of the system's temporary folder as they
//! come, and a further sheet begins when one is full.

use std::io::{self, Seek, Write};
use std::panic::{self, AssertUnwindSafe};

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::{COLUMNS, Credited, SnapshotRow};
use crate::ground::error::Error;

/// A sheet has 1,048,576 rows, one of them the header.
const ROWS_PER_SHEET: u32 = 1_048_575;

/// The creation time written into every workbook, so that the same rows give the same bytes.
const CREATED: i64 = 946_684_800;

/// Spreadsheets keep 15 digits of a number; a longer id is written as text.
const LONGEST_NUMBER: u64 = 999_999_999_999_999;

pub(super) struct XlsxExport<W: Write> {
    writer: W,
    workbook: Workbook,
    formats: Formats,
    rows_per_sheet: u32,
    sheets: usize,
    /// Rows of the newest sheet, without the header.
    rows: u32,
}

impl<W: Write> std::fmt::Debug for XlsxExport<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XlsxExport")
            .field("sheets", &self.sheets)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

struct Formats {
    header: Format,
    hour: Format,
    whole: Format,
    amount: Format,
    percent: Format,
}

fn failed(error: XlsxError) -> Error {
    Error::io("export")(match error {
        XlsxError::IoError(error) => error,
        error => io::Error::other(error.to_string()),
    })
}

/// Does a piece of the library's work. It panics where its temporary file cannot be written, as on
/// a full disk; here that becomes an error, and the workbook, which may be torn, is never saved.
fn contained<R>(work: impl FnOnce() -> Result<R, XlsxError>) -> Result<(), Error> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map(|_| ()).map_err(failed),
        Err(_) => Err(Error::io("export")(io::Error::other(
            "the workbook's temporary file could not be written; is the disk full?",
        ))),
    }
}

impl<W: Write> XlsxExport<W> {
    pub(super) fn new(writer: W) -> Result<Self, Error> {
        Self::with_rows_per_sheet(writer, ROWS_PER_SHEET)
    }

    fn with_rows_per_sheet(writer: W, rows_per_sheet: u32) -> Result<Self, Error> {
        let mut workbook = Workbook::new();
        let created = ExcelDateTime::from_timestamp(CREATED).map_err(failed)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
        let formats = Formats {
            header: Format::new().set_bold(),
            hour: Format::new().set_num_format("yyyy-mm-dd hh:mm"),
            whole: Format::new().set_num_format("0"),
            amount: Format::new().set_num_format("0.0000"),
            percent: Format::new().set_num_format("0.00"),
        };
        let mut export = Self { writer, workbook, formats, rows_per_sheet, sheets: 0, rows: 0 };
        export.add_sheet()?;
        Ok(export)
    }

    fn add_sheet(&mut self) -> Result<(), Error> {
        self.sheets += 1;
        self.rows = 0;
        let name = match self.sheets {
            1 => "Snapshots".to_owned(),
            more => format!("Snapshots {more}"),
        };
        let sheet = self.workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_name(name).map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        for (column, title) in (0_u16..).zip(COLUMNS) {
            let width = if column == 0 { 17 } else { title.len().max(12) as u32 };
            sheet.set_column_width(column, width).map_err(failed)?;
            sheet
                .write_string_with_format(0, column, title, &self.formats.header)
                .map_err(failed)?;
        }
        Ok(())
    }

    pub(super) fn write(&mut self, row: &SnapshotRow<'_>, credited: Credited) -> Result<(), Error> {
        if self.rows == self.rows_per_sheet {
            self.add_sheet()?;
        }
        self.rows += 1;
        let number = self.rows;
        let sheet = self.workbook.worksheet_from_index(self.sheets - 1).map_err(failed)?;
        let formats = &self.formats;
        contained(|| write_row(sheet, number, row, credited, formats))
    }

    pub(super) fn finish(mut self) -> Result<W, Error> {
        // A workbook is a zip, which is written with seeks; the writer may not be able to.
        let mut file = tempfile::tempfile().map_err(Error::io("export"))?;
        let workbook = &mut self.workbook;
        contained(|| workbook.save_to_writer(&mut file))?;
        file.rewind()
            .and_then(|()| io::copy(&mut file, &mut self.writer))
            .and_then(|_| self.writer.flush())
            .map_err(Error::io("export"))?;
        Ok(self.writer)
    }
}

fn write_row(
    sheet: &mut Worksheet,
    number: u32,
    row: &SnapshotRow<'_>,
    credited: Credited,
    formats: &Formats,
) -> Result<(), XlsxError> {
    let snapshot = &row.snapshot;
    let hour = ExcelDateTime::from_timestamp(i64::from(snapshot.date_hour))?;
    sheet.write_datetime_with_format(number, 0, &hour, &formats.hour)?;
    // A string cell is never a formula, whatever it begins with.
    sheet.write_string(number, 1, row.model)?;
    sheet.write_string(number, 2, snapshot.scope.scope_type().name())?;
    match snapshot.scope.id() {
        None => {}
        Some(id) if id <= LONGEST_NUMBER => {
            sheet.write_number_with_format(number, 3, id as f64, &formats.whole)?;
        }
        Some(id) => {
            sheet.write_string(number, 3, id.to_string())?;
        }
    }
    let counts = [snapshot.attributed_clicks, snapshot.attributed_conversions];
    for (column, count) in (4_u16..).zip(counts) {
        sheet.write_number_with_format(number, column, count as f64, &formats.whole)?;
    }
    let skipped = usize::from(credited != Credited::Known);
    for (column, amount) in (6_u16..).zip(row.amounts()).skip(skipped) {
        let amount = amount as f64 / 10_000.0;
        sheet.write_number_with_format(number, column, amount, &formats.amount)?;
    }
    if let Some(hundredths) = row.roi_hundredths() {
        let percent = hundredths as f64 / 100.0;
        sheet.write_number_with_format(number, 10, percent, &formats.percent)?;
    }
    Ok(())
}
