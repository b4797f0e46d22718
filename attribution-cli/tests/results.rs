//! What `attribution run` writes: the worked cases byte for byte, and the exports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;

use calamine::{Data, Reader, Xlsx, open_workbook};
use common::{Folder, VECTOR_ARGUMENTS, good_input, gzip, vectors};

fn vector(name: &str) -> String {
    fs::read_to_string(vectors().join(name)).unwrap()
}

/// A file's header and rows, field by field; the vectors have no quotes.
fn fields(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn text(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| row.join(",") + "\n").collect()
}

fn check_expected(folder: &Folder, more: &[&str]) {
    let arguments: Vec<&str> = VECTOR_ARGUMENTS.iter().chain(more).copied().collect();
    folder.run(&arguments).expect(0);
    for name in ["snapshots.csv", "touchpoints.csv"] {
        let expected = vector(&format!("expected/{name}"));
        assert!(folder.read(&format!("out/{name}")) == expected, "{name} {more:?}");
    }
}

fn with_input(clicks: impl AsRef<[u8]>, conversions: impl AsRef<[u8]>) -> Folder {
    let folder = Folder::new();
    folder.write("clicks.csv", clicks);
    folder.write("conversions.csv", conversions);
    folder
}

#[test]
fn the_worked_cases_come_out_byte_for_byte() {
    let folder = with_input(vector("clicks.csv"), vector("conversions.csv"));
    check_expected(&folder, &[]);
    let files: Vec<_> = folder.files("out").into_keys().collect();
    assert_eq!(files, ["snapshots.csv", "touchpoints.csv"]);
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let folder = with_input(vector("clicks.csv"), vector("conversions.csv"));
    for threads in ["1", "2", "3"] {
        check_expected(&folder, &["--threads", threads]);
    }
}

#[test]
fn the_order_of_models_and_scopes_changes_no_byte() {
    let folder = with_input(vector("clicks.csv"), vector("conversions.csv"));
    let mut arguments = vec!["--scopes", "landing_page,account,campaign,global"];
    for model in VECTOR_ARGUMENTS[4..].chunks(2).rev() {
        arguments.extend(model);
    }
    folder.run(&arguments).expect(0);
    for name in ["snapshots.csv", "touchpoints.csv"] {
        let expected = vector(&format!("expected/{name}"));
        assert!(folder.read(&format!("out/{name}")) == expected, "{name}");
    }
}

#[test]
fn the_order_of_columns_and_rows_changes_no_byte() {
    let shuffled = |text_of_file: String| {
        let mut rows = fields(&text_of_file);
        for row in &mut rows {
            row.reverse();
            row.rotate_left(2);
        }
        rows[1..].sort_by_key(|row| row.iter().map(String::len).sum::<usize>());
        rows[1..].reverse();
        text(&rows)
    };
    let (clicks, conversions) =
        (shuffled(vector("clicks.csv")), shuffled(vector("conversions.csv")));
    assert!(
        !clicks.starts_with("click_id")
            && clicks.lines().nth(1) != vector("clicks.csv").lines().nth(1)
    );
    check_expected(&with_input(clicks, conversions), &[]);
}

#[test]
fn columns_that_nobody_knows_change_no_byte() {
    let widened = |text_of_file: String| {
        let mut rows = fields(&text_of_file);
        for (at, row) in rows.iter_mut().enumerate() {
            row.insert(1, if at == 0 { "note".into() } else { format!("\"a, \"\"b\"\" {at}\"") });
        }
        text(&rows)
    };
    let folder = with_input(widened(vector("clicks.csv")), widened(vector("conversions.csv")));
    check_expected(&folder, &[]);
}

#[test]
fn gzip_changes_no_byte() {
    let (clicks, conversions) = (vector("clicks.csv"), vector("conversions.csv"));
    check_expected(&with_input(gzip(clicks.as_bytes()), gzip(conversions.as_bytes())), &[]);
    check_expected(&with_input(gzip(clicks.as_bytes()), &conversions), &[]);
    // A gzip file may be several, one after the other.
    let (start, rest) = clicks.split_at(clicks.len() / 2);
    let members = [gzip(start.as_bytes()), gzip(rest.as_bytes())].concat();
    check_expected(&with_input(members, conversions), &[]);
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_change_no_byte() {
    let windows = |text: String| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let folder = with_input(windows(vector("clicks.csv")), windows(vector("conversions.csv")));
    check_expected(&folder, &[]);
    let trimmed = |text: String| text.trim_end().to_owned();
    let folder = with_input(trimmed(vector("clicks.csv")), trimmed(vector("conversions.csv")));
    check_expected(&folder, &[]);
}

/// Unix seconds as RFC 3339 in some time zone.
fn rfc_3339(seconds: &str, zone: i64) -> String {
    let seconds = seconds.parse::<i64>().unwrap() + zone * 3_600;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant's civil_from_days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let clock = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
    let zone = if zone == 0 { "Z".to_owned() } else { format!("{zone:+03}:00") };
    format!("{year:04}-{month:02}-{day:02}T{clock}{zone}")
}

#[test]
fn times_as_text_change_no_byte() {
    assert_eq!(rfc_3339("1717232400", 2), "2024-06-01T11:00:00+02:00");
    let with_text_times = |text_of_file: String, column: &str| {
        let mut rows = fields(&text_of_file);
        let place = rows[0].iter().position(|name| name == column).unwrap();
        for (at, row) in rows.iter_mut().enumerate().skip(1) {
            row[place] = rfc_3339(&row[place], [0, 2, -5][at % 3]);
        }
        text(&rows)
    };
    let folder = with_input(
        with_text_times(vector("clicks.csv"), "click_time"),
        with_text_times(vector("conversions.csv"), "conv_time"),
    );
    check_expected(&folder, &[]);
}

#[test]
fn every_export_has_the_rows_of_the_snapshots() {
    let folder = with_input(vector("clicks.csv"), vector("conversions.csv"));
    let rows = vector("expected/snapshots.csv").lines().count() - 1;

    check_expected(&folder, &["--export", "csv"]);
    let csv = folder.read("out/export.csv");
    assert_eq!(csv.lines().count(), rows + 1);
    assert!(csv.starts_with(
        "Date (UTC),Model,Scope,Scope id,Attributed clicks,Attributed conversions,\
         Credited conversions,Revenue,Cost,Profit,ROI %\n"
    ));

    check_expected(&folder, &["--export", "jsonl"]);
    let lines = folder.read("out/export.jsonl");
    assert_eq!(lines.lines().count(), rows);
    for (line, csv) in lines.lines().zip(csv.lines().skip(1)) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let csv: Vec<&str> = csv.split(',').collect();
        assert_eq!(line["model"], csv[1]);
        assert_eq!(line["scope_id"].as_u64().map_or(String::new(), |id| id.to_string()), csv[3]);
        assert_eq!(line["revenue"].as_f64(), csv[7].parse().ok());
    }

    check_expected(&folder, &["--export", "xlsx"]);
    let first = folder.bytes("out/export.xlsx");
    let mut workbook: Xlsx<_> = open_workbook(folder.path("out/export.xlsx")).unwrap();
    let range = workbook.worksheet_range("Snapshots").unwrap();
    assert_eq!(range.get_size(), (rows + 1, 11));
    for (row, csv) in (1..).zip(csv.lines().skip(1)) {
        let csv: Vec<&str> = csv.split(',').collect();
        let cell = |column| range.get_value((row, column)).cloned().unwrap_or_default();
        assert!(matches!(cell(0), Data::DateTime(_)));
        assert_eq!(cell(1), Data::String(csv[1].to_owned()));
        assert_eq!(cell(8), Data::Float(csv[8].parse().unwrap()));
    }
    check_expected(&folder, &["--export", "xlsx", "--threads", "3"]);
    assert!(folder.bytes("out/export.xlsx") == first, "the same input gives the same bytes");
    assert!(!first.is_empty());
}

#[test]
fn headers_without_rows_are_an_empty_data_set() {
    let header = |text: String| text.lines().next().unwrap().to_owned() + "\n";
    let (clicks, conversions) = (header(vector("clicks.csv")), header(vector("conversions.csv")));
    let without_line_end = (clicks.trim_end().to_owned(), conversions.trim_end().to_owned());
    for (clicks, conversions) in [
        (clicks.clone().into_bytes(), conversions.clone().into_bytes()),
        (without_line_end.0.into_bytes(), without_line_end.1.into_bytes()),
        (gzip(clicks.as_bytes()), gzip(conversions.as_bytes())),
        (vector("clicks.csv").into_bytes(), conversions.into_bytes()),
    ] {
        let folder = with_input(clicks, conversions);
        folder.run(&["--model", "linear", "--export", "csv"]).expect(0);
        let header_of_snapshots =
            vector("expected/snapshots.csv").lines().next().unwrap().to_owned() + "\n";
        let header_of_touchpoints =
            vector("expected/touchpoints.csv").lines().next().unwrap().to_owned() + "\n";
        assert_eq!(folder.read("out/snapshots.csv"), header_of_snapshots);
        assert_eq!(folder.read("out/touchpoints.csv"), header_of_touchpoints);
        assert_eq!(folder.read("out/export.csv").lines().count(), 1);
    }
}

#[test]
fn a_name_with_comma_and_quote_is_quoted() {
    let folder = good_input();
    folder.run(&["--model", "a, \"b\"=linear"]).expect(0);
    assert_eq!(
        folder.read("out/snapshots.csv").lines().nth(1).unwrap(),
        "\"a, \"\"b\"\"\",global,,1717207200,2,1,10.00000,0.50000"
    );
    assert_eq!(
        folder.read("out/touchpoints.csv").lines().skip(1).collect::<Vec<_>>(),
        [
            "\"a, \"\"b\"\"\",1,1,0,0.50000,5.00000,0.25000",
            "\"a, \"\"b\"\"\",1,2,1,0.50000,5.00000,0.25000",
        ]
    );
}

#[test]
fn a_name_like_a_formula_is_harmless_in_an_export() {
    for name in ["=1+1", "+1", "-1", "@x"] {
        let folder = good_input();
        // With an equals sign between, since a SPEC may begin like an option.
        let spec = format!("--model={name}=linear");
        folder.run(&[&spec, "--export", "csv"]).expect(0);
        let line = folder.read("out/export.csv").lines().nth(1).unwrap().to_owned();
        let start = format!("2024-06-01 02:00:00,'{name},global,,2,1,1.0000,10.0000,0.5000,");
        assert!(line.starts_with(&start), "{line}");
        assert!(line.ends_with(",9.5000,1900.00"), "{line}");

        folder.run(&[&spec, "--export", "xlsx"]).expect(0);
        let mut workbook: Xlsx<_> = open_workbook(folder.path("out/export.xlsx")).unwrap();
        let range = workbook.worksheet_range("Snapshots").unwrap();
        assert_eq!(range.get_value((1, 1)), Some(&Data::String(name.to_owned())));
        let formulas = workbook.worksheet_formula("Snapshots").unwrap();
        assert!(formulas.cells().all(|(_, _, formula)| formula.is_empty()));
    }
}

#[test]
fn rows_are_sorted_by_name_as_bytes_and_id_as_number() {
    let folder = Folder::new();
    folder.write(
        "clicks.csv",
        "click_id,click_time,visitor_id,campaign_id,ppc_account_id,landing_page_id,cost\n\
         9,1717200000,a,10,1,1,0\n10,1717200000,b,9,1,1,0\n11,1717200000,c,,1,1,0\n",
    );
    folder.write(
        "conversions.csv",
        "conv_id,click_id,conv_time,payout\n\
         100,9,1717210000,1\n9,10,1717200000,2\n10,11,1717200000,3\n",
    );
    let models = ["--model", "b=linear", "--model", "Z=linear", "--model", "é=linear"];
    folder.run(&[&models[..], &["--scopes", "global,campaign"]].concat()).expect(0);
    let snapshots = folder.read("out/snapshots.csv");
    let starts: Vec<String> =
        fields(&snapshots)[1..].iter().map(|row| row[..4].join(",")).collect();
    let of_model = |name: &str| {
        [
            "campaign,9,1717200000",
            "campaign,10,1717207200",
            "global,,1717200000",
            "global,,1717207200",
        ]
        .map(|rest| format!("{name},{rest}"))
    };
    assert_eq!(starts, [of_model("Z"), of_model("b"), of_model("é")].concat());
    let touchpoints = folder.read("out/touchpoints.csv");
    let starts: Vec<String> =
        fields(&touchpoints)[1..].iter().map(|row| row[..3].join(",")).collect();
    let of_model = |name: &str| ["9,10", "10,11", "100,9"].map(|rest| format!("{name},{rest}"));
    assert_eq!(starts, [of_model("Z"), of_model("b"), of_model("é")].concat());
}

#[test]
fn lookback_max_touches_and_journey_are_heard() {
    let touches = |more: &[&str]| {
        let folder = good_input();
        folder.run(&[&["--model", "linear"], more].concat()).expect(0);
        folder.read("out/touchpoints.csv").lines().count() - 1
    };
    assert_eq!(touches(&[]), 2);
    assert_eq!(touches(&["--lookback", "2h"]), 2);
    assert_eq!(touches(&["--lookback", "7199s"]), 1);
    assert_eq!(touches(&["--max-touches", "1"]), 1);
    assert_eq!(touches(&["--journey", "none"]), 1);
    assert_eq!(touches(&["--journey", "campaign"]), 2);
}

#[test]
fn an_earlier_result_is_replaced_and_other_files_are_left() {
    let folder = good_input();
    folder.write("out/snapshots.csv", "old");
    folder.write("out/touchpoints.csv", "old");
    folder.write("out/notes.txt", "mine");
    folder.run(&["--model", "linear"]).expect(0);
    let files = folder.files("out");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["notes.txt", "snapshots.csv", "touchpoints.csv"]);
    assert_eq!(files["notes.txt"], b"mine");
    assert!(files["snapshots.csv"].starts_with(b"model,"));
    assert!(files["touchpoints.csv"].starts_with(b"model,"));
}
