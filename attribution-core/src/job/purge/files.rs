//! Export files: which may be removed, and their removal.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::ground::error::Error;

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileOutcome {
    Removed,
    /// It was gone already.
    Missing,
    /// It may not be removed: why.
    Refused(String),
}

/// Removes a file of the export directory. One that is not in it, whatever way its path takes, is
/// refused, and so is what is no plain file.
pub(crate) fn remove(directory: &Path, path: &str) -> Result<FileOutcome, Error> {
    let file = match find(directory, path)? {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(FileOutcome::Missing),
        Err(problem) => return Ok(FileOutcome::Refused(problem)),
    };
    match std::fs::remove_file(&file) {
        Ok(()) => Ok(FileOutcome::Removed),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(FileOutcome::Missing),
        Err(error) => Err(Error::io(format!("removing {}", file.display()))(error)),
    }
}

/// As [`remove`], without removing it.
pub(crate) fn look(directory: &Path, path: &str) -> Result<FileOutcome, Error> {
    Ok(match find(directory, path)? {
        Ok(Some(_)) => FileOutcome::Removed,
        Ok(None) => FileOutcome::Missing,
        Err(problem) => FileOutcome::Refused(problem),
    })
}

/// The file with all links of its folder resolved, none where it is gone, or why it is refused.
fn find(directory: &Path, path: &str) -> Result<Result<Option<PathBuf>, String>, Error> {
    let base = directory
        .canonicalize()
        .map_err(Error::io(format!("the export directory {}", directory.display())))?;
    let given = Path::new(path);
    let refused = |why: &str| Ok(Err(format!("{path} {why}")));
    if path.contains('\0') || given.components().any(|part| part == Component::ParentDir) {
        return refused("leads out of a folder");
    }
    let whole = base.join(given);
    let (Some(folder), Some(name)) = (whole.parent(), whole.file_name()) else {
        return refused("names no file");
    };
    let folder = match folder.canonicalize() {
        Ok(folder) => folder,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            // Nothing is there, which is only good to know of what would have been ours.
            if given.is_relative() || given.starts_with(&base) || given.starts_with(directory) {
                return Ok(Ok(None));
            }
            return refused("is not in the export directory");
        }
        Err(error) => return Err(Error::io(format!("looking for {path}"))(error)),
    };
    if !folder.starts_with(&base) {
        return refused("is not in the export directory");
    }
    let file = folder.join(name);
    match file.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Ok(Some(file))),
        Ok(_) => refused("is no plain file"),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Ok(None)),
        Err(error) => Err(Error::io(format!("looking for {path}"))(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_of_the_directory_go() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("exports");
        let outside = folder.path().join("secret.csv");
        std::fs::create_dir_all(base.join("deep")).unwrap();
        std::fs::write(&outside, "x").unwrap();
        for name in ["a.csv", "deep/b.csv", "c.csv"] {
            std::fs::write(base.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(&outside, base.join("link.csv")).unwrap();
        std::os::unix::fs::symlink(folder.path(), base.join("up")).unwrap();
        let absolute = |name: &str| base.join(name).to_str().unwrap().to_owned();
        let outcome = |path: &str| remove(&base, path).unwrap();
        for path in [
            "../secret.csv",
            "deep/../../secret.csv",
            outside.to_str().unwrap(),
            "/etc/passwd",
            "/nowhere/at/all.csv",
            "link.csv",
            "up/secret.csv",
            "deep",
            "",
            "..",
            "a\0.csv",
            &absolute("../secret.csv"),
        ] {
            assert!(matches!(outcome(path), FileOutcome::Refused(_)), "{path:?}");
        }
        assert!(outside.exists());
        for path in ["a.csv", "deep/b.csv", &absolute("c.csv")] {
            assert_eq!(look(&base, path).unwrap(), FileOutcome::Removed, "{path}");
            assert_eq!(outcome(path), FileOutcome::Removed, "{path}");
            assert_eq!(outcome(path), FileOutcome::Missing, "{path}");
        }
        assert_eq!(outcome("gone/d.csv"), FileOutcome::Missing);
        assert_eq!(outcome(&absolute("gone/d.csv")), FileOutcome::Missing);
        assert!(remove(&folder.path().join("none"), "a.csv").is_err());
    }
}
