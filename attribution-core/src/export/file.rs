//! An export as a file that is there whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{ExportFormat, SnapshotExporter, SnapshotRow};
use crate::ground::error::Error;

pub(crate) const BUFFER: usize = 1 << 20;

/// A file beside its place, under a name of its own, to be renamed when it is whole.
pub(crate) fn create_aside(place: &Path) -> Result<NamedTempFile, Error> {
    let what = || place.display().to_string();
    // What could not be renamed over is found before anything is written.
    if place.is_dir() {
        return Err(Error::io(what())(io::ErrorKind::IsADirectory.into()));
    }
    let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
        return Err(Error::input(
            "path",
            format!("found {:?}", place.display().to_string()),
            "the path of a file",
        ));
    };
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".partial");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any other file is made: less what the umask takes away.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder).map_err(Error::io(what()))
}

/// An export written aside in the folder of its place, and renamed once it is whole and on the disk.
/// What is dropped before that leaves the folder as it was.
///
/// ```
/// use attribution_core::{ExportFile, ExportFormat};
/// let folder = tempfile::tempdir().unwrap();
/// let place = folder.path().join("export.csv");
/// let export = ExportFile::create(ExportFormat::Csv, &place)?;
/// assert!(!place.exists());
/// assert_eq!(export.commit()?, 0);
/// assert!(place.exists());
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug)]
pub struct ExportFile {
    exporter: SnapshotExporter<BufWriter<File>>,
    aside: NamedTempFile,
    place: PathBuf,
}

impl ExportFile {
    /// Begins an export to a place, whose folder is there.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be made there, or a folder is in its place.
    ///
    /// ```
    /// use attribution_core::{ExportFile, ExportFormat};
    /// assert!(ExportFile::create(ExportFormat::Csv, "/no/such/folder/export.csv").is_err());
    /// ```
    pub fn create(format: ExportFormat, place: impl Into<PathBuf>) -> Result<Self, Error> {
        let place = place.into();
        let aside = create_aside(&place)?;
        let file = aside.reopen().map_err(Error::io(place.display().to_string()))?;
        let writer = BufWriter::with_capacity(BUFFER, file);
        Ok(Self { exporter: SnapshotExporter::new(format, writer)?, aside, place })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// As [`SnapshotExporter::write`].
    ///
    /// ```
    /// use attribution_core::{Credit, ExportFile, ExportFormat, Money, Scope, Snapshot, SnapshotRow};
    /// let folder = tempfile::tempdir().unwrap();
    /// let place = folder.path().join("export.jsonl");
    /// let mut export = ExportFile::create(ExportFormat::JsonLines, &place)?;
    /// let snapshot = Snapshot {
    ///     scope: Scope::GLOBAL,
    ///     date_hour: 0,
    ///     attributed_clicks: 1,
    ///     attributed_conversions: 1,
    ///     credited_conversions: Credit::ONE,
    ///     revenue: Money::ZERO,
    ///     cost: Money::ZERO,
    /// };
    /// export.write(&SnapshotRow { model: "linear", snapshot })?;
    /// assert_eq!(export.commit()?, 1);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn write(&mut self, row: &SnapshotRow<'_>) -> Result<(), Error> {
        self.exporter.write(row)
    }

    /// Brings everything to the disk, still aside.
    pub(crate) fn finish(self) -> Result<(NamedTempFile, PathBuf), Error> {
        let Self { exporter, aside, place } = self;
        let what = || Error::io(place.display().to_string());
        let writer = exporter.finish()?;
        let file = writer.into_inner().map_err(|error| what()(error.into_error()))?;
        file.sync_all().map_err(what())?;
        Ok((aside, place))
    }

    /// Completes the file and puts it in its place, over what was there. Gives the number of rows.
    ///
    /// # Errors
    /// [`Error::Io`] where the rest cannot be written or the file not be renamed.
    ///
    /// ```
    /// use attribution_core::{ExportFile, ExportFormat};
    /// let folder = tempfile::tempdir().unwrap();
    /// let place = folder.path().join("export.xlsx");
    /// ExportFile::create(ExportFormat::Xlsx, &place)?.commit()?;
    /// assert!(std::fs::read(&place).unwrap().starts_with(b"PK"));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn commit(self) -> Result<u64, Error> {
        let rows = self.exporter.rows();
        let (aside, place) = self.finish()?;
        put_in_place(aside, &place)?;
        Ok(rows)
    }
}

/// Renames a file that is whole.
pub(crate) fn put_in_place(aside: NamedTempFile, place: &Path) -> Result<(), Error> {
    let renamed = aside.persist(place);
    renamed.map(|_| ()).map_err(|error| Error::io(place.display().to_string())(error.error))
}
