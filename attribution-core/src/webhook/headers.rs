//! Headers that a user adds to a delivery.

use crate::ground::error::quoted;

use super::target::Objection;

/// The header that carries the signature.
pub(super) const SIGNATURE: &str = "X-Prosper202-Signature";

const MOST_HEADERS: usize = 50;
const LONGEST: usize = 8 * 1024;

/// Headers that say where a request goes, where its body ends or what it is, and those that belong to
/// the connection (RFC 9110, section 7.6.1).
const RESERVED: [&str; 18] = [
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Expect",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Trailers",
    "Transfer-Encoding",
    "Upgrade",
    SIGNATURE,
];

/// Checks the headers; the error names the place, what was found, and what is allowed. A value is
/// never repeated: it may be a password.
pub(super) fn check(headers: &[(String, String)]) -> Result<(), (String, Objection)> {
    let refuse =
        |place: String, found: String, allowed: &str| Err((place, (found, allowed.to_owned())));
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if headers.len() > MOST_HEADERS || bytes > LONGEST {
        let found = format!("{} headers of {bytes} bytes were given", headers.len());
        let allowed = "at most 50 headers of 8192 bytes together";
        return refuse("webhook headers".to_owned(), found, allowed);
    }
    for (index, (name, value)) in headers.iter().enumerate() {
        let place = || format!("webhook header {}", quoted(name));
        if !is_token(name) {
            return refuse(
                place(),
                "it is no name of a header".to_owned(),
                "letters, digits and hyphens, without spaces around them",
            );
        }
        if let Some(reserved) = RESERVED.iter().find(|reserved| same(name, reserved)) {
            let found = format!("{reserved} is the engine's own");
            return refuse(
                place(),
                found,
                "headers that describe neither the body nor the connection",
            );
        }
        if headers[..index].iter().any(|(earlier, _)| same(earlier, name)) {
            return refuse(place(), "it was given twice".to_owned(), "each header once");
        }
        if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return refuse(
                place(),
                "its value has a line break, a control character or a letter beyond ASCII"
                    .to_owned(),
                "printable ASCII, spaces and tabs",
            );
        }
    }
    Ok(())
}

/// `token` of RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Whether two names are one to a receiver. CGI, and so PHP, makes no difference between a hyphen
/// and any other sign.
fn same(one: &str, other: &str) -> bool {
    let folded = |byte: u8| {
        if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' }
    };
    one.len() == other.len() && one.bytes().map(folded).eq(other.bytes().map(folded))
}

/// Writes names of headers in place in their usual spelling, in the head of a request: HTTP does not
/// care, but receivers' programs that compare bytes do, and the client sends lower case.
pub(super) fn spell(head: &mut [u8], spellings: &[String]) {
    let mut first = true;
    for line in head.split_mut(|byte| *byte == b'\n') {
        if std::mem::take(&mut first) {
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            // The empty line: the body follows.
            return;
        };
        let name = &mut line[..colon];
        let spelling = spellings.iter().find(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        if let Some(spelling) = spelling {
            name.copy_from_slice(spelling.as_bytes());
        } else {
            let mut start = true;
            for byte in name {
                if start {
                    byte.make_ascii_uppercase();
                }
                start = *byte == b'-';
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, value: &str) -> Result<(), (String, Objection)> {
        check(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn headers_that_are_not_the_users_are_refused() {
        for name in RESERVED {
            for spelling in [
                name.to_owned(),
                name.to_ascii_lowercase(),
                name.to_ascii_uppercase(),
                name.replace('-', "_"),
                name.replace('-', "."),
                format!(" {name}"),
                format!("{name} "),
                format!("{name}\t"),
                format!("{name}:"),
                format!("\u{b}{name}"),
            ] {
                assert!(judged(&spelling, "x").is_err(), "{spelling:?} is let through");
            }
        }
    }

    #[test]
    fn names_and_values_break_no_line() {
        for name in
            ["", "a b", "a:b", "a\r\nHost", "a\nb", "a\0", "\u{e9}", "a(b)", "a\"b", "a\u{130}"]
        {
            assert!(judged(name, "x").is_err(), "{name:?}");
        }
        for value in ["a\r\nHost: b", "a\nb", "a\rb", "a\0b", "\u{1}", "\u{7f}", "\u{e9}", "\u{85}"]
        {
            let (place, (found, allowed)) = judged("X-Name", value).unwrap_err();
            assert_eq!(place, "webhook header \"X-Name\"");
            assert!(!found.contains(value) && !allowed.contains(value), "{value:?} is repeated");
        }
        for (name, value) in
            [("Authorization", "Bearer x.y-z=="), ("x-api_key", ""), ("X-A", "a\tb  c~")]
        {
            assert!(judged(name, value).is_ok(), "{name}: {value:?}");
        }
    }

    #[test]
    fn headers_are_few_and_given_once() {
        let twice = [("X-A", "1"), ("x_a", "2")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert!(check(&twice).is_err());
        let named = |count: usize| -> Vec<(String, String)> {
            (0..count).map(|index| (format!("X-{index}"), String::new())).collect()
        };
        assert!(check(&named(50)).is_ok() && check(&named(51)).is_err());
        assert!(judged("X-A", &"a".repeat(LONGEST - 3)).is_ok());
        assert!(judged("X-A", &"a".repeat(LONGEST - 2)).is_err());
    }

    #[test]
    fn names_are_spelled_as_people_do() {
        let mut head = *b"POST /a:b HTTP/1.1\r\nhost: a:1\r\nx-prosper202-signature: ab\r\n\
                          x-api-key: k\r\ncontent-length: 3\r\n\r\nabc: d\nef: g";
        spell(&mut head, &["X-API-key".to_owned()]);
        let expected = "POST /a:b HTTP/1.1\r\nHost: a:1\r\nX-Prosper202-Signature: ab\r\n\
                        X-API-key: k\r\nContent-Length: 3\r\n\r\nabc: d\nef: g";
        assert_eq!(std::str::from_utf8(&head).unwrap(), expected);
    }
}
