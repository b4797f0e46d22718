//! Sending a finished file to whoever is to have it: once, or again later.

use std::time::Duration;

use serde_json::Value;

use super::directory::ExportDirectory;
use super::queue::{Change, ExportQueue, Sent};
use super::request::stored_format;
use super::row::{ExportRow, WebhookState};
use crate::export::ExportFormat;
use crate::ground::error::Error;
use crate::webhook::{Delivery, Notice, WebhookPolicy, WebhookRequest, deliver};

/// How often a webhook is sent at most.
const MOST_ATTEMPTS: u64 = 5;
/// How long the first wait is on average, in seconds; each further one is four times as long.
const FIRST_WAIT: u64 = 60;
/// The longest wait on average.
const LONGEST_WAIT: u64 = 86_400;

/// Sends a completed job's webhook, and notes what became of it.
pub(super) fn send(
    queue: &mut impl ExportQueue,
    directory: &ExportDirectory,
    policy: &WebhookPolicy,
    row: &mut ExportRow,
) -> Result<Sent, Error> {
    let sent = match prepare(directory, policy, row) {
        Err(reason) => given_up(None, &reason),
        Ok(mut ready) => {
            let attempt = row.state.webhook_attempts + 1;
            let after = wait_after(attempt, random()?) + policy.timeout.as_secs();
            queue.change(row, &Change::Sending { due_at: queue.now() + after })?;
            let job = &row.job;
            let notice = Notice {
                export_id: job.export_id,
                model_id: job.model_id,
                status: &job.status,
                format: &job.format,
                scope_type: &job.scope_type,
                scope_id: job.scope_id,
                start_hour: u32::try_from(job.start_hour).unwrap_or(u32::MAX),
                end_hour: u32::try_from(job.end_hour).unwrap_or(u32::MAX),
                rows_exported: job.rows_exported.unwrap_or(0),
                file_name: &ready.name,
                file_mime: mime(&job.format),
                completed_at: time(job.completed_at),
                download_url: policy.download_url(&ready.name),
            };
            let delivery = deliver(policy, &ready.request, &notice, &mut ready.file, ready.bytes);
            judge(delivery, attempt, queue.now(), random()?)
        }
    };
    queue.change(row, &Change::Sent(sent.clone()))?;
    Ok(sent)
}

fn time(time: Option<u64>) -> u32 {
    time.map_or(0, |time| u32::try_from(time).unwrap_or(u32::MAX))
}

fn mime(format: &str) -> &'static str {
    match stored_format(format) {
        Ok((ExportFormat::Xlsx, _)) => {
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        }
        _ => "text/csv",
    }
}

/// A webhook that can be sent.
struct Ready {
    request: WebhookRequest,
    file: std::fs::File,
    name: String,
    bytes: u64,
}

/// Gathers what is sent, or says why it never will be.
fn prepare(
    directory: &ExportDirectory,
    policy: &WebhookPolicy,
    row: &ExportRow,
) -> Result<Ready, String> {
    let job = &row.job;
    let url = job.webhook_url.clone().unwrap_or_default();
    let headers = read_headers(row.headers.as_deref())?;
    let secret = row.secret.clone().filter(|secret| !secret.is_empty());
    let request = WebhookRequest { url, secret, headers };
    request.check(policy).map_err(|error| error.to_string())?;
    let path = job.file_path.as_deref().ok_or("the job has no file_path")?;
    let opened = directory.open_file(path).map_err(|error| error.to_string())?;
    let (file, name, bytes) = opened.ok_or("the file is not there any more")?;
    if bytes > policy.largest_file {
        return Err(format!(
            "the file has {bytes} bytes, more than the {} that are sent",
            policy.largest_file
        ));
    }
    Ok(Ready { request, file, name, bytes })
}

/// The headers of the host's table: a JSON object of texts. What they are is told to nobody.
fn read_headers(text: Option<&str>) -> Result<Vec<(String, String)>, String> {
    let no_headers = || "webhook_headers: found no JSON object whose values are texts".to_owned();
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(Vec::new()) };
    match serde_json::from_str(text) {
        Ok(Value::Null) => Ok(Vec::new()),
        // PHP writes an empty object so.
        Ok(Value::Array(array)) if array.is_empty() => Ok(Vec::new()),
        Ok(Value::Object(object)) => object
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(value) => Ok((name, value)),
                Value::Number(value) => Ok((name, value.to_string())),
                _ => Err(no_headers()),
            })
            .collect(),
        _ => Err(no_headers()),
    }
}

/// The names of the headers.
pub(crate) fn header_names(text: Option<&str>) -> Vec<String> {
    let headers = read_headers(text).unwrap_or_default();
    headers.into_iter().map(|(name, _)| name).collect()
}

fn given_up(response: Option<(u16, String)>, reason: &str) -> Sent {
    Sent {
        webhook: WebhookState::GivenUp,
        due_at: None,
        response,
        message: Some(format!("webhook: not sent again: {reason}")),
    }
}

/// What a delivery means for the job.
fn judge(delivery: Delivery, attempt: u64, now: u64, random: u64) -> Sent {
    match delivery {
        Delivery::Delivered { status, body } => Sent {
            webhook: WebhookState::Delivered,
            due_at: None,
            response: Some((status, body)),
            message: None,
        },
        Delivery::Refused { reason } => given_up(None, &reason),
        Delivery::Rejected { status, body } => {
            given_up(Some((status, body)), &format!("the receiver answered with status {status}"))
        }
        Delivery::Again { status, body, reason, after } => {
            let response = status.map(|status| (status, body.unwrap_or_default()));
            if attempt >= MOST_ATTEMPTS {
                let reason = format!("{attempt} attempts failed, the last: {reason}");
                return given_up(response, &reason);
            }
            let wait = match after.map(|after| after.min(Duration::from_secs(LONGEST_WAIT))) {
                // Not all who were turned away at once are to come back at once.
                Some(after) => after.as_secs() + random % (after.as_secs() / 8 + 1),
                None => wait_after(attempt, random),
            };
            Sent {
                webhook: WebhookState::Waiting,
                due_at: Some(now + wait),
                response,
                message: Some(format!("webhook: attempt {attempt} of {MOST_ATTEMPTS}: {reason}")),
            }
        }
    }
}

/// How long to wait after an attempt, in seconds: four times as long each time, and a quarter more or
/// less by chance.
fn wait_after(attempt: u64, random: u64) -> u64 {
    let doublings =
        u32::try_from(attempt.saturating_sub(1).saturating_mul(2)).unwrap_or(u32::MAX).min(32);
    let wait = (FIRST_WAIT << doublings).min(LONGEST_WAIT);
    wait - wait / 4 + random % (wait / 2 + 1)
}

/// A number that nobody can know.
fn random() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    super::fill_random(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_never_the_same_for_all() {
        let wait_of = |attempt: u64| [60, 240, 960, 3_840][attempt as usize - 1];
        let waits = |attempt| (wait_after(attempt, 0), wait_after(attempt, wait_of(attempt) / 2));
        for attempt in 1..=4 {
            let wait = wait_of(attempt);
            assert_eq!(waits(attempt), (wait * 3 / 4, wait * 5 / 4));
        }
        for attempt in [0, 7, 40, u64::MAX] {
            let wait = wait_after(attempt, u64::MAX);
            assert!((45..=LONGEST_WAIT * 5 / 4).contains(&wait), "{attempt}: {wait}");
        }
    }

    #[test]
    fn what_a_delivery_means_for_the_job() {
        let again = |status, after| Delivery::Again {
            status,
            body: status.map(|_| "busy".to_owned()),
            reason: "it was busy".to_owned(),
            after,
        };
        let sent = judge(again(Some(503), None), 1, 1_000, 0);
        assert_eq!((sent.webhook, sent.due_at), (WebhookState::Waiting, Some(1_045)));
        assert_eq!(sent.response, Some((503, "busy".to_owned())));
        assert_eq!(sent.message.as_deref(), Some("webhook: attempt 1 of 5: it was busy"));
        let sent = judge(again(None, None), 5, 1_000, 0);
        assert_eq!((sent.webhook, sent.due_at), (WebhookState::GivenUp, None));
        assert_eq!(sent.response, None);
        // As the receiver asks, sooner or later than otherwise.
        for (after, due_at) in [(0, 1_000), (3, 1_003), (7_000, 8_000), (u64::MAX, 87_400)] {
            let sent = judge(again(Some(429), Some(Duration::from_secs(after))), 2, 1_000, 0);
            assert_eq!(sent.due_at, Some(due_at), "{after}");
        }
        let sent = judge(Delivery::Rejected { status: 404, body: String::new() }, 1, 1_000, 0);
        assert_eq!((sent.webhook, sent.due_at), (WebhookState::GivenUp, None));
        let sent = judge(Delivery::Delivered { status: 204, body: String::new() }, 5, 1_000, 0);
        assert_eq!((sent.webhook, sent.message), (WebhookState::Delivered, None));
    }

    #[test]
    fn headers_are_texts_and_told_to_nobody() {
        let read = |text| read_headers(Some(text));
        for text in ["", "null", "[]", "{}"] {
            assert_eq!(read(text), Ok(Vec::new()));
        }
        let headers = [("X-Key", "hush"), ("X-Number", "7")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read(r#"{"X-Key":"hush","X-Number":7}"#).unwrap(), headers);
        for text in ["hush", r#"["hush"]"#, r#"{"X-Key":["hush"]}"#, r#"{"X-Key":null}"#] {
            assert!(!read(text).unwrap_err().contains("hush"));
        }
        assert_eq!(header_names(Some(r#"{"X-Key":"hush"}"#)), ["X-Key"]);
    }
}
