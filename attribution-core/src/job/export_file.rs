//! Where the stored path of an export's file leads, which is nowhere but into the export directory.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::ground::error::Error;

/// What a stored path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A plain file in the directory, all links of its folder resolved.
    File(PathBuf),
    /// Nothing is there.
    Missing,
    /// It may not be touched: why, to be said behind the path.
    Refused(&'static str),
}

/// Looks for the file of a stored path, which is relative to the directory or absolute.
pub(crate) fn find(directory: &Path, path: &str) -> Result<Place, Error> {
    let base = directory
        .canonicalize()
        .map_err(Error::io(format!("the export directory {}", directory.display())))?;
    let given = Path::new(path);
    if path.contains('\0') || given.components().any(|part| part == Component::ParentDir) {
        return Ok(Place::Refused("leads out of a folder"));
    }
    let whole = base.join(given);
    let (Some(folder), Some(name)) = (whole.parent(), whole.file_name()) else {
        return Ok(Place::Refused("names no file"));
    };
    let folder = match folder.canonicalize() {
        Ok(folder) => folder,
        Err(error) if is_absent(&error) => {
            // Nothing is there, which is only good to know of what would have been ours.
            if given.is_relative() || given.starts_with(&base) || given.starts_with(directory) {
                return Ok(Place::Missing);
            }
            return Ok(Place::Refused("is not in the export directory"));
        }
        Err(error) => return Err(Error::io(format!("looking for {path}"))(error)),
    };
    if !folder.starts_with(&base) {
        return Ok(Place::Refused("is not in the export directory"));
    }
    let file = folder.join(name);
    match file.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Place::File(file)),
        Ok(_) => Ok(Place::Refused("is no plain file")),
        Err(error) if is_absent(&error) => Ok(Place::Missing),
        Err(error) => Err(Error::io(format!("looking for {path}"))(error)),
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
