//! How long a receiver asks to be left alone.

use std::time::Duration;

use jiff::fmt::{rfc2822::DateTimeParser, strtime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The longest that a receiver is heard: a day.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date in one of HTTP's three forms.
/// A date that has passed is no wait; what can't be read is nothing.
pub(super) fn read(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for the type are certainly too many seconds.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let wait = read_date(text)?.duration_since(now).max(SignedDuration::ZERO);
    Some(wait.unsigned_abs().min(LONGEST))
}

fn read_date(text: &str) -> Option<Timestamp> {
    if let Ok(date) = DateTimeParser::new().parse_timestamp(text) {
        return Some(date);
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].into_iter().find_map(|form| {
        let date = strtime::parse(form, text).ok()?.to_datetime().ok()?;
        TimeZone::UTC.to_timestamp(date).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_bounded() {
        // 1994-11-06T08:49:37Z
        let now = Timestamp::from_second(784_111_777).unwrap();
        let table = [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86401", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:51:37 GMT", Some(120)),
            ("Sun Nov  6 08:52:37 1994", Some(180)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 31 Dec 9998 23:59:59 GMT", Some(86_400)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
            ("1994-11-06", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text, now), expected.map(Duration::from_secs), "{text:?}");
        }
    }
}
