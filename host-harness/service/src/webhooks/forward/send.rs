//! Hands a message to its target.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use connector_runtime::egress::{FilledRequest, HttpClient, Origin, Progress, retry_after};
use connector_state::StoreError;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;
use zeroize::Zeroizing;

use super::message::{Message, Signer};

/// An answer is waited for as long as for any other; a longer pause than this is not obeyed.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Where changes are handed on to.
pub struct ForwardTarget {
    url: Url,
    origin: Origin,
    http: Arc<HttpClient>,
    signer: Signer,
}

/// Why a message was not taken, or could not be handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotTaken {
    /// For people.
    pub why: String,
    /// What the target asks for.
    pub pause: Option<Duration>,
}

impl From<StoreError> for NotTaken {
    fn from(why: StoreError) -> Self {
        Self { why: why.to_string(), pause: None }
    }
}

impl ForwardTarget {
    /// A target by its URL, as [`Origin::of_url`] reads it.
    pub fn new((origin, url): (Origin, Url), http: Arc<HttpClient>, signer: Signer) -> Self {
        Self { url, origin, http, signer }
    }

    /// Its URL: the name by which it is kept.
    pub fn name(&self) -> &str {
        self.url.as_str()
    }

    /// Sends a message at this second of the day's clock. Any 2xx takes it.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub(super) async fn send(&self, message: &Message, now_s: u64) -> Result<(), NotTaken> {
        let mut headers = HeaderMap::new();
        let text = HeaderValue::from_str;
        let own = [
            (CONTENT_TYPE, text("application/json")),
            (USER_AGENT, text(concat!("connector-host/", env!("CARGO_PKG_VERSION")))),
            (HeaderName::from_static("webhook-id"), text(&message.id)),
            (HeaderName::from_static("webhook-timestamp"), text(&now_s.to_string())),
            (HeaderName::from_static("webhook-signature"), text(&self.signer.sign(message, now_s))),
        ];
        for (name, value) in own {
            // All of them are ASCII.
            headers.extend(value.ok().map(|value| (name, value)));
        }
        let body = Zeroizing::new(message.body.clone().into_bytes());
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = Zeroizing::new(format!("{}{query}", self.url.path()));
        let filled = FilledRequest { target, headers, body };
        let (origin, sent) = (&self.origin, Progress::default());
        let answer = self.http.exchange(origin, "POST", &filled, &sent).await;
        let answer = answer.map_err(|fault| NotTaken { why: fault.to_string(), pause: None })?;
        if (200..300).contains(&answer.status) {
            return Ok(());
        }
        let now = UNIX_EPOCH + Duration::from_secs(now_s);
        Err(NotTaken {
            why: format!("it answered {}", answer.status),
            pause: retry_after(&answer, now).map(|pause| pause.min(LONGEST_PAUSE)),
        })
    }
}
