//! What is left behind when a run cannot end well.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Ended, Folder, good_input};

/// Enough for the run to be under way for a while.
const VISITORS: &str = "60000";

fn large_input() -> Folder {
    let folder = Folder::new();
    let arguments = ["sample", "--visitors", VISITORS, "--seed", "3", "--out", "."];
    folder.attribution(&arguments).expect(0);
    folder
}

fn start(folder: &Folder) -> Child {
    let arguments = "run --clicks clicks.csv --conversions conversions.csv --out out --export xlsx \
                     --journey visitor --threads 2 --scopes global,campaign,account,landing_page \
                     --model last_touch --model first_touch --model linear --model assisted \
                     --model time_decay:half_life_hours=48 --model a=linear --model b=linear \
                     --model c=linear --model d=linear --model e=linear --model f=linear";
    let mut command = folder.command();
    command.args(arguments.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Waits until results are being written aside: so many bytes of them.
fn wait_for_results(folder: &Folder, child: &mut Child, bytes: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it was interrupted");
        let entries = fs::read_dir(folder.path("out")).into_iter().flatten().flatten();
        let written: u64 = entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(".touchpoints.csv."))
            .filter_map(|entry| entry.metadata().ok())
            .map(|metadata| metadata.len())
            .sum();
        if written >= bytes {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("nothing was written");
}

fn earlier_results(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    folder.write("out/snapshots.csv", "earlier snapshots");
    folder.write("out/touchpoints.csv", "earlier touchpoints");
    folder.write("out/export.xlsx", "earlier export");
    folder.files("out")
}

#[test]
fn an_interrupted_run_leaves_nothing_new() {
    let folder = large_input();
    for (name, bytes) in [("INT", 1), ("INT", 1 << 20), ("TERM", 1)] {
        let mut child = start(&folder);
        wait_for_results(&folder, &mut child, bytes);
        signal(&child, name);
        let ended = Ended::from(child.wait_with_output().unwrap()).expect(1);
        assert_eq!(ended.stderr, "error: stopped as asked; nothing was left half done\n");
        assert_eq!(ended.stdout, "");
        assert_eq!(folder.files("out"), BTreeMap::new(), "{name}");
    }
    let before = earlier_results(&folder);
    let mut child = start(&folder);
    wait_for_results(&folder, &mut child, 1 << 20);
    signal(&child, "INT");
    Ended::from(child.wait_with_output().unwrap()).expect(1);
    assert!(folder.files("out") == before, "the earlier results are as they were");
}

#[test]
fn a_run_interrupted_while_it_reads_leaves_nothing() {
    let folder = large_input();
    // No writer ever opens the pipe's other end before the signal, so reading cannot be over.
    let pipe = folder.path("clicks.pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut command = folder.command();
    command.args(["run", "--clicks", "clicks.pipe", "--conversions", "conversions.csv"]);
    command.args(["--out", "out", "--model", "linear"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The open of a pipe waits for both ends, so from here on the command has its handler set.
    let mut clicks = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(100));
    // The command stops at its next look, so the rest of the file may find nobody reading.
    let _ = std::io::copy(&mut fs::File::open(folder.path("clicks.csv")).unwrap(), &mut clicks);
    drop(clicks);
    let ended = Ended::from(child.wait_with_output().unwrap()).expect(1);
    assert_eq!(ended.stderr, "error: stopped as asked; nothing was left half done\n");
    assert!(!folder.path("out").exists());
}

#[test]
fn a_killed_run_leaves_no_half_file_under_the_final_names() {
    let folder = large_input();
    for bytes in [1, 1 << 20] {
        let before = earlier_results(&folder);
        let mut child = start(&folder);
        wait_for_results(&folder, &mut child, bytes);
        signal(&child, "KILL");
        child.wait().unwrap();
        let after = folder.files("out");
        for (name, content) in &before {
            assert!(after[name] == *content, "{name} is as it was");
        }
        let others = after.keys().filter(|name| !before.contains_key(*name));
        for name in others {
            assert!(name.starts_with('.') && name.ends_with(".partial"), "{name}");
        }
        fs::remove_dir_all(folder.path("out")).unwrap();
    }
}

/// Whether this process may write where it has no permission, as root may.
fn permissions_hold(folder: &Folder) -> bool {
    fs::write(folder.path("locked/probe"), "").is_err()
}

#[test]
fn a_folder_that_cannot_be_written_fails() {
    let folder = good_input();
    folder.write("a-file", "content");
    for out in ["a-file", "a-file/below"] {
        let arguments = ["run", "--clicks", "clicks.csv", "--conversions", "conversions.csv"];
        let ended = folder
            .attribution(&[&arguments[..], &["--model", "linear", "--out", out]].concat())
            .expect(1);
        assert!(ended.stderr.starts_with(&format!("error: {out}")), "{ended:?}");
        assert_eq!(folder.read("a-file"), "content");
        let arguments = ["sample", "--visitors", "10", "--seed", "1", "--out", out];
        folder.attribution(&arguments).expect(1);
    }

    fs::create_dir(folder.path("locked")).unwrap();
    fs::set_permissions(folder.path("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    if permissions_hold(&folder) {
        let arguments = ["run", "--clicks", "clicks.csv", "--conversions", "conversions.csv"];
        folder
            .attribution(&[&arguments[..], &["--model", "linear", "--out", "locked"]].concat())
            .expect(1);
        assert!(folder.files("locked").is_empty());
    }
}

#[test]
fn a_result_that_cannot_be_put_in_its_place_leaves_the_others_as_they_were() {
    for name in ["snapshots.csv", "touchpoints.csv", "export.csv"] {
        let folder = good_input();
        folder.write("out/snapshots.csv", "earlier");
        folder.write("out/touchpoints.csv", "earlier");
        folder.write("out/export.csv", "earlier");
        fs::remove_file(folder.path("out").join(name)).unwrap();
        folder.write(&format!("out/{name}/inside"), "a folder stands in the way");
        let before = folder.files("out");
        folder.run(&["--model", "linear", "--export", "csv"]).expect(1);
        assert_eq!(folder.files("out"), before, "{name} is a folder");
    }
}

#[test]
fn a_full_disk_leaves_the_earlier_result() {
    // A limit on the size of files stands in for a disk that is full.
    let folder = large_input();
    let before = earlier_results(&folder);
    let script = format!(
        "trap '' XFSZ; ulimit -f 512; exec {:?} run --clicks clicks.csv --conversions \
         conversions.csv --journey visitor --model linear --out out",
        folder.command().get_program()
    );
    let output =
        Command::new("bash").args(["-c", &script]).current_dir(folder.path(".")).output().unwrap();
    let ended = Ended::from(output).expect(1);
    assert!(ended.stderr.starts_with("error: out/touchpoints.csv: "), "{ended:?}");
    assert!(folder.files("out") == before);
}
