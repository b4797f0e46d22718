//! What the tests of the jobs on a database need: a server of their own, the host's tables, made-up
//! accounts with what the engine says of them, faults, and readers of what is there.
#![forbid(unsafe_code)]
// This is test support: a broken promise is to end the test that finds it, with its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, clippy::missing_errors_doc)]
#![allow(clippy::return_self_not_must_use)]

pub mod account;
pub mod c_program;
pub mod cache_server;
pub mod command;
pub mod database;
pub mod expected;
pub mod generate;
pub mod host;
pub mod proxy;
pub mod random;
pub mod server;
pub mod tables;
pub mod torn_reader;
