//! The command `attribution`.
#![forbid(unsafe_code)]

mod arguments;
mod demo;
mod models;
mod progress;
mod run;
mod sample;
mod screen;

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
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
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
    match outcome {
        Ok(()) => ExitCode::from(DONE),
        Err(error) => {
            eprintln!("{}", screen::error_text(&error));
            ExitCode::from(match error.code() {
                ErrorCode::InvalidModel | ErrorCode::InvalidInput | ErrorCode::Limit => REFUSED,
                _ => FAILED,
            })
        }
    }
}

/// What went wrong while writing to the terminal.
fn terminal(source: std::io::Error) -> Error {
    Error::Io { what: "standard output".to_owned(), source }
}
