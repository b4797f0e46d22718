//! The PHP extension `attribution`: exact multi-touch attribution inside of PHP's own process.
//!
//! It translates and nothing more: PHP's arrays into the core's columns, the core's results and errors into
//! arrays and exceptions. What numbers come out is the core's alone.
//!
//! Floors, each using only those before it: `zend` (what is PHP's: tables, strings, globals; with the FFI
//! crate's border the only home of `unsafe`), then failures and memory, then what reads values and options, then
//! one module per noun, then the classes.
//!
//! [`BailoutGuard`]: ext_php_rs::zend::BailoutGuard
//!
//! A fatal error of PHP's ends a call by jumping over Rust's frames without dropping what they own. So
//! what is large is held by a [`BailoutGuard`] while PHP's memory is asked for, and PHP's code runs within
//! a frame that catches such a jump; a name or a short list may be lost with the request that fails.
#![cfg_attr(windows, feature(abi_vectorcall))]

mod calculate;
mod columns;
mod database;
mod export;
mod failure;
mod functions;
mod input;
mod job;
mod journeys;
mod keys;
mod memory;
mod model;
mod object;
mod options;
mod output;
mod rows;
mod version;
mod zend;

use ext_php_rs::prelude::*;

const _: () = assert!(
    ext_php_rs::ffi::ZEND_MODULE_API_NO >= 20_220_829,
    "the extension needs PHP 8.2 or newer"
);

/// Registers what the extension has; called by PHP once it has loaded the library.
#[php_module]
#[php(startup = "startup")]
pub fn module(module: ModuleBuilder<'_>) -> ModuleBuilder<'_> {
    let module = module.name("attribution").info_function(version::info);
    let module = module.shutdown_function(shutdown);
    functions::register(module)
}

/// PHP's module startup: settings, keys and exceptions. 0 is success.
fn startup(_type: i32, module_number: i32) -> i32 {
    options::register_settings(module_number);
    keys::intern();
    functions::describe();
    database::cache::begin();
    match failure::register_classes().and_then(|()| object::register()) {
        Ok(()) => 0,
        Err(_) => -1,
    }
}

/// PHP's module shutdown. 0 is success.
extern "C" fn shutdown(_type: i32, _module_number: i32) -> i32 {
    database::cache::end();
    0
}
