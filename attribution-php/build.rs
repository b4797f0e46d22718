//! Looks what the PHP that this is built for has, where its version does not tell.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(php_delayed_oom)");
    println!("cargo::rerun-if-env-changed=PHP_CONFIG");
    let program = std::env::var("PHP_CONFIG").unwrap_or_else(|_| "php-config".to_owned());
    let includes = Command::new(program).arg("--includes").output();
    let includes = includes.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    // Security releases of several versions put off the error of memory_limit to the next safe point.
    let header = |flag: &str| {
        let header = Path::new(flag.strip_prefix("-I")?).join("zend_alloc.h");
        std::fs::read_to_string(header).ok()
    };
    let put_off = includes
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(header)
        .any(|header| header.contains("zend_handle_delayed_oom"));
    if put_off {
        println!("cargo::rustc-cfg=php_delayed_oom");
    }
}
