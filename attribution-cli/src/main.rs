//! The command `attribution`.
#![forbid(unsafe_code)]

mod arguments;
mod compare;
mod database;
mod demo;
mod models;
mod progress;
mod run;
mod sample;
mod screen;
mod secrets;

use std::process::ExitCode;

use attribution_core::{Error, ErrorCode};
use clap::{CommandFactory, Parser};

use crate::arguments::{Arguments, Command};

/// Done.
const DONE: u8 = 0;
/// Something failed that is not the input's fault.
const FAILED: u8 = 1;
/// Bad usage or bad input.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let outcome = secrets::hide().and_then(|()| obey(&Arguments::parse().command));
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("{}", screen::error_text(&error));
            ExitCode::from(status_of(&error))
        }
    }
}

/// Does what was asked for; gives the exit status.
fn obey(command: &Command) -> Result<u8, Error> {
    let done = match command {
        Command::Backfill(options) => return database::jobs::backfill(options),
        Command::Rebuild(options) => return database::jobs::rebuild(options),
        Command::Export { action } => return database::exports::export(action),
        Command::Check(options) => return database::check::check(options),
        Command::Purge { action } => return database::purge::purge(action),
        Command::MultiTouch(options) => database::jobs::multi_touch(options),
        Command::Model { action } => database::models::model(action),
        Command::Snapshots(options) => database::snapshots::snapshots(options),
        Command::Compare(options) => compare::compare(options),
        Command::Overview(options) => database::overview::overview(options),
        Command::Install(options) => database::check::install(options),
        Command::Run(options) => run::run(options),
        Command::Sample(options) => sample::sample(options),
        Command::Demo => demo::demo(),
        Command::Models => models::models(),
        Command::Completions { shell } => {
            let mut command = Arguments::command();
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, "attribution", &mut script);
            screen::print(&String::from_utf8_lossy(&script))
        }
    };
    done.map(|()| DONE)
}

/// The exit status that an error stands for.
fn status_of(error: &Error) -> u8 {
    match error.code() {
        ErrorCode::InvalidModel | ErrorCode::InvalidInput | ErrorCode::Limit => REFUSED,
        _ => FAILED,
    }
}

/// What went wrong while writing to the terminal.
fn terminal(source: std::io::Error) -> Error {
    Error::Io { what: "standard output".to_owned(), source }
}
