//! `attribution install` and `check`

use attribution_core::{Error, Finding, Severity};

use super::open;
use crate::arguments::{CheckArguments, InstallArguments};
use crate::{DONE, FAILED, REFUSED, screen};

pub(crate) fn install(arguments: &InstallArguments) -> Result<(), Error> {
    let created = open(&arguments.database)?.install()?;
    let mut lines: Vec<String> = created.iter().map(|table| format!("created {table}")).collect();
    if lines.is_empty() {
        lines.push("every table is there already".to_owned());
    }
    screen::print_lines(&lines)
}

pub(crate) fn check(arguments: &CheckArguments) -> Result<u8, Error> {
    let findings = open(&arguments.database)?.check()?;
    if arguments.json {
        screen::print(&(Finding::to_json(&findings)? + "\n"))?;
    } else {
        let mut lines = Vec::new();
        for finding in &findings {
            let (name, subject) = (finding.severity.name(), finding.subject);
            lines.push(format!("{name:<8} {subject}: {}", finding.found));
            // On a line of its own and whole, to be copied.
            if !finding.remedy.is_empty() {
                lines.push(format!("         {}", finding.remedy));
            }
        }
        screen::print_lines(&lines)?;
    }
    Ok(match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Error) => REFUSED,
        Some(Severity::Warning) => FAILED,
        _ => DONE,
    })
}
