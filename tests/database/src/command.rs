//! The command `attribution`, run as a process.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use crate::server::{PASSWORD, PASSWORD_IN_URL};

/// The variable that names the command to be tested.
pub const BINARY_VARIABLE: &str = "ATTRIBUTION_BINARY";
/// What the command reads where it is given no `--database`.
pub const DATABASE_VARIABLE: &str = "ATTRIBUTION_DATABASE_URL";

const ENDS_WITHIN: Duration = Duration::from_secs(180);

/// Where the command is: as [`BINARY_VARIABLE`] says, or where the build put it beside the tests.
pub fn binary() -> PathBuf {
    if let Some(given) = std::env::var_os(BINARY_VARIABLE).filter(|given| !given.is_empty()) {
        return given.into();
    }
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let binary = profile.join("attribution");
    assert!(
        binary.is_file(),
        "{} is not there: run `cargo build -p attribution-cli` first, or set {BINARY_VARIABLE}",
        binary.display()
    );
    binary
}

/// A run of the command that may still go on. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    shown: String,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

/// What came of a run of the command.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The exit status; none where a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: String,
    /// How long it took.
    pub duration: Duration,
    shown: String,
}

fn read(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// Starts the command with a database's URL and arguments, words at their spaces.
pub fn start(url: &str, arguments: &str) -> Running {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    start_with(&words, &[], Some(url))
}

/// Starts the command with these arguments and variables; a URL is added as `--database`.
pub fn start_with(arguments: &[&str], variables: &[(&str, &str)], url: Option<&str>) -> Running {
    let mut all: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    if let Some(url) = url {
        all.push("--database".into());
        all.push(url.into());
    }
    let mut child = std::process::Command::new(binary())
        .args(&all)
        .env_remove(DATABASE_VARIABLE)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().map(read);
    let stderr = child.stderr.take().map(read);
    Running { child, shown: arguments.join(" "), stdout, stderr }
}

/// Runs the command with a database's URL and arguments, words at their spaces, to its end.
pub fn run(url: &str, arguments: &str) -> Ended {
    start(url, arguments).wait()
}

/// Runs the command with a database's URL and arguments as they are, to its end.
pub fn run_words(url: &str, arguments: &[&str]) -> Ended {
    start_with(arguments, &[], Some(url)).wait()
}

impl Running {
    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(mut self) -> Ended {
        let _ = self.child.kill();
        self.wait()
    }

    /// Sends it a signal such as `INT`.
    pub fn signal(&self, name: &str) {
        let number = self.child.id().to_string();
        let status =
            std::process::Command::new("kill").args(["-s", name, &number]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end, which has to come within some minutes.
    pub fn wait(mut self) -> Ended {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begin.elapsed() > ENDS_WITHIN {
                let _ = self.child.kill();
                let stderr = self.stderr.take().unwrap().join().unwrap();
                panic!(
                    "attribution {} did not end within {ENDS_WITHIN:?}\n{}",
                    self.shown,
                    String::from_utf8_lossy(&stderr)
                );
            }
            sleep(Duration::from_millis(2));
        };
        let stdout = self.stdout.take().unwrap().join().unwrap();
        let stderr = self.stderr.take().unwrap().join().unwrap();
        let ended = Ended {
            status: status.code(),
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            duration: begin.elapsed(),
            shown: self.shown.clone(),
        };
        for text in [ended.out(), ended.stderr.clone()] {
            for secret in [PASSWORD, PASSWORD_IN_URL] {
                assert!(!text.contains(secret), "the password is shown: {ended}");
            }
        }
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { shown, status, stderr, .. } = self;
        let status = status.map_or("a signal".to_owned(), |status| status.to_string());
        write!(f, "attribution {shown}: ended with {status}\n{}\n{stderr}", self.out())
    }
}

impl Ended {
    /// Panics where the exit status is another.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self}");
        assert!(!self.stderr.contains("internal error"), "{self}");
        assert!(!self.stderr.contains("panicked"), "{self}");
        self
    }

    /// Panics where standard error lacks one of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is missing; {self}");
        }
        self
    }

    /// What it wrote to standard output, as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it wrote to standard output, as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}; {self}"))
    }
}
