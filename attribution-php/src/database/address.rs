//! Where a database is: a URL, or an array of its parts.

use std::fmt::Write;

use attribution_core::MysqlStore;
use ext_php_rs::types::Zval;

use crate::failure::{Failure, refused, wrong_type};
use crate::input::described;
use crate::options::Options;
use crate::rows::moved;
use crate::zend::table::{Value, value_of};

const PARTS: [&str; 8] =
    ["host", "port", "user", "password", "database", "socket", "tls", "root_cert_path"];

/// Where a replica's address stands.
const REPLICA: &str = "options.replica";

/// The store at an address. What is wrong with one is told without showing it, as it may hold a password.
pub(crate) fn open(database: &Zval, replica: Option<&Zval>) -> Result<MysqlStore, Failure> {
    let store = MysqlStore::open(&database_url(database)?)?;
    let Some(replica) = replica else { return Ok(store) };
    let url = url(replica, REPLICA)?;
    store.with_replica(&url).map_err(|error| moved(error, || REPLICA.to_owned()))
}

/// Refuses what is neither a URL nor an array.
pub(crate) fn check_address(database: &Zval) -> Result<(), Failure> {
    match value_of(database) {
        Value::Text(_) | Value::Table(_) => Ok(()),
        _ => Err(wrong_type(database, 1, "database", "array|string")),
    }
}

/// A database's address as a URL, whatever form it was given in.
pub(super) fn database_url(database: &Zval) -> Result<String, Failure> {
    url(database, "database")
}

fn url(value: &Zval, place: &'static str) -> Result<String, Failure> {
    match value_of(value) {
        Value::Text(bytes) if !bytes.contains(&0) => match std::str::from_utf8(bytes) {
            Ok(url) => Ok(url.to_owned()),
            Err(_) => Err(refused(place, "found bytes", "a URL in UTF-8")),
        },
        Value::Text(_) => Err(refused(place, "found a NUL byte", "a URL without one")),
        Value::Table(table) => from_parts(Options::new(table.0, place, &PARTS)?, place),
        _ => Err(refused(place, described(value), "a URL, or an array of its parts")),
    }
}

fn from_parts(parts: Options<'_>, place: &str) -> Result<String, Failure> {
    let Some(database) = parts.text("database")?.filter(|name| !name.is_empty()) else {
        return Err(refused(
            format!("{place}.database"),
            "found nothing",
            "the name of a database",
        ));
    };
    let mut url = String::from("mysql://");
    if let Some(user) = parts.text("user")? {
        escape(user, &mut url);
        if let Some(password) = parts.secret("password")? {
            url.push(':');
            escape(password, &mut url);
        }
        url.push('@');
    } else if parts.get("password").is_some() {
        return Err(refused(
            parts.place("user"),
            "found nothing",
            "the user whose password is given",
        ));
    }
    let host = parts.text("host")?.unwrap_or("localhost");
    // An address of version 6 stands in brackets.
    if host.contains(':') && !host.starts_with('[') {
        url.push('[');
        url.push_str(host);
        url.push(']');
    } else if host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte)) {
        url.push_str(host);
    } else {
        return Err(refused(parts.place("host"), "found what is no host", "a name or an address"));
    }
    if let Some(port) = parts.bounded("port", 1, 65_535)? {
        url.push(':');
        url.push_str(&port.to_string());
    }
    url.push('/');
    escape(database, &mut url);
    let mut separator = '?';
    let mut setting = |name: &str, value: &str| {
        url.push(separator);
        separator = '&';
        url.push_str(name);
        url.push('=');
        url.push_str(value);
    };
    if let Some(socket) = parts.text("socket")? {
        setting("socket", &escaped(socket));
    }
    if parts.get("tls").is_some() {
        setting("tls", if parts.switch("tls", false)? { "required" } else { "off" });
    }
    if let Some(path) = parts.text("root_cert_path")? {
        // Taken as it is by the core, up to the next setting.
        if path.contains('&') {
            return Err(refused(parts.place("root_cert_path"), "found an &", "a path without one"));
        }
        setting("root_cert_path", path);
    }
    Ok(url)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    escape(text, &mut escaped);
    escaped
}

/// Text as a part of a URL.
fn escape(text: &str, url: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(byte.into());
        } else {
            // Writing to a string does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}
