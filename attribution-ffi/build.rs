//! Gives the shared library its SONAME, which has the version of the ABI.

use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=src/version.rs");
    let linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    let version = fs::read_to_string("src/version.rs").unwrap_or_default();
    let version = version
        .lines()
        .find_map(|line| line.strip_prefix("pub const ATTRIBUTION_ABI_VERSION: u32 = "))
        .and_then(|rest| rest.strip_suffix(';'));
    match version {
        Some(version) if linux => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libattribution.so.{version}");
        }
        Some(_) => {}
        None => println!("cargo::error=src/version.rs does not tell ATTRIBUTION_ABI_VERSION"),
    }
}
