//! CSV that a spreadsheet opens without running any of it.

use std::borrow::Cow;
use std::io::Write;

use super::{COLUMNS, Credited, SnapshotRow};
use crate::ground::error::Error;
use crate::ground::money::write_decimal;

/// How much text is gathered before it is written.
const GATHERED: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct CsvExport<W: Write> {
    writer: W,
    text: Vec<u8>,
    /// The last row's model, and how its field is written.
    model: (String, Vec<u8>),
}

pub(super) fn failed(error: csv::Error) -> Error {
    Error::io("export")(error.into())
}

/// Text that a spreadsheet would take for a formula gets an apostrophe in front, which spreadsheets
/// show or hide but never run.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A record's text.
fn record<'a>(fields: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields).map_err(failed)?;
    writer
        .into_inner()
        .map_err(|error| Error::Internal(format!("a record was not written: {error}")))
}

impl<W: Write> CsvExport<W> {
    pub(super) fn new(writer: W) -> Result<Self, Error> {
        Ok(Self { writer, text: record(COLUMNS)?, model: (String::new(), Vec::new()) })
    }

    pub(super) fn write(
        &mut self,
        row: &SnapshotRow<'_>,
        credited_is: Credited,
    ) -> Result<(), Error> {
        if self.model.1.is_empty() || self.model.0 != row.model {
            let mut field = record([&harmless(row.model)[..], ""])?;
            // The comma after it stays, the end of the line does not.
            field.pop();
            self.model = (row.model.to_owned(), field);
        }
        let (snapshot, text) = (&row.snapshot, &mut self.text);
        let mut digits = itoa::Buffer::new();
        push_hour(text, snapshot.date_hour);
        text.push(b',');
        text.extend_from_slice(&self.model.1);
        // The names of the scopes need no quotes.
        text.extend_from_slice(snapshot.scope.scope_type().name().as_bytes());
        text.push(b',');
        if let Some(id) = snapshot.scope.id() {
            text.extend_from_slice(digits.format(id).as_bytes());
        }
        for count in [snapshot.attributed_clicks, snapshot.attributed_conversions] {
            text.push(b',');
            text.extend_from_slice(digits.format(count).as_bytes());
        }
        let [credited, revenue, cost, profit] = row.amounts();
        text.push(b',');
        if credited_is == Credited::Known {
            push_decimal::<4>(text, credited);
        }
        for amount in [revenue, cost, profit] {
            text.push(b',');
            push_decimal::<4>(text, amount);
        }
        text.push(b',');
        if let Some(hundredths) = row.roi_hundredths() {
            push_decimal::<2>(text, hundredths);
        }
        text.push(b'\n');
        if text.len() >= GATHERED {
            self.writer.write_all(text).map_err(Error::io("export"))?;
            text.clear();
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<W, Error> {
        let written = self.writer.write_all(&self.text).and_then(|()| self.writer.flush());
        written.map_err(Error::io("export"))?;
        Ok(self.writer)
    }
}

/// An hour as `2024-06-01 09:00:00`, in UTC.
fn push_hour(text: &mut Vec<u8>, hour: u32) {
    let [year, month, day, hours, minutes, seconds] = civil(hour);
    for (number, end) in [
        (year / 100, None),
        (year % 100, Some(b'-')),
        (month, Some(b'-')),
        (day, Some(b' ')),
        (hours, Some(b':')),
        (minutes, Some(b':')),
        (seconds, None),
    ] {
        text.extend([b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
        text.extend(end);
    }
}

/// The year, month, day, hour, minute and second of a unix time. The days are counted from 1 March of the
/// year 0 on, in eras of 400 years (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn civil(time: u32) -> [u32; 6] {
    let days = time / 86_400 + 719_468;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + days / 146_097 * 400 + (month <= 2) as u32;
    [year, month, day, time / 3_600 % 24, time / 60 % 60, time % 60]
}

/// A whole count of 10^-`PLACES` as a decimal.
pub(super) fn push_decimal<const PLACES: u32>(text: &mut Vec<u8>, count: i128) {
    let scale = const { 10_u64.pow(PLACES) };
    let Ok(magnitude) = u64::try_from(count.unsigned_abs()) else {
        let mut long = String::new();
        write_decimal(&mut long, count, PLACES);
        text.extend_from_slice(long.as_bytes());
        return;
    };
    if count < 0 {
        text.push(b'-');
    }
    let mut digits = itoa::Buffer::new();
    text.extend_from_slice(digits.format(magnitude / scale).as_bytes());
    // A one in front keeps the zeros at the beginning.
    let places = digits.format(scale + magnitude % scale).as_bytes();
    text.push(b'.');
    text.extend_from_slice(&places[1..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_and_other_text_is_left() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "linear", "a=b", " =x", "'x"] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn hours_are_those_of_the_calendar() {
        let known = |time: u32| {
            let time = jiff::Timestamp::from_second(time.into()).unwrap();
            time.strftime("%Y-%m-%d %H:%M:%S").to_string()
        };
        // Every day until 2106, each at another time of the day.
        let times = (0..u32::MAX / 86_400).map(|day| day * 86_400 + day * 7_919 % 86_400);
        for time in times.chain([0, 951_782_400, 4_107_542_400, u32::MAX]) {
            let mut text = Vec::new();
            push_hour(&mut text, time);
            assert_eq!(String::from_utf8(text).unwrap(), known(time));
        }
    }

    #[test]
    fn decimals_are_written_as_elsewhere() {
        let large = i128::from(u64::MAX);
        for count in [0, 1, -1, 9, 99, 100, -10_000, 12_345, -99_999, large, large + 1, -large * 9]
        {
            let (mut text, mut known) = (Vec::new(), String::new());
            push_decimal::<4>(&mut text, count);
            text.push(b' ');
            push_decimal::<2>(&mut text, count);
            write_decimal(&mut known, count, 4);
            known.push(' ');
            write_decimal(&mut known, count, 2);
            assert_eq!(String::from_utf8(text).unwrap(), known);
        }
    }
}
