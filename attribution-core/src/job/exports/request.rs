//! What an export is asked for with, and what is refused.

use crate::export::ExportFormat;
use crate::ground::error::{Error, quoted};
use crate::ground::scope::Scope;
use crate::ground::time::Window;
use crate::webhook::{WebhookPolicy, WebhookRequest};

/// The longest webhook URL that the host's table holds, in characters.
const LONGEST_URL: usize = 500;
/// The longest secret that it holds, in characters.
const LONGEST_SECRET: usize = 255;
/// The most that the headers take there as JSON, in bytes.
const MOST_HEADERS: usize = 65_535;

/// An export that is to be put into the queue: which snapshots of a model, in which format, and who is
/// to be told.
///
/// ```
/// use attribution_core::{ExportRequest, Scope, ScopeType, Window};
/// let window = Window::new(1_717_200_000, 1_717_286_400)?;
/// let request = ExportRequest {
///     scope: Scope::new(ScopeType::Campaign, Some(42))?,
///     format: "xlsx".to_owned(),
///     ..ExportRequest::new("linear", window)
/// };
/// assert!(request.webhook.is_none());
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// The model's slug.
    pub model: String,
    /// The scope whose snapshots are exported.
    pub scope: Scope,
    /// The hours.
    pub window: Window,
    /// `csv`, `xls` or `xlsx`. The last two both give a real workbook of Excel 2007 and newer, and are
    /// both stored as `xls`, the one name that the host has for a workbook.
    pub format: String,
    /// Who gets the finished file, if anyone.
    pub webhook: Option<WebhookRequest>,
}

impl ExportRequest {
    /// The global snapshots of a model in a window as CSV.
    ///
    /// ```
    /// use attribution_core::{ExportRequest, Scope, Window};
    /// let request = ExportRequest::new("linear", Window::new(0, 1)?);
    /// assert_eq!((request.scope, &request.format[..]), (Scope::GLOBAL, "csv"));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new(model: impl Into<String>, window: Window) -> Self {
        Self {
            model: model.into(),
            scope: Scope::GLOBAL,
            window,
            format: "csv".to_owned(),
            webhook: None,
        }
    }

    /// Refuses what cannot be stored or could never be run.
    pub(crate) fn check(&self, policy: &WebhookPolicy) -> Result<(), Error> {
        stored_format(&self.format)?;
        if self.scope.id().is_some_and(|id| i64::try_from(id).is_err()) {
            let found = format!("found {}", self.scope);
            return Err(Error::limit("scope_id", found, "an id from 1 to 9223372036854775807"));
        }
        if u32::try_from(self.window.end()).is_err() {
            let found = format!("found an end of {}", self.window.end());
            return Err(Error::limit("window", found, "an end of at most 4294967295"));
        }
        let Some(webhook) = &self.webhook else { return Ok(()) };
        let too_long = |place: &str, length: usize, most: usize| {
            let found = format!("found {length} characters");
            Error::limit(place, found, format!("at most {most} characters"))
        };
        let length = webhook.url.chars().count();
        if length > LONGEST_URL {
            return Err(too_long("webhook_url", length, LONGEST_URL));
        }
        let length = webhook.secret.as_ref().map_or(0, |secret| secret.chars().count());
        if length > LONGEST_SECRET {
            return Err(too_long("webhook_secret", length, LONGEST_SECRET));
        }
        webhook.check(policy)?;
        if let Some(headers) = headers_json(&webhook.headers)?
            && headers.len() > MOST_HEADERS
        {
            let found = format!("found {} bytes of JSON", headers.len());
            return Err(Error::limit("webhook_headers", found, "at most 65535 bytes"));
        }
        Ok(())
    }
}

/// A format by the name that was asked for, with the name under which the host stores it.
pub(crate) fn stored_format(format: &str) -> Result<(ExportFormat, &'static str), Error> {
    match format {
        "csv" => Ok((ExportFormat::Csv, "csv")),
        "xls" | "xlsx" => Ok((ExportFormat::Xlsx, "xls")),
        other => {
            Err(Error::input("format", format!("found {}", quoted(other)), "csv, xls or xlsx"))
        }
    }
}

/// The headers as the host's table has them: a JSON object, or nothing.
pub(crate) fn headers_json(headers: &[(String, String)]) -> Result<Option<String>, Error> {
    if headers.is_empty() {
        return Ok(None);
    }
    let mut object = serde_json::Map::new();
    for (name, value) in headers {
        // An object has each name once, and headers' names know no case.
        if object.keys().any(|there| there.eq_ignore_ascii_case(name)) {
            let found = format!("found {} again", quoted(name));
            return Err(Error::input("webhook_headers", found, "each header once"));
        }
        object.insert(name.clone(), value.clone().into());
    }
    Ok(Some(serde_json::Value::Object(object).to_string()))
}
