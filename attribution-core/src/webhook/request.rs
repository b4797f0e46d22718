//! A receiver, as a user gave it.

use std::fmt;
use std::io::{Read, Seek};

use super::headers;
use super::notice::{WebhookDelivery, WebhookNotice};
use super::policy::WebhookPolicy;
use super::post::post;
use super::target::Target;
use crate::ground::error::Error;

/// As long as the column that keeps it, in characters.
const LONGEST_SECRET: usize = 255;

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
    /// An `http` or `https` URL of at most 500 bytes.
    pub url: String,
    /// The key of the signature, at most 255 characters; without one, or with an empty one, deliveries are
    /// not signed.
    pub secret: Option<String>,
    /// Headers to send beside the engine's own, at most 50 of 8 KiB together.
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
    /// Checks all that can be without a look-up: the URL's form and scheme, an address written out in
    /// it, the secret and the headers.
    ///
    /// The addresses that a name has are checked by each delivery, as they may change.
    ///
    /// # Errors
    /// [`Error::Input`] names what is at fault. No secret, password or header's value is repeated.
    ///
    /// ```
    /// use attribution_core::{WebhookPolicy, WebhookRequest};
    /// let mut request = WebhookRequest {
    ///     url: "http://169.254.169.254/latest/meta-data/".to_owned(),
    ///     secret: None,
    ///     headers: Vec::new(),
    /// };
    /// let error = request.check(&WebhookPolicy::default()).unwrap_err();
    /// assert!(error.to_string().contains("169.254.169.254 is a link-local address"));
    /// request.url = "https://receiver.example/hook".to_owned();
    /// assert!(request.check(&WebhookPolicy::default()).is_ok());
    /// ```
    pub fn check(&self, policy: &WebhookPolicy) -> Result<(), Error> {
        let length = self.secret.as_ref().map_or(0, |secret| secret.chars().count());
        if length > LONGEST_SECRET {
            let found = format!("it has {length} characters");
            return Err(Error::input("webhook secret", found, "at most 255 characters"));
        }
        headers::check(&self.headers)
            .map_err(|(place, (found, allowed))| Error::input(place, found, allowed))?;
        Target::read(&self.url, policy)
            .map(|_| ())
            .map_err(|(found, allowed)| Error::input("webhook url", found, allowed))
    }

    /// The key of the signature: an empty one is none, as anybody could sign with it.
    pub(super) fn key(&self) -> Option<&str> {
        self.secret.as_deref().filter(|secret| !secret.is_empty())
    }

    /// Posts a finished export once.
    ///
    /// `file` is read twice from its start, once to sign and once to send; `bytes` is its size. The
    /// name is looked up once; every address it has must be public or allowed, and the connection goes
    /// to one of them. Redirects are not followed, proxies from the environment are not used, and
    /// nothing is kept open afterwards. All of it takes at most [`WebhookPolicy::timeout`].
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
    pub fn deliver(
        &self,
        policy: &WebhookPolicy,
        notice: &WebhookNotice<'_>,
        file: &mut (impl Read + Seek),
        bytes: u64,
    ) -> WebhookDelivery {
        post(self, policy, notice, file, bytes)
    }
}
