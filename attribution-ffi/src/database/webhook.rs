//! Who is told of finished exports, and where that may be.

use std::ffi::c_char;
use std::time::Duration;

use attribution_core::{WebhookPolicy, WebhookRequest};

use super::exports::attribution_export_request;
use crate::border::{Failure, Growing, read_growing, slice, text, text_or_none, texts};

/// A header of a request. Its layout never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_header {
    /// The name.
    pub name: *const c_char,
    /// The value.
    pub value: *const c_char,
}

/// Where webhooks may go, and within which bounds. To be begun with ATTRIBUTION_WEBHOOK_POLICY_INIT: to public
/// addresses alone, 15 seconds, files of up to 10 MB.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_webhook_policy {
    /// sizeof(attribution_webhook_policy)
    pub size: usize,
    /// Networks that may be reached although they are not public, such as "10.1.2.0/24"; may be NULL where
    /// there are none.
    pub allow: *const *const c_char,
    /// How many there are.
    pub allow_count: usize,
    /// A PEM file of root certificates that receivers' certificates are to be signed by; NULL for those of
    /// Mozilla's list.
    pub root_certificates: *const c_char,
    /// The address that finished files can be fetched under, which webhooks tell; NULL for none.
    pub download_base: *const c_char,
    /// The time that a delivery may take in all, in milliseconds.
    pub timeout_ms: u32,
    /// The size in bytes of the largest file that is sent.
    pub largest_file: u64,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_webhook_policy {
    const NAME: &'static str = "attribution_webhook_policy";
}

/// A policy as the core takes it; NULL means the defaults.
///
/// # Safety
/// As [`read_growing`], and what it points to can be read.
pub(super) unsafe fn policy_of(
    policy: *const attribution_webhook_policy,
) -> Result<WebhookPolicy, Failure> {
    let mut made = WebhookPolicy::default();
    if policy.is_null() {
        return Ok(made);
    }
    // SAFETY: the caller's promise.
    unsafe {
        let policy = read_growing(policy)?;
        for network in texts(policy.allow, policy.allow_count, "allow")? {
            made.allow_network(network)?;
        }
        let roots = text_or_none(policy.root_certificates, "root_certificates")?;
        made.root_certificates = roots.map(Into::into);
        let base = text_or_none(policy.download_base, "download_base")?;
        made.download_base = base.map(str::to_owned);
        made.timeout = Duration::from_millis(policy.timeout_ms.into());
        made.largest_file = policy.largest_file;
    }
    Ok(made)
}

/// Who is to be told, if anyone.
///
/// # Safety
/// What the request points to can be read.
pub(super) unsafe fn webhook_of(
    request: &attribution_export_request,
) -> Result<Option<WebhookRequest>, Failure> {
    // SAFETY: the caller's promise.
    let (url, secret, headers) = unsafe {
        (
            text_or_none(request.webhook_url, "webhook_url")?,
            text_or_none(request.webhook_secret, "webhook_secret")?,
            slice(request.webhook_headers, request.webhook_header_count, "webhook_headers")?,
        )
    };
    let Some(url) = url else {
        if secret.is_some() || !headers.is_empty() {
            let found = "found NULL with a secret or headers";
            return Err(Failure::argument("webhook_url", found, "a URL"));
        }
        return Ok(None);
    };
    let pair = |(at, header): (usize, &attribution_header)| {
        // SAFETY: the caller's promise.
        unsafe {
            let name = text(header.name, &format!("webhook_headers[{at}].name"))?;
            let value = text(header.value, &format!("webhook_headers[{at}].value"))?;
            Ok((name.to_owned(), value.to_owned()))
        }
    };
    let headers = headers.iter().enumerate().map(pair).collect::<Result<_, Failure>>()?;
    Ok(Some(WebhookRequest { url: url.to_owned(), secret: secret.map(str::to_owned), headers }))
}
