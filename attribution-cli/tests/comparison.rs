//! `attribution compare` on files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fmt::Write;

use common::{CLICKS_HEADER, CONVERSIONS_HEADER, Folder, good_input};

const FILES: [&str; 5] = ["compare", "--clicks", "clicks.csv", "--conversions", "conversions.csv"];

fn compare(folder: &Folder, more: &[&str]) -> common::Ended {
    folder.attribution(&[&FILES[..], more].concat())
}

/// Two campaigns: each of 200 conversions has a touch in campaign 1 and then one in campaign 2.
fn two_campaigns() -> Folder {
    let (mut clicks, mut conversions) = (CLICKS_HEADER.to_owned(), CONVERSIONS_HEADER.to_owned());
    for number in 1..=200_u32 {
        let (first, second) = (number * 2, number * 2 + 1);
        let time = 1_717_200_000 + number * 60;
        write!(clicks, "\n{first},{time},v{number},1,3,5,0.25").unwrap();
        write!(clicks, "\n{second},{time},v{number},2,4,5,0.5").unwrap();
        let payout = 10 + number % 3;
        write!(conversions, "\n{number},{second},{},{payout},,", time + 60).unwrap();
    }
    let folder = Folder::new();
    folder.write("clicks.csv", clicks + "\n");
    folder.write("conversions.csv", conversions + "\n");
    folder
}

#[test]
fn a_comparison_is_a_table_json_or_csv_and_nothing_is_written() {
    let folder = two_campaigns();
    let models = ["--journey", "visitor", "--model", "last_touch", "--model", "even=linear"];
    let scope = ["--scope", "campaign"];
    let all = [&models[..], &scope].concat();
    let before = folder.files(".");
    let table = compare(&folder, &all).expect(0).stdout;
    assert!(
        table.starts_with(
            "200 conversions, 200 with several touches\n\
             difference: to last_touch\n\
             from, to: 95 % interval, of 200 resamples\n"
        ),
        "{table}"
    );
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("campaign 2: even"), "{table}");
    assert!(
        table.contains("campaign 1: last_touch: few conversions: 0, fewer than 100\n"),
        "{table}"
    );

    let json = compare(&folder, &[&all[..], &["--format", "json"]].concat()).expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let row = |id: u64, model: &str| {
        let rows = json["rows"].as_array().unwrap();
        rows.iter().find(|row| row["scope_id"] == id && row["model"] == model).unwrap().clone()
    };
    // Of 200 payouts of 11, 12, 10, 11, ...: 67 of 11, 67 of 12, 66 of 10.
    assert_eq!(row(2, "last_touch")["revenue"], "2201.00000");
    assert_eq!(row(1, "last_touch")["revenue"], "0.00000");
    assert_eq!(row(1, "last_touch")["roi_percent"], serde_json::Value::Null);
    assert_eq!(row(1, "even")["credited_conversions"], "100.00000");
    assert_eq!(row(1, "even")["revenue"], "1100.50000");
    assert_eq!(row(1, "even")["cost"], "50.00000");
    assert_eq!(row(1, "even")["profit"], "1050.50000");
    assert_eq!(row(1, "even")["roi_percent"], "2101.00");
    assert_eq!(row(2, "even")["difference"]["revenue"], "-1100.50000");
    let low = row(1, "even")["intervals"]["revenue"]["low"].as_str().unwrap().to_owned();
    let low: f64 = low.parse().unwrap();
    assert!(low > 900.0 && low < 1_050.0, "{low}");
    assert_eq!(row(2, "last_touch")["difference"], serde_json::Value::Null);

    let csv = compare(&folder, &[&all[..], &["--format", "csv"]].concat()).expect(0).stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("model,scope_type,scope_id,attributed_clicks,"));
    assert_eq!(lines.len(), 5);
    assert!(lines[2].starts_with("even,campaign,1,200,200,200,100.00000,"), "{}", lines[2]);
    assert!(lines[2].contains(",1100.50000,"));

    let threads = ["--format", "csv", "--threads", "1"];
    assert_eq!(compare(&folder, &[&all[..], &threads].concat()).expect(0).stdout, csv);
    assert_eq!(folder.files("."), before);
}

#[test]
fn a_window_and_an_id_narrow_it_and_no_resamples_give_no_intervals() {
    let folder = two_campaigns();
    let more = [
        "--journey",
        "visitor",
        "--model",
        "last_touch",
        "--model",
        "linear",
        "--scope",
        "campaign:2",
        "--start",
        "1717200000",
        "--end",
        "1717203600",
        "--resamples",
        "0",
        "--baseline",
        "linear",
        "--format",
        "json",
    ];
    let json = compare(&folder, &more).expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["conversions"], 58);
    assert_eq!(json["baseline"], "linear");
    assert_eq!(json["start"], 1_717_200_000);
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["scope_id"] == 2 && row["intervals"].is_null()));
    assert_eq!(rows[0]["difference"]["credited_conversions"], "29.00000");
    assert!(rows[0]["difference"]["intervals"].is_null());
}

#[test]
fn bad_usage_and_bad_input_are_refused() {
    let folder = good_input();
    let refused = |more: &[&str]| compare(&folder, more).expect(2).stderr;
    assert!(refused(&[]).contains("--model"));
    assert_eq!(
        refused(&["--model", "linear", "--model", "linear"]).trim(),
        "model: found two models named \"linear\", allowed: a name of its own for each \
         (name=kind:...)"
    );
    assert!(refused(&["--model", "lniear"]).contains("lniear"));
    assert!(
        refused(&["--model", "linear", "--baseline", "x"]).starts_with("baseline: found \"x\"")
    );
    assert!(refused(&["--model", "linear", "--resamples", "7"]).starts_with("resamples: found 7"));
    assert!(refused(&["--model", "linear", "--user", "1"]).contains("--user"));
    let alone = folder.attribution(&["compare", "--clicks", "clicks.csv", "--model", "linear"]);
    assert!(alone.expect(2).stderr.contains("--conversions"));
    let neither = folder
        .command()
        .env_remove("ATTRIBUTION_DATABASE_URL")
        .args(["compare", "--user", "1", "--model", "linear"])
        .output()
        .unwrap();
    assert_eq!(neither.status.code(), Some(2));
    folder.write("clicks.csv", format!("{CLICKS_HEADER}\n1,1717200000,v,7,3,5,-0.25\n"));
    assert!(refused(&["--model", "linear"]).starts_with("clicks.csv:2: cost"));
}
