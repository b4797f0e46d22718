//! Where webhooks may go, and within which bounds.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use ureq::tls::Certificate;

use super::post::read_certificates;
use crate::ground::error::{Error, quoted};

/// Looks up the addresses of a host's name.
///
/// The system's own resolver is used unless [`WebhookPolicy::resolver`] says otherwise. A delivery
/// asks once, checks every address, and connects to none but these.
///
/// ```
/// use attribution_core::Resolve;
/// use std::{io, net::SocketAddr};
///
/// struct Fixed;
/// impl Resolve for Fixed {
///     fn resolve(&self, _host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
///         Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))])
///     }
/// }
/// assert_eq!(Fixed.resolve("receiver.example", 80)?.len(), 1);
/// # Ok::<(), io::Error>(())
/// ```
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, each with `port`.
    ///
    /// # Errors
    /// What the look-up failed with; a delivery that meets one is to be tried again.
    ///
    /// ```
    /// use attribution_core::Resolve;
    /// use std::{io, net::SocketAddr};
    ///
    /// struct Nothing;
    /// impl Resolve for Nothing {
    ///     fn resolve(&self, _host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
    ///         Err(io::ErrorKind::NotFound.into())
    ///     }
    /// }
    /// assert!(Nothing.resolve("receiver.example", 80).is_err());
    /// ```
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// Where webhooks may go, and within which bounds.
///
/// ```
/// use attribution_core::WebhookPolicy;
/// use std::time::Duration;
///
/// let mut policy = WebhookPolicy::default();
/// assert_eq!((policy.timeout, policy.largest_file), (Duration::from_secs(15), 10_000_000));
/// policy.allow.push("10.1.2.0/24".parse()?); // the receivers of one's own network
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WebhookPolicy {
    /// Networks that may be reached although they are not public; nothing by default.
    pub allow: Vec<IpNet>,
    /// A PEM file of root certificates that receivers' certificates have to be signed by, instead of
    /// those of Mozilla's list.
    pub root_certificates: Option<PathBuf>,
    /// The time that a delivery may take in all, from the look-up of the name to the last byte of
    /// the response that is kept: 15 s by default.
    pub timeout: Duration,
    /// The address that finished files can be fetched under; see [`Self::download_url`].
    pub download_base: Option<String>,
    /// The size in bytes of the largest file that is sent: 10 MB by default.
    pub largest_file: u64,
    /// What looks up names: the system by default.
    pub resolver: Option<Arc<dyn Resolve>>,
}

impl Default for WebhookPolicy {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            root_certificates: None,
            timeout: Duration::from_secs(15),
            download_base: None,
            largest_file: 10_000_000,
            resolver: None,
        }
    }
}

impl fmt::Debug for WebhookPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookPolicy")
            .field("allow", &self.allow)
            .field("root_certificates", &self.root_certificates)
            .field("timeout", &self.timeout)
            .field("download_base", &self.download_base)
            .field("largest_file", &self.largest_file)
            .finish_non_exhaustive()
    }
}

impl WebhookPolicy {
    /// Allows a network, `10.1.2.0/24` or `fd00:1::/32`, or a single address.
    ///
    /// # Errors
    /// Refuses other texts.
    ///
    /// ```
    /// use attribution_core::WebhookPolicy;
    /// let mut policy = WebhookPolicy::default();
    /// policy.allow_network("10.1.2.3")?;
    /// assert_eq!(policy.allow, ["10.1.2.3/32".parse()?]);
    /// assert!(policy.allow_network("intranet").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allow_network(&mut self, text: &str) -> Result<(), Error> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        self.allow.push(network.map_err(|_| {
            Error::input(
                "allowed network",
                format!("{} was given", quoted(text)),
                "a network such as 10.1.2.0/24 or fd00:1::/32, or an address",
            )
        })?);
        Ok(())
    }

    /// Checks the policy itself: the time, the base of download URLs, and the root certificates,
    /// which are read.
    ///
    /// # Errors
    /// [`Error::Input`] names what is at fault; [`Error::Io`] where the certificates can't be read.
    ///
    /// ```
    /// use attribution_core::WebhookPolicy;
    /// let mut policy = WebhookPolicy::default();
    /// assert!(policy.check().is_ok());
    /// policy.root_certificates = Some("/nowhere/roots.pem".into());
    /// assert_eq!(policy.check().unwrap_err().code().as_str(), "io");
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        if self.timeout.is_zero() {
            return Err(Error::input("webhook timeout", "0 was given", "more than 0"));
        }
        if let Some(base) = &self.download_base {
            let lower = base.to_ascii_lowercase();
            let web = lower.starts_with("http://") || lower.starts_with("https://");
            if !web || !base.bytes().all(|byte| byte.is_ascii_graphic()) {
                let found = format!("{} was given", quoted(base));
                return Err(Error::input("download base", found, "an http or https URL"));
            }
        }
        if self.root_certificates.is_some() {
            self.read_roots()?;
        }
        Ok(())
    }

    pub(super) fn read_roots(&self) -> Result<Vec<Certificate<'static>>, Error> {
        let Some(path) = &self.root_certificates else {
            return Ok(Vec::new());
        };
        let what = format!("reading the root certificates {}", path.display());
        let pem = fs::read(path).map_err(Error::io(what))?;
        read_certificates(&pem).map_err(|found| {
            let place = format!("root certificates {}", path.display());
            Error::input(place, found, "certificates in PEM")
        })
    }

    /// The URL that a finished file can be fetched under: the base, a slash unless the base ends in
    /// one, and the file's name, percent-encoded; nothing where no base is configured.
    ///
    /// ```
    /// use attribution_core::WebhookPolicy;
    /// let mut policy = WebhookPolicy::default();
    /// assert_eq!(policy.download_url("a b.csv"), None);
    /// policy.download_base = Some("https://host.example/exports".to_owned());
    /// let url = policy.download_url("a b.csv");
    /// assert_eq!(url.as_deref(), Some("https://host.example/exports/a%20b.csv"));
    /// ```
    pub fn download_url(&self, file_name: &str) -> Option<String> {
        let base = self.download_base.as_ref()?;
        let mut url = base.clone();
        if !base.ends_with(['/', '=']) {
            url.push('/');
        }
        for byte in file_name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                url.push('%');
                url.push(char::from(HEX[usize::from(byte >> 4)]));
                url.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        Some(url)
    }
}
