//! Origins: where a request may go at all.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use thiserror::Error;
use url::{Host, Url};

use crate::setting::{AddressSpace, read_url};

/// Scheme, host and port (RFC 6454), and how much the operator trusts them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// True for https.
    pub tls: bool,
    /// Lower case; an IPv6 address without brackets.
    pub host: String,
    /// Always present.
    pub port: u16,
    /// The operator named it and allows private addresses, plain http, address
    /// literals and any port for it.
    pub private: bool,
}

/// Why a text is no origin to send to.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("the origin \"{origin}\" {why}")]
pub struct BadOrigin {
    origin: String,
    why: &'static str,
}

impl BadOrigin {
    /// What is wrong with `origin`, as the rest of a sentence about it.
    pub(crate) fn new(origin: &str, why: &'static str) -> Self {
        Self { origin: origin.to_owned(), why }
    }

    /// What is wrong with it, as the rest of a sentence about it.
    pub fn why(&self) -> &'static str {
        self.why
    }
}

impl Origin {
    /// Reads `https://host[:port]`.
    ///
    /// # Errors
    /// When it is no origin, or names what only a trusted operator may allow.
    pub fn read(text: &str, space: AddressSpace) -> Result<Self, BadOrigin> {
        let (origin, url) = Self::of_url(text, space)?;
        if !matches!(url.path(), "" | "/") {
            return Err(BadOrigin::new(text, "holds more than scheme, host and port"));
        }
        Ok(origin)
    }

    /// Reads a URL to send to: its origin, and the URL.
    ///
    /// # Errors
    /// As [`Origin::read`], but for a path.
    pub fn of_url(text: &str, space: AddressSpace) -> Result<(Self, Url), BadOrigin> {
        let url = read_url(text, space).map_err(|why| BadOrigin::new(text, why))?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(BadOrigin::new(text, "has no host"));
        };
        let host = match host {
            Host::Domain(name) => name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let (tls, private) = (url.scheme() == "https", space == AddressSpace::Private);
        Ok((Self { tls, host, port, private }, url))
    }

    /// Whether it names this machine itself.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Host and port; an IPv6 address in brackets.
    pub fn host_and_port(&self) -> String {
        match self.host.parse() {
            Ok(address) => SocketAddr::new(address, self.port).to_string(),
            Err(_) => format!("{}:{}", self.host, self.port),
        }
    }

    /// The value of the `host` header: the port is left out where it is the scheme's own.
    pub fn authority(&self) -> String {
        let all = self.host_and_port();
        let usual = if self.tls { ":443" } else { ":80" };
        all.strip_suffix(usual).map_or_else(|| all.clone(), str::to_owned)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operator_opens_private_origins() {
        for text in
            ["http://127.0.0.1:8080", "https://10.0.0.1", "https://[::1]:4433", "http://name"]
        {
            assert!(Origin::read(text, AddressSpace::Public).is_err(), "{text}");
            let origin = Origin::read(text, AddressSpace::Private).unwrap();
            assert!(origin.private);
            assert_eq!(origin.to_string(), text);
        }
    }

    #[test]
    fn an_origin_is_nothing_but_scheme_host_and_port() {
        for text in
            ["https://a.example/x", "https://a.example/?q", "https://u@a.example", "ftp://a", "a"]
        {
            assert!(Origin::read(text, AddressSpace::Private).is_err(), "{text}");
        }
        for text in [" https://a.example", "https://a.example ", "https://a.example\r\n"] {
            let why = Origin::read(text, AddressSpace::Private).unwrap_err().to_string();
            assert!(why.contains("holds a space or a line break"), "{why}");
        }
        assert_eq!(
            Origin::read("https://API.Example.com./", AddressSpace::Public).unwrap().to_string(),
            "https://api.example.com"
        );
    }
}
