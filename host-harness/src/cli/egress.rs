//! How the program reaches the network, by its options.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use host_harness::egress::{Connect, EgressOptions, Proxy, StandIns, Tcp};

use super::options::{CommonOptions, RepeatedOptions};
use super::secret_value::variable;
use super::usage::Usage;

/// What `options` and `repeated` say of the way out.
///
/// # Errors
/// When the file of `--ca` cannot be read; [`Usage`] for what cannot be meant.
pub fn egress_options(
    options: &CommonOptions,
    repeated: &RepeatedOptions,
) -> Result<EgressOptions> {
    let mut egress = EgressOptions::default();
    egress.network = network(&repeated.resolve, options.ca.is_some())?;
    egress.proxy = proxy(options)?;
    if let Some(file) = &options.ca {
        let pem = std::fs::read(file);
        egress.ca = Some(pem.with_context(|| format!("reading --ca {}", file.display()))?);
    }
    Ok(egress)
}

fn proxy(options: &CommonOptions) -> Result<Option<Proxy>, Usage> {
    let wrong = |why: &dyn Display, option: &str| {
        Usage::new(format!("{option}: {why}")).next(
            "give http://HOST:PORT or https://HOST:PORT; user and password by --proxy-auth-env",
        )
    };
    let found = match &options.proxy {
        Some(_) if options.proxy_from_env => {
            return Err(Usage::new("--proxy and --proxy-from-env name a proxy each")
                .next("give one of them"));
        }
        Some(url) => Some(Proxy::new(url).map_err(|why| wrong(&why, "--proxy"))?),
        None if options.proxy_from_env => {
            Proxy::from_env().map_err(|why| wrong(&why, "--proxy-from-env"))?
        }
        None if options.proxy_resolves || options.proxy_auth_env.is_some() => {
            return Err(Usage::new("--proxy-resolves and --proxy-auth-env are about a proxy")
                .next("give --proxy URL, or --proxy-from-env"));
        }
        None => None,
    };
    let Some(mut proxy) = found else { return Ok(None) };
    if let Some(name) = &options.proxy_auth_env {
        let credentials = variable("--proxy-auth-env ", name)?;
        let given = proxy.with_credentials(&credentials);
        proxy = given.map_err(|why| {
            Usage::new(format!("--proxy-auth-env {name}: {why}"))
                .next(format!("put USER:PASSWORD into {name}"))
        })?;
    }
    Ok(Some(if options.proxy_resolves { proxy.resolving_names() } else { proxy }))
}

/// The network, with a stand-in for each `--resolve`.
fn network(resolve: &[String], has_ca: bool) -> Result<Arc<dyn Connect>, Usage> {
    if resolve.is_empty() {
        return Ok(Arc::new(Tcp));
    }
    if !has_ca {
        return Err(Usage::new("--resolve is for stand-ins on this machine, and needs --ca")
            .next("give --ca FILE, with the authority that signed the stand-in's certificate"));
    }
    let all = resolve.iter().map(|given| read_stand_in(given));
    Ok(Arc::new(StandIns::new(all.collect::<Result<_, _>>()?, Arc::new(Tcp))))
}

fn read_stand_in(given: &str) -> Result<((String, u16), SocketAddr), Usage> {
    let wrong = |why: &str| {
        Usage::new(format!("--resolve {given}: {why}"))
            .next("write HOST:PORT=ADDRESS, e.g. api.example.com:443=127.0.0.1:8443")
    };
    let (server, address) = given.split_once('=').ok_or_else(|| wrong("there is no ="))?;
    let (host, port) = server.rsplit_once(':').ok_or_else(|| wrong("there is no port"))?;
    let port: u16 = port.parse().map_err(|_| wrong("the port is no number"))?;
    let same_port = |ip: IpAddr| SocketAddr::new(ip, port);
    let address: SocketAddr = address
        .parse()
        .or_else(|_| address.parse().map(same_port))
        .map_err(|_| wrong("what stands behind = is no address"))?;
    if host.is_empty() || !address.ip().is_loopback() {
        return Err(wrong("the address is not one of this machine (127.0.0.1 or ::1)"));
    }
    Ok(((host.to_ascii_lowercase(), port), address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_be_set_to_this_machine_only() {
        for (given, expected) in [
            ("api.example.com:443=127.0.0.1:8443", Some("127.0.0.1:8443")),
            ("API.example.com:443=[::1]:8443", Some("[::1]:8443")),
            ("api.example.com:443=127.0.0.1", Some("127.0.0.1:443")),
            ("api.example.com:443=10.0.0.1:8443", None),
            ("api.example.com:443=93.184.216.34", None),
            ("api.example.com:443=localhost:1", None),
            ("api.example.com=127.0.0.1", None),
            (":443=127.0.0.1", None),
            ("api.example.com:443", None),
        ] {
            let found = read_stand_in(given).ok();
            let expected = expected
                .map(|address| (("api.example.com".to_owned(), 443), address.parse().unwrap()));
            assert_eq!(found, expected, "{given}");
        }
        let given = vec!["api.example.com:443=127.0.0.1".to_owned()];
        assert!(network(&given, false).is_err() && network(&given, true).is_ok());
    }
}
