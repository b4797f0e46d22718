//! Posting a finished export to a receiver of the account owner's choice.
//!
//! The receiver's URL comes from a user of the host, so it is not trusted: see [`WebhookPolicy`]
//! for what is refused.

mod body;
mod headers;
mod lookup;
mod networks;
mod notice;
mod policy;
mod post;
mod request;
mod retry_after;
mod target;
mod transport;

pub(crate) use self::notice::{WebhookDelivery as Delivery, WebhookNotice as Notice};
pub use self::{
    notice::{WebhookDelivery, WebhookNotice},
    policy::{Resolve, WebhookPolicy},
    request::WebhookRequest,
};

use std::io::{Read, Seek};

/// As [`WebhookRequest::deliver`].
pub(crate) fn deliver(
    policy: &WebhookPolicy,
    request: &WebhookRequest,
    notice: &WebhookNotice<'_>,
    file: &mut (impl Read + Seek),
    bytes: u64,
) -> WebhookDelivery {
    request.deliver(policy, notice, file, bytes)
}
