//! Memcached's text protocol, as much of it as it takes: get and set.

use std::io;
use std::time::Duration;

use super::Storing;
use super::wire::{Deadline, Wire, not_understood};
use crate::cache::format::LONGEST;

pub(super) fn get(wire: &mut Wire, name: &str, deadline: Deadline) -> io::Result<Option<Vec<u8>>> {
    wire.write(format!("get {name}\r\n").as_bytes(), deadline)?;
    let line = wire.line(deadline)?;
    if line == "END" {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let is_value = words.next() == Some("VALUE") && words.next() == Some(name);
    let (_flags, length) = (words.next(), words.next().and_then(|length| length.parse().ok()));
    let value = match length {
        Some(length) if is_value && length <= LONGEST => wire.block(length, deadline)?,
        _ => return Err(not_understood()),
    };
    if wire.line(deadline)? == "END" { Ok(Some(value)) } else { Err(not_understood()) }
}

pub(super) fn set(
    wire: &mut Wire,
    name: &str,
    value: &[u8],
    expires_in: Duration,
    deadline: Deadline,
) -> io::Result<Storing> {
    let seconds = expires_in.as_secs().max(1);
    let mut bytes = format!("set {name} 0 {seconds} {}\r\n", value.len()).into_bytes();
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\r\n");
    wire.write(&bytes, deadline)?;
    match wire.line(deadline)?.as_str() {
        "STORED" => Ok(Storing::Stored),
        "NOT_STORED" => Ok(Storing::Refused),
        // Out of memory, or the value is too large for it. It has read past the value.
        line if line.starts_with("SERVER_ERROR") => Ok(Storing::Refused),
        _ => Err(not_understood()),
    }
}
