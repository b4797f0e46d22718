//! C programs, linked with the library that lies beside the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::command;
use crate::database::Database;

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder that the build of the tests puts the library into: beside the tests themselves.
fn folder() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// A C program, compiled and linked with the library that lies beside the tests, in a folder that is built
/// anew each time.
pub fn program(source: &str) -> PathBuf {
    let folder = folder();
    let library = folder.join("libattribution.so");
    assert!(
        library.is_file(),
        "{} is not there: `cargo test --workspace` builds it, and `cargo test -p attribution-ffi`",
        library.display()
    );
    let name = Path::new(source).file_stem().unwrap().to_str().unwrap();
    let programs = folder.join(format!("c-program-{name}"));
    let _ = std::fs::remove_dir_all(&programs);
    std::fs::create_dir(&programs).unwrap();
    // What a program asks for at run time is the name in the library, which has the ABI's version.
    std::os::unix::fs::symlink(&library, programs.join("libattribution.so.1")).unwrap();
    let output = programs.join(name);
    let compiled = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"])
        .arg(root().join(source))
        .args(["-I", root().join("include").to_str().unwrap(), "-o", output.to_str().unwrap()])
        .args(["-L", folder.to_str().unwrap(), "-lattribution", "-lpthread"])
        .arg(format!("-Wl,-rpath,{}", programs.display()))
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    output
}

/// Runs a program on a database; gives how it ended and what it printed.
pub fn run(program: &mut Command, database: &Database<'_>) -> (Output, String) {
    let ended = program.env(command::DATABASE_VARIABLE, database.url()).output().unwrap();
    let text = String::from_utf8(ended.stdout.clone()).unwrap();
    (ended, text)
}

/// Valgrind, which is to be given a program: it ends badly where memory is lost or misread.
pub fn valgrind() -> Command {
    let suppressions = root().join("tests/c/valgrind.supp");
    let mut valgrind = Command::new("valgrind");
    valgrind
        // The driver keeps expressions of its own for as long as the process lives, some of them by
        // pointers to their middles: those are reachable or "possibly lost".
        .args(["-q", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect"])
        .args(["--show-leak-kinds=definite,indirect", "--error-exitcode=9"])
        .arg(format!("--suppressions={}", suppressions.display()));
    valgrind
}

/// What stands under a heading.
pub fn section<'a>(text: &'a str, name: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("== {name}\n")).expect(name);
    rest.split("\n== ").next().unwrap()
}
