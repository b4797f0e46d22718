//! Which library this is.

use std::ffi::c_char;

/// The version of the ABI. It rises when a program that was built with an older header could break, and
/// is the number in the library's SONAME.
pub const ATTRIBUTION_ABI_VERSION: u32 = 1;
/// The library's major version.
pub const ATTRIBUTION_VERSION_MAJOR: u32 = 0;
/// The library's minor version.
pub const ATTRIBUTION_VERSION_MINOR: u32 = 1;
/// The library's patch version.
pub const ATTRIBUTION_VERSION_PATCH: u32 = 0;
/// The library's version as one number, major * 1000000 + minor * 1000 + patch.
pub const ATTRIBUTION_VERSION_NUMBER: u32 = 1_000;
/// The library's version as text.
pub const ATTRIBUTION_VERSION_STRING: &str = "0.1.0";

/// The version of the ABI of the library that runs. A program can rely on its header where this equals
/// ATTRIBUTION_ABI_VERSION and attribution_version_number gives ATTRIBUTION_VERSION_NUMBER or more.
#[unsafe(no_mangle)]
pub extern "C" fn attribution_abi_version() -> u32 {
    ATTRIBUTION_ABI_VERSION
}

/// The version of the library that runs, major * 1000000 + minor * 1000 + patch.
#[unsafe(no_mangle)]
pub extern "C" fn attribution_version_number() -> u32 {
    number(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
        + number(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
        + number(env!("CARGO_PKG_VERSION_PATCH"))
}

/// The version of the library that runs, as text such as "0.1.0". It is the library's own and stays for
/// ever.
#[unsafe(no_mangle)]
pub extern "C" fn attribution_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

const fn number(text: &str) -> u32 {
    let (mut bytes, mut number) = (text.as_bytes(), 0);
    while let [digit, rest @ ..] = bytes {
        number = number * 10 + (*digit - b'0') as u32;
        bytes = rest;
    }
    number
}

/// The macros of the header are written out above, and have to be what Cargo says, all of them.
const _: () = {
    assert!(ATTRIBUTION_VERSION_MAJOR == number(env!("CARGO_PKG_VERSION_MAJOR")));
    assert!(ATTRIBUTION_VERSION_MINOR == number(env!("CARGO_PKG_VERSION_MINOR")));
    assert!(ATTRIBUTION_VERSION_PATCH == number(env!("CARGO_PKG_VERSION_PATCH")));
    assert!(
        ATTRIBUTION_VERSION_NUMBER
            == ATTRIBUTION_VERSION_MAJOR * 1_000_000
                + ATTRIBUTION_VERSION_MINOR * 1_000
                + ATTRIBUTION_VERSION_PATCH
    );
    let (stated, is) =
        (ATTRIBUTION_VERSION_STRING.as_bytes(), env!("CARGO_PKG_VERSION").as_bytes());
    let (mut stated, mut is) = (stated, is);
    assert!(stated.len() == is.len());
    while let ([left, more @ ..], [right, rest @ ..]) = (stated, is) {
        assert!(*left == *right);
        (stated, is) = (more, rest);
    }
};
