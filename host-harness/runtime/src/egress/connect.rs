//! From an origin to an encrypted stream: resolve its name once, judge the addresses, connect to one
//! of those, speak TLS by name. The address that was judged is the one that is connected to, which no
//! client library promises: they resolve names themselves.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Origin;
use super::address::is_public;
use super::http_error::HttpError;
use super::network::Stream;
use super::options::EgressOptions;
use super::proxy::Proxy;

/// Opens a stream to `origin`: to the first of its addresses that accepts and agrees on TLS, each
/// tried a moment after the one before it (RFC 8305), or through a proxy one after the other.
///
/// # Errors
/// [`HttpError::NotSent`], and [`HttpError::Refused`] for an address that the policy forbids.
pub async fn connect(
    origin: &Origin,
    options: &EgressOptions,
    tls: &Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, HttpError> {
    let is_stand_in = options.network.resolver().stand_in(&origin.host, origin.port).is_some();
    let proxy = options.proxy.as_ref().filter(|proxy| !is_stand_in && proxy.serves(origin));
    let (mut dialer, limit) = (Dialer { options, tls, failed: Vec::new() }, options.reach_within);
    let (dialed, way) = match proxy {
        None => {
            let addresses = resolve(origin, options).await?;
            (timeout(limit, dialer.dial(origin, addresses)).await, String::new())
        }
        Some(proxy) => {
            let targets = if proxy.resolves_names {
                vec![origin.host_and_port()]
            } else {
                resolve(origin, options).await?.iter().map(ToString::to_string).collect()
            };
            let at = resolve(&proxy.server, options).await;
            let at = at.map_err(|why| HttpError::NotSent(format!("the proxy {proxy}: {why}")))?;
            let way = format!(" through the proxy {proxy}");
            (timeout(limit, dialer.tunnel(origin, &targets, proxy, &at)).await, way)
        }
    };
    match dialed {
        Ok(Some(stream)) => return Ok(stream),
        Ok(None) => {}
        Err(_) => dialer.failed.push(format!("no answer within {limit:?}")),
    }
    let failed = dialer.failed.join("; ");
    Err(HttpError::NotSent(format!("cannot connect to {origin}{way}: {failed}")))
}

/// Tries addresses, and notes what came of those that failed.
struct Dialer<'a> {
    options: &'a EgressOptions,
    tls: &'a Arc<ClientConfig>,
    failed: Vec<String>,
}

impl Dialer<'_> {
    /// The first of `addresses` that accepts and, where `origin` asks for it, agrees on TLS.
    async fn dial(
        &mut self,
        origin: &Origin,
        mut addresses: VecDeque<SocketAddr>,
    ) -> Option<Box<dyn Stream>> {
        let (mut under_way, limit) = (JoinSet::new(), self.options.connect_within);
        loop {
            if let Some(address) = addresses.pop_front() {
                let network = Arc::clone(&self.options.network);
                under_way.spawn(async move {
                    (address, timeout(limit, network.connect(address)).await)
                });
            }
            let ended = if addresses.is_empty() {
                under_way.join_next().await?
            } else {
                match timeout(self.options.next_address_after, under_way.join_next()).await {
                    Ok(ended) => ended?,
                    Err(_) => continue,
                }
            };
            // An attempt that panicked has said so itself.
            let Ok((address, accepted)) = ended else { continue };
            let stream = match accepted {
                Ok(Ok(stream)) if origin.tls => self.encrypt(origin, stream).await,
                Ok(accepted) => accepted.map_err(|why| why.to_string()),
                Err(_) => Err(format!("no connection within {limit:?}")),
            };
            match stream {
                Ok(stream) => return Some(stream),
                Err(why) => self.failed.push(format!("{address}: {why}")),
            }
        }
    }

    /// The first tunnel to one of `targets` that the proxy at these addresses opens, and that leads
    /// to `origin`.
    async fn tunnel(
        &mut self,
        origin: &Origin,
        targets: &[String],
        proxy: &Proxy,
        at: &VecDeque<SocketAddr>,
    ) -> Option<Box<dyn Stream>> {
        let limit = self.options.connect_within;
        for target in targets {
            let Some(mut stream) = self.dial(&proxy.server, at.clone()).await else {
                self.failed.push("the proxy cannot be reached".to_owned());
                return None;
            };
            let answer = timeout(limit, proxy.ask(stream.as_mut(), target)).await;
            // Its own rule is for all addresses, and a password is not to be refused many times.
            let is_rule = matches!(answer, Ok(Ok(300..500)));
            let opened = match answer {
                Ok(Ok(200..300)) if origin.tls => self.encrypt(origin, stream).await,
                Ok(Ok(200..300)) => Ok(stream),
                Ok(Ok(status)) => Err(proxy.refusal(status, target)),
                Ok(Err(why)) => Err(why),
                Err(_) => Err(format!("the proxy did not answer within {limit:?}")),
            };
            match opened {
                Ok(stream) => return Some(stream),
                Err(why) => self.failed.push(format!("{target}: {why}")),
            }
            if is_rule {
                return None;
            }
        }
        None
    }

    async fn encrypt(
        &self,
        origin: &Origin,
        stream: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, String> {
        let (host, limit) = (&origin.host, self.options.tls_within);
        let name = ServerName::try_from(host.clone());
        let name = name.map_err(|why| format!("{host} is no name for TLS: {why}"))?;
        let agreed = TlsConnector::from(Arc::clone(self.tls)).connect(name, stream);
        match timeout(limit, agreed).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(why)) => Err(format!("TLS failed: {why}")),
            Err(_) => Err(format!("TLS was not agreed within {limit:?}")),
        }
    }
}

/// The families take turns, beginning with the one that the resolver prefers (RFC 8305 section 4).
fn interleave(found: Vec<SocketAddr>, most: usize) -> VecDeque<SocketAddr> {
    let preferred = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == preferred);
    let mut all = VecDeque::new();
    while all.len() < most && !(one.is_empty() && other.is_empty()) {
        all.extend(one.pop_front());
        all.extend(other.pop_front());
    }
    all
}

/// The addresses of `origin`, each of which the host may connect to.
async fn resolve(
    origin: &Origin,
    options: &EgressOptions,
) -> Result<VecDeque<SocketAddr>, HttpError> {
    let (host, resolver, limit) =
        (&origin.host, options.network.resolver(), options.resolve_within);
    if let Some(address) = resolver.stand_in(host, origin.port) {
        return Ok([address].into());
    }
    let cannot = |why: String| HttpError::NotSent(format!("cannot resolve {host}{why}"));
    let found = timeout(limit, resolver.resolve(host, origin.port)).await;
    let found = found.map_err(|_| cannot(format!(" within {limit:?}")))?;
    let found = found.map_err(|why| cannot(format!(": {why}")))?;
    // One private address among public ones is no accident, so it spoils them all.
    if !origin.private
        && let Some(address) = found.iter().find(|address| !is_public(address.ip()))
    {
        let ip = address.ip();
        return Err(HttpError::Refused(format!(
            "{host} leads to {ip}, which is no public address; only the operator may allow that"
        )));
    }
    if found.is_empty() {
        return Err(HttpError::NotSent(format!("{host} has no address")));
    }
    Ok(interleave(found, options.addresses))
}

#[cfg(test)]
mod tests;
