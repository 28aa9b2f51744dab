//! Origins: where a request may go at all.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

use crate::setting::read_url;

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
    #[must_use]
    pub fn new(origin: &str, why: &'static str) -> Self {
        bad(origin, why)
    }
}

impl Origin {
    /// Reads `https://host[:port]`. `private`: the operator named it and allows private
    /// addresses, plain http, address literals and any port.
    ///
    /// # Errors
    /// When it is no origin, or names what only a trusted operator may allow.
    pub fn read(text: &str, private: bool) -> Result<Self, BadOrigin> {
        let (origin, url) = Self::of_setting(text, private)?;
        if !matches!(url.path(), "" | "/") {
            return Err(bad(text, "holds more than scheme, host and port"));
        }
        Ok(origin)
    }

    /// Reads the URL of one endpoint: its origin and its path. Requests are compared with what
    /// is sent, so the URL has to be written as it is sent.
    ///
    /// # Errors
    /// As [`Origin::read`], and for a URL that parsing would rewrite.
    pub fn of_endpoint(text: &str, private: bool) -> Result<(Self, String), BadOrigin> {
        let (origin, url) = Self::of_setting(text, private)?;
        if url.as_str() != text {
            return Err(bad(text, "is not in canonical form: write it as it is sent"));
        }
        Ok((origin, url.path().to_owned()))
    }

    /// Reads a URL that the operator gives to send to.
    ///
    /// # Errors
    /// As [`Origin::read`], and for a query.
    pub fn of_target(text: &str, private: bool) -> Result<(Self, Url), BadOrigin> {
        Self::of_setting(text, private)
    }

    fn of_setting(text: &str, private: bool) -> Result<(Self, Url), BadOrigin> {
        let url = read_url(text, private).map_err(|why| bad(text, why))?;
        let origin =
            Self::of_url(&url, private).ok_or_else(|| bad(text, "is neither https nor http"))?;
        Ok((origin, url))
    }

    /// The origin of a request's URL, trusted no more than `private` says.
    #[must_use]
    pub fn of_url(url: &Url, private: bool) -> Option<Self> {
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = match url.host()? {
            Host::Domain(name) => name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        Some(Self { tls, host, port: url.port_or_known_default()?, private })
    }

    /// Whether both lead to the same server, however much it is trusted.
    #[must_use]
    pub fn same_server(&self, other: &Self) -> bool {
        (self.tls, &self.host, self.port) == (other.tls, &other.host, other.port)
    }

    /// Whether it names this machine itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// The value of the `host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

fn bad(origin: &str, why: &'static str) -> BadOrigin {
    BadOrigin { origin: origin.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operator_opens_private_origins() {
        for text in
            ["http://127.0.0.1:8080", "https://10.0.0.1", "https://[::1]:4433", "http://name"]
        {
            assert!(Origin::read(text, false).is_err(), "{text}");
            let origin = Origin::read(text, true).unwrap();
            assert!(origin.private);
            assert_eq!(origin.to_string(), text);
        }
    }

    #[test]
    fn an_origin_is_nothing_but_scheme_host_and_port() {
        for text in
            ["https://a.example/x", "https://a.example/?q", "https://u@a.example", "ftp://a", "a"]
        {
            assert!(Origin::read(text, true).is_err(), "{text}");
        }
        for text in [" https://a.example", "https://a.example ", "https://a.example\r\n"] {
            let why = Origin::read(text, true).unwrap_err().to_string();
            assert!(why.contains("holds a space or a line break"), "{why}");
        }
        assert_eq!(
            Origin::read("https://API.Example.com./", false).unwrap().to_string(),
            "https://api.example.com"
        );
    }
}
