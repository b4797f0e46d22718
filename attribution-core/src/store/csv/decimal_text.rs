//! Numbers as the bytes of a file, without an allocation each.

/// Writes a whole number.
#[inline]
pub(crate) fn write_whole(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a count of 0.00001 with its 5 decimals.
#[inline]
pub(crate) fn write_five_decimals(out: &mut Vec<u8>, units: i64) {
    if units < 0 {
        out.push(b'-');
    }
    let magnitude = units.unsigned_abs();
    let (whole, mut rest) = (magnitude / 100_000, (magnitude % 100_000) as u32);
    if whole < 10 {
        out.push(b'0' + whole as u8);
    } else {
        write_whole(out, whole);
    }
    let mut text = *b".00000";
    for digit in text[1..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::money::Money;

    #[test]
    fn the_text_is_that_of_money() {
        for units in
            [0, 1, -1, 99_999, 100_000, 999_999, 1_000_000, -123_456_789, i64::MIN, i64::MAX]
        {
            let mut text = Vec::new();
            write_five_decimals(&mut text, units);
            assert_eq!(String::from_utf8(text).unwrap(), Money::from_units(units).to_string());
        }
    }
}
