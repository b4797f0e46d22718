//! Redis's protocol (RESP2), as much of it as it takes: AUTH, SELECT, GET and SET.

use std::io;
use std::time::Duration;

use super::Storing;
use super::wire::{Deadline, Wire, not_understood};
use crate::cache::format::LONGEST;

fn command(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        bytes.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn expect_ok(wire: &mut Wire, deadline: Deadline) -> io::Result<()> {
    if wire.line(deadline)? == "+OK" { Ok(()) } else { Err(not_understood()) }
}

/// Logs in and chooses the database, where that is needed.
pub(super) fn begin(
    wire: &mut Wire,
    user: Option<&str>,
    password: Option<&str>,
    database: u32,
    deadline: Deadline,
) -> io::Result<()> {
    let password = password.map(str::as_bytes);
    let login = match (user, password) {
        (Some(user), Some(password)) => {
            Some(command(&[b"AUTH".as_slice(), user.as_bytes(), password]))
        }
        (None, Some(password)) => Some(command(&[b"AUTH".as_slice(), password])),
        (_, None) => None,
    };
    let number = database.to_string();
    let choice = (database != 0).then(|| command(&[b"SELECT".as_slice(), number.as_bytes()]));
    for bytes in [login, choice].into_iter().flatten() {
        wire.write(&bytes, deadline)?;
        expect_ok(wire, deadline)?;
    }
    Ok(())
}

pub(super) fn get(wire: &mut Wire, name: &str, deadline: Deadline) -> io::Result<Option<Vec<u8>>> {
    wire.write(&command(&[b"GET".as_slice(), name.as_bytes()]), deadline)?;
    let line = wire.line(deadline)?;
    let length = line.strip_prefix('$').ok_or_else(not_understood)?;
    if length == "-1" {
        return Ok(None);
    }
    match length.parse() {
        Ok(length) if length <= LONGEST => wire.block(length, deadline).map(Some),
        _ => Err(not_understood()),
    }
}

pub(super) fn set(
    wire: &mut Wire,
    name: &str,
    value: &[u8],
    expires_in: Duration,
    deadline: Deadline,
) -> io::Result<Storing> {
    let milliseconds = expires_in.as_millis().max(1).to_string();
    let bytes =
        command(&[b"SET".as_slice(), name.as_bytes(), value, b"PX", milliseconds.as_bytes()]);
    wire.write(&bytes, deadline)?;
    let line = wire.line(deadline)?;
    match line.as_bytes().first() {
        Some(b'+') => Ok(Storing::Stored),
        // Out of memory, or it only reads.
        Some(b'-') => Ok(Storing::Refused),
        _ => Err(not_understood()),
    }
}
