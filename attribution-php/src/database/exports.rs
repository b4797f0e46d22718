//! The export queue.

use attribution_core::{
    ExportQuery, ExportRequest, ExportRunOptions, ExportStatus, WebhookPolicy, WebhookRequest,
};
use ext_php_rs::types::{ZendHashTable, Zval};

use super::address::open;
use super::asked::{
    list, missing, model, path, placed, progress, reported, scope, to_array, user, window,
};
use crate::failure::{Failure, refused};
use crate::input::{described, shown};
use crate::job;
use crate::options::Options;
use crate::zend::library;
use crate::zend::table::{EntryKey, Made, Table, Value, value_of};

const SCHEDULE: [&str; 11] = [
    "user",
    "model",
    "start",
    "end",
    "scope_type",
    "scope_id",
    "format",
    WEBHOOK_URL,
    WEBHOOK_SECRET,
    WEBHOOK_HEADERS,
    ALLOW_NETWORKS,
];
const RUN: [&str; 6] =
    ["directory", "jobs", ALLOW_NETWORKS, "download_base", "root_certificates", "progress"];
const QUERY: [&str; 4] = ["user", "status", "limit", "offset"];

const WEBHOOK_URL: &str = "webhook_url";
const WEBHOOK_SECRET: &str = "webhook_secret";
const WEBHOOK_HEADERS: &str = "webhook_headers";
const ALLOW_NETWORKS: &str = "allow_networks";

/// How many jobs a run may be asked for.
const MOST_JOBS: u64 = 10_000;

/// Where webhooks may go besides the public.
fn policy(options: Options<'_>) -> Result<WebhookPolicy, Failure> {
    let mut policy = WebhookPolicy::default();
    let networks = list(options, ALLOW_NETWORKS, |value, place| {
        let network = match value_of(value) {
            Value::Text(bytes) => {
                std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok())
            }
            _ => None,
        };
        network.ok_or_else(|| refused(place(), described(value), "a network such as 10.0.0.0/8"))
    })?;
    if let Some(networks) = networks {
        policy.allow = networks;
    }
    Ok(policy)
}

/// A webhook's headers. Their values may be secrets, and are in no message.
fn headers(options: Options<'_>) -> Result<Vec<(String, String)>, Failure> {
    let Some(value) = options.get(WEBHOOK_HEADERS) else { return Ok(Vec::new()) };
    let allowed = "an array of headers, with their names as keys";
    let Value::Table(Table(table)) = value_of(value) else {
        return Err(refused(options.place(WEBHOOK_HEADERS), "found something else", allowed));
    };
    let mut headers = Vec::new();
    for (key, value) in Table(table).entries() {
        let EntryKey::Name(name) = key else {
            return Err(refused(
                options.place(WEBHOOK_HEADERS),
                "found a key that is a number",
                allowed,
            ));
        };
        let place = || format!("{}[{}]", options.place(WEBHOOK_HEADERS), shown(name));
        let Ok(name) = std::str::from_utf8(name) else {
            return Err(refused(place(), "found bytes", "a name in ASCII"));
        };
        let text = match value_of(value) {
            Value::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        };
        let Some(text) = text else {
            return Err(refused(place(), "found something else", "text in UTF-8"));
        };
        headers.push((name.to_owned(), text.to_owned()));
    }
    Ok(headers)
}

fn webhook(options: Options<'_>) -> Result<Option<WebhookRequest>, Failure> {
    let Some(url) = options.secret(WEBHOOK_URL)? else {
        for name in [WEBHOOK_SECRET, WEBHOOK_HEADERS] {
            if options.get(name).is_some() {
                return Err(missing(
                    options,
                    WEBHOOK_URL,
                    "a URL, where there is a secret or a header",
                ));
            }
        }
        return Ok(None);
    };
    let secret = options.secret(WEBHOOK_SECRET)?;
    if secret == Some("") {
        // What is signed under no secret, anyone can sign.
        return Err(refused(
            options.place(WEBHOOK_SECRET),
            "found no text",
            "a secret, or null for none",
        ));
    }
    Ok(Some(WebhookRequest {
        url: url.to_owned(),
        secret: secret.map(str::to_owned),
        headers: headers(options)?,
    }))
}

fn scheduled(database: &Zval, table: &ZendHashTable) -> Result<serde_json::Value, Failure> {
    let options = Options::new(table, "options", &SCHEDULE)?;
    let user_id = user(options)?;
    let mut request = ExportRequest::new(model(options)?, window(Some(options))?);
    request.scope = scope(options, "the name of a scope type")?;
    if let Some(format) = options.text("format")? {
        format.clone_into(&mut request.format);
    }
    request.webhook = webhook(options)?;
    let policy = policy(options)?;
    let store = open(database, None)?;
    let job = job::run(None, |_| store.schedule_export(user_id, &request, &policy))
        .map_err(|failure| placed(failure, options, &SCHEDULE))?;
    reported(&job)
}

fn ran(database: &Zval, table: &ZendHashTable) -> Result<serde_json::Value, Failure> {
    let options = Options::new(table, "options", &RUN)?;
    let Some(directory) = path(options, "directory")? else {
        return Err(missing(options, "directory", "the folder that gets the files"));
    };
    let mut run = ExportRunOptions::new(directory);
    if let Some(jobs) = options.bounded("jobs", 1, MOST_JOBS)? {
        run.limit = jobs as u32;
    }
    run.webhooks = policy(options)?;
    run.webhooks.download_base = options.text("download_base")?.map(str::to_owned);
    run.webhooks.root_certificates = path(options, "root_certificates")?.map(Into::into);
    let progress = progress(options)?;
    let store = open(database, None)?;
    // Looking up a receiver's name may outlast the run.
    library::stay();
    let report = job::run(progress, |progress| store.run_exports(&run, progress))
        .map_err(|failure| placed(failure, options, &RUN))?;
    reported(&report)
}

fn listed(database: &Zval, table: &ZendHashTable) -> Result<serde_json::Value, Failure> {
    let options = Options::new(table, "options", &QUERY)?;
    let user_id = user(options)?;
    let mut query = ExportQuery::new();
    if let Some(name) = options.text("status")? {
        let status = name.parse::<ExportStatus>().map_err(|_| {
            let allowed = ExportStatus::ALL.map(ExportStatus::name).join(", ");
            refused(options.place("status"), format!("found {}", shown(name.as_bytes())), allowed)
        })?;
        query.status = Some(status);
    }
    if let Some(limit) = options.unsigned("limit")? {
        query.limit = limit;
    }
    query.offset = options.unsigned("offset")?.unwrap_or(0);
    let store = open(database, None)?;
    let jobs = job::run(None, |_| store.exports(user_id, &query))
        .map_err(|failure| placed(failure, options, &QUERY))?;
    reported(&jobs)
}

/// What `attribution_export_schedule` gives.
pub(crate) fn schedule(database: &Zval, options: &ZendHashTable) -> Result<Made, Failure> {
    scheduled(database, options).map(to_array)
}

/// What `attribution_export_run` gives.
pub(crate) fn run(database: &Zval, options: &ZendHashTable) -> Result<Made, Failure> {
    ran(database, options).map(to_array)
}

/// What `attribution_exports` gives.
pub(crate) fn exports(database: &Zval, options: &ZendHashTable) -> Result<Made, Failure> {
    listed(database, options).map(to_array)
}
