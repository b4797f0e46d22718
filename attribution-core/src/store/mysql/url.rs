//! Where a database is, from a URL that holds a secret.

use std::path::PathBuf;
use std::time::Duration;

use mysql::{Opts, OptsBuilder, SslOpts, UrlError};

use crate::ground::error::{Error, quoted};

const ALLOWED: &str = "a URL such as mysql://user:password@host:3306/database, optionally with \
    ?socket=/path, tls=required, root_cert_path=/path or other settings of the driver";

/// Reads a URL. What is wrong with it is told without showing it, as it may hold a password.
pub(super) fn read_url(url: &str) -> Result<Opts, Error> {
    let refused = |found: String| Error::input("database", found, ALLOWED);
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut tls = None;
    let mut root_certificates = None;
    let mut others = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("tls", "required")) => tls = Some(true),
            Some(("tls", "off")) => tls = Some(false),
            Some(("tls", value)) => {
                return Err(refused(format!("found tls={}", quoted(value))));
            }
            Some(("root_cert_path", path)) => root_certificates = Some(PathBuf::from(path)),
            _ => others.push(pair),
        }
    }
    // A password with an unescaped / would be taken for a host.
    let path = base.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if path.is_some_and(|(_, path)| path.contains('@')) {
        return Err(refused("found an @ behind a /; in a password, / is %2F and @ is %40".into()));
    }
    let opts = Opts::from_url(&format!("{base}?{}", others.join("&"))).map_err(|error| {
        refused(match error {
            UrlError::UnknownParameter(name) => format!("found the setting {}", quoted(&name)),
            UrlError::InvalidValue(name, _) => format!("found a bad value of {}", quoted(&name)),
            UrlError::UnsupportedScheme(_) => "found a URL of another kind".to_owned(),
            _ => "found what cannot be read as a URL".to_owned(),
        })
    })?;
    if opts.get_db_name().is_none_or(str::is_empty) {
        return Err(refused("found no database name".to_owned()));
    }
    let socket = opts.get_socket().map(str::to_owned);
    let given = opts.get_ssl_opts().cloned();
    let tls = match (tls, root_certificates) {
        (Some(false), _) => None,
        (_, Some(path)) => Some(given.unwrap_or_default().with_root_cert_path(Some(path))),
        (Some(true), None) => Some(given.unwrap_or_else(SslOpts::default)),
        (None, None) => given,
    };
    let builder = OptsBuilder::from_opts(opts)
        // The server's word on where its socket is would lead around the address that was given.
        .prefer_socket(false)
        .tcp_connect_timeout(Some(Duration::from_secs(10)))
        .tcp_keepalive_time_ms(Some(60_000))
        .stmt_cache_size(96)
        .ssl_opts(if socket.is_some() { None } else { tls });
    Ok(builder.into())
}

/// A database's address without its password.
pub(super) fn shown(opts: &Opts) -> String {
    let user = opts.get_user().unwrap_or_default();
    let name = opts.get_db_name().unwrap_or_default();
    match opts.get_socket() {
        Some(socket) => format!("{user}@{socket}/{name}"),
        None => format!("{user}@{}:{}/{name}", opts.get_ip_or_hostname(), opts.get_tcp_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_shown_without_their_password() {
        let opts = read_url("mysql://me:s%40cret@db.test:3307/host?tls=required").unwrap();
        assert_eq!(opts.get_pass(), Some("s@cret"));
        assert!(opts.get_ssl_opts().is_some());
        assert_eq!(shown(&opts), "me@db.test:3307/host");
        let opts = read_url("mysql://me@localhost/host?socket=/run/x.sock&tls=off").unwrap();
        assert_eq!(shown(&opts), "me@/run/x.sock/host");
    }

    #[test]
    fn bad_urls_are_refused_without_being_shown() {
        for (url, found) in [
            ("secret", "cannot be read as a URL"),
            ("http://me:secret@x/db", "of another kind"),
            ("mysql://me:secret@x", "no database name"),
            ("mysql://me:12/secret@x/db", "found an @ behind a /"),
            ("mysql://me:secret@x/db?tls=maybe", "tls=\"maybe\""),
            ("mysql://me:secret@x/db?colour=secret", "the setting \"colour\""),
            ("mysql://me:secret@x/db?compress=secret", "a bad value of \"compress\""),
        ] {
            let message = read_url(url).unwrap_err().to_string();
            assert!(message.contains(found) && !message.contains("secret"), "{url}: {message}");
        }
    }
}
