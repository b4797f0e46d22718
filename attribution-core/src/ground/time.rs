//! Unix seconds, hour buckets, windows and durations.

use super::error::{Error, quoted};

/// Seconds in an hour bucket.
///
/// ```
/// use attribution_core::{SECONDS_PER_HOUR, hour_of};
/// assert_eq!(hour_of(SECONDS_PER_HOUR + 1), SECONDS_PER_HOUR);
/// ```
pub const SECONDS_PER_HOUR: u32 = 3_600;

/// The hour bucket of a time: the unix second at which its hour begins.
///
/// ```
/// assert_eq!(attribution_core::hour_of(1_717_235_999), 1_717_232_400);
/// ```
pub const fn hour_of(time: u32) -> u32 {
    time - time % SECONDS_PER_HOUR
}

/// Reads a time: unix seconds, or RFC 3339 such as `2024-06-01T09:00:00Z`.
///
/// # Errors
/// Refuses anything else, fractions of a second, and times outside 0..=4294967295.
///
/// ```
/// use attribution_core::parse_time;
/// assert_eq!(parse_time("1717232400")?, 1_717_232_400);
/// assert_eq!(parse_time("2024-06-01T11:00:00+02:00")?, 1_717_232_400);
/// assert!(parse_time("2024-06-01").is_err());
/// # Ok::<(), attribution_core::Error>(())
/// ```
pub fn parse_time(text: &str) -> Result<u32, Error> {
    read_time(text).map_err(|(found, allowed)| Error::input("time", found, allowed))
}

pub(crate) const TIME_ALLOWED: &str =
    "unix seconds from 0 to 4294967295, or RFC 3339 such as 2024-06-01T09:00:00Z";

/// As [`parse_time`], with what was found and what is allowed as the halves of a defect.
pub(crate) fn read_time(text: &str) -> Result<u32, (String, &'static str)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse()
            .map_err(|_| (format!("{} is out of range", quoted(text)), TIME_ALLOWED));
    }
    let timestamp = has_the_form_of_rfc_3339(text)
        .then(|| text.parse::<jiff::Timestamp>().ok())
        .flatten()
        .ok_or_else(|| (format!("{} is not a time", quoted(text)), TIME_ALLOWED))?;
    if timestamp.subsec_nanosecond() != 0 {
        return Err((format!("{} has a fraction of a second", quoted(text)), "whole seconds"));
    }
    u32::try_from(timestamp.as_second())
        .map_err(|_| (format!("{} is out of range", quoted(text)), TIME_ALLOWED))
}

/// Whether a text is written as `date-time` of RFC 3339, section 5.6, without a leap second, which
/// unix time has not. Libraries read more than that.
fn has_the_form_of_rfc_3339(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let Some((date_time, rest)) = text.as_bytes().split_at_checked(FORM.len()) else {
        return false;
    };
    let fits = |(form, byte): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        form => form == byte,
    };
    let leap_second = date_time[17] >= b'6';
    let offset = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &fraction[digits..]
        }
        rest => rest,
    };
    let digits = |at: &[usize]| at.iter().all(|at| offset[*at].is_ascii_digit());
    FORM.iter().zip(date_time).all(fits)
        && !leap_second
        && match offset {
            [b'Z' | b'z'] => true,
            [b'+' | b'-', _, _, b':', _, _] => digits(&[1, 2, 4, 5]),
            _ => false,
        }
}

/// Reads a length of time in seconds: a whole number with a unit, `s`, `m`, `h`, `d` or `w`.
///
/// # Errors
/// Refuses a missing or unknown unit, anything not whole, and more than 4294967295 seconds.
///
/// ```
/// use attribution_core::parse_duration;
/// assert_eq!(parse_duration("30d")?, 2_592_000);
/// assert!(parse_duration("30").is_err());
/// # Ok::<(), attribution_core::Error>(())
/// ```
pub fn parse_duration(text: &str) -> Result<u32, Error> {
    let refused = || {
        Error::input(
            "duration",
            format!("found {}", quoted(text)),
            "a whole number and a unit (s, m, h, d or w) such as 30d, at most 4294967295 seconds",
        )
    };
    let unit = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => SECONDS_PER_HOUR,
        Some(b'd') => 24 * SECONDS_PER_HOUR,
        Some(b'w') => 7 * 24 * SECONDS_PER_HOUR,
        _ => return Err(refused()),
    };
    let count = &text[..text.len() - 1];
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused());
    }
    count.parse::<u32>().ok().and_then(|count| count.checked_mul(unit)).ok_or_else(refused)
}

/// A window of whole hours, `[start, end)`.
///
/// ```
/// use attribution_core::Window;
/// let window = Window::new(1_717_232_401, 1_717_236_001)?;
/// assert_eq!((window.start(), window.end()), (1_717_232_400, 1_717_239_600));
/// assert!(window.contains(1_717_239_599) && !window.contains(1_717_239_600));
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    start: u64,
    end: u64,
}

impl Window {
    /// Widens a window to whole hours: the start falls to its hour, the end rises to the next
    /// whole hour unless it is on one.
    ///
    /// # Errors
    /// Refuses a start that is not before the end.
    ///
    /// ```
    /// assert!(attribution_core::Window::new(10, 10).is_err());
    /// ```
    pub fn new(start: u32, end: u32) -> Result<Self, Error> {
        if start >= end {
            return Err(Error::input(
                "window",
                format!("start {start} is not before end {end}"),
                "start before end",
            ));
        }
        let hour = u64::from(SECONDS_PER_HOUR);
        Ok(Self { start: u64::from(hour_of(start)), end: u64::from(end).div_ceil(hour) * hour })
    }

    /// The first second of the window.
    ///
    /// ```
    /// assert_eq!(attribution_core::Window::new(3_601, 7_200)?.start(), 3_600);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn start(self) -> u64 {
        self.start
    }

    /// The first second after the window; it can be beyond the last time that there is.
    ///
    /// ```
    /// assert_eq!(attribution_core::Window::new(0, u32::MAX)?.end(), 4_294_969_200);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn end(self) -> u64 {
        self.end
    }

    /// Whether a time lies in the window.
    ///
    /// ```
    /// assert!(attribution_core::Window::new(0, 1)?.contains(3_599));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const fn contains(self, time: u32) -> bool {
        let time = time as u64;
        self.start <= time && time < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_out_of_range_or_not_whole_are_refused() {
        assert_eq!(parse_time("4294967295").unwrap(), u32::MAX);
        assert_eq!(parse_time("1970-01-01T00:00:00Z").unwrap(), 0);
        assert_eq!(parse_time("2024-06-01T09:00:00.000Z").unwrap(), 1_717_232_400);
        for text in [
            "4294967296",
            "-1",
            "1969-12-31T23:59:59Z",
            "2106-02-07T06:28:16Z",
            "2024-06-01T09:00:00.5Z",
            "2024-06-01T09:00:00",
            "2024-02-30T09:00:00Z",
            "2024-06-01T09:00:60Z",
            "2024-06-01T09:00:00,0Z",
            "2024-06-01T09:00:00.Z",
            "2024-06-01T09:00:00+02",
            "2024-06-01T09:00:00+02:00:00",
            "2024-06-01T09:00:00+02:00[Europe/Paris]",
            "20240601T090000Z",
            "2024-06-01T0900:00Zé",
            "1717232400.0",
            "",
            " 1",
            "+1",
            "now",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_know_their_units() {
        let seconds = ["1s", "1m", "1h", "1d", "1w"].map(|text| parse_duration(text).unwrap());
        assert_eq!(seconds, [1, 60, 3_600, 86_400, 604_800]);
        for text in ["", "d", "1.5d", "-1d", "1y", "7102w", "1D"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
