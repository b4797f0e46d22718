//! Bad input and bad usage: every defect with its exact place, exit status 2, nothing written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;

use common::{CLICKS_HEADER, CONVERSIONS_HEADER, Folder, good_input, gzip};

const ID_ALLOWED: &str = "a whole number from 0 to 18446744073709551615";
const TIME_ALLOWED: &str =
    "unix seconds from 0 to 4294967295, or RFC 3339 such as 2024-06-01T09:00:00Z";
const DECIMAL_ALLOWED: &str = "a decimal such as 12.5, at most 5 decimals";
const RANGE_ALLOWED: &str = "at most 92,233,720,368,547.75807 either way";

const GOOD_CLICK: &str = "1,1717200000,v,7,3,5,0.25";
const GOOD_CONVERSION: &str = "1,1,1717207200,10,,";

/// Runs on bad input, first without an earlier result and then over one, and gives the defects.
fn refused(folder: &Folder, more: &[&str]) -> Vec<String> {
    let arguments = [&["--model", "linear"], more].concat();
    let ended = folder.run(&arguments).expect(2);
    assert_eq!(ended.stdout, "");
    assert!(!folder.path("out").exists(), "nothing is written");

    folder.write("out/snapshots.csv", "earlier");
    folder.write("out/touchpoints.csv", "earlier");
    let before = folder.files("out");
    let again = folder.run(&arguments).expect(2);
    assert_eq!(folder.files("out"), before, "the earlier result is left as it was");
    assert_eq!(again.stderr, ended.stderr);
    fs::remove_dir_all(folder.path("out")).unwrap();
    ended.defects()
}

fn refused_clicks(clicks: impl AsRef<[u8]>) -> Vec<String> {
    let folder = good_input();
    folder.write("clicks.csv", clicks);
    folder.write("conversions.csv", format!("{CONVERSIONS_HEADER}\n"));
    refused(&folder, &[])
}

fn refused_conversions(conversions: impl AsRef<[u8]>) -> Vec<String> {
    let folder = good_input();
    folder.write("conversions.csv", conversions);
    refused(&folder, &[])
}

#[test]
fn a_file_of_no_bytes() {
    let allowed = "allowed: a line with the names of the columns";
    for nothing in [Vec::new(), gzip(b"")] {
        assert_eq!(
            refused_clicks(&nothing),
            [format!("clicks.csv:1: header: found no bytes, {allowed}")]
        );
        assert_eq!(
            refused_conversions(&nothing),
            [format!("conversions.csv:1: header: found no bytes, {allowed}")]
        );
    }
    let folder = Folder::new();
    folder.write("clicks.csv", "");
    folder.write("conversions.csv", "");
    assert_eq!(refused(&folder, &[]).len(), 2, "both files are looked at");
}

#[test]
fn a_missing_column() {
    let allowed = "allowed: a header with this column";
    for column in CLICKS_HEADER.split(',') {
        let names: Vec<&str> = CLICKS_HEADER.split(',').filter(|name| *name != column).collect();
        assert_eq!(
            refused_clicks(format!("{}\n1,1,1,1,1,1\n", names.join(","))),
            [format!(
                "clicks.csv:1: {column}: found no such column among 6 in the header, {allowed}"
            )]
        );
    }
    for column in ["conv_id", "click_id", "conv_time", "payout"] {
        let names: Vec<&str> =
            CONVERSIONS_HEADER.split(',').filter(|name| *name != column).collect();
        assert_eq!(
            refused_conversions(format!("{}\n", names.join(","))),
            [format!(
                "conversions.csv:1: {column}: found no such column among 5 in the header, {allowed}"
            )]
        );
    }
    assert_eq!(refused_clicks("nonsense\n").len(), 7, "every missing column is named");
}

#[test]
fn a_column_that_is_there_twice() {
    assert_eq!(
        refused_clicks(format!("{CLICKS_HEADER},cost\n")),
        ["clicks.csv:1: cost: found the column again as column 8, allowed: each column once"]
    );
}

#[test]
fn a_row_with_too_few_or_too_many_fields() {
    assert_eq!(
        refused_clicks(format!("{CLICKS_HEADER}\n1,2,3\n{GOOD_CLICK}\n{GOOD_CLICK},9\n7\n")),
        [
            "clicks.csv:2: row: found 3 fields, allowed: 7, as in the header",
            "clicks.csv:4: row: found 8 fields, allowed: 7, as in the header",
            "clicks.csv:5: row: found 1 field, allowed: 7, as in the header",
        ]
    );
    assert_eq!(
        refused_conversions(format!("{CONVERSIONS_HEADER}\n1,1,1,1\n")),
        ["conversions.csv:2: row: found 4 fields, allowed: 6, as in the header"]
    );
}

#[test]
fn an_id_that_is_there_twice() {
    let other = GOOD_CLICK.replacen('1', "2", 1);
    assert_eq!(
        refused_clicks(format!(
            "{CLICKS_HEADER}\n{GOOD_CLICK}\n{other}\n{GOOD_CLICK}\n0{GOOD_CLICK}\n"
        )),
        [
            "clicks.csv:4: click_id: found 1 again, allowed: each id once (it is on line 2)",
            "clicks.csv:5: click_id: found 1 again, allowed: each id once (it is on line 2)",
        ]
    );
    assert_eq!(
        refused_conversions(format!(
            "{CONVERSIONS_HEADER}\n{GOOD_CONVERSION}\n{GOOD_CONVERSION}\n"
        )),
        ["conversions.csv:3: conv_id: found 1 again, allowed: each id once (it is on line 2)"]
    );
}

#[test]
fn a_conversion_whose_click_is_unknown() {
    assert_eq!(
        refused_conversions(format!(
            "{CONVERSIONS_HEADER}\n{GOOD_CONVERSION}\n2,99,1717207200,1,,\n"
        )),
        [
            "conversions.csv:3: click_id: found click 99, which is unknown, allowed: a click_id of the clicks"
        ]
    );
}

#[test]
fn a_bad_number() {
    for (row, place) in [
        ("x,1717200000,v,7,3,5,0", "click_id: found \"x\""),
        (",1717200000,v,7,3,5,0", "click_id: found nothing"),
        ("-1,1717200000,v,7,3,5,0", "click_id: found \"-1\""),
        ("1.0,1717200000,v,7,3,5,0", "click_id: found \"1.0\""),
        (" 1,1717200000,v,7,3,5,0", "click_id: found \" 1\""),
        ("1,1717200000,v,7.5,3,5,0", "campaign_id: found \"7.5\""),
        ("1,1717200000,v,7,a,5,0", "ppc_account_id: found \"a\""),
        ("1,1717200000,v,7,3,1e3,0", "landing_page_id: found \"1e3\""),
    ] {
        assert_eq!(
            refused_clicks(format!("{CLICKS_HEADER}\n{row}\n")),
            [format!("clicks.csv:2: {place}, allowed: {ID_ALLOWED}")]
        );
    }
    for (cost, found, allowed) in [
        ("", "\"\" is not a number", DECIMAL_ALLOWED),
        ("abc", "\"abc\" is not a number", DECIMAL_ALLOWED),
        ("1e3", "\"1e3\" is not a number", DECIMAL_ALLOWED),
        ("NaN", "\"NaN\" is not a number", DECIMAL_ALLOWED),
        ("1.2.3", "\"1.2.3\" is not a number", DECIMAL_ALLOWED),
        (".", "\".\" is not a number", DECIMAL_ALLOWED),
        ("-", "\"-\" is not a number", DECIMAL_ALLOWED),
        ("\"1,5\"", "\"1,5\" is not a number", DECIMAL_ALLOWED),
        ("0.123456", "\"0.123456\" has too many decimals", "at most 5 decimals"),
    ] {
        assert_eq!(
            refused_clicks(format!("{CLICKS_HEADER}\n1,1717200000,v,7,3,5,{cost}\n")),
            [format!("clicks.csv:2: cost: {found}, allowed: {allowed}")]
        );
        if !cost.is_empty() {
            let row = format!("1,1,1717207200,10,,{cost}");
            assert_eq!(
                refused_conversions(format!("{CONVERSIONS_HEADER}\n{row}\n")),
                [format!("conversions.csv:2: cost: {found}, allowed: {allowed}")]
            );
        }
        assert_eq!(
            refused_conversions(format!("{CONVERSIONS_HEADER}\n1,1,1717207200,{cost},,\n")),
            [format!("conversions.csv:2: payout: {found}, allowed: {allowed}")]
        );
    }
    assert_eq!(
        refused_conversions(format!("{CONVERSIONS_HEADER}\n1,1,1717207200,1,c,\n")),
        [format!("conversions.csv:2: campaign_id: found \"c\", allowed: {ID_ALLOWED}")]
    );
    assert_eq!(
        refused_clicks(format!("{CLICKS_HEADER},filtered\n{GOOD_CLICK},2\n")),
        ["clicks.csv:2: filtered: found \"2\", allowed: 0 or 1"]
    );
}

#[test]
fn an_overflowing_number() {
    let too_large = "18446744073709551616";
    assert_eq!(
        refused_clicks(format!("{CLICKS_HEADER}\n{too_large},1717200000,v,7,3,5,0\n")),
        [format!("clicks.csv:2: click_id: found \"{too_large}\", allowed: {ID_ALLOWED}")]
    );
    for cost in ["92233720368547.75808", "99999999999999999999999"] {
        assert_eq!(
            refused_clicks(format!("{CLICKS_HEADER}\n1,1717200000,v,7,3,5,{cost}\n")),
            [format!("clicks.csv:2: cost: \"{cost}\" is out of range, allowed: {RANGE_ALLOWED}")]
        );
    }
    let payout = "-92233720368547.75809";
    assert_eq!(
        refused_conversions(format!("{CONVERSIONS_HEADER}\n1,1,1717207200,{payout},,\n")),
        [format!(
            "conversions.csv:2: payout: \"{payout}\" is out of range, allowed: {RANGE_ALLOWED}"
        )]
    );
}

#[test]
fn amounts_that_fit_one_by_one_but_not_together() {
    let most = "92233720368547.75807";
    let rows = format!("1,1,1717207200,{most},,\n2,1,1717207200,0.00001,,\n");
    let defects = refused_conversions(format!("{CONVERSIONS_HEADER}\n{rows}"));
    assert_eq!(defects.len(), 1);
    assert!(defects[0].starts_with("payout of conversion 2: "), "{defects:?}");

    let folder = good_input();
    let row = format!("1,1,1717207200,{most},,{most}\n");
    folder.write("conversions.csv", format!("{CONVERSIONS_HEADER}\n{row}"));
    folder.run(&["--model", "linear"]).expect(0);
    let line = format!("linear,global,,1717207200,2,1,{most},{most}");
    assert_eq!(folder.read("out/snapshots.csv").lines().nth(1), Some(&*line));
}

#[test]
fn a_negative_cost() {
    assert_eq!(
        refused_clicks(format!("{CLICKS_HEADER}\n1,1717200000,v,7,3,5,-0.01\n")),
        ["clicks.csv:2: cost: \"-0.01\" is negative, allowed: 0 or more"]
    );
    assert_eq!(
        refused_conversions(format!("{CONVERSIONS_HEADER}\n1,1,1717207200,-5,,-5\n")),
        ["conversions.csv:2: cost: \"-5\" is negative, allowed: 0 or more"]
    );
}

#[test]
fn a_time_out_of_range() {
    for (time, found) in [
        ("4294967296", "\"4294967296\" is out of range"),
        ("-1", "\"-1\" is out of range"),
        ("99999999999999999999", "\"99999999999999999999\" is out of range"),
        ("1969-12-31T23:59:59Z", "\"1969-12-31T23:59:59Z\" is out of range"),
        ("2106-02-07T06:28:16Z", "\"2106-02-07T06:28:16Z\" is out of range"),
        ("2024-06-01", "\"2024-06-01\" is not a time"),
        ("2024-06-31T00:00:00Z", "\"2024-06-31T00:00:00Z\" is not a time"),
        ("yesterday", "\"yesterday\" is not a time"),
        ("", "\"\" is not a time"),
    ] {
        assert_eq!(
            refused_clicks(format!("{CLICKS_HEADER}\n1,{time},v,7,3,5,0\n")),
            [format!("clicks.csv:2: click_time: {found}, allowed: {TIME_ALLOWED}")]
        );
        assert_eq!(
            refused_conversions(format!("{CONVERSIONS_HEADER}\n1,1,{time},5,,\n")),
            [format!("conversions.csv:2: conv_time: {found}, allowed: {TIME_ALLOWED}")]
        );
    }
    assert_eq!(
        refused_clicks(format!("{CLICKS_HEADER}\n1,2024-06-01T09:00:00.5Z,v,7,3,5,0\n")),
        [
            "clicks.csv:2: click_time: \"2024-06-01T09:00:00.5Z\" has a fraction of a second, allowed: whole seconds"
        ]
    );
}

#[test]
fn bytes_that_are_not_utf_8() {
    let row = |visitor: &[u8]| [b"1,1717200000,", visitor, b",7,3,5,0\n"].concat();
    let file = [CLICKS_HEADER.as_bytes(), b"\n", &row(b"\xff\xfe")].concat();
    assert_eq!(
        refused_clicks(file),
        ["clicks.csv:2: visitor_id: found bytes that are not UTF-8, allowed: UTF-8"]
    );
    let file = [CLICKS_HEADER.as_bytes(), b",note\n1,1717200000,v,7,3,5,0,\xc3\n"].concat();
    assert_eq!(
        refused_clicks(file),
        ["clicks.csv:2: column 8: found bytes that are not UTF-8, allowed: UTF-8"]
    );
    let file = [b"\xc3(,".as_slice(), CLICKS_HEADER.as_bytes(), b"\n"].concat();
    assert_eq!(
        refused_clicks(file),
        ["clicks.csv:1: header: found bytes that are not UTF-8 in column 1, allowed: UTF-8"]
    );
    let file = [CONVERSIONS_HEADER.as_bytes(), b"\n1,1,1717207200,\xe9,,\n"].concat();
    assert_eq!(
        refused_conversions(file),
        ["conversions.csv:2: payout: found bytes that are not UTF-8, allowed: UTF-8"]
    );
    // Text in other scripts is fine.
    let folder = good_input();
    folder.write(
        "clicks.csv",
        format!("{CLICKS_HEADER}\n1,1717200000,посетитель,7,3,5,0\n2,1717200000,客,7,3,5,0\n"),
    );
    folder.run(&["--model", "linear"]).expect(0);
}

#[test]
fn a_truncated_gzip() {
    let row = |id| format!("{id},{},v{},7,3,5,0.{id:05}\n", 1_717_200_000 + id, id * 7_919);
    let rows: Vec<String> = (1..=5_000).map(row).collect();
    let whole = gzip(format!("{CLICKS_HEADER}\n{}", rows.concat()).as_bytes());
    // In the header of the gzip, and in its very last bytes.
    for (length, line) in [(9, 1), (whole.len() - 1, 5_002), (whole.len() - 8, 5_002)] {
        let expected =
            format!("clicks.csv:{line}: file: found a truncated gzip, allowed: a whole one");
        assert_eq!(refused_clicks(&whole[..length]), [expected], "{length} bytes");
    }
    let defects = refused_clicks(&whole[..whole.len() / 2]);
    assert_eq!(defects.len(), 1, "{defects:?}");
    let line = defects[0].strip_prefix("clicks.csv:").and_then(|rest| rest.split_once(": "));
    let (line, rest) = line.unwrap();
    assert!((100..5_001).contains(&line.parse::<u32>().unwrap()), "{defects:?}");
    assert_eq!(rest, "file: found a truncated gzip, allowed: a whole one");

    let conversions = gzip(format!("{CONVERSIONS_HEADER}\n{GOOD_CONVERSION}\n").as_bytes());
    assert_eq!(
        refused_conversions(&conversions[..conversions.len() - 4]),
        ["conversions.csv:3: file: found a truncated gzip, allowed: a whole one"]
    );
}

#[test]
fn a_damaged_gzip() {
    let mut whole = gzip(format!("{CLICKS_HEADER}\n{GOOD_CLICK}\n").as_bytes());
    let checksum = whole.len() - 6;
    whole[checksum] ^= 0xff;
    let defects = refused_clicks(&whole);
    assert_eq!(defects.len(), 1, "{defects:?}");
    assert!(defects[0].starts_with("clicks.csv:3: file: found a damaged gzip"), "{defects:?}");
}

#[test]
fn a_gzip_with_something_after_it() {
    let whole = gzip(format!("{CLICKS_HEADER}\n{GOOD_CLICK}\n").as_bytes());
    let defects = refused_clicks([&whole[..], b"rubbish"].concat());
    assert_eq!(defects.len(), 1, "{defects:?}");
    assert!(defects[0].starts_with("clicks.csv:3: file: found a "), "{defects:?}");
}

#[test]
fn lines_are_those_of_an_editor() {
    let bad = "1,1717200000,v,7,3,5,-1";
    let expected =
        |line: u32| [format!("clicks.csv:{line}: cost: \"-1\" is negative, allowed: 0 or more")];
    // A quoted line feed: the row is on the line on which it begins.
    assert_eq!(
        refused_clicks(format!("{CLICKS_HEADER}\n2,1717200000,\"a\nb\",7,3,5,0\n{bad}\n")),
        expected(4)
    );
    assert_eq!(
        refused_clicks(format!("{CLICKS_HEADER}\n1,1717200000,\"a\nb\",7,3,5,-1\n")),
        expected(2)
    );
}

#[test]
fn lines_are_counted_across_line_ends_of_windows() {
    let file = format!("{CLICKS_HEADER}\n{GOOD_CLICK}\n2,1717200000,v,7,3,5,-1\n1,1,v,7,3\n");
    assert_eq!(
        refused_clicks(file.replace('\n', "\r\n")),
        [
            "clicks.csv:3: cost: \"-1\" is negative, allowed: 0 or more",
            "clicks.csv:4: row: found 5 fields, allowed: 7, as in the header",
        ]
    );
    let file = format!("{CLICKS_HEADER}\n{GOOD_CLICK}\n{GOOD_CLICK}\n");
    assert_eq!(
        refused_clicks(file.replace('\n', "\r\n")),
        ["clicks.csv:3: click_id: found 1 again, allowed: each id once (it is on line 2)"]
    );
}

#[test]
fn lines_are_counted_across_blank_lines() {
    let file = format!("{CLICKS_HEADER}\n\n\n2,1717200000,v,7,3,5,-1\n");
    assert_eq!(
        refused_clicks(file),
        ["clicks.csv:4: cost: \"-1\" is negative, allowed: 0 or more"]
    );
    let file = format!("\n{CLICKS_HEADER},cost\n");
    assert_eq!(
        refused_clicks(file),
        ["clicks.csv:2: cost: found the column again as column 8, allowed: each column once"]
    );
}

#[test]
fn every_defect_of_a_row_and_of_both_files_is_told() {
    let folder = good_input();
    folder.write("clicks.csv", format!("{CLICKS_HEADER}\nx,y,v,z,3,5,-1\n"));
    folder.write("conversions.csv", format!("{CONVERSIONS_HEADER}\n1,1,never,much,,\n"));
    assert_eq!(
        refused(&folder, &[]),
        [
            format!("clicks.csv:2: click_id: found \"x\", allowed: {ID_ALLOWED}"),
            format!("clicks.csv:2: click_time: \"y\" is not a time, allowed: {TIME_ALLOWED}"),
            "clicks.csv:2: cost: \"-1\" is negative, allowed: 0 or more".to_owned(),
            format!("clicks.csv:2: campaign_id: found \"z\", allowed: {ID_ALLOWED}"),
            format!(
                "conversions.csv:2: conv_time: \"never\" is not a time, allowed: {TIME_ALLOWED}"
            ),
            format!(
                "conversions.csv:2: payout: \"much\" is not a number, allowed: {DECIMAL_ALLOWED}"
            ),
        ]
    );
}

#[test]
fn twenty_defects_are_told_and_the_rest_counted() {
    let rows = |count: u32| {
        let row = |id| format!("{id},1717200000,v,7,3,5,-1\n");
        format!("{CLICKS_HEADER}\n{}", (1..=count).map(row).collect::<Vec<_>>().concat())
    };
    let defects = refused_clicks(rows(20));
    assert_eq!(defects.len(), 20);
    assert!(defects[19].starts_with("clicks.csv:21: cost: "));
    for (count, rest) in [(21, "and 1 more"), (1_020, "and 1000 more")] {
        let defects = refused_clicks(rows(count));
        assert_eq!(defects.len(), 21);
        for (line, defect) in (2..).zip(&defects[..20]) {
            let place = format!("clicks.csv:{line}: cost: ");
            assert!(defect.starts_with(&place), "{defect}");
        }
        assert_eq!(defects[20], rest);
    }
}

#[test]
fn a_scope_whose_column_is_absent() {
    for (scope, column) in [
        ("advertiser", "advertiser_id"),
        ("traffic_source", "traffic_source_id"),
        ("adgroup", "adgroup_id"),
    ] {
        assert_eq!(
            refused(&good_input(), &["--scopes", &format!("global,{scope}")]),
            [format!(
                "clicks.csv:1: {column}: found no such column among 7 in the header, allowed: a \
                 header with this column"
            )]
        );
    }
    let folder = good_input();
    folder.write("clicks.csv", format!("{CLICKS_HEADER},adgroup_id\n2,1717203600,v,7,4,5,0.5,9\n"));
    folder.run(&["--model", "linear", "--scopes", "adgroup"]).expect(0);
    assert_eq!(
        folder.read("out/snapshots.csv").lines().nth(1),
        Some("linear,adgroup,9,1717207200,1,1,10.00000,0.50000")
    );
}

#[test]
fn a_file_that_is_not_there() {
    let folder = good_input();
    let ended = folder.run_on("none.csv", "conversions.csv", &["--model", "linear"]).expect(2);
    assert!(ended.stderr.starts_with("none.csv: the file cannot be opened"), "{ended:?}");
    let ended = folder.run_on("clicks.csv", ".", &["--model", "linear"]).expect(2);
    assert!(ended.stderr.starts_with(".: the file cannot be opened"), "{ended:?}");
    assert!(!folder.path("out").exists());
}

#[test]
fn two_models_of_one_name() {
    for models in [["linear", "linear"], ["a=linear", "a=last_touch"]] {
        let folder = good_input();
        let ended = folder.run(&["--model", models[0], "--model", models[1]]).expect(2);
        assert!(ended.stderr.contains("found two models named"), "{ended:?}");
        assert!(!folder.path("out").exists());
    }
}

#[test]
fn a_bad_spec() {
    for (spec, expected) in [
        (
            "first",
            "type: \"first\" was given; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted",
        ),
        ("", "type: \"\" was given; allowed: last_touch"),
        (
            "algorithmic",
            "type: \"algorithmic\" was given, which is not yet available; allowed: last_touch",
        ),
        ("algorithmic:method=markov", ""),
        (
            "time_decay",
            "half_life_hours: nothing was given; allowed: a whole number from 1 to 4294967295",
        ),
        (
            "time_decay:half_life_hours=0",
            "half_life_hours: \"0\" was given; allowed: a whole number from 1",
        ),
        (
            "time_decay:half_life_hours=1.5",
            "half_life_hours: \"1.5\" was given; allowed: a whole number from 1",
        ),
        (
            "time_decay:half_life_hours=-2",
            "half_life_hours: \"-2\" was given; allowed: a whole number from 1",
        ),
        (
            "time_decay:half_life_hours=NaN",
            "half_life_hours: \"NaN\" was given; allowed: a whole number from 1",
        ),
        (
            "time_decay:half_life_hours=48,x=1",
            "x: an unknown field was given; allowed: half_life_hours for time_decay",
        ),
        (
            "time_decay:half_life_hours=1,half_life_hours=2",
            "half_life_hours: the field was given twice",
        ),
        (
            "linear:half_life_hours=48",
            "half_life_hours: an unknown field was given; allowed: no config for linear",
        ),
        ("linear:", "weighting_config: \"\" was given; allowed: key=value"),
        (
            "position_based:first_touch_weight=0.4",
            "last_touch_weight: nothing was given; allowed: a decimal from 0 to 1",
        ),
        (
            "position_based:first_touch_weight=0.6,last_touch_weight=0.5",
            "first_touch_weight + last_touch_weight: 1.100000 was given; allowed: at most 1",
        ),
        (
            "position_based:first_touch_weight=1.1,last_touch_weight=0",
            "first_touch_weight: \"1.1\" was given; allowed: a decimal from 0 to 1",
        ),
        (
            "position_based:first_touch_weight=-0.1,last_touch_weight=0",
            "first_touch_weight: \"-0.1\" was given; allowed: a decimal from 0 to 1",
        ),
        (
            "position_based:first_touch_weight=inf,last_touch_weight=0",
            "first_touch_weight: \"inf\" was given; allowed: a decimal from 0 to 1",
        ),
        ("=linear", "name: an empty name was given"),
    ] {
        let folder = good_input();
        let ended = folder.run(&[&format!("--model={spec}")]).expect(2);
        assert!(ended.stderr.contains(expected), "{spec}: {}", ended.stderr);
        assert_eq!(ended.stdout, "");
        assert!(!folder.path("out").exists());
    }
}

#[test]
fn bad_usage() {
    let good = ["--model", "linear"];
    for more in [
        &["--journey", "session"][..],
        &["--lookback", "30"],
        &["--lookback", "1.5d"],
        &["--lookback", "7102w"],
        &["--max-touches", "0"],
        &["--max-touches", "65536"],
        &["--scopes", "planet"],
        &["--scopes", ""],
        &["--export", "pdf"],
        &["--threads", "0"],
        &["--threads", "many"],
        &["--frobnicate"],
        &["extra"],
    ] {
        let folder = good_input();
        let ended = folder.run(&[&good[..], more].concat()).expect(2);
        assert!(ended.stderr.starts_with("error: "), "{more:?}: {ended:?}");
        assert!(!folder.path("out").exists(), "{more:?}");
    }
    let folder = good_input();
    folder.run(&[]).expect(2);
    folder.attribution(&[]).expect(2);
    folder.attribution(&["frobnicate"]).expect(2);
    folder.attribution(&["sample", "--visitors", "-1", "--seed", "1", "--out", "out"]).expect(2);
    folder.attribution(&["sample", "--visitors", "10", "--out", "out"]).expect(2);
    folder.attribution(&["completions", "cmd"]).expect(2);
    assert!(!folder.path("out").exists());
}

#[test]
fn a_quote_that_is_not_closed() {
    let refusal = "row: found an open quote, allowed: text whose quotes are closed";
    // In the last column it would swallow the rest of the file, and nothing else would tell.
    let header = "click_id,click_time,campaign_id,ppc_account_id,landing_page_id,cost,visitor_id";
    for end in ["", "\n"] {
        let clicks = format!("{header}\n1,1,1,1,1,0,a\n2,2,1,1,1,0,\"b\n3,3,1,1,1,0,c{end}");
        assert_eq!(refused_clicks(clicks), [format!("clicks.csv:3: {refusal}")]);
    }
    let conversions = "conv_id,click_id,conv_time,payout\n1,\"1,5,1\n2,1,5,1\n";
    assert_eq!(refused_conversions(conversions), [format!("conversions.csv:2: {refusal}")]);
}

#[test]
fn what_stands_twice_is_told_beside_a_row_that_cannot_be_read() {
    let conversions = "conv_id,click_id,conv_time,payout\n1,1,5,1\n1,1,5,1\nx,1,5,1\n";
    assert_eq!(
        refused_conversions(conversions),
        [
            "conversions.csv:4: conv_id: found \"x\", allowed: a whole number from 0 to \
             18446744073709551615",
            "conversions.csv:3: conv_id: found 1 again, allowed: each id once (it is on line 2)",
        ]
    );
}
