//! What people see: tables that fit 80 columns, and colour where it is wanted.

use std::io::{self, IsTerminal, Write};

use attribution_core::Error;
use comfy_table::{
    Cell, CellAlignment, ContentArrangement, LineStyle, Row, Table, TableStyle, presets,
};

/// One line, under the titles.
const STYLE: TableStyle =
    presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));

/// The widest line.
const WIDTH: u16 = 80;

/// Whether standard output wants colour: a terminal does, unless `NO_COLOR` says otherwise.
pub(crate) fn wants_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Text in bold, where that is wanted.
pub(crate) fn heading(text: &str) -> String {
    if wants_colour(&io::stdout()) { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// An error's text, `error:` in red where that is wanted. Defects of the input stand for
/// themselves, each on a line that begins with its place, as editors and people look for it.
pub(crate) fn error_text(error: &Error) -> String {
    if matches!(error, Error::Input(_) | Error::Limit(_)) {
        return error.to_string();
    }
    if wants_colour(&io::stderr()) {
        format!("\u{1b}[1;31merror:\u{1b}[0m {error}")
    } else {
        format!("error: {error}")
    }
}

/// Prints to standard output. A reader who has had enough (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(crate::terminal),
    }
}

/// Prints lines to standard output.
pub(crate) fn print_lines(lines: &[String]) -> Result<(), Error> {
    print(&(lines.join("\n") + "\n"))
}

/// A table of at most 80 columns; numbers, from column `numbers_from` on, stand to the right.
pub(crate) fn table(titles: &[&str], rows: &[Vec<String>], numbers_from: usize) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    let cells = |texts: &mut dyn Iterator<Item = &str>| {
        let mut row = Row::new();
        for (column, text) in texts.enumerate() {
            let right = column >= numbers_from;
            let alignment = if right { CellAlignment::Right } else { CellAlignment::Left };
            row.add_cell(Cell::new(text).set_alignment(alignment));
        }
        row
    };
    table.set_header(cells(&mut titles.iter().copied()));
    for row in rows {
        table.add_row(cells(&mut row.iter().map(String::as_str)));
    }
    table.trim_fmt() + "\n"
}

/// A number with its thousands apart.
pub(crate) fn thousands(number: u64) -> String {
    group(&number.to_string())
}

/// An amount in whole units, its thousands apart: to compare amounts by.
pub(crate) fn whole_amount(units: i64) -> String {
    rounded(units, 100_000)
}

/// An amount's text, such as `-1234.56789`, with its thousands apart and two decimals less than
/// exact: for people, who find the exact one in the files.
pub(crate) fn amount(units: i64) -> String {
    let text = rounded(units, 1_000).replace(',', "");
    let (sign, cents) = text.strip_prefix('-').map_or(("", &text[..]), |cents| ("-", cents));
    let cents = format!("{cents:0>3}");
    let (whole, cents) = cents.split_at(cents.len() - 2);
    format!("{sign}{}.{cents}", group(whole))
}

/// A count in steps of so many units, half away from zero, its thousands apart.
fn rounded(units: i64, step: u64) -> String {
    let steps = (units.unsigned_abs() + step / 2) / step;
    let sign = if units < 0 && steps > 0 { "-" } else { "" };
    format!("{sign}{}", group(&steps.to_string()))
}

fn group(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(amount(-123_456_789), "-1,234.57");
        assert_eq!(amount(-1), "0.00");
        assert_eq!(amount(99_999_999), "1,000.00");
        assert_eq!(amount(i64::MIN), "-92,233,720,368,547.76");
        assert_eq!(whole_amount(-123_456_789), "-1,235");
        assert_eq!(whole_amount(49_999), "0");
    }
}
