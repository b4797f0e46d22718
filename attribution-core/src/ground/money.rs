//! Money and credit as exact integers, and decimals to and from text.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::error::{Error, quoted};

/// Units of 0.00001 in one.
pub(crate) const UNITS_PER_ONE: i64 = 100_000;

/// An amount of money: a whole count of 0.00001.
///
/// The range is that of `i64`: about 92 trillion either way. Text has at most 5 decimals.
///
/// ```
/// use attribution_core::Money;
/// let payout: Money = "-12.5".parse()?;
/// assert_eq!(payout.units(), -1_250_000);
/// assert_eq!(payout.to_string(), "-12.50000");
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// A sum of stored credits: a whole count of 0.00001; one conversion is 1.00000.
///
/// ```
/// use attribution_core::Credit;
/// assert_eq!(Credit::ONE.to_string(), "1.00000");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credit(u64);

impl Credit {
    /// One whole conversion.
    ///
    /// ```
    /// assert_eq!(attribution_core::Credit::ONE.units(), 100_000);
    /// ```
    pub const ONE: Self = Self(UNITS_PER_ONE as u64);

    /// From a count of 0.00001.
    ///
    /// ```
    /// assert_eq!(attribution_core::Credit::from_units(25_000).to_string(), "0.25000");
    /// ```
    pub const fn from_units(units: u64) -> Self {
        Self(units)
    }

    /// The count of 0.00001.
    ///
    /// ```
    /// assert_eq!(attribution_core::Credit::ONE.units(), 100_000);
    /// ```
    pub const fn units(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Credit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = UNITS_PER_ONE as u64;
        write!(f, "{}.{:05}", self.0 / one, self.0 % one)
    }
}

impl Money {
    /// Nothing.
    ///
    /// ```
    /// assert_eq!(attribution_core::Money::ZERO.to_string(), "0.00000");
    /// ```
    pub const ZERO: Self = Self(0);

    /// From a count of 0.00001.
    ///
    /// ```
    /// assert_eq!(attribution_core::Money::from_units(1).to_string(), "0.00001");
    /// ```
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// The count of 0.00001.
    ///
    /// ```
    /// assert_eq!(attribution_core::Money::ZERO.units(), 0);
    /// ```
    pub const fn units(self) -> i64 {
        self.0
    }

    /// From a float, rounded to 5 decimals, half to even.
    ///
    /// The float's shortest decimal text is what is rounded, so 0.1 means 0.1.
    ///
    /// # Errors
    /// Refuses NaN, infinities and amounts out of range.
    ///
    /// ```
    /// use attribution_core::Money;
    /// assert_eq!(Money::from_f64(0.000025)?.units(), 2);
    /// assert!(Money::from_f64(f64::NAN).is_err());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn from_f64(amount: f64) -> Result<Self, Error> {
        let allowed = "a finite amount within 92,233,720,368,547.75807 either way";
        let refused = || Error::input("money", format!("found {amount}"), allowed);
        if !amount.is_finite() {
            return Err(refused());
        }
        let decimal = Decimal::parse(&format!("{amount:e}")).ok_or_else(refused)?;
        let units = decimal.rounded(5).ok_or_else(refused)?;
        i64::try_from(units).map(Self).map_err(|_| refused())
    }
}

/// As its decimal text, which is exact.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As its decimal text.
impl Serialize for Credit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = UNITS_PER_ONE as u64;
        let (sign, units) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}.{:05}", units / one, units % one)
    }
}

impl FromStr for Money {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse_units(text.as_bytes()).map(Self).map_err(|problem| {
            let (found, allowed) = problem.describe(text);
            Error::input("money", found, allowed)
        })
    }
}

/// Why a text is no amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MoneyProblem {
    NotANumber,
    TooManyDecimals,
    OutOfRange,
}

impl MoneyProblem {
    /// What was found and what is allowed, as the two halves of a defect.
    pub(crate) fn describe(self, text: &str) -> (String, &'static str) {
        let text = quoted(text);
        match self {
            Self::NotANumber => {
                (format!("{text} is not a number"), "a decimal such as 12.5, at most 5 decimals")
            }
            Self::TooManyDecimals => {
                (format!("{text} has too many decimals"), "at most 5 decimals")
            }
            Self::OutOfRange => {
                (format!("{text} is out of range"), "at most 92,233,720,368,547.75807 either way")
            }
        }
    }
}

/// Reads `-?digits[.digits]` with at most 5 decimals as a count of 0.00001.
pub(crate) fn parse_units(text: &[u8]) -> Result<i64, MoneyProblem> {
    match parse_short(text) {
        Some(units) => Ok(units),
        None => parse_any(text),
    }
}

/// As [`parse_units`], of the short and good texts that most are, without a check at each digit; None for others.
fn parse_short(text: &[u8]) -> Option<i64> {
    const SCALES: [i64; 6] = [100_000, 10_000, 1_000, 100, 10, 1];
    /// So many digits with 5 zeros behind them fit.
    const LONGEST: usize = 12;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.len() > LONGEST {
        return None;
    }
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, decimals) = match point {
        Some(point) => (digits.get(..point)?, digits.get(point + 1..)?),
        None => (digits, &[][..]),
    };
    let scale = SCALES.get(decimals.len())?;
    if whole.is_empty() && decimals.is_empty() {
        return None;
    }
    let mut count: i64 = 0;
    for byte in whole.iter().chain(decimals) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        count = count * 10 + i64::from(digit);
    }
    let units = count * scale;
    Some(if negative { -units } else { units })
}

fn parse_any(text: &[u8]) -> Result<i64, MoneyProblem> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut units: i64 = 0;
    let mut whole_digits = 0;
    let mut decimals = None;
    for &byte in digits {
        match (byte, &mut decimals) {
            (b'0'..=b'9', count) => {
                match count {
                    Some(5) => return Err(too_many_or_not_a_number(digits)),
                    Some(count) => *count += 1,
                    None => whole_digits += 1,
                }
                units = push_digit(units, byte).ok_or(MoneyProblem::OutOfRange)?;
            }
            (b'.', None) => decimals = Some(0),
            _ => return Err(MoneyProblem::NotANumber),
        }
    }
    let decimals = decimals.unwrap_or(0);
    if whole_digits == 0 && decimals == 0 {
        return Err(MoneyProblem::NotANumber);
    }
    for _ in decimals..5 {
        units = push_digit(units, b'0').ok_or(MoneyProblem::OutOfRange)?;
    }
    // Counted downwards, since i64 reaches one further there.
    if negative { Ok(units) } else { units.checked_neg().ok_or(MoneyProblem::OutOfRange) }
}

fn push_digit(units: i64, digit: u8) -> Option<i64> {
    units.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))
}

fn too_many_or_not_a_number(digits: &[u8]) -> MoneyProblem {
    if digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && digits.iter().filter(|byte| **byte == b'.').count() == 1
    {
        MoneyProblem::TooManyDecimals
    } else {
        MoneyProblem::NotANumber
    }
}

/// `numerator / denominator` as a whole number, rounded half to even. The denominator is not 0.
pub(crate) fn divide_half_even(numerator: i128, denominator: i128) -> i128 {
    let sign = denominator.signum();
    let (numerator, denominator) = (numerator * sign, denominator * sign);
    // Nearly all numbers are small, and machines divide those many times faster.
    if let (Ok(small), Ok(by)) = (i64::try_from(numerator), i64::try_from(denominator)) {
        let (quotient, rest) = (small.div_euclid(by), small.rem_euclid(by));
        let up = match rest.cmp(&(by - rest)) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => quotient & 1,
            std::cmp::Ordering::Greater => 1,
        };
        return i128::from(quotient) + i128::from(up);
    }
    let quotient = numerator.div_euclid(denominator);
    let twice = 2 * numerator.rem_euclid(denominator);
    match twice.cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
        std::cmp::Ordering::Greater => quotient + 1,
    }
}

/// Writes a whole count of 10^-`decimals` as decimal text, such as `-0.0500`.
pub(crate) fn write_decimal(out: &mut String, count: i128, decimals: u32) {
    use fmt::Write as _;
    let scale = 10_u128.pow(decimals);
    let magnitude = count.unsigned_abs();
    let sign = if count < 0 { "-" } else { "" };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "{sign}{}.{:0width$}",
        magnitude / scale,
        magnitude % scale,
        width = decimals as usize
    );
}

/// A decimal read exactly from text: `digits * 10^exponent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Significant digits, most significant first, without leading or trailing zeros.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`; None for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, bytes) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, bytes),
        };
        let mark = bytes.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (mantissa, exponent) = match mark {
            Some(at) => (&bytes[..at], parse_exponent(&bytes[at + 1..])?),
            None => (bytes, 0),
        };
        let mut digits = Vec::new();
        let mut decimals = None;
        let mut any = false;
        for &byte in mantissa {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    if let Some(count) = &mut decimals {
                        *count += 1;
                    }
                    if !(digits.is_empty() && byte == b'0') {
                        digits.push(byte - b'0');
                    }
                }
                b'.' if decimals.is_none() => decimals = Some(0_i64),
                _ => return None,
            }
        }
        if !any {
            return None;
        }
        let mut exponent = exponent - decimals.unwrap_or(0);
        while digits.last() == Some(&0) {
            digits.pop();
            exponent += 1;
        }
        Some(Self { negative: negative && !digits.is_empty(), digits, exponent })
    }

    /// The number times 10^`places`, rounded half to even; None where it does not fit.
    pub(crate) fn rounded(&self, places: i64) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let shift = self.exponent + places;
        // How many of the digits stand before the rounding place.
        let kept = self.digits.len() as i64 + shift;
        if kept > 30 {
            return None;
        }
        if kept < 0 {
            return Some(0);
        }
        let kept = kept as usize;
        let mut whole = 0_i128;
        for index in 0..kept {
            whole = whole * 10 + i128::from(self.digits.get(index).copied().unwrap_or(0));
        }
        if let Some(&next) = self.digits.get(kept) {
            // The digits have no trailing zeros, so any digit after this one is more than half.
            let more = next > 5 || (next == 5 && self.digits.len() > kept + 1);
            if more || (next == 5 && whole % 2 == 1) {
                whole += 1;
            }
        }
        Some(if self.negative { -whole } else { whole })
    }

    /// The number when it is whole and not negative and fits.
    pub(crate) fn whole(&self) -> Option<u64> {
        if self.exponent < 0 || self.negative {
            return None;
        }
        self.rounded(0).and_then(|whole| u64::try_from(whole).ok())
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // An exponent beyond this moves any number to zero or out of range alike.
    let value = digits
        .iter()
        .fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1_000_000_000));
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_read_as_any() {
        for text in [
            "0",
            "-0",
            "1.5",
            ".5",
            "5.",
            "-",
            "",
            ".",
            "-.",
            "12.34567",
            "12.345678",
            "1e5",
            "+1",
            " 1",
            "1 ",
            "000000000001",
            "999999999999",
            "-99999.99999",
            "123456.789",
            "1..2",
            "1.2.3",
            "12a",
            "--1",
            "1-",
        ] {
            assert_eq!(parse_units(text.as_bytes()), parse_any(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn money_reads_what_it_writes_at_the_edges() {
        for units in [0, 1, -1, 99_999, 100_000, -100_001, i64::MAX, i64::MIN] {
            let money = Money::from_units(units);
            assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
        }
    }

    #[test]
    fn money_refuses_what_is_not_exact() {
        use MoneyProblem::{NotANumber, OutOfRange, TooManyDecimals};
        for (text, problem) in [
            ("", NotANumber),
            ("-", NotANumber),
            (".", NotANumber),
            ("1.2.3", NotANumber),
            ("1e3", NotANumber),
            ("+1", NotANumber),
            (" 1", NotANumber),
            ("1.000000", TooManyDecimals),
            ("0.123456", TooManyDecimals),
            ("0.123456x", NotANumber),
            ("92233720368547.75808", OutOfRange),
            ("99999999999999999999", OutOfRange),
        ] {
            assert_eq!(parse_units(text.as_bytes()), Err(problem), "{text}");
        }
        assert_eq!(parse_units(b".5"), Ok(50_000));
        assert_eq!(parse_units(b"5."), Ok(500_000));
        assert_eq!(parse_units(b"-92233720368547.75808"), Ok(i64::MIN));
    }

    #[test]
    fn decimals_round_half_to_even_at_any_length() {
        let rounded = |text: &str| Decimal::parse(text).unwrap().rounded(6);
        assert_eq!(rounded("0.3333335"), Some(333_334));
        assert_eq!(rounded("0.3333325"), Some(333_332));
        assert_eq!(rounded("0.33333250000000000000000000001"), Some(333_333));
        assert_eq!(rounded("4e-7"), Some(0));
        assert_eq!(rounded("5e-7"), Some(0));
        assert_eq!(rounded("15e-7"), Some(2));
        assert_eq!(rounded("-15e-7"), Some(-2));
        assert_eq!(rounded("1e-999999999999"), Some(0));
        assert_eq!(rounded("1e99"), None);
        assert_eq!(Decimal::parse("1e"), None);
        assert_eq!(Decimal::parse("0x1"), None);
        assert_eq!(Decimal::parse("48.0").unwrap().whole(), Some(48));
        assert_eq!(Decimal::parse("4.85e1").unwrap().whole(), None);
    }

    #[test]
    fn division_rounds_half_to_even_on_both_sides_of_zero() {
        for (numerator, expected) in
            [(5, 0), (15, 2), (25, 2), (-5, 0), (-15, -2), (-16, -2), (14, 1)]
        {
            assert_eq!(divide_half_even(numerator, 10), expected, "{numerator}");
            assert_eq!(divide_half_even(-numerator, -10), expected, "{numerator}");
        }
    }

    #[test]
    fn floats_round_by_their_shortest_text() {
        assert_eq!(Money::from_f64(0.1).unwrap().units(), 10_000);
        assert_eq!(Money::from_f64(-1.000_005).unwrap().units(), -100_000);
        assert_eq!(Money::from_f64(1.000_015).unwrap().units(), 100_002);
        assert!(Money::from_f64(1e15).is_err());
        assert!(Money::from_f64(f64::NEG_INFINITY).is_err());
    }
}
