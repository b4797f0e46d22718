//! `attribution export`

use std::fs;
use std::path::Path;

use attribution_core::{
    Error, ExportJob, ExportOutcome, ExportQuery, ExportRequest, ExportRunOptions, ExportRunReport,
    ModelError, WebhookPolicy, WebhookRequest, WebhookState,
};

use super::{open, print_json, window};
use crate::arguments::exports::{
    ExportAction, ExportListArguments, ExportRunArguments, SECRET_VARIABLE, ScheduleArguments,
};
use crate::progress::Bar;
use crate::{DONE, FAILED, screen};

pub(crate) fn export(action: &ExportAction) -> Result<u8, Error> {
    match action {
        ExportAction::Schedule(arguments) => schedule(arguments).map(|()| DONE),
        ExportAction::Run(arguments) => run(arguments),
        ExportAction::List(arguments) => list(arguments).map(|()| DONE),
    }
}

fn refused(field: &str, given: impl Into<String>, allowed: &str) -> Error {
    let (field, given, allowed) = (field.to_owned(), given.into(), allowed.to_owned());
    Error::Model(ModelError { field, given, allowed })
}

fn schedule(arguments: &ScheduleArguments) -> Result<(), Error> {
    let request = ExportRequest {
        scope: arguments.scope,
        format: arguments.format.clone(),
        webhook: webhook(arguments)?,
        ..ExportRequest::new(&arguments.model, window(&arguments.window)?)
    };
    let policy =
        WebhookPolicy { allow: arguments.allowed_networks.clone(), ..WebhookPolicy::default() };
    let store = open(&arguments.user.database)?;
    let job = store.schedule_export(arguments.user.user, &request, &policy)?;
    if arguments.json {
        return print_json(&job);
    }
    screen::print(&format!("export {} is in the queue\n", job.export_id))
}

fn webhook(arguments: &ScheduleArguments) -> Result<Option<WebhookRequest>, Error> {
    let Some(url) = &arguments.webhook else { return Ok(None) };
    let secret = match &arguments.webhook_secret_file {
        Some(path) => {
            let text = read(path)?;
            let secret = text.strip_suffix('\n').unwrap_or(&text);
            Some(secret.strip_suffix('\r').unwrap_or(secret).to_owned())
        }
        None => std::env::var(SECRET_VARIABLE).ok(),
    };
    if secret.as_ref().is_some_and(String::is_empty) {
        return Err(refused("webhook_secret", "an empty text was given", "a secret, or none"));
    }
    let mut headers = Vec::new();
    for text in &arguments.webhook_headers {
        headers.push(header(text)?);
    }
    if let Some(path) = &arguments.webhook_header_file {
        for line in read(path)?.lines().filter(|line| !line.trim().is_empty()) {
            headers.push(header(line)?);
        }
    }
    Ok(Some(WebhookRequest { url: url.clone(), secret, headers }))
}

fn read(path: &Path) -> Result<String, Error> {
    let what = path.display().to_string();
    fs::read_to_string(path).map_err(|source| Error::Io { what, source })
}

/// Reads `Name: value`. A complaint does not repeat it, as it may hold a secret.
fn header(text: &str) -> Result<(String, String), Error> {
    let (name, value) = text.split_once(':').ok_or_else(|| {
        refused("webhook_header", "a text without a colon was given", "a header as 'Name: value'")
    })?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn run(arguments: &ExportRunArguments) -> Result<u8, Error> {
    let options = ExportRunOptions {
        limit: arguments.jobs,
        webhooks: WebhookPolicy {
            allow: arguments.allowed_networks.clone(),
            root_certificates: arguments.root_certificates.clone(),
            download_base: arguments.download_base.clone(),
            ..WebhookPolicy::default()
        },
        ..ExportRunOptions::new(&arguments.directory)
    };
    let store = open(&arguments.database)?;
    let bar = Bar::new()?;
    let outcome = store.run_exports(&options, &bar);
    bar.finish();
    let report = outcome?;
    if arguments.json {
        screen::print(&(report.to_json()? + "\n"))?;
    } else {
        screen::print(&show_run(&report))?;
    }
    Ok(if report.succeeded() { DONE } else { FAILED })
}

fn show_run(report: &ExportRunReport) -> String {
    if report.jobs.is_empty() {
        return "nothing to do\n".to_owned();
    }
    let mut lines: Vec<String> = report.jobs.iter().map(show_outcome).collect();
    let count = |count: u64, what: &str| format!("{} {what}", screen::thousands(count));
    let mut parts = vec![count(report.completed, "files made")];
    for (number, what) in [
        (report.failed, "failed"),
        (report.put_back, "put back"),
        (report.webhooks_delivered, "webhooks delivered"),
        (report.webhooks_waiting, "webhooks waiting"),
        (report.webhooks_given_up, "webhooks given up"),
    ] {
        if number > 0 {
            parts.push(count(number, what));
        }
    }
    lines.push(parts.join(", "));
    lines.join("\n") + "\n"
}

fn show_outcome(outcome: &ExportOutcome) -> String {
    let mut parts = vec![format!("export {}: {}", outcome.export_id, outcome.status)];
    if let (Some(rows), Some(path)) = (outcome.rows_exported, &outcome.file_path) {
        parts.push(format!(", {} rows in {path}", screen::thousands(rows)));
    }
    if let Some(state) = outcome.webhook_state {
        parts.push(format!(", webhook {}", in_words(state)));
    }
    if let Some(error) = &outcome.error {
        parts.push(format!("\n  {}", error.replace('\n', "\n  ")));
    }
    parts.concat()
}

const fn in_words(state: WebhookState) -> &'static str {
    match state {
        WebhookState::Waiting => "waiting",
        WebhookState::Delivered => "delivered",
        WebhookState::GivenUp => "given up",
    }
}

fn list(arguments: &ExportListArguments) -> Result<(), Error> {
    let query =
        ExportQuery { status: arguments.status, limit: arguments.limit, offset: arguments.offset };
    let jobs = open(&arguments.user.database)?.exports(arguments.user.user, &query)?;
    if arguments.json { print_json(&jobs) } else { screen::print(&table(&jobs)) }
}

fn table(jobs: &[ExportJob]) -> String {
    let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
    let titles = ["id", "status", "model", "scope", "format", "webhook", "file or error", "rows"];
    screen::table(&titles, &rows, titles.len() - 1)
}

fn row(job: &ExportJob) -> Vec<String> {
    let scope = match job.scope_id {
        Some(id) => format!("{}:{id}", job.scope_type),
        None => job.scope_type.clone(),
    };
    let webhook = match (&job.webhook_url, job.webhook_state) {
        (None, _) => "",
        (Some(_), Some(state)) => in_words(state),
        (Some(_), None) => "yes",
    };
    let file = job.file_path.as_deref().map(Path::new).and_then(Path::file_name);
    let file = file.map(|name| name.to_string_lossy().into_owned());
    vec![
        job.export_id.to_string(),
        job.status.clone(),
        job.model_id.to_string(),
        scope,
        job.format.clone(),
        webhook.to_owned(),
        job.last_error.clone().or(file).unwrap_or_default(),
        job.rows_exported.map(screen::thousands).unwrap_or_default(),
    ]
}
