//! How the host names itself.

use http::header::HeaderValue;

/// `User-Agent` (RFC 9110 section 10.1.5) of a connector's requests: this program, then the
/// connector. What stands in its manifest and not in a product's name is left out.
pub(crate) fn user_agent(connector: &str, version: &str) -> HeaderValue {
    let host = concat!("connector-host/", env!("CARGO_PKG_VERSION"));
    let token = |text: &str| -> String {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c);
        text.chars().filter(allowed).collect()
    };
    let text = match (token(connector), token(version)) {
        (name, _) if name.is_empty() => host.to_owned(),
        (name, version) if version.is_empty() => format!("{host} {name}"),
        (name, version) => format!("{host} {name}/{version}"),
    };
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(host))
}
