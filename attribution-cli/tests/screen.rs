//! What people see: help, tables, samples, the demo.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{Folder, VECTOR_ARGUMENTS, good_input};

/// Plain text, no line above 80 columns.
fn check_text(text: &str) {
    assert!(!text.is_empty() && text.ends_with('\n'));
    assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text:?}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn help_fits_and_has_examples() {
    let folder = Folder::new();
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["run", "--help"],
        &["run", "-h"],
        &["sample", "--help"],
        &["demo", "--help"],
        &["models", "--help"],
        &["completions", "--help"],
    ] {
        let ended = folder.attribution(arguments).expect(0);
        check_text(&ended.stdout);
        assert_eq!(ended.stderr, "");
        assert!(ended.stdout.contains("Usage: attribution"), "{arguments:?}");
        let needs_example = !matches!(arguments[0], "demo" | "models");
        assert!(!needs_example || ended.stdout.contains("Example"), "{arguments:?}");
    }
    // A wide terminal does not make the lines longer.
    let mut wide = folder.command();
    let output = wide.env("COLUMNS", "200").args(["run", "--help"]).output().unwrap();
    check_text(&String::from_utf8(output.stdout).unwrap());
    let version = folder.attribution(&["--version"]).expect(0).stdout;
    assert_eq!(version, format!("attribution {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_examples_of_help_run() {
    let folder = Folder::new();
    let help = folder.attribution(&["--help"]).expect(0).stdout;
    let examples = help.split_once("Examples:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let mut ran = 0;
    for example in examples.replace("\\\n", " ").lines() {
        let words: Vec<&str> = example.split_whitespace().collect();
        assert_eq!(words[0], "attribution");
        folder.attribution(&words[1..]).expect(0);
        ran += 1;
    }
    assert_eq!(ran, 3);
    assert_eq!(folder.files("results").len(), 2);
}

#[test]
fn models_lists_every_kind_and_its_specs_run() {
    let folder = good_input();
    let text = folder.attribution(&["models"]).expect(0).stdout;
    check_text(&text);
    for kind in [
        "last_touch",
        "first_touch",
        "linear",
        "time_decay",
        "position_based",
        "assisted",
        "algorithmic",
    ] {
        assert!(text.lines().any(|line| line == kind), "{kind}");
    }
    for field in ["half_life_hours", "first_touch_weight", "last_touch_weight"] {
        assert!(text.contains(field), "{field}");
    }
    let specs: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("--model ")).collect();
    assert_eq!(specs.len(), 6);
    for spec in specs {
        folder.run(&["--model", spec]).expect(0);
    }
}

#[test]
fn a_summary_fits() {
    let folder = good_input();
    let ended = folder.run(&VECTOR_ARGUMENTS).expect(0);
    check_text(&ended.stdout);
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.starts_with("2 clicks, 1 conversions, 2 touches\n"), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("written to out\n"));

    let long = format!("--model={}=linear", "a long name, ".repeat(19));
    let wide = format!("--model={}=linear", "模型".repeat(30));
    let unbroken = format!("--model={}=linear", "x".repeat(255));
    check_text(&folder.run(&[&long, &wide, &unbroken]).expect(0).stdout);

    let most = "92233720368547.75807";
    folder.write(
        "conversions.csv",
        format!("conv_id,click_id,conv_time,payout,cost\n1,1,1717207200,-{most},{most}\n"),
    );
    check_text(&folder.run(&VECTOR_ARGUMENTS).expect(0).stdout);
    folder.write(
        "conversions.csv",
        "conv_id,click_id,conv_time,payout,cost\n1,1,1717207200,-999999999.99,999999999.99\n",
    );
    let ended = folder.run(&VECTOR_ARGUMENTS).expect(0);
    check_text(&ended.stdout);
    assert!(ended.stdout.contains(" -999,999,999.99 "), "{}", ended.stdout);
}

#[test]
fn errors_are_plain_in_a_pipe() {
    let folder = good_input();
    for arguments in [&["run", "--frobnicate"][..], &["run"], &[], &["demo", "x"]] {
        let ended = folder.attribution(arguments).expect(2);
        assert!(!ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
    let ended = folder.run(&["--model", "a=linear", "--model", "a=linear"]).expect(2);
    assert!(!ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
}

/// Runs on a terminal that `script` makes up, and gives what was shown there.
fn on_a_terminal(folder: &Folder, setting: &str, arguments: &str) -> Option<String> {
    let command = format!("'{}' {arguments}", folder.command().get_program().display());
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &format!("{setting} {command}"), "/dev/null"]);
    script.env_remove("NO_COLOR").env("TERM", "xterm").current_dir(folder.path("."));
    let output = script.stdin(std::process::Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let folder = good_input();
    let Some(coloured) = on_a_terminal(&folder, "", "models") else {
        return;
    };
    assert!(coloured.contains("\u{1b}[1mlinear"), "{coloured:?}");
    let plain = on_a_terminal(&folder, "NO_COLOR=1", "models").unwrap();
    assert!(plain.contains("linear") && !plain.contains('\u{1b}'), "{plain:?}");
    for arguments in ["--help", "run --frobnicate"] {
        let plain = on_a_terminal(&folder, "NO_COLOR=1", arguments).unwrap();
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
    }
    // NO_COLOR that is empty counts as not set (no-color.org).
    let coloured = on_a_terminal(&folder, "NO_COLOR=", "models").unwrap();
    assert!(coloured.contains('\u{1b}'), "{coloured:?}");
}

#[test]
fn completions_are_there_for_each_shell() {
    let folder = Folder::new();
    for (shell, expected) in [
        ("bash", "complete -F _attribution"),
        ("zsh", "#compdef attribution"),
        ("fish", "complete -c attribution"),
    ] {
        let ended = folder.attribution(&["completions", shell]).expect(0);
        assert!(ended.stdout.contains(expected), "{shell}");
        for word in ["run", "sample", "demo", "models", "max-touches", "lookback"] {
            assert!(ended.stdout.contains(word), "{shell}: {word}");
        }
        assert_eq!(ended.stderr, "");
    }
    let script = folder.attribution(&["completions", "bash"]).expect(0).stdout;
    folder.write("completions.bash", script);
    let mut bash = std::process::Command::new("bash");
    bash.arg("-n").arg(folder.path("completions.bash"));
    assert!(bash.status().unwrap().success());
}

#[test]
fn a_sample_is_its_seed() {
    let folder = Folder::new();
    let sample = |visitors: &str, seed: &str, out: &str| {
        let arguments = ["sample", "--visitors", visitors, "--seed", seed, "--out", out];
        let ended = folder.attribution(&arguments).expect(0);
        check_text(&ended.stdout);
        assert_eq!(ended.stderr, "");
        let files = folder.files(out);
        assert_eq!(files.keys().collect::<Vec<_>>(), ["clicks.csv", "conversions.csv"]);
        files
    };
    let first = sample("500", "1", "a");
    assert!(first == sample("500", "1", "b"), "the same seed gives the same bytes");
    let other = sample("500", "2", "c");
    assert!(first["clicks.csv"] != other["clicks.csv"], "another seed gives others");
    assert!(first["conversions.csv"] != other["conversions.csv"]);
    assert!(first == sample("500", "1", "c"), "an earlier sample is replaced");
    for nothing in sample("0", "1", "d").into_values() {
        assert_eq!(nothing.split_inclusive(|byte| *byte == b'\n').count(), 1, "only a header");
    }
    sample("10", "18446744073709551615", "e");

    for folder_of_sample in ["a", "d"] {
        let (clicks, conversions) = (
            format!("{folder_of_sample}/clicks.csv"),
            format!("{folder_of_sample}/conversions.csv"),
        );
        let scopes = "global,campaign,account,landing_page,advertiser,traffic_source";
        let more = [&VECTOR_ARGUMENTS[4..], &["--scopes", scopes]].concat();
        let ended = folder.run_on(&clicks, &conversions, &more).expect(0);
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn the_demo_hands_out_the_same_total_under_every_model() {
    let folder = Folder::new();
    let ended = folder.attribution(&["demo"]).expect(0);
    assert_eq!(ended.stderr, "");
    check_text(&ended.stdout);
    let totals = ended.stdout.lines().find(|line| line.trim_start().starts_with("all ")).unwrap();
    let totals: Vec<&str> = totals.split_whitespace().skip(1).collect();
    assert_eq!(totals.len(), 6, "one for each model");
    assert!(totals.iter().all(|total| *total == totals[0]), "{totals:?}");
    let total: i64 = totals[0].replace(',', "").parse().unwrap();
    assert!(total > 0);
    // The rows above add up to it, but for what rounding to whole units takes or gives.
    let rows = ended.stdout.lines().skip_while(|line| !line.contains('─')).skip(1);
    let mut sums = vec![0_i64; 6];
    let mut count = 0;
    for row in rows.take_while(|line| !line.trim_start().starts_with("all ")) {
        let words: Vec<&str> = row.split_whitespace().collect();
        for (sum, word) in sums.iter_mut().zip(&words[words.len() - 6..]) {
            *sum += word.replace(',', "").parse::<i64>().unwrap();
        }
        count += 1;
    }
    assert!(count > 5);
    assert!(sums.iter().all(|sum| (sum - total).abs() <= count), "{sums:?}");
    assert!(folder.files(".").is_empty(), "the demo leaves nothing behind");
    assert_eq!(folder.attribution(&["demo"]).expect(0).stdout, ended.stdout);
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let folder = Folder::new();
    let program = folder.command().get_program().to_owned();
    let script = format!("set -o pipefail; {program:?} completions bash | head -n 1");
    let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
