//! Keeps passwords out of the list of processes, which everyone on a machine can read.

use attribution_core::{Error, ModelError};

use crate::arguments::{CACHE_VARIABLE, DATABASE_VARIABLE, REPLICA_VARIABLE};

/// Where a URL with a password was given as an argument, starts the command anew with the URL in its
/// environment, which others cannot read. Returns where there is none.
pub(crate) fn hide() -> Result<(), Error> {
    let mut kept = Vec::new();
    let mut moved = Vec::new();
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let (flag, value) = match text.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => (text.into_owned(), None),
        };
        let variable = match flag.as_str() {
            "--database" => DATABASE_VARIABLE,
            "--replica" => REPLICA_VARIABLE,
            "--cache" => CACHE_VARIABLE,
            // The parser would repeat it in its complaint.
            _ if flag.contains("://") && has_password(&flag) => {
                return Err(Error::Model(ModelError {
                    field: "arguments".to_owned(),
                    given: "a URL with a password was given by itself".to_owned(),
                    allowed: "--database URL, or ATTRIBUTION_DATABASE_URL".to_owned(),
                }));
            }
            _ => {
                kept.push(argument);
                continue;
            }
        };
        let inline = value.is_some();
        let value = value.or_else(|| Some(arguments.next()?.to_string_lossy().into_owned()));
        match value {
            Some(url) if has_password(&url) => moved.push((variable, url)),
            Some(url) => {
                kept.push(argument);
                if !inline {
                    kept.push(url.into());
                }
            }
            None => kept.push(argument),
        }
    }
    if moved.is_empty() { Ok(()) } else { restart(kept, moved) }
}

/// Whether a URL has a password before its host.
fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return url.contains('@') };
    // A password may hold what should have been escaped; then the last @ is the one.
    rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(unix)]
fn restart(
    arguments: Vec<std::ffi::OsString>,
    variables: Vec<(&str, String)>,
) -> Result<(), Error> {
    use std::os::unix::process::CommandExt;
    let what = || Error::Io {
        what: "starting anew without the password among the arguments".to_owned(),
        source: std::io::Error::other("the command's own path is not known"),
    };
    let path = std::env::current_exe().map_err(|_| what())?;
    let name = std::env::args_os().next().unwrap_or_else(|| path.clone().into());
    let error = std::process::Command::new(path).arg0(name).args(arguments).envs(variables).exec();
    Err(Error::Io {
        what: "starting anew without the password among the arguments".to_owned(),
        source: error,
    })
}

#[cfg(not(unix))]
fn restart(_: Vec<std::ffi::OsString>, _: Vec<(&str, String)>) -> Result<(), Error> {
    Err(Error::Io {
        what: "a URL with a password".to_owned(),
        source: std::io::Error::other("give it in the environment, where it is not shown"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_noticed() {
        assert!(has_password("mysql://me:secret@host/db"));
        assert!(has_password("mysql://me:se/cret@host/db"));
        assert!(has_password("me:secret@host"));
        assert!(has_password("redis://:secret@host"));
        assert!(!has_password("mysql://me@host:3306/db"));
        assert!(!has_password("mysql://host:3306/db"));
    }
}
