//! Exports read back: typed cells, exact rounding, harmless text, the same bytes twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{Cursor, Read};

use attribution_core::{
    Credit, ErrorCode, ExportFormat, Model, Money, Scope, ScopeType, Snapshot, SnapshotExporter,
    SnapshotRow,
};
use calamine::{Data, Range, Reader, Xlsx};
use flate2::read::DeflateDecoder;
use serde_json::{Value, json};

const HOUR: u32 = 1_717_232_400;
const HEADER: [&str; 11] = [
    "Date (UTC)",
    "Model",
    "Scope",
    "Scope id",
    "Attributed clicks",
    "Attributed conversions",
    "Credited conversions",
    "Revenue",
    "Cost",
    "Profit",
    "ROI %",
];

fn snapshot() -> Snapshot {
    Snapshot {
        scope: Scope::GLOBAL,
        date_hour: HOUR,
        attributed_clicks: 3,
        attributed_conversions: 2,
        credited_conversions: Credit::from_units(150_000),
        revenue: Money::from_units(3_500_000),
        cost: Money::from_units(700_000),
    }
}

fn with_amounts(revenue: i64, cost: i64) -> Snapshot {
    Snapshot { revenue: Money::from_units(revenue), cost: Money::from_units(cost), ..snapshot() }
}

fn with_id(id: u64) -> Snapshot {
    Snapshot { scope: Scope::new(ScopeType::Campaign, Some(id)).unwrap(), ..snapshot() }
}

fn export(format: ExportFormat, rows: &[(&str, Snapshot)]) -> Vec<u8> {
    let mut exporter = SnapshotExporter::new(format, Vec::new()).unwrap();
    for (model, snapshot) in rows {
        exporter.write(&SnapshotRow { model, snapshot: *snapshot }).unwrap();
    }
    assert_eq!(exporter.rows(), rows.len() as u64);
    exporter.finish().unwrap()
}

fn csv_lines(rows: &[(&str, Snapshot)]) -> Vec<String> {
    let text = String::from_utf8(export(ExportFormat::Csv, rows)).unwrap();
    assert!(text.ends_with('\n') && !text.contains('\r'));
    text.lines().map(str::to_owned).collect()
}

fn json_lines(rows: &[(&str, Snapshot)]) -> Vec<String> {
    let text = String::from_utf8(export(ExportFormat::JsonLines, rows)).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn workbook(bytes: Vec<u8>) -> Xlsx<Cursor<Vec<u8>>> {
    Xlsx::new(Cursor::new(bytes)).unwrap()
}

fn cells(rows: &[(&str, Snapshot)]) -> Range<Data> {
    let mut workbook = workbook(export(ExportFormat::Xlsx, rows));
    assert_eq!(workbook.sheet_names(), ["Snapshots"]);
    workbook.worksheet_range("Snapshots").unwrap()
}

fn cell(range: &Range<Data>, row: u32, column: u32) -> Data {
    range.get_value((row, column)).cloned().unwrap_or_default()
}

/// One file of the workbook's zip, found by its local header.
fn part(bytes: &[u8], name: &str) -> String {
    let starts = bytes.windows(4).enumerate().filter(|(_, window)| window == b"PK\x03\x04");
    for (start, _) in starts {
        let length =
            |at: usize| usize::from(bytes[start + at]) + 256 * usize::from(bytes[start + at + 1]);
        let name_end = start + 30 + length(26);
        if bytes.get(start + 30..name_end) == Some(name.as_bytes()) {
            let mut text = String::new();
            let packed = &bytes[name_end + length(28)..];
            DeflateDecoder::new(packed).read_to_string(&mut text).unwrap();
            return text;
        }
    }
    panic!("the workbook has no {name}");
}

#[test]
fn csv_has_a_header_and_a_line_for_each_row() {
    let rows = [("linear", snapshot()), ("a \"b\", c", with_id(u64::MAX))];
    assert_eq!(
        csv_lines(&rows),
        [
            HEADER.join(",").as_str(),
            "2024-06-01 09:00:00,linear,global,,3,2,1.5000,35.0000,7.0000,28.0000,400.00",
            "2024-06-01 09:00:00,\"a \"\"b\"\", c\",campaign,18446744073709551615,3,2,1.5000,\
             35.0000,7.0000,28.0000,400.00",
        ]
    );
    assert_eq!(csv_lines(&[]), [HEADER.join(",")]);
}

#[test]
fn json_lines_have_numbers_with_all_their_decimals() {
    let without_cost = Snapshot { cost: Money::ZERO, ..with_id(u64::MAX) };
    let lines = json_lines(&[("linear", snapshot()), ("a \"b\"\t=", without_cost)]);
    assert_eq!(
        lines[0],
        "{\"date_utc\":\"2024-06-01T09:00:00Z\",\"model\":\"linear\",\"scope\":\"global\",\
         \"scope_id\":null,\"attributed_clicks\":3,\"attributed_conversions\":2,\
         \"credited_conversions\":1.5000,\"revenue\":35.0000,\"cost\":7.0000,\"profit\":28.0000,\
         \"roi_percent\":400.00}"
    );
    let second: Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!(second["model"], json!("a \"b\"\t="));
    assert_eq!(second["scope"], json!("campaign"));
    assert_eq!(second["scope_id"], json!(u64::MAX));
    assert_eq!(second["roi_percent"], Value::Null);
    assert_eq!(lines.len(), 2);
    assert!(json_lines(&[]).is_empty());
}

#[test]
fn amounts_round_once_half_to_even() {
    for (revenue, cost, expected) in [
        (5, 0, "0.0000,0.0000,0.0000,"),
        (15, 0, "0.0002,0.0000,0.0002,"),
        (25, 0, "0.0002,0.0000,0.0002,"),
        (26, 0, "0.0003,0.0000,0.0003,"),
        (-5, 0, "0.0000,0.0000,0.0000,"),
        (-15, 0, "-0.0002,0.0000,-0.0002,"),
        (-25, 0, "-0.0002,0.0000,-0.0002,"),
        // The profit is rounded once, not made of rounded amounts: 0.00010, not 0.0002 - 0.0000.
        (15, 5, "0.0002,0.0000,0.0001,200.00"),
        (25, 5, "0.0002,0.0000,0.0002,400.00"),
        (0, 3, "0.0000,0.0000,0.0000,-100.00"),
        (4, 3, "0.0000,0.0000,0.0000,33.33"),
        (5, 3, "0.0000,0.0000,0.0000,66.67"),
        // Halves of a hundredth of a percent: 0.005, 0.015 and below zero.
        (2_000_100, 2_000_000, "20.0010,20.0000,0.0010,0.00"),
        (2_000_300, 2_000_000, "20.0030,20.0000,0.0030,0.02"),
        (1_999_900, 2_000_000, "19.9990,20.0000,-0.0010,0.00"),
        (1_999_700, 2_000_000, "19.9970,20.0000,-0.0030,-0.02"),
        (-700_000, 700_000, "-7.0000,7.0000,-14.0000,-200.00"),
        (i64::MAX, 1, "92233720368547.7581,0.0000,92233720368547.7581,922337203685477580600.00"),
        (
            -i64::MAX,
            i64::MAX,
            "-92233720368547.7581,92233720368547.7581,-184467440737095.5161,-200.00",
        ),
    ] {
        let line = csv_lines(&[("linear", with_amounts(revenue, cost))]).remove(1);
        let found = line.split_once(",1.5000,").unwrap().1;
        assert_eq!(found, expected, "revenue {revenue}, cost {cost}");
        let row = SnapshotRow { model: "linear", snapshot: with_amounts(revenue, cost) };
        let roi = expected.rsplit(',').next().unwrap();
        assert_eq!(row.roi_percent().unwrap_or_default(), roi);
    }
    for (units, expected) in [(100_005, "1.0000"), (100_015, "1.0002"), (33_333, "0.3333")] {
        let credit = Snapshot { credited_conversions: Credit::from_units(units), ..snapshot() };
        let line = csv_lines(&[("linear", credit)]).remove(1);
        assert_eq!(line.split(',').nth(6), Some(expected));
    }
}

#[test]
fn xlsx_cells_have_types() {
    let without_cost = Snapshot { cost: Money::ZERO, ..with_id(42) };
    let range = cells(&[("linear", snapshot()), ("linear", without_cost)]);
    assert_eq!(range.get_size(), (3, 11));
    for (column, title) in (0..).zip(HEADER) {
        assert_eq!(cell(&range, 0, column), Data::String(title.to_owned()));
    }
    let Data::DateTime(date) = cell(&range, 1, 0) else {
        panic!("{:?} is no date", cell(&range, 1, 0));
    };
    assert!(date.is_datetime());
    assert_eq!(date.to_ymd_hms_milli(), (2024, 6, 1, 9, 0, 0, 0));
    assert_eq!(cell(&range, 1, 1), Data::String("linear".to_owned()));
    assert_eq!(cell(&range, 1, 2), Data::String("global".to_owned()));
    assert_eq!(cell(&range, 1, 3), Data::Empty);
    let numbers: Vec<Data> = (4..11).map(|column| cell(&range, 1, column)).collect();
    assert_eq!(numbers, [3.0, 2.0, 1.5, 35.0, 7.0, 28.0, 400.0].map(Data::Float));

    assert_eq!(cell(&range, 2, 2), Data::String("campaign".to_owned()));
    assert_eq!(cell(&range, 2, 3), Data::Float(42.0));
    assert_eq!(cell(&range, 2, 9), Data::Float(35.0));
    assert_eq!(cell(&range, 2, 10), Data::Empty);
}

#[test]
fn xlsx_amounts_are_rounded_as_in_csv() {
    let range = cells(&[("linear", with_amounts(25, 3)), ("linear", with_amounts(-15, 5))]);
    let amounts = |row| (7..11).map(|column| cell(&range, row, column)).collect::<Vec<_>>();
    assert_eq!(amounts(1), [0.0002, 0.0, 0.0002, 733.33].map(Data::Float));
    assert_eq!(amounts(2), [-0.0002, 0.0, -0.0002, -400.0].map(Data::Float));
}

#[test]
fn xlsx_keeps_every_digit_of_an_id() {
    let ids = [999_999_999_999_999, 1_000_000_000_000_000, 9_007_199_254_740_993, u64::MAX];
    let rows: Vec<_> = ids.into_iter().map(|id| ("linear", with_id(id))).collect();
    let range = cells(&rows);
    assert_eq!(cell(&range, 1, 3), Data::Float(999_999_999_999_999.0));
    for (row, id) in (1..).zip(ids).skip(1) {
        assert_eq!(cell(&range, row, 3), Data::String(id.to_string()));
    }
}

#[test]
fn xlsx_reaches_the_first_and_the_last_hour() {
    let last = u32::MAX - u32::MAX % 3_600;
    let at = |date_hour| ("linear", Snapshot { date_hour, ..snapshot() });
    let range = cells(&[at(0), at(last)]);
    let date = |row| match cell(&range, row, 0) {
        Data::DateTime(date) => date.to_ymd_hms_milli(),
        other => panic!("{other:?} is no date"),
    };
    assert_eq!(date(1), (1970, 1, 1, 0, 0, 0, 0));
    assert_eq!(date(2), (2106, 2, 7, 6, 0, 0, 0));
}

#[test]
fn text_never_becomes_a_formula() {
    let harmful = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"];
    let harmless = ["linear", "a=b", " =x", "'x", "2-1"];
    let rows: Vec<_> =
        harmful.into_iter().chain(harmless).map(|model| (model, snapshot())).collect();

    let bytes = export(ExportFormat::Csv, &rows);
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let models: Vec<String> =
        reader.records().map(|record| record.unwrap()[1].to_owned()).collect();
    let expected: Vec<String> = harmful
        .iter()
        .map(|model| format!("'{model}"))
        .chain(harmless.map(str::to_owned))
        .collect();
    assert_eq!(models, expected);

    let mut workbook = workbook(export(ExportFormat::Xlsx, &rows));
    let range = workbook.worksheet_range("Snapshots").unwrap();
    for (row, (model, _)) in (1..).zip(&rows) {
        assert_eq!(cell(&range, row, 1), Data::String((*model).to_owned()));
    }
    let formulas = workbook.worksheet_formula("Snapshots").unwrap();
    assert!(formulas.cells().all(|(_, _, formula)| formula.is_empty()));

    for (line, (model, _)) in json_lines(&rows).iter().zip(&rows) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["model"], json!(model));
    }
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let rows: Vec<_> = (1..2_000)
        .map(|id| (if id % 2 == 0 { "linear" } else { "last_touch" }, with_id(id)))
        .collect();
    for format in ExportFormat::ALL {
        let first = export(format, &rows);
        assert!(first == export(format, &rows), "{format}");
        assert!(first != export(format, &rows[1..]), "{format}");
    }
}

#[test]
fn a_workbook_has_a_fixed_creation_time_and_a_frozen_header() {
    let bytes = export(ExportFormat::Xlsx, &[("linear", snapshot())]);
    let properties = part(&bytes, "docProps/core.xml");
    assert_eq!(properties.matches("2000-01-01T00:00:00Z").count(), 2, "{properties}");
    let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("<pane ySplit=\"1\" topLeftCell=\"A2\""), "{sheet}");
    assert!(sheet.contains("state=\"frozen\""), "{sheet}");
}

#[test]
fn the_name_of_a_model_goes_out_as_it_is() {
    let model = Model::from_spec("Zürich, \"40/20/40\"=linear").unwrap();
    let rows = [(model.name(), snapshot())];
    let line = csv_lines(&rows).remove(1);
    assert!(line.starts_with("2024-06-01 09:00:00,\"Zürich, \"\"40/20/40\"\"\",global,"), "{line}");
    assert_eq!(cell(&cells(&rows), 1, 1), Data::String(model.name().to_owned()));
}

/// Fails as a full disk does.
#[derive(Debug)]
struct FullDisk;

impl std::io::Write for FullDisk {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told() {
    for format in ExportFormat::ALL {
        let outcome = SnapshotExporter::new(format, FullDisk).and_then(|mut exporter| {
            exporter.write(&SnapshotRow { model: "linear", snapshot: snapshot() })?;
            exporter.finish().map(drop)
        });
        assert_eq!(outcome.unwrap_err().code(), ErrorCode::Io, "{format}");
    }
}

#[test]
#[ignore = "takes long; run by tests/run --long"]
fn a_full_sheet_is_followed_by_another_with_its_own_header() {
    const FULL: u64 = 1_048_575;
    let mut exporter = SnapshotExporter::new(ExportFormat::Xlsx, Vec::new()).unwrap();
    for id in 1..=FULL + 10 {
        exporter.write(&SnapshotRow { model: "linear", snapshot: with_id(id) }).unwrap();
    }
    assert_eq!(exporter.rows(), FULL + 10);
    let mut workbook = workbook(exporter.finish().unwrap());
    assert_eq!(workbook.sheet_names(), ["Snapshots", "Snapshots 2"]);
    for (sheet, first, rows) in [("Snapshots", 1, FULL), ("Snapshots 2", FULL + 1, 10)] {
        let range = workbook.worksheet_range(sheet).unwrap();
        assert_eq!(range.get_size(), (rows as usize + 1, 11), "{sheet}");
        for (column, title) in (0..).zip(HEADER) {
            assert_eq!(cell(&range, 0, column), Data::String(title.to_owned()), "{sheet}");
        }
        assert_eq!(cell(&range, 1, 3), Data::Float(first as f64), "{sheet}");
        let last = (first + rows - 1) as f64;
        assert_eq!(cell(&range, rows as u32, 3), Data::Float(last), "{sheet}");
    }
}
