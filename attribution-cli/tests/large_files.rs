//! Files of several blocks, which plain ones are read in on several threads: the same results and
//! the same lines as in one go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Stdio;

use common::{CLICKS_HEADER, Ended, Folder, gzip};

/// Enough rows of 64 bytes for three blocks of 2 MiB and a bit.
const ROWS: usize = 100_000;

/// The row on line `index + 2`, so many bytes long with its line feed.
fn row(index: usize, length: usize) -> String {
    let id = index + 1;
    let time = 1_717_200_000 + index;
    let start = format!("{id},{time},v{},{},3,5,0.25,", index % 40_000, index % 7);
    format!("{start}{:x<width$}\n", "", width = length - start.len() - 1)
}

fn rows(length: usize) -> Vec<String> {
    (0..ROWS).map(|index| row(index, length)).collect()
}

/// The same row with two line feeds in its note, which is quoted.
fn with_line_feeds(row: &str) -> String {
    let (start, note) = row.trim_end().rsplit_once(',').unwrap();
    format!("{start},\"a \"\"b\"\",\n\n{note}\"\n")
}

fn file(rows: &[String]) -> String {
    format!("{CLICKS_HEADER},note\n{}", rows.concat())
}

/// A folder with a conversion for every hundredth click, whose row it is.
fn folder() -> Folder {
    let folder = Folder::new();
    let conversions: Vec<String> = (0..ROWS)
        .step_by(100)
        .map(|index| format!("{index},{},{},1.5\n", index + 1, 1_717_300_000 + index))
        .collect();
    folder.write(
        "conversions.csv",
        format!("conv_id,click_id,conv_time,payout\n{}", conversions.concat()),
    );
    folder
}

fn results(folder: &Folder, threads: &str) -> BTreeMap<String, Vec<u8>> {
    let arguments = ["--model", "linear", "--scopes", "global,campaign", "--threads", threads];
    folder.run(&arguments).expect(0);
    folder.files("out")
}

#[test]
fn every_way_of_reading_gives_the_same_results() {
    let folder = folder();
    let plain = rows(64);
    folder.write("clicks.csv", file(&plain));
    let expected = results(&folder, "1");
    let lines = |files: &BTreeMap<String, Vec<u8>>| {
        files["touchpoints.csv"].split(|byte| *byte == b'\n').count()
    };
    assert!(lines(&expected) > ROWS / 100);
    assert!(results(&folder, "2") == expected);
    assert!(results(&folder, "3") == expected);

    folder.write("clicks.csv", gzip(file(&plain).as_bytes()));
    assert!(results(&folder, "2") == expected, "gzip");

    folder.write("clicks.csv", format!("\u{feff}{}", file(&plain).replace('\n', "\r\n")));
    assert!(results(&folder, "2") == expected, "line ends of Windows");

    folder.write("clicks.csv", file(&plain).trim_end());
    assert!(results(&folder, "2") == expected, "no line feed at the end");

    for length in [61, 63, 65, 70] {
        folder.write("clicks.csv", file(&rows(length)));
        assert!(results(&folder, "2") == expected, "rows of {length} bytes");
    }

    let mut quoted = plain.clone();
    quoted[45_000] = with_line_feeds(&quoted[45_000]);
    folder.write("clicks.csv", file(&quoted));
    for threads in ["1", "2", "3"] {
        assert!(results(&folder, threads) == expected, "quoted line feeds, {threads} threads");
    }
}

#[test]
fn a_pipe_is_read_too() {
    let folder = folder();
    folder.write("clicks.csv", file(&rows(64)));
    let expected = results(&folder, "2");
    let mut shell = folder.command();
    shell.args(["run", "--clicks", "/dev/stdin", "--conversions", "conversions.csv"]);
    shell.args(["--out", "out", "--model", "linear", "--scopes", "global,campaign"]);
    let mut cat = std::process::Command::new("cat")
        .stdin(File::open(folder.path("clicks.csv")).unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = shell.stdin(cat.stdout.take().unwrap()).output().unwrap();
    Ended::from(output).expect(0);
    cat.wait().unwrap();
    assert!(folder.files("out") == expected);
}

fn defects(folder: &Folder, threads: &str) -> Vec<String> {
    let ended = folder.run(&["--model", "linear", "--threads", threads]).expect(2);
    assert!(!folder.path("out").exists());
    ended.defects()
}

#[test]
fn defects_keep_their_lines_across_blocks() {
    // The first row of the second block, for rows of 64 bytes.
    let second_block = (1 << 21) / 64;
    let spoilt = [3, second_block - 1, second_block, second_block + 1, 70_000, ROWS - 1];
    let mut rows = rows(64);
    for index in spoilt {
        rows[index] = rows[index].replace(",0.25,", ",-.25,");
    }
    let expected = |shift: &dyn Fn(usize) -> usize| {
        spoilt
            .map(|index| {
                let line = index + 2 + shift(index);
                format!("clicks.csv:{line}: cost: \"-.25\" is negative, allowed: 0 or more")
            })
            .to_vec()
    };
    let folder = folder();
    folder.write("clicks.csv", file(&rows));
    for threads in ["1", "2", "3"] {
        assert_eq!(defects(&folder, threads), expected(&|_| 0), "{threads} threads");
    }
    folder.write("clicks.csv", gzip(file(&rows).as_bytes()));
    assert_eq!(defects(&folder, "2"), expected(&|_| 0), "gzip");

    // Two line feeds in quotes push what comes after them down by two.
    let quoted_at = second_block + 5_000;
    rows[quoted_at] = with_line_feeds(&rows[quoted_at]);
    folder.write("clicks.csv", file(&rows));
    for threads in ["1", "2", "3"] {
        let expected = expected(&|index| if index > quoted_at { 2 } else { 0 });
        assert_eq!(defects(&folder, threads), expected, "quotes, {threads} threads");
    }
}

#[test]
fn defects_keep_their_lines_across_blocks_with_line_ends_of_windows() {
    let mut rows = rows(64);
    let spoilt = [0, 1, 40_000, ROWS - 1];
    for index in spoilt {
        rows[index] = rows[index].replace(",0.25,", ",-.25,");
    }
    let folder = folder();
    folder.write("clicks.csv", file(&rows).replace('\n', "\r\n"));
    for threads in ["1", "2"] {
        let lines: Vec<String> = defects(&folder, threads)
            .iter()
            .map(|defect| defect.split(':').nth(1).unwrap().to_owned())
            .collect();
        let expected = spoilt.map(|index| (index + 2).to_string());
        assert_eq!(lines, expected, "{threads} threads");
    }
}

#[test]
fn the_first_twenty_of_many_defects_are_those_of_the_first_lines() {
    let mut rows = rows(64);
    for row in rows.iter_mut().step_by(1_000) {
        *row = row.replace(",0.25,", ",-.25,");
    }
    let folder = folder();
    folder.write("clicks.csv", file(&rows));
    let expected = defects(&folder, "1");
    assert_eq!(expected.len(), 21);
    assert_eq!(expected[20], format!("and {} more", ROWS / 1_000 - 20));
    assert!(expected[19].starts_with("clicks.csv:19002: cost: "), "{}", expected[19]);
    for threads in ["2", "3"] {
        assert_eq!(defects(&folder, threads), expected);
    }
}

#[test]
fn an_id_that_is_there_again_in_another_block_is_found() {
    let mut rows = rows(64);
    rows[90_000] = row(17, 64);
    let folder = folder();
    folder.write("clicks.csv", file(&rows));
    let expected = [
        "clicks.csv:90002: click_id: found 18 again, allowed: each id once (it is on line 19)",
        "conversions.csv:902: click_id: found click 90001, which is unknown, allowed: a click_id \
         of the clicks",
    ];
    for threads in ["1", "2"] {
        assert_eq!(defects(&folder, threads), expected);
    }
}

#[test]
fn a_byte_order_mark_is_one_at_the_beginning_of_the_file_alone() {
    // One visitor, whose name begins with the mark's bytes and every line with the name: a reader
    // that took them away at the beginning of a block would make two visitors of this one.
    let folder = Folder::new();
    let time = |index: usize| 1_717_200_000 + index;
    let clicks: Vec<String> = (0..ROWS)
        .map(|index| format!("\u{feff}v,{},{},1,3,5,0.25,{:x<20}\n", index + 1, time(index), ""))
        .collect();
    let header = "visitor_id,click_id,click_time,campaign_id,ppc_account_id,landing_page_id,cost";
    folder.write("clicks.csv", format!("{header},note\n{}", clicks.concat()));
    let conversions: Vec<String> = (0..ROWS)
        .step_by(10)
        .map(|index| format!("{index},{},{},1.5\n", index + 1, time(index)))
        .collect();
    let header = "conv_id,click_id,conv_time,payout";
    folder.write("conversions.csv", format!("{header}\n{}", conversions.concat()));
    assert!(results(&folder, "1") == results(&folder, "2"));
}

#[test]
#[cfg(unix)]
fn a_disk_that_fills_up_under_an_export_is_an_error_and_leaves_nothing() {
    let folder = Folder::new();
    folder.attribution(&["sample", "--visitors", "3000", "--seed", "1", "--out", "."]).expect(0);
    // The shell's limit on the size of files stands in for a full disk.
    let script = "trap '' XFSZ; ulimit -f 150; exec \"$0\" run --clicks clicks.csv --conversions \
                  conversions.csv --model linear --scopes global,campaign,account --export xlsx \
                  --out out";
    let command = folder.command();
    let ended: Ended = std::process::Command::new("bash")
        .args(["-c", script])
        .arg(command.get_program())
        .current_dir(folder.path("."))
        .output()
        .unwrap()
        .into();
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("error: export: "), "{ended:?}");
    assert!(folder.files("out").is_empty(), "{:?}", folder.files("out").keys());
}
