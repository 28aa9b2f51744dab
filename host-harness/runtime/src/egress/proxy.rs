//! A proxy that stands between the host and every origin, and is asked for tunnels: CONNECT
//! (RFC 9110 section 9.3.6).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use percent_encoding::percent_decode_str;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;
use zeroize::Zeroizing;

use super::Origin;
use super::network::Stream;
use crate::secrets::Secret;
use crate::setting::AddressSpace;

/// Bytes of a proxy's answer to CONNECT, and its headers.
const ANSWER: (usize, usize) = (16 * 1024, 64);

/// A proxy of the operator's, by `http` or `https`, which may have a private address. Every origin
/// is reached through it but those on this machine. TLS is spoken with the origin, inside the tunnel.
///
/// The host resolves an origin's name and judges its addresses as without a proxy, and asks for a
/// tunnel to the address that it judged. No `Debug`, since it may hold a password; `Display` shows
/// scheme, host and port.
#[derive(Clone)]
pub struct Proxy {
    pub(super) server: Origin,
    /// The value of `Proxy-Authorization`.
    authorization: Option<Secret>,
    pub(super) resolves_names: bool,
    /// Hosts that are reached directly, with what is below them; `*` is all.
    direct: Vec<String>,
}

/// Why there is no such proxy. Nothing of what was given is told, since it may hold a password.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("the proxy {0}")]
pub struct BadProxy(String);

impl Proxy {
    /// Reads `http://host:port` or `https://host:port`.
    ///
    /// # Errors
    /// When it is no such URL, or holds more: a user and password come by
    /// [`Proxy::with_credentials`].
    pub fn new(url: &str) -> Result<Self, BadProxy> {
        let server = Origin::read(url, AddressSpace::Private)
            .map_err(|why| BadProxy(why.why().to_owned()))?;
        Ok(Self { server, authorization: None, resolves_names: false, direct: Vec::new() })
    }

    /// The proxy that this process's environment names: `https_proxy` or else `all_proxy`, with
    /// `no_proxy` (names and addresses; no ranges), each in lower case or else in upper. `None`:
    /// none is named.
    ///
    /// # Errors
    /// When the variable holds no URL of a proxy.
    pub fn from_env() -> Result<Option<Self>, BadProxy> {
        Self::from_variables(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, BadProxy> {
        let either = |name: &str| {
            let found = variable(name).or_else(|| variable(&name.to_ascii_uppercase()));
            found.filter(|value| !value.is_empty())
        };
        let Some(given) = either("https_proxy").or_else(|| either("all_proxy")) else {
            return Ok(None);
        };
        let named = |why: &str| BadProxy(format!("that the environment names {why}"));
        let prefix = if given.contains("://") { "" } else { "http://" };
        let given = Zeroizing::new(format!("{prefix}{given}"));
        let mut url = Url::parse(&given).map_err(|_| named("has no URL"))?;
        let decoded = |text: &str| Zeroizing::new(percent_decode_str(text).collect::<Vec<u8>>());
        let (user, password) = (decoded(url.username()), url.password().map(decoded));
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(named("has no host"));
        }
        let mut proxy = Self::new(url.as_str())?;
        if !user.is_empty() || password.is_some() {
            let password = password.unwrap_or_default();
            proxy = proxy.with_credentials(&Secret::new([&user[..], b":", &password].concat()))?;
        }
        for host in either("no_proxy").unwrap_or_default().split([',', ' ']) {
            let host = host.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
            proxy.direct.extend(Some(host).filter(|host| !host.is_empty()));
        }
        Ok(Some(proxy))
    }

    /// Sends `user:password` to the proxy as `Proxy-Authorization: Basic` (RFC 7617).
    ///
    /// # Errors
    /// When there is no colon in it.
    pub fn with_credentials(mut self, credentials: &Secret) -> Result<Self, BadProxy> {
        let plain = credentials.expose();
        if !plain.contains(&b':') {
            return Err(BadProxy("has credentials that are not user:password".to_owned()));
        }
        self.authorization = Some(Secret::new(format!("Basic {}", BASE64.encode(plain))));
        Ok(self)
    }

    /// Leaves resolving to the proxy, for a network in which only the proxy can resolve names: the
    /// tunnel is asked for by name. This is weaker: the host judges no address then, and it is the
    /// proxy's to refuse one inside its own network.
    #[must_use]
    pub fn resolving_names(mut self) -> Self {
        self.resolves_names = true;
        self
    }

    /// Whether `origin` is reached through it. This machine is not: from the proxy, another is
    /// called `localhost`.
    pub(super) fn serves(&self, origin: &Origin) -> bool {
        let host = &origin.host;
        let covers = |name: &String| {
            name == "*"
                || host.strip_suffix(name).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
        };
        !origin.is_loopback() && !self.direct.iter().any(covers)
    }

    /// Asks for a tunnel to `target`, an address and port. The stream is it when the answer is 2xx.
    ///
    /// # Errors
    /// When there is no answer, or none of a proxy.
    pub(super) async fn ask(&self, stream: &mut dyn Stream, target: &str) -> Result<u16, String> {
        let failed = |why: std::io::Error| format!("the proxy broke off: {why}");
        let mut request = Zeroizing::new(Vec::with_capacity(1_024));
        let line = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n");
        request.extend_from_slice(line.as_bytes());
        if let Some(authorization) = &self.authorization {
            request.extend_from_slice(b"proxy-authorization: ");
            request.extend_from_slice(authorization.expose());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await.map_err(failed)?;
        stream.flush().await.map_err(failed)?;
        let mut answer = Vec::new();
        loop {
            if stream.read_buf(&mut answer).await.map_err(failed)? == 0 {
                return Err("the proxy closed the connection before it answered".to_owned());
            }
            let mut headers = [httparse::EMPTY_HEADER; ANSWER.1];
            let mut parsed = httparse::Response::new(&mut headers);
            let unreadable = |why| format!("the proxy's answer to CONNECT cannot be read: {why}");
            let httparse::Status::Complete(length) = parsed.parse(&answer).map_err(unreadable)?
            else {
                if answer.len() < ANSWER.0 {
                    continue;
                }
                let limit = ANSWER.0 / 1_024;
                return Err(format!("the proxy's answer to CONNECT is longer than {limit} KiB"));
            };
            let status = parsed.code.unwrap_or_default();
            // The origin speaks after us only, so these bytes would be the proxy's own.
            if (200..300).contains(&status) && answer.len() > length {
                return Err("the proxy sent more than an answer to CONNECT".to_owned());
            }
            return Ok(status);
        }
    }

    /// What a refusal means, and whose it is to mend.
    pub(super) fn refusal(&self, status: u16, target: &str) -> String {
        match (status, &self.authorization) {
            (407, None) => "the proxy asks for a user and a password (407)".to_owned(),
            (407, Some(_)) => {
                "the proxy does not take the user and password that it was given (407)".to_owned()
            }
            (500.., _) => format!("the proxy cannot reach {target} ({status})"),
            _ => format!("the proxy lets nothing through to {target} ({status})"),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

#[cfg(test)]
mod tests;
