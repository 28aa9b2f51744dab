//! Hands a message to its target.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use connector_runtime::AddressSpace;
use connector_runtime::egress::{BadOrigin, FilledRequest, HttpClient, Origin, retry_after};
use connector_state::outbox::ForwardRow;
use connector_state::outbox::plan::TargetAnswer;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use thiserror::Error;
use url::Url;
use zeroize::Zeroizing;

use super::message::{BadSecret, Message, Signer};
use super::template::{BadTemplate, Template};
use crate::vault::{Secret, Vault, VaultError};

/// Why a forward cannot be used.
#[derive(Debug, Error)]
pub enum BadForward {
    /// Its target does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Its address is not to be reached.
    #[error("its target {0} is not https to a public address; --allow-private allows others")]
    Address(String),
    /// Its secret cannot sign.
    #[error("its secret cannot sign: {0}")]
    Secret(#[from] BadSecret),
    /// Its template cannot be used.
    #[error(transparent)]
    Template(#[from] BadTemplate),
    /// One of its filters cannot be used.
    #[error("{0}")]
    Filter(String),
}

/// Where a forward's messages go, and what signs them.
pub struct TargetAddress {
    url: Url,
    origin: Origin,
    secret: Option<Secret>,
}

impl TargetAddress {
    /// The address of this URL, as [`Origin::of_url`] reads it; its messages are signed by `secret`.
    ///
    /// # Errors
    /// [`BadOrigin`]. It repeats the URL, which may hold a secret.
    pub fn new(url: &str, space: AddressSpace, secret: Option<Secret>) -> Result<Self, BadOrigin> {
        let (origin, url) = Origin::of_url(url, space)?;
        Ok(Self { url, origin, secret })
    }

    /// The address that is kept in a row.
    ///
    /// # Errors
    /// [`BadForward`].
    pub fn open(row: &ForwardRow, vault: &Vault, space: AddressSpace) -> Result<Self, BadForward> {
        let kept = vault.open_target(&row.id, &row.sealed)?;
        let mut lines = kept.expose().splitn(2, |byte| *byte == b'\n');
        let url = lines.next().and_then(|url| std::str::from_utf8(url).ok()).unwrap_or_default();
        let secret = lines.next().filter(|_| row.is_signed).map(Secret::new);
        let address = Self::new(url, space, secret);
        address.map_err(|_| BadForward::Address(row.origin.clone()))
    }

    /// The address that is kept in a row that is about to be changed, wherever it may lead.
    ///
    /// # Errors
    /// [`BadForward`].
    pub fn open_to_change(row: &ForwardRow, vault: &Vault) -> Result<Self, BadForward> {
        Self::open(row, vault, AddressSpace::Private)
    }

    /// The same with another secret, or none.
    #[must_use]
    pub fn signed_by(self, secret: Option<Secret>) -> Self {
        Self { secret, ..self }
    }

    /// Of another address, the same secret.
    #[must_use]
    pub fn moved_to(self, other: Self) -> Self {
        Self { secret: self.secret, ..other }
    }

    /// Puts it into a row.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn seal(&self, row: &mut ForwardRow, vault: &Vault) -> Result<(), VaultError> {
        let mut kept = Zeroizing::new(self.url.as_str().as_bytes().to_vec());
        if let Some(secret) = &self.secret {
            kept.push(b'\n');
            kept.extend_from_slice(secret.expose());
        }
        row.sealed = vault.seal_target(&row.id, &Secret::new(kept.to_vec()))?;
        row.is_signed = self.secret.is_some();
        row.origin = self.origin.to_string();
        Ok(())
    }
}

/// Where messages are handed on to, and as what.
pub(super) struct ForwardTarget {
    address: TargetAddress,
    signer: Option<Signer>,
    template: Option<Template>,
    http: Arc<HttpClient>,
}

impl ForwardTarget {
    /// # Errors
    /// [`BadForward`].
    pub fn new(
        address: TargetAddress,
        template: Option<&str>,
        http: Arc<HttpClient>,
    ) -> Result<Self, BadForward> {
        let signer = address.secret.as_ref().map(Signer::read).transpose()?;
        let template = template.map(Template::read).transpose()?;
        Ok(Self { address, signer, template, http })
    }

    /// Sends a message at this second of the day's clock.
    pub async fn send(&self, message: &Message, now_s: u64) -> TargetAnswer {
        let body = match self.template.as_ref().map(|template| template.render(message)) {
            None => message.body.clone(),
            Some(Ok(made)) => made,
            Some(Err(why)) => return TargetAnswer::Refused(why.to_string()),
        };
        let signature = self.signer.as_ref().map(|signer| signer.sign(&message.id, now_s, &body));
        let own = [
            (CONTENT_TYPE, Some("application/json".to_owned())),
            (USER_AGENT, Some(concat!("connector-host/", env!("CARGO_PKG_VERSION")).to_owned())),
            (HeaderName::from_static("webhook-id"), Some(message.id.clone())),
            (HeaderName::from_static("webhook-timestamp"), Some(now_s.to_string())),
            (HeaderName::from_static("webhook-signature"), signature),
        ];
        // All of them are ASCII.
        let header = |(name, value): (HeaderName, Option<String>)| {
            HeaderValue::from_str(&value?).ok().map(|value| (name, value))
        };
        let headers: HeaderMap = own.into_iter().filter_map(header).collect();
        let TargetAddress { url, origin, .. } = &self.address;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = Zeroizing::new(format!("{}{query}", url.path()));
        let filled = FilledRequest { target, headers, body: Zeroizing::new(body.into_bytes()) };
        match self.http.post(origin, &filled).await {
            Ok(answer) => {
                let now = UNIX_EPOCH + Duration::from_secs(now_s);
                TargetAnswer::of_status(answer.status, retry_after(&answer, now))
            }
            Err(fault) => TargetAnswer::Failed { why: fault.to_string(), pause: None },
        }
    }
}
