//! Snapshots as files for people and programs: CSV, XLSX and JSON Lines.

mod comparison;
mod csv;
pub(crate) mod file;
mod json_lines;
mod xlsx;

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use crate::engine::snapshot::Snapshot;
use crate::ground::error::{Error, quoted};
use crate::ground::money::{divide_half_even, write_decimal};
#[cfg(feature = "mysql")]
use crate::ground::{money::Credit, scope::Scope};
#[cfg(feature = "mysql")]
use crate::job::tables::SnapshotRecord;

/// The columns, in order.
const COLUMNS: [&str; 11] = [
    "Date (UTC)",
    "Model",
    "Scope",
    "Scope id",
    "Attributed clicks",
    "Attributed conversions",
    "Credited conversions",
    "Revenue",
    "Cost",
    "Profit",
    "ROI %",
];

/// A format that snapshots are exported in.
///
/// ```
/// use attribution_core::ExportFormat;
/// assert_eq!("xlsx".parse::<ExportFormat>()?, ExportFormat::Xlsx);
/// assert_eq!(ExportFormat::JsonLines.extension(), "jsonl");
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// Comma-separated values.
    Csv,
    /// An Excel workbook.
    Xlsx,
    /// A JSON object a line.
    JsonLines,
}

impl ExportFormat {
    /// Every format.
    ///
    /// ```
    /// use attribution_core::ExportFormat;
    /// assert!(ExportFormat::ALL.iter().all(|format| format.extension().parse::<ExportFormat>().is_ok()));
    /// ```
    pub const ALL: [Self; 3] = [Self::Csv, Self::Xlsx, Self::JsonLines];

    /// The file name's extension, which is also the format's name.
    ///
    /// ```
    /// assert_eq!(attribution_core::ExportFormat::Csv.extension(), "csv");
    /// ```
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::JsonLines => "jsonl",
        }
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.extension())
    }
}

impl FromStr for ExportFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|format| format.extension() == text).ok_or_else(|| {
            Error::input("export", format!("found {}", quoted(text)), "one of csv, xlsx, jsonl")
        })
    }
}

/// A row of an export.
///
/// ```
/// use attribution_core::{Credit, Money, Scope, Snapshot, SnapshotRow};
/// let snapshot = Snapshot {
///     scope: Scope::GLOBAL,
///     date_hour: 1_717_232_400,
///     attributed_clicks: 3,
///     attributed_conversions: 1,
///     credited_conversions: Credit::ONE,
///     revenue: Money::from_units(3_500_000),
///     cost: Money::from_units(700_000),
/// };
/// let row = SnapshotRow { model: "linear", snapshot };
/// assert_eq!(row.roi_percent().unwrap(), "400.00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotRow<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The totals.
    pub snapshot: Snapshot,
}

impl SnapshotRow<'_> {
    /// (revenue - cost) / cost * 100 with 2 decimals, half to even; none where there is no cost.
    ///
    /// ```
    /// # use attribution_core::{Credit, Money, Scope, Snapshot, SnapshotRow};
    /// # let snapshot = Snapshot { scope: Scope::GLOBAL, date_hour: 0, attributed_clicks: 1,
    /// #     attributed_conversions: 1, credited_conversions: Credit::ONE,
    /// #     revenue: Money::ZERO, cost: Money::ZERO };
    /// assert_eq!(SnapshotRow { model: "linear", snapshot }.roi_percent(), None);
    /// ```
    pub fn roi_percent(&self) -> Option<String> {
        let hundredths = self.roi_hundredths()?;
        let mut text = String::new();
        write_decimal(&mut text, hundredths, 2);
        Some(text)
    }

    /// The ROI as a count of 0.01 %.
    fn roi_hundredths(&self) -> Option<i128> {
        let cost = i128::from(self.snapshot.cost.units());
        (cost != 0).then(|| divide_half_even(self.profit_units() * 10_000, cost))
    }

    fn profit_units(&self) -> i128 {
        i128::from(self.snapshot.revenue.units()) - i128::from(self.snapshot.cost.units())
    }

    /// Credited conversions, revenue, cost and profit, each exact total rounded once to a count of
    /// 0.0001, half to even.
    fn amounts(&self) -> [i128; 4] {
        [
            i128::from(self.snapshot.credited_conversions.units()),
            i128::from(self.snapshot.revenue.units()),
            i128::from(self.snapshot.cost.units()),
            self.profit_units(),
        ]
        .map(|units| divide_half_even(units, 10))
    }

    /// As [`SnapshotRow::amounts`], as text.
    fn amount_texts(&self) -> [String; 4] {
        self.amounts().map(|count| {
            let mut text = String::new();
            write_decimal(&mut text, count, 4);
            text
        })
    }

    /// The hour as `strftime` has it, in UTC.
    fn hour(&self, format: &str) -> Result<String, Error> {
        let hour = jiff::Timestamp::from_second(i64::from(self.snapshot.date_hour));
        hour.map(|hour| hour.strftime(format).to_string())
            .map_err(|error| Error::Internal(format!("an hour is no time: {error}")))
    }
}

/// Whether the credited conversions of a row are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credited {
    Known,
    /// As for rows of the tables, which do not have them.
    #[cfg(feature = "mysql")]
    Unknown,
}

/// Writes snapshots row by row, any number of them, in one of the formats. The same rows give the
/// same bytes.
///
/// The columns are the date (UTC), model, scope, scope id, attributed clicks, attributed
/// conversions, then credited conversions, revenue, cost and profit with 4 decimals each, and ROI
/// in percent with 2, empty where there is no cost.
///
/// ```
/// use attribution_core::{Credit, ExportFormat, Money, Scope, Snapshot, SnapshotExporter, SnapshotRow};
/// let mut exporter = SnapshotExporter::new(ExportFormat::Csv, Vec::new())?;
/// exporter.write(&SnapshotRow {
///     model: "=linear",
///     snapshot: Snapshot {
///         scope: Scope::GLOBAL,
///         date_hour: 1_717_232_400,
///         attributed_clicks: 3,
///         attributed_conversions: 1,
///         credited_conversions: Credit::ONE,
///         revenue: Money::from_units(3_500_000),
///         cost: Money::ZERO,
///     },
/// })?;
/// let text = String::from_utf8(exporter.finish()?).unwrap();
/// let expected = "2024-06-01 09:00:00,'=linear,global,,3,1,1.0000,35.0000,0.0000,35.0000,";
/// assert_eq!(text.lines().nth(1), Some(expected));
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug)]
pub struct SnapshotExporter<W: Write> {
    rows: u64,
    format: Format<W>,
}

#[derive(Debug)]
enum Format<W: Write> {
    Csv(Box<csv::CsvExport<W>>),
    Xlsx(Box<xlsx::XlsxExport<W>>),
    JsonLines(json_lines::JsonLinesExport<W>),
}

impl<W: Write> SnapshotExporter<W> {
    /// An exporter into a writer, which should have a buffer.
    ///
    /// # Errors
    /// [`Error::Io`] where the header cannot be written.
    ///
    /// ```
    /// use attribution_core::{ExportFormat, SnapshotExporter};
    /// let exporter = SnapshotExporter::new(ExportFormat::JsonLines, Vec::new())?;
    /// assert!(exporter.finish()?.is_empty());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new(format: ExportFormat, writer: W) -> Result<Self, Error> {
        let format = match format {
            ExportFormat::Csv => Format::Csv(Box::new(csv::CsvExport::new(writer)?)),
            ExportFormat::Xlsx => Format::Xlsx(Box::new(xlsx::XlsxExport::new(writer)?)),
            ExportFormat::JsonLines => Format::JsonLines(json_lines::JsonLinesExport::new(writer)),
        };
        Ok(Self { rows: 0, format })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be written.
    ///
    /// ```
    /// # use attribution_core::{Credit, ExportFormat, Money, Scope, Snapshot, SnapshotExporter, SnapshotRow};
    /// # let snapshot = Snapshot { scope: Scope::GLOBAL, date_hour: 0, attributed_clicks: 1,
    /// #     attributed_conversions: 1, credited_conversions: Credit::ONE,
    /// #     revenue: Money::ZERO, cost: Money::ZERO };
    /// let mut exporter = SnapshotExporter::new(ExportFormat::JsonLines, Vec::new())?;
    /// exporter.write(&SnapshotRow { model: "linear", snapshot })?;
    /// assert_eq!(exporter.rows(), 1);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn write(&mut self, row: &SnapshotRow<'_>) -> Result<(), Error> {
        self.write_row(row, Credited::Known)
    }

    /// Writes a row of the tables. They do not have the credited conversions, which stay empty but for
    /// global, where they are the conversions.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be written.
    ///
    /// ```
    /// # use attribution_core::{ExportFormat, Money, Scope, SnapshotExporter, SnapshotRecord};
    /// # let record = SnapshotRecord { snapshot_id: 1, scope: Scope::GLOBAL, date_hour: 0,
    /// #     attributed_clicks: 1, attributed_conversions: 1,
    /// #     revenue: Money::ZERO, cost: Money::ZERO };
    /// let mut exporter = SnapshotExporter::new(ExportFormat::Csv, Vec::new())?;
    /// exporter.write_record("linear", &record)?;
    /// assert_eq!(exporter.rows(), 1);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    #[cfg(feature = "mysql")]
    pub fn write_record(&mut self, model: &str, record: &SnapshotRecord) -> Result<(), Error> {
        let (credited, credited_conversions) = if record.scope == Scope::GLOBAL {
            let units = record.attributed_conversions.checked_mul(Credit::ONE.units());
            let units = units.ok_or_else(|| {
                let found = format!("found {} conversions", record.attributed_conversions);
                Error::limit("attributed_conversions", found, "at most 184467440737095")
            })?;
            (Credited::Known, Credit::from_units(units))
        } else {
            (Credited::Unknown, Credit::default())
        };
        let snapshot = Snapshot {
            scope: record.scope,
            date_hour: record.date_hour,
            attributed_clicks: record.attributed_clicks,
            attributed_conversions: record.attributed_conversions,
            credited_conversions,
            revenue: record.revenue,
            cost: record.cost,
        };
        self.write_row(&SnapshotRow { model, snapshot }, credited)
    }

    fn write_row(&mut self, row: &SnapshotRow<'_>, credited: Credited) -> Result<(), Error> {
        match &mut self.format {
            Format::Csv(export) => export.write(row, credited)?,
            Format::Xlsx(export) => export.write(row, credited)?,
            Format::JsonLines(export) => export.write(row, credited)?,
        }
        self.rows += 1;
        Ok(())
    }

    /// How many rows have been written.
    ///
    /// ```
    /// use attribution_core::{ExportFormat, SnapshotExporter};
    /// assert_eq!(SnapshotExporter::new(ExportFormat::Csv, Vec::new())?.rows(), 0);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Completes the export and gives the writer back. Without this call an XLSX export has
    /// written nothing.
    ///
    /// # Errors
    /// [`Error::Io`] where the rest cannot be written.
    ///
    /// ```
    /// use attribution_core::{ExportFormat, SnapshotExporter};
    /// let workbook = SnapshotExporter::new(ExportFormat::Xlsx, Vec::new())?.finish()?;
    /// assert!(workbook.starts_with(b"PK"));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn finish(self) -> Result<W, Error> {
        match self.format {
            Format::Csv(export) => export.finish(),
            Format::Xlsx(export) => export.finish(),
            Format::JsonLines(export) => export.finish(),
        }
    }
}
