//! The folder of the finished files: nothing outside of it is written, read or removed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::export::ExportFormat;
use crate::ground::error::{Error, quoted};
use crate::job::export_file::{Place, find};

/// The longest path that the host's table holds, in characters.
const LONGEST_PATH: usize = 500;
/// The longest name of a file that is made here.
const LONGEST_NAME: usize = 80;

/// A folder that is there, by its real path.
#[derive(Debug, Clone)]
pub(crate) struct ExportDirectory {
    path: PathBuf,
}

impl ExportDirectory {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let what = || format!("the export directory {}", path.display());
        let path = fs::canonicalize(path).map_err(Error::io(what()))?;
        if !path.is_dir() {
            return Err(Error::io(what())(io::ErrorKind::NotADirectory.into()));
        }
        let fits = |text: &str| text.chars().count() + 1 + LONGEST_NAME <= LONGEST_PATH;
        if !path.to_str().is_some_and(fits) {
            return Err(Error::input(
                "directory",
                format!("found {}", quoted(&path.to_string_lossy())),
                format!(
                    "a path in UTF-8 of at most {} characters",
                    LONGEST_PATH - LONGEST_NAME - 1
                ),
            ));
        }
        Ok(Self { path })
    }

    /// Begins a file of a job, which gets its name once it is whole.
    pub(crate) fn create(
        &self,
        export_id: u64,
        claim: &str,
        format: ExportFormat,
    ) -> Result<AsideFile, Error> {
        let name = file_name(export_id, claim, format);
        let aside = self.path.join(aside_name(&name));
        let mut options = OpenOptions::new();
        // What is there already, a link say, is neither followed nor written over.
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(&aside).map_err(Error::io(aside.display().to_string()))?;
        let place = self.path.join(name);
        Ok(AsideFile { file, aside: Some(aside), place, directory: self.path.clone() })
    }

    /// Removes what a worker that is no more may have left of a job.
    pub(crate) fn remove_left(&self, export_id: u64, claim: &str) -> Result<(), Error> {
        for format in [ExportFormat::Csv, ExportFormat::Xlsx] {
            let name = file_name(export_id, claim, format);
            for name in [aside_name(&name), name] {
                remove(&self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// Where a stored path leads: a file that really lies in this folder, by a path without `..`. None
    /// where nothing is there.
    fn find(&self, file_path: &str) -> Result<Option<PathBuf>, Error> {
        match find(&self.path, file_path)? {
            Place::File(path) => Ok(Some(path)),
            Place::Missing => Ok(None),
            Place::Refused(why) => {
                let found = format!("found {}, which {why}", quoted(file_path));
                Err(Error::input("file_path", found, "a file in the export directory"))
            }
        }
    }

    /// Opens the file of a stored path; gives it with its name and size. None where nothing is there.
    pub(crate) fn open_file(&self, file_path: &str) -> Result<Option<(File, String, u64)>, Error> {
        let Some(path) = self.find(file_path)? else { return Ok(None) };
        let what = || Error::io(path.display().to_string());
        let file = File::open(&path).map_err(what())?;
        let opened = file.metadata().map_err(what())?;
        // What was checked has to be what was opened.
        let checked = fs::symlink_metadata(&path).map_err(what())?;
        if !checked.is_file() || !same_file(&checked, &opened) {
            return Err(Error::input(
                "file_path",
                format!("found {}, which was exchanged meanwhile", quoted(file_path)),
                "a file in the export directory",
            ));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Some((file, name, opened.len())))
    }
}

/// Removes a file, if it is there; says whether it was.
fn remove(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io(path.display().to_string())(error)),
    }
}

#[cfg(unix)]
fn same_file(left: &fs::Metadata, right: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

#[cfg(not(unix))]
fn same_file(left: &fs::Metadata, right: &fs::Metadata) -> bool {
    left.len() == right.len()
}

fn file_name(export_id: u64, claim: &str, format: ExportFormat) -> String {
    format!("attribution-export-{export_id}-{claim}.{}", format.extension())
}

/// A name under which no page of the host looks for files.
fn aside_name(name: &str) -> String {
    format!(".{name}.partial")
}

/// A file that is not whole yet. It goes where this is dropped.
#[derive(Debug)]
pub(crate) struct AsideFile {
    file: File,
    aside: Option<PathBuf>,
    place: PathBuf,
    directory: PathBuf,
}

impl AsideFile {
    /// The file, to be written.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name, once all of it is on the disk; gives its path.
    pub(crate) fn commit(mut self) -> Result<PathBuf, Error> {
        let what = || Error::io(self.place.display().to_string());
        self.file.sync_all().map_err(what())?;
        if let Some(aside) = &self.aside {
            fs::rename(aside, &self.place).map_err(what())?;
        }
        self.aside = None;
        // The name has to be on the disk too before the table says that it is there.
        if cfg!(unix) {
            let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
            if let Err(error) = synced {
                let _ = remove(&self.place);
                return Err(what()(error));
            }
        }
        Ok(self.place.clone())
    }
}

impl Drop for AsideFile {
    fn drop(&mut self) {
        if let Some(aside) = &self.aside {
            let _ = remove(aside);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const CLAIM: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn files_are_private_and_come_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let directory = ExportDirectory::open(folder.path()).unwrap();
        let names = || {
            let mut names: Vec<String> = fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        let aside = directory.create(7, CLAIM, ExportFormat::Csv).unwrap();
        assert_eq!(names(), [format!(".attribution-export-7-{CLAIM}.csv.partial")]);
        assert!(directory.create(7, CLAIM, ExportFormat::Csv).is_err());
        drop(aside);
        assert!(names().is_empty());

        let aside = directory.create(7, CLAIM, ExportFormat::Csv).unwrap();
        aside.file().write_all(b"whole").unwrap();
        let path = aside.commit().unwrap();
        assert_eq!(names(), [format!("attribution-export-7-{CLAIM}.csv")]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let path = path.to_str().unwrap();
        let (_, name, bytes) = directory.open_file(path).unwrap().unwrap();
        assert_eq!((&name[..], bytes), (&names()[0][..], 5));
        fs::remove_file(path).unwrap();
        assert!(directory.open_file(path).unwrap().is_none());

        std::mem::forget(directory.create(8, CLAIM, ExportFormat::Xlsx).unwrap());
        directory.create(8, CLAIM, ExportFormat::Csv).unwrap().commit().unwrap();
        directory.create(9, CLAIM, ExportFormat::Csv).unwrap().commit().unwrap();
        directory.remove_left(8, CLAIM).unwrap();
        assert_eq!(names(), [format!("attribution-export-9-{CLAIM}.csv")]);
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let exports = folder.path().join("exports");
        fs::create_dir(&exports).unwrap();
        let name = format!(".attribution-export-7-{CLAIM}.csv.partial");
        symlink(&victim, exports.join(name)).unwrap();
        let directory = ExportDirectory::open(&exports).unwrap();
        assert!(directory.create(7, CLAIM, ExportFormat::Csv).is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let exports = folder.path().join("exports");
        for name in ["exports", "exports/inner", "exports-2"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in ["secret", "exports/a.csv", "exports/inner/b.csv", "exports-2/c.csv"] {
            fs::write(folder.path().join(name), "text").unwrap();
        }
        symlink(folder.path().join("secret"), exports.join("link")).unwrap();
        symlink(exports.join("a.csv"), exports.join("link-inside")).unwrap();
        symlink(folder.path(), exports.join("up")).unwrap();
        // The folder itself may be reached by a link.
        symlink(&exports, folder.path().join("shortcut")).unwrap();
        let directory = ExportDirectory::open(&folder.path().join("shortcut")).unwrap();
        let full = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for path in [
            full("secret"),
            full("exports/../secret"),
            full("exports/inner/../a.csv"),
            full("exports/link"),
            full("exports/link-inside"),
            full("exports/up/secret"),
            full("exports-2/c.csv"),
            full("exports-2/none.csv"),
            full("exports/inner"),
            full("exports"),
            "../secret".to_owned(),
            "up/secret".to_owned(),
            "link".to_owned(),
            "/etc/passwd".to_owned(),
            "/no/such/file".to_owned(),
            ".".to_owned(),
            String::new(),
            "a.csv\0".to_owned(),
        ] {
            let error = directory.open_file(&path).unwrap_err();
            assert_eq!(error.code().as_str(), "invalid_input", "{path}: {error}");
        }
        for path in [full("exports/a.csv"), "a.csv".to_owned(), full("exports/inner/b.csv")] {
            assert!(directory.open_file(&path).unwrap().is_some(), "{path}");
        }
        for path in [full("exports/none.csv"), "none.csv".to_owned()] {
            assert!(directory.open_file(&path).unwrap().is_none(), "{path}");
        }
        assert!(ExportDirectory::open(&folder.path().join("secret")).is_err());
        assert!(ExportDirectory::open(&folder.path().join("none")).is_err());
        assert_eq!(fs::read_dir(&exports).unwrap().count(), 5);
    }
}
