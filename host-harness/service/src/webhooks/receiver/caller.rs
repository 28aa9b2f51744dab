//! Who calls, and by which URL, when a proxy stands in between.

use std::net::IpAddr;

use http::header::HOST;
use http::{HeaderMap, Uri};

/// From the right, the first address that is no trusted proxy; what stands left of it anybody
/// could have written. Only a trusted proxy's word is heard.
pub fn address(headers: &HeaderMap, peer: IpAddr, trusted: &[IpAddr]) -> IpAddr {
    if !trusted.contains(&peer) {
        return peer;
    }
    let values: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut caller = peer;
    for text in values.iter().rev() {
        let Some(address) = read(text.trim()) else { break };
        caller = address;
        if !trusted.contains(&address) {
            break;
        }
    }
    caller
}

/// Some proxies write a port too.
fn read(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    address.or_else(with_port).map(|address| address.to_canonical())
}

/// The URL as the provider called it: `public` where that is known, since a proxy may have changed
/// the path, else by what the request says of its host.
pub fn url(
    public: Option<String>,
    uri: &Uri,
    headers: &HeaderMap,
    tls: bool,
    proxied: bool,
) -> String {
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let forwarded = |name: &str| text(name).filter(|_| proxied);
    if let Some(public) = public {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        return format!("{public}{query}");
    }
    let host = forwarded("x-forwarded-host").or_else(|| text(HOST.as_str())).unwrap_or_default();
    let scheme = match forwarded("x-forwarded-proto") {
        Some(scheme @ ("http" | "https")) => scheme,
        _ if tls => "https",
        _ => "http",
    };
    format!("{scheme}://{host}{target}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(rows: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_a_trusted_proxy_says_who_calls() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let trusted = [ip("10.0.0.1"), ip("10.0.0.2")];
        let said = |value: &str, peer: &str| {
            address(&headers(&[("x-forwarded-for", value)]), ip(peer), &trusted)
        };
        assert_eq!(said("1.2.3.4", "10.0.0.1"), ip("1.2.3.4"));
        assert_eq!(said("1.2.3.4", "9.9.9.9"), ip("9.9.9.9"));
        // What the caller wrote itself stands on the left.
        assert_eq!(said("6.6.6.6, 1.2.3.4, 10.0.0.2", "10.0.0.1"), ip("1.2.3.4"));
        assert_eq!(said("6.6.6.6, rubbish", "10.0.0.1"), ip("10.0.0.1"));
        assert_eq!(said("1.2.3.4:5678", "10.0.0.1"), ip("1.2.3.4"));
        assert_eq!(address(&HeaderMap::new(), ip("10.0.0.1"), &trusted), ip("10.0.0.1"));
    }

    #[test]
    fn the_url_is_the_one_that_was_called() {
        let uri: Uri = "/hooks/a?b=c".parse().unwrap();
        let given = headers(&[("host", "h.example"), ("x-forwarded-proto", "https")]);
        assert_eq!(url(None, &uri, &given, false, false), "http://h.example/hooks/a?b=c");
        assert_eq!(url(None, &uri, &given, false, true), "https://h.example/hooks/a?b=c");
        let public = Some("https://p.example/x/hooks/a".to_owned());
        assert_eq!(url(public, &uri, &given, false, false), "https://p.example/x/hooks/a?b=c");
    }
}
