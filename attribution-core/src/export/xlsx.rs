//! A real workbook (ECMA-376, part 1), written as the rows come and in constant memory: a further sheet
//! begins when one is full.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;

use super::csv::push_decimal;
use super::zip::Zip;
use super::{COLUMNS, Credited, SnapshotRow};
use crate::ground::error::Error;

/// A sheet has 1,048,576 rows, one of them the header.
const ROWS_PER_SHEET: u32 = 1_048_575;
/// Spreadsheets keep 15 digits of a number; a longer id is written as text.
const LONGEST_NUMBER: u64 = 999_999_999_999_999;
/// The longest text that a cell can have, in units of UTF-16.
const LONGEST_TEXT: usize = 32_767;
/// How many texts are kept to be named by their numbers; further ones stand in their cells.
const SHARED_TEXTS: usize = 1_000;
/// How much of a sheet is gathered before it is deflated.
const GATHERED: usize = 1 << 16;
/// Days from the day 0 of spreadsheets to 1970.
const FIRST_DAY: f64 = 25_569.0;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

/// The styles of cells, by their places in `cellXfs`.
const HEADER: &str = "<c s=\"1\" t=\"s\"><v>";
const HOUR: &[u8] = b"<c s=\"2\"><v>";
const WHOLE: &[u8] = b"<c s=\"3\"><v>";
const AMOUNT: &[u8] = b"<c s=\"4\"><v>";
const PERCENT: &[u8] = b"<c s=\"5\"><v>";
const TEXT: &[u8] = b"<c t=\"s\"><v>";
const END: &[u8] = b"</v></c>";
/// A cell has its place from those before it, so that nothing is left out.
const EMPTY: &[u8] = b"<c/>";

const STYLES: &str = "<numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd hh:mm\"/>\
    <numFmt numFmtId=\"165\" formatCode=\"0.0000\"/></numFmts>\
    <fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font>\
    <font><b/><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font></fonts>\
    <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>\
    <fill><patternFill patternType=\"gray125\"/></fill></fills>\
    <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
    <cellXfs count=\"6\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
    <xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/>\
    <xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"1\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"165\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"2\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    </cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles>";

pub(super) struct XlsxExport<W: Write> {
    zip: Zip<W>,
    text: Vec<u8>,
    texts: Texts,
    /// The last row's model, and how its cell is written.
    model: (String, Vec<u8>),
    rows_per_sheet: u32,
    sheets: usize,
    /// Rows of the newest sheet, without the header.
    rows: u32,
}

impl<W: Write> std::fmt::Debug for XlsxExport<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XlsxExport")
            .field("sheets", &self.sheets)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// The texts that cells name by their numbers.
#[derive(Default)]
struct Texts {
    numbers: HashMap<String, usize>,
    /// The texts as the workbook has them, in order.
    items: String,
}

impl Texts {
    fn number(&mut self, text: &str) -> Result<Option<usize>, Error> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(Some(*number));
        }
        let number = self.numbers.len();
        if number == SHARED_TEXTS {
            return Ok(None);
        }
        self.items.push_str("<si>");
        push_text(&mut self.items, text)?;
        self.items.push_str("</si>");
        self.numbers.insert(text.to_owned(), number);
        Ok(Some(number))
    }

    /// A text's cell. It is never a formula, whatever it begins with.
    fn cell(&mut self, out: &mut Vec<u8>, text: &str) -> Result<(), Error> {
        if let Some(number) = self.number(text)? {
            out.extend_from_slice(TEXT);
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            out.extend_from_slice(END);
            return Ok(());
        }
        let mut inline = String::from("<c t=\"inlineStr\"><is>");
        push_text(&mut inline, text)?;
        inline.push_str("</is></c>");
        out.extend_from_slice(inline.as_bytes());
        Ok(())
    }
}

/// A text as an element. What XML cannot say is written as `_xHHHH_`, and so is what would be taken for
/// that (ECMA-376, part 1, 22.9.2.19).
fn push_text(out: &mut String, text: &str) -> Result<(), Error> {
    let length = text.encode_utf16().count();
    if length > LONGEST_TEXT {
        let found = format!("found a text of {length} characters");
        return Err(Error::limit("export", found, "texts of at most 32767 characters"));
    }
    out.push_str("<t xml:space=\"preserve\">");
    for (place, character) in text.char_indices() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '_' if looks_escaped(&text.as_bytes()[place..]) => out.push_str("_x005F_"),
            '\t' | '\n' => out.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "_x{:04X}_", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push_str("</t>");
    Ok(())
}

fn looks_escaped(bytes: &[u8]) -> bool {
    matches!(bytes, [b'_', b'x', digits @ .., ] if digits.len() > 4
        && digits[..4].iter().all(u8::is_ascii_hexdigit) && digits[4] == b'_')
}

impl<W: Write> XlsxExport<W> {
    pub(super) fn new(writer: W) -> Result<Self, Error> {
        Self::with_rows_per_sheet(writer, ROWS_PER_SHEET)
    }

    fn with_rows_per_sheet(writer: W, rows_per_sheet: u32) -> Result<Self, Error> {
        let mut export = Self {
            zip: Zip::new(writer),
            text: Vec::with_capacity(GATHERED + 4_096),
            texts: Texts::default(),
            model: (String::new(), Vec::new()),
            rows_per_sheet,
            sheets: 0,
            rows: 0,
        };
        // What looks at the beginning of a file for what it is wants this first. How many sheets there
        // will be is not known yet, so that they are what parts are by default.
        let content = |kind: &str| format!("application/vnd.openxmlformats-{kind}+xml");
        let mut types = format!(
            "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" ContentType=\"{}\"/>\
             <Default Extension=\"xml\" ContentType=\"{}\"/>",
            content("package.relationships"),
            content("officedocument.spreadsheetml.worksheet")
        );
        for (part, kind) in [
            ("xl/workbook", "officedocument.spreadsheetml.sheet.main"),
            ("xl/styles", "officedocument.spreadsheetml.styles"),
            ("xl/sharedStrings", "officedocument.spreadsheetml.sharedStrings"),
            ("docProps/core", "package.core-properties"),
        ] {
            let content = content(kind);
            let _ = write!(types, "<Override PartName=\"/{part}.xml\" ContentType=\"{content}\"/>");
        }
        export.part("[Content_Types].xml", &[&types, "</Types>"])?;
        export.add_sheet()?;
        Ok(export)
    }

    /// Writes a whole part.
    fn part(&mut self, name: &str, texts: &[&str]) -> Result<(), Error> {
        self.zip.begin(name)?;
        self.zip.write(XML.as_bytes())?;
        texts.iter().try_for_each(|text| self.zip.write(text.as_bytes()))
    }

    fn add_sheet(&mut self) -> Result<(), Error> {
        self.sheets += 1;
        self.rows = 0;
        let selected = if self.sheets == 1 { " tabSelected=\"1\"" } else { "" };
        let mut head = format!(
            "<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView{selected} workbookViewId=\"0\">\
             <pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>\
             </sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/><cols>"
        );
        for (column, title) in (1..).zip(COLUMNS) {
            let width = if column == 1 { 17 } else { title.len().max(12) };
            let _ = write!(
                head,
                "<col min=\"{column}\" max=\"{column}\" width=\"{width}.7109375\" customWidth=\"1\"/>"
            );
        }
        head.push_str("</cols><sheetData><row>");
        for title in COLUMNS {
            // The titles are the first of the texts.
            let number = self.texts.number(title)?.unwrap_or_default();
            let _ = write!(head, "{HEADER}{number}</v></c>");
        }
        head.push_str("</row>");
        self.part(&format!("xl/worksheets/sheet{}.xml", self.sheets), &[&head])
    }

    /// Writes what has been gathered of the sheet.
    fn write_gathered(&mut self) -> Result<(), Error> {
        let written = self.zip.write(&self.text);
        self.text.clear();
        written
    }

    fn end_sheet(&mut self) -> Result<(), Error> {
        self.text.extend_from_slice(b"</sheetData></worksheet>");
        self.write_gathered()
    }

    pub(super) fn write(&mut self, row: &SnapshotRow<'_>, credited: Credited) -> Result<(), Error> {
        if self.rows == self.rows_per_sheet {
            self.end_sheet()?;
            self.add_sheet()?;
        }
        self.rows += 1;
        if self.model.1.is_empty() || self.model.0 != row.model {
            let mut cell = Vec::new();
            self.texts.cell(&mut cell, row.model)?;
            self.model = (row.model.to_owned(), cell);
        }
        let (snapshot, text) = (&row.snapshot, &mut self.text);
        let mut digits = itoa::Buffer::new();
        let mut whole = |text: &mut Vec<u8>, number: u64| {
            text.extend_from_slice(WHOLE);
            text.extend_from_slice(digits.format(number).as_bytes());
            text.extend_from_slice(END);
        };
        text.extend_from_slice(b"<row>");
        text.extend_from_slice(HOUR);
        // Writing to a Vec cannot fail.
        let _ = write!(text, "{}", FIRST_DAY + f64::from(snapshot.date_hour) / 86_400.0);
        text.extend_from_slice(END);
        text.extend_from_slice(&self.model.1);
        self.texts.cell(text, snapshot.scope.scope_type().name())?;
        match snapshot.scope.id() {
            None => text.extend_from_slice(EMPTY),
            Some(id) if id <= LONGEST_NUMBER => whole(text, id),
            Some(id) => self.texts.cell(text, &id.to_string())?,
        }
        whole(text, snapshot.attributed_clicks);
        whole(text, snapshot.attributed_conversions);
        for (place, amount) in row.amounts().into_iter().enumerate() {
            if place == 0 && credited != Credited::Known {
                text.extend_from_slice(EMPTY);
                continue;
            }
            text.extend_from_slice(AMOUNT);
            push_decimal::<4>(text, amount);
            text.extend_from_slice(END);
        }
        if let Some(hundredths) = row.roi_hundredths() {
            text.extend_from_slice(PERCENT);
            push_decimal::<2>(text, hundredths);
            text.extend_from_slice(END);
        }
        text.extend_from_slice(b"</row>");
        if text.len() >= GATHERED { self.write_gathered() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<W, Error> {
        self.end_sheet()?;
        let mut sheets = String::new();
        let mut relations = String::new();
        for sheet in 1..=self.sheets {
            let name = match sheet {
                1 => "Snapshots".to_owned(),
                more => format!("Snapshots {more}"),
            };
            let _ =
                write!(sheets, "<sheet name=\"{name}\" sheetId=\"{sheet}\" r:id=\"rId{sheet}\"/>");
            let target = format!("worksheets/sheet{sheet}");
            push_relation(&mut relations, sheet, OFFICE, "worksheet", &target);
        }
        for (place, (kind, target)) in
            [("styles", "styles"), ("sharedStrings", "sharedStrings")].into_iter().enumerate()
        {
            push_relation(&mut relations, self.sheets + 1 + place, OFFICE, kind, target);
        }
        let open = format!("<Relationships xmlns=\"{PACKAGE}/relationships\">");
        let close = "</Relationships>";
        self.part("xl/_rels/workbook.xml.rels", &[&open, &relations, close])?;
        let head = format!(
            "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><bookViews>\
             <workbookView xWindow=\"240\" yWindow=\"15\" windowWidth=\"16095\" windowHeight=\"9660\"/>\
             </bookViews><sheets>"
        );
        self.part("xl/workbook.xml", &[&head, &sheets, "</sheets></workbook>"])?;
        let head = format!("<styleSheet xmlns=\"{MAIN}\">");
        self.part("xl/styles.xml", &[&head, STYLES, "</styleSheet>"])?;
        let head = format!("<sst xmlns=\"{MAIN}\">");
        let items = std::mem::take(&mut self.texts.items);
        self.part("xl/sharedStrings.xml", &[&head, &items, "</sst>"])?;
        // The same rows give the same bytes, so that the time is the same in every workbook.
        let time = "xsi:type=\"dcterms:W3CDTF\">2000-01-01T00:00:00Z</dcterms";
        let properties = format!(
            "<cp:coreProperties xmlns:cp=\"{PACKAGE}/metadata/core-properties\" \
             xmlns:dcterms=\"http://purl.org/dc/terms/\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
             <dcterms:created {time}:created><dcterms:modified {time}:modified></cp:coreProperties>"
        );
        self.part("docProps/core.xml", &[&properties])?;
        relations.clear();
        push_relation(&mut relations, 1, OFFICE, "officeDocument", "xl/workbook");
        let metadata = format!("{PACKAGE}/relationships/metadata");
        push_relation(&mut relations, 2, &metadata, "core-properties", "docProps/core");
        self.part("_rels/.rels", &[&open, &relations, close])?;
        self.zip.finish()
    }
}

fn push_relation(out: &mut String, id: usize, base: &str, kind: &str, target: &str) {
    let _ = write!(
        out,
        "<Relationship Id=\"rId{id}\" Type=\"{base}/{kind}\" Target=\"{target}.xml\"/>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_every_character() {
        let texts = [
            ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
            ("\u{1}\r\u{fffe}", "_x0001__x000D__xFFFE_"),
            ("_x0041_ _x _x004", "_x005F_x0041_ _x _x004"),
            (" \"é\"\t\n", " \"é\"\t\n"),
        ];
        for (text, expected) in texts {
            let mut out = String::new();
            push_text(&mut out, text).unwrap();
            assert_eq!(out, format!("<t xml:space=\"preserve\">{expected}</t>"));
        }
        assert!(push_text(&mut String::new(), &"x".repeat(LONGEST_TEXT + 1)).is_err());
    }

    #[test]
    fn texts_beyond_those_that_are_kept_stand_in_their_cells() {
        let mut texts = Texts::default();
        for number in 0..SHARED_TEXTS + 2 {
            let mut out = Vec::new();
            texts.cell(&mut out, &format!("text {number}")).unwrap();
            let inline = String::from_utf8(out).unwrap().contains("inlineStr");
            assert_eq!(inline, number >= SHARED_TEXTS);
        }
    }
}
