//! `attribution install` and `check`

use attribution_core::{Error, Severity};

use super::{open, print_json};
use crate::arguments::{CheckArguments, InstallArguments};
use crate::{DONE, FAILED, REFUSED, screen};

pub(crate) fn install(arguments: &InstallArguments) -> Result<(), Error> {
    let created = open(&arguments.database)?.install()?;
    let mut text: String = created.iter().map(|table| format!("created {table}\n")).collect();
    if text.is_empty() {
        text = "every table is there already\n".to_owned();
    }
    screen::print(&text)
}

pub(crate) fn check(arguments: &CheckArguments) -> Result<u8, Error> {
    let findings = open(&arguments.database)?.check()?;
    if arguments.json {
        print_json(&findings)?;
    } else {
        let mut text = String::new();
        for finding in &findings {
            let (name, subject) = (finding.severity.name(), finding.subject);
            text += &format!("{name:<8} {subject}: {}\n", finding.found);
            // On a line of its own and whole, to be copied.
            if !finding.remedy.is_empty() {
                text += &format!("         {}\n", finding.remedy);
            }
        }
        screen::print(&text)?;
    }
    Ok(match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Error) => REFUSED,
        Some(Severity::Warning) => FAILED,
        _ => DONE,
    })
}
