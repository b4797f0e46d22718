//! Export files: which may be removed, and their removal.

use std::io::ErrorKind;
use std::path::Path;

use crate::ground::error::Error;
use crate::job::export_file::{Place, find};

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
        Place::File(file) => file,
        Place::Missing => return Ok(FileOutcome::Missing),
        Place::Refused(why) => return Ok(FileOutcome::Refused(format!("{path} {why}"))),
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
        Place::File(_) => FileOutcome::Removed,
        Place::Missing => FileOutcome::Missing,
        Place::Refused(why) => FileOutcome::Refused(format!("{path} {why}")),
    })
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
