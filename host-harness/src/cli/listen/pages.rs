//! Where customers connect in their browsers: beside the hooks, at the public URL.

use std::net::IpAddr;
use std::sync::Arc;

use host_harness::connect::ConnectLinks;
use host_harness::runtime::Connector;
use url::{Host, Url};

use super::Listening;
use crate::cli::context::Context;
use crate::cli::state::OpenState;

/// The links to pages at `public_url`, with these origins as ends of the way.
pub fn links(
    context: &Context,
    connector: &Connector,
    state: &OpenState,
    public_url: String,
    returns: Vec<String>,
) -> Arc<ConnectLinks> {
    let (own, of) = (context.clone(), connector.clone());
    Arc::new(ConnectLinks {
        connector: connector.clone(),
        database: Arc::clone(&state.database),
        vault: Arc::clone(&state.vault),
        public_url,
        returns,
        space: context.address_space(),
        surroundings: Arc::new(move || own.surroundings(&of)),
    })
}

/// The public URL, where pages may be served at it: nobody can listen on the way to this listener. By http,
/// this machine's browsers alone.
pub fn public_url(listening: &Listening) -> Option<String> {
    let text = listening.public_url.as_deref()?.trim_end_matches('/');
    let url = Url::parse(text).ok()?;
    let is_own = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let address = listening.address.rsplit_once(':').map_or("", |(host, _)| host);
    let address = address.trim_start_matches('[').trim_end_matches(']');
    let is_on_loopback = address == "localhost"
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    let is_private =
        listening.tls_cert.is_some() || is_on_loopback || !listening.trusted_proxies.is_empty();
    let may = if url.scheme() == "https" { is_private } else { is_own };
    may.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_served_where_nobody_listens_on_the_way() {
        let served = |url: &str, address: &str, proxy: Option<&str>| {
            let listening = Listening {
                address: address.to_owned(),
                public_url: Some(url.to_owned()),
                tls_cert: None,
                tls_key: None,
                trusted_proxies: proxy.map(|proxy| proxy.parse().unwrap()).into_iter().collect(),
                rate: 50,
            };
            public_url(&listening)
        };
        let own = Some("https://hooks.example".to_owned());
        assert_eq!(served("https://hooks.example/", "127.0.0.1:8080", None), own);
        assert_eq!(served("https://hooks.example", "[::1]:8080", None), own);
        assert_eq!(served("https://hooks.example", "0.0.0.0:8080", Some("10.0.0.2")), own);
        assert_eq!(served("https://hooks.example", "0.0.0.0:8080", None), None);
        assert_eq!(served("http://hooks.example", "127.0.0.1:8080", None), None);
        assert!(served("http://127.0.0.1:8080", "127.0.0.1:8080", None).is_some());
    }
}
