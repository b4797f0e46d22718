//! The command as a process, in a folder of its own.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

/// A run that ended: its exit status and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The lines of the defects, where the input is bad.
    pub(crate) fn defects(&self) -> Vec<String> {
        let text = &self.stderr;
        text.lines().map(str::to_owned).collect()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().expect("an exit status"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// A folder that the command runs in, so that messages name short paths.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("UTF-8")
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Every file of a folder with its bytes; empty where there is no such folder.
    pub(crate) fn files(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let Ok(entries) = fs::read_dir(self.path(name)) else { return BTreeMap::new() };
        entries
            .map(|entry| entry.expect("an entry"))
            .filter(|entry| entry.file_type().expect("a type").is_file())
            .map(|entry| {
                let name = entry.file_name().into_string().expect("UTF-8");
                (name, fs::read(entry.path()).expect("a file"))
            })
            .collect()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("attribution"));
        command.current_dir(self.0.path()).env_remove("NO_COLOR");
        command
    }

    pub(crate) fn attribution(&self, arguments: &[&str]) -> Ended {
        self.command().args(arguments).output().expect("the command").into()
    }

    /// `attribution run` on `clicks.csv` and `conversions.csv`, into `out`.
    pub(crate) fn run(&self, more: &[&str]) -> Ended {
        self.run_on("clicks.csv", "conversions.csv", more)
    }

    pub(crate) fn run_on(&self, clicks: &str, conversions: &str, more: &[&str]) -> Ended {
        let mut arguments =
            vec!["run", "--clicks", clicks, "--conversions", conversions, "--out", "out"];
        arguments.extend(more);
        self.attribution(&arguments)
    }
}

pub(crate) const CLICKS_HEADER: &str =
    "click_id,click_time,visitor_id,campaign_id,ppc_account_id,landing_page_id,cost";
pub(crate) const CONVERSIONS_HEADER: &str = "conv_id,click_id,conv_time,payout,campaign_id,cost";

/// A folder with two clicks of one visitor and one conversion.
pub(crate) fn good_input() -> Folder {
    let folder = Folder::new();
    folder.write(
        "clicks.csv",
        format!("{CLICKS_HEADER}\n1,1717200000,v,7,3,5,0.25\n2,1717203600,v,7,4,5,0.5\n"),
    );
    folder.write("conversions.csv", format!("{CONVERSIONS_HEADER}\n1,2,1717207200,10,,\n"));
    folder
}

pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/small")
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The six models and the scopes of the vectors.
pub(crate) const VECTOR_ARGUMENTS: [&str; 16] = [
    "--journey",
    "visitor_campaign",
    "--scopes",
    "global,campaign,account,landing_page",
    "--model",
    "last_touch",
    "--model",
    "first_touch",
    "--model",
    "linear",
    "--model",
    "assisted",
    "--model",
    "time_decay:half_life_hours=48",
    "--model",
    "position_based:first_touch_weight=0.4,last_touch_weight=0.4",
];
