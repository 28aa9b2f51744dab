//! A browser: its cookies, and whether a form was its own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use http::header::{COOKIE, HeaderValue, ORIGIN};
use sha2::{Digest as _, Sha256};
use url::{Url, form_urlencoded};

use crate::connect::LIFE_MINUTES;
use crate::listener::PageRequest;
use crate::vault::Secret;

/// Bytes of a digest that tell cookies of several links apart.
const TOLD_APART: usize = 6;

/// Who asks.
pub struct Browser<'r> {
    request: &'r PageRequest,
    is_https: bool,
    origin: String,
}

impl<'r> Browser<'r> {
    /// The browser of a request to the pages at this address.
    pub fn of(request: &'r PageRequest, public_url: &str) -> Self {
        let url = Url::parse(public_url).ok();
        let origin = url.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        Self { request, is_https: public_url.starts_with("https:"), origin }
    }

    /// Whether a form was sent by our own page, as far as the browser tells. By our policy it tells no origin
    /// (`null`); older ones tell nothing. The cookie and its proof decide.
    pub fn is_own_form(&self) -> bool {
        let text =
            |name: &str| self.request.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let site = text("sec-fetch-site").is_none_or(|site| site == "same-origin");
        let origin = text(ORIGIN.as_str());
        site && origin.is_none_or(|origin| origin == "null" || origin == self.origin)
    }

    /// The cookie that ties the form of a link to the browser.
    pub fn form_cookie(&self, link: &[u8; 32]) -> String {
        self.name("connect-form", link)
    }

    /// The cookie that holds a `state`.
    pub fn state_cookie(&self, state: &[u8; 32]) -> String {
        self.name("connect-state", state)
    }

    /// Several may connect in one browser at once. With the prefix no other host of the domain can set it
    /// (RFC 6265bis, section 4.1.3.2).
    fn name(&self, what: &str, digest: &[u8; 32]) -> String {
        let short: Vec<u8> = digest.iter().copied().take(TOLD_APART).collect();
        let prefix = if self.is_https { "__Host-" } else { "" };
        format!("{prefix}{what}-{}", BASE64URL.encode(short))
    }

    /// The value of a cookie that is there exactly once.
    pub fn cookie(&self, name: &str) -> Option<&'r str> {
        let all = self.request.headers.get_all(COOKIE).iter();
        let mut values = all
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none())
    }

    /// The field that sets a cookie, for as long as a link is good.
    pub fn set_cookie(&self, name: &str, value: &Secret) -> Option<HeaderValue> {
        let value = std::str::from_utf8(value.expose()).ok()?;
        self.field(name, value, LIFE_MINUTES * 60)
    }

    /// The field that ends it.
    pub fn forget_cookie(&self, name: &str) -> Option<HeaderValue> {
        self.field(name, "", 0)
    }

    fn field(&self, name: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
        let secure = if self.is_https { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        let mut field = HeaderValue::try_from(text).ok()?;
        field.set_sensitive(true);
        Some(field)
    }
}

/// What the form of a link holds so that only the browser with this cookie can send it.
pub fn proof(cookie: &Secret, link: &[u8; 32]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"connect form");
    hash.update(link);
    hash.update(cookie.expose());
    BASE64URL.encode(hash.finalize())
}

/// The `state` of a callback that has exactly one.
pub fn state_of(query: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == "state");
    let value = values.next()?.1.into_owned();
    values.next().is_none().then_some(value)
}
