//! What a receiver is told, and what became of it.

use std::time::Duration;

/// What a receiver is told of a finished export, beside the file itself.
///
/// Sent as JSON, with these fields in this order, and the file as `file_contents` in base64 after
/// `file_mime`.
///
/// ```
/// use attribution_core::WebhookNotice;
/// let notice = WebhookNotice {
///     export_id: 7,
///     model_id: 3,
///     status: "completed",
///     format: "csv",
///     scope_type: "global",
///     scope_id: None,
///     start_hour: 1_717_200_000,
///     end_hour: 1_717_286_400,
///     rows_exported: 24,
///     file_name: "export-7.csv",
///     file_mime: "text/csv",
///     completed_at: 1_717_290_000,
///     download_url: None,
/// };
/// assert_eq!(notice.end_hour - notice.start_hour, 24 * 3_600);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookNotice<'a> {
    /// The export job.
    pub export_id: u64,
    /// The model whose snapshots the file holds.
    pub model_id: u64,
    /// The job's status.
    pub status: &'a str,
    /// The file's format.
    pub format: &'a str,
    /// The scope's type.
    pub scope_type: &'a str,
    /// The scope's id; null for the global scope.
    pub scope_id: Option<u64>,
    /// The first hour, unix seconds.
    pub start_hour: u32,
    /// The end of the window, unix seconds; itself outside.
    pub end_hour: u32,
    /// The rows in the file.
    pub rows_exported: u64,
    /// The file's name, without a folder.
    pub file_name: &'a str,
    /// The file's media type.
    pub file_mime: &'a str,
    /// When the file was whole, unix seconds.
    pub completed_at: u32,
    /// Where the file can be fetched; the field is left out where there is none.
    pub download_url: Option<String>,
}

/// What became of a delivery.
///
/// Bodies are the response's first 64 KiB, read as UTF-8 with what is none replaced.
///
/// ```
/// use attribution_core::WebhookDelivery;
/// let delivery = WebhookDelivery::Delivered { status: 204, body: String::new() };
/// assert!(matches!(delivery, WebhookDelivery::Delivered { status: 200..=299, .. }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookDelivery {
    /// The receiver took it: a whole 2xx response, or the first 64 KiB of one.
    Delivered {
        /// The response's status code.
        status: u16,
        /// The response's body.
        body: String,
    },
    /// It was not sent, and never is to be: the policy forbids it, the request is not valid, or the
    /// file is too large or not the one that was meant.
    Refused {
        /// Why, for a person.
        reason: String,
    },
    /// The receiver does not want it: a redirect, or 4xx but for 408 and 429. Not to be tried again.
    Rejected {
        /// The response's status code.
        status: u16,
        /// The response's body.
        body: String,
    },
    /// It may work later: a fault of the connection or of its certificate, a timeout, 408, 429, 5xx, or
    /// a 2xx response that broke off.
    Again {
        /// The response's status code, where there was a response.
        status: Option<u16>,
        /// The response's body, where there was a response.
        body: Option<String>,
        /// Why, for a person.
        reason: String,
        /// How long the receiver asked to be left alone (`Retry-After`), at most a day.
        after: Option<Duration>,
    },
}
