//! The output files: snapshots.csv, touchpoints.csv and, where asked for, an export.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use super::decimal_text::{write_five_decimals, write_whole};
use crate::domain::model::Model;
use crate::engine::snapshot::Snapshot;
use crate::engine::touchpoints::Touchpoints;
use crate::export::file::{BUFFER, ExportFile, create_aside, put_in_place};
use crate::export::{ExportFormat, SnapshotRow};
use crate::ground::error::Error;
use crate::job::store::{ResultSink, RowEncoder};

const SNAPSHOT_HEADER: &[u8] = b"model,scope_type,scope_id,date_hour,attributed_clicks,\
attributed_conversions,attributed_revenue,attributed_cost\n";
const TOUCHPOINT_HEADER: &[u8] = b"model,conv_id,click_id,position,credit,revenue,cost\n";

/// Writes `snapshots.csv`, `touchpoints.csv` and, where a format is given, `export.csv`,
/// `export.xlsx` or `export.jsonl` into a folder. Each is written aside in that folder and renamed
/// once all are whole and on the disk; whatever fails before that leaves the folder as it was.
///
/// ```
/// use attribution_core::{run, CsvSink, MemoryStore, Model, RunOptions};
/// let folder = tempfile::tempdir().unwrap();
/// let mut sink = CsvSink::new(folder.path(), None);
/// let models = [Model::from_spec("linear")?];
/// run(&mut MemoryStore::default(), &mut sink, &models, &RunOptions::default(), &())?;
/// assert!(folder.path().join("snapshots.csv").exists());
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug)]
pub struct CsvSink {
    folder: PathBuf,
    format: Option<ExportFormat>,
    files: Option<Files>,
}

#[derive(Debug)]
struct Files {
    snapshots: Aside,
    touchpoints: Aside,
    export: Option<ExportFile>,
}

/// A file written aside, to be renamed to its place.
#[derive(Debug)]
struct Aside {
    writer: BufWriter<NamedTempFile>,
    place: PathBuf,
}

impl Aside {
    fn create(place: PathBuf, header: &[u8]) -> Result<Self, Error> {
        let file = create_aside(&place)?;
        let mut aside = Self { writer: BufWriter::with_capacity(BUFFER, file), place };
        aside.write(header)?;
        Ok(aside)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.writer.write_all(bytes).map_err(Error::io(self.place.display().to_string()))
    }

    /// Brings everything to the disk.
    fn finish(self) -> Result<(NamedTempFile, PathBuf), Error> {
        let what = self.place.display().to_string();
        let file = self
            .writer
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.as_file().sync_all().map(|()| file))
            .map_err(Error::io(what))?;
        Ok((file, self.place))
    }
}

impl CsvSink {
    /// Files in a folder, which is made where it is missing; nothing is done before `begin`.
    ///
    /// ```
    /// use attribution_core::{CsvSink, ExportFormat};
    /// let sink = CsvSink::new("results", Some(ExportFormat::Xlsx));
    /// ```
    pub fn new(folder: impl Into<PathBuf>, format: Option<ExportFormat>) -> Self {
        Self { folder: folder.into(), format, files: None }
    }

    fn files(&mut self) -> Result<&mut Files, Error> {
        self.files.as_mut().ok_or_else(|| Error::Internal("results came before begin".into()))
    }
}

impl ResultSink for CsvSink {
    type Encoder = TouchpointLines;

    fn begin(&mut self) -> Result<(), Error> {
        let folder = &self.folder;
        std::fs::create_dir_all(folder).map_err(Error::io(folder.display().to_string()))?;
        // What could not be renamed over is found now, while nothing has been replaced.
        let mut names = vec!["snapshots.csv".to_owned(), "touchpoints.csv".to_owned()];
        names.extend(self.format.map(|format| format!("export.{}", format.extension())));
        for place in names.iter().map(|name| folder.join(name)) {
            if place.is_dir() {
                let source = io::Error::from(io::ErrorKind::IsADirectory);
                return Err(Error::Io { what: place.display().to_string(), source });
            }
        }
        let export = self
            .format
            .map(|format| {
                ExportFile::create(format, folder.join(format!("export.{}", format.extension())))
            })
            .transpose()?;
        self.files = Some(Files {
            snapshots: Aside::create(folder.join("snapshots.csv"), SNAPSHOT_HEADER)?,
            touchpoints: Aside::create(folder.join("touchpoints.csv"), TOUCHPOINT_HEADER)?,
            export,
        });
        Ok(())
    }

    fn begin_model(&mut self, model: &Model) -> Result<TouchpointLines, Error> {
        Ok(TouchpointLines { model: csv_field(model.name()) })
    }

    fn touchpoints(&mut self, encoded: Vec<u8>) -> Result<(), Error> {
        self.files()?.touchpoints.write(&encoded)
    }

    fn snapshots(&mut self, model: &Model, snapshots: &[Snapshot]) -> Result<(), Error> {
        let files = self.files()?;
        let field = csv_field(model.name());
        let mut line = Vec::new();
        for snapshot in snapshots {
            line.clear();
            line.extend_from_slice(&field);
            line.push(b',');
            line.extend_from_slice(snapshot.scope.scope_type().name().as_bytes());
            line.push(b',');
            if let Some(id) = snapshot.scope.id() {
                write_whole(&mut line, id);
            }
            for number in [
                u64::from(snapshot.date_hour),
                snapshot.attributed_clicks,
                snapshot.attributed_conversions,
            ] {
                line.push(b',');
                write_whole(&mut line, number);
            }
            for money in [snapshot.revenue, snapshot.cost] {
                line.push(b',');
                write_five_decimals(&mut line, money.units());
            }
            line.push(b'\n');
            files.snapshots.write(&line)?;
            if let Some(export) = &mut files.export {
                export.write(&SnapshotRow { model: model.name(), snapshot: *snapshot })?;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Error> {
        let Some(files) = self.files.take() else {
            return Err(Error::Internal("commit came before begin".into()));
        };
        let mut whole = vec![files.snapshots.finish()?, files.touchpoints.finish()?];
        if let Some(export) = files.export {
            whole.push(export.finish()?);
        }
        whole.into_iter().try_for_each(|(aside, place)| put_in_place(aside, &place))
    }
}

/// A text as a field of CSV, quoted where it has to be.
fn csv_field(text: &str) -> Vec<u8> {
    if text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        format!("\"{}\"", text.replace('"', "\"\"")).into_bytes()
    } else {
        text.as_bytes().to_vec()
    }
}

/// Writes touchpoints as lines of `touchpoints.csv`.
///
/// ```
/// use attribution_core::{CsvSink, Model, ResultSink, RowEncoder, Touchpoints};
/// let lines = CsvSink::new(".", None).begin_model(&Model::from_spec("linear")?)?;
/// let touchpoints = Touchpoints {
///     conversions: vec![0],
///     click_ids: vec![8],
///     positions: vec![0],
///     credits: vec![1.0],
///     stored_credits: vec![100_000],
///     revenues: vec![3_500_000],
///     costs: vec![0],
/// };
/// assert_eq!(lines.encode(&[1], &touchpoints), b"linear,1,8,0,1.00000,35.00000,0.00000\n");
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TouchpointLines {
    model: Vec<u8>,
}

impl RowEncoder for TouchpointLines {
    type Encoded = Vec<u8>;

    fn encode(&self, conversion_ids: &[u64], touchpoints: &Touchpoints) -> Vec<u8> {
        let mut lines = Vec::with_capacity(touchpoints.len() * (self.model.len() + 50));
        let mut start = Vec::new();
        let mut last = None;
        for row in 0..touchpoints.len() {
            let conversion = touchpoints.conversions[row];
            if last != Some(conversion) {
                last = Some(conversion);
                start.clear();
                start.extend_from_slice(&self.model);
                start.push(b',');
                write_whole(&mut start, conversion_ids[conversion as usize]);
                start.push(b',');
            }
            lines.extend_from_slice(&start);
            write_whole(&mut lines, touchpoints.click_ids[row]);
            lines.push(b',');
            write_whole(&mut lines, u64::from(touchpoints.positions[row]));
            for units in [
                i64::from(touchpoints.stored_credits[row]),
                touchpoints.revenues[row],
                touchpoints.costs[row],
            ] {
                lines.push(b',');
                write_five_decimals(&mut lines, units);
            }
            lines.push(b'\n');
        }
        lines
    }
}
