//! Names with several addresses, of which some lead nowhere.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::duplex;
use tokio::time::{Instant, sleep};

use super::*;
use crate::egress::tls::client_config;
use crate::egress::{Connect, Pending, Resolve};
use crate::setting::AddressSpace;

/// What an address does.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Accept,
    Refuse,
    /// A firewall drops everything.
    Nothing,
}

struct Network {
    resolves_after: Duration,
    addresses: Vec<(SocketAddr, Does)>,
    tried: Mutex<Vec<SocketAddr>>,
}

fn network(addresses: &[(&str, Does)]) -> Arc<Network> {
    let addresses =
        addresses.iter().map(|(ip, does)| (format!("{ip}:443").parse().unwrap(), *does));
    let (addresses, resolves_after) = (addresses.collect(), Duration::ZERO);
    Arc::new(Network { resolves_after, addresses, tried: Mutex::default() })
}

impl Resolve for Network {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async {
            sleep(self.resolves_after).await;
            Ok(self.addresses.iter().map(|(address, _)| *address).collect())
        })
    }
}

impl Connect for Network {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        self.tried.lock().unwrap().push(address);
        let does = self.addresses.iter().find(|(known, _)| *known == address).unwrap().1;
        Box::pin(async move {
            match does {
                // Whoever speaks TLS with it finds it closed.
                Does::Accept => Ok(Box::new(duplex(64).0) as Box<dyn Stream>),
                Does::Refuse => Err(io::Error::other("connection refused")),
                Does::Nothing => std::future::pending().await,
            }
        })
    }
}

async fn reached(network: &Arc<Network>, origin: &str) -> Result<(), String> {
    let origin = Origin::read(origin, AddressSpace::Private).unwrap();
    let tls = client_config(None).unwrap();
    let network = Arc::clone(network) as Arc<dyn Connect>;
    let options = EgressOptions { network, ..EgressOptions::default() };
    connect(&origin, &options, &tls).await.map(drop).map_err(|why| why.to_string())
}

#[tokio::test(start_paused = true)]
async fn addresses_that_lead_nowhere_do_not_hide_one_that_works() {
    let dead = ["[2001:db8::1]", "[2001:db8::2]", "[2001:db8::3]", "192.0.2.1"];
    let mut addresses = dead.map(|ip| (ip, Does::Nothing)).to_vec();
    addresses.push(("192.0.2.2", Does::Accept));
    let network = network(&addresses);
    let began = Instant::now();
    reached(&network, "http://name.example:443").await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let second = network.tried.lock().unwrap()[1];
    assert!(second.is_ipv4(), "the families take turns");
}

#[tokio::test(start_paused = true)]
async fn the_first_that_works_is_enough() {
    let network = network(&[("192.0.2.1", Does::Accept), ("192.0.2.2", Does::Accept)]);
    reached(&network, "http://name.example:443").await.unwrap();
    assert_eq!(network.tried.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_tls_at_one_address_is_not_the_end() {
    let network = network(&[("192.0.2.1", Does::Accept), ("192.0.2.2", Does::Refuse)]);
    let why = reached(&network, "https://name.example").await.unwrap_err();
    assert_eq!(network.tried.lock().unwrap().len(), 2);
    assert!(why.starts_with("cannot connect to https://name.example: 192.0.2.1:443: TLS"), "{why}");
    assert!(why.ends_with("192.0.2.2:443: connection refused"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_answers_there_is_an_end() {
    let network = network(&[("192.0.2.1", Does::Nothing), ("192.0.2.2", Does::Nothing)]);
    let began = Instant::now();
    let why = reached(&network, "https://name.example").await.unwrap_err();
    assert!(began.elapsed() <= Duration::from_secs(12), "{why}");
    assert!(why.contains("no connection within 5s"), "{why}");
}

/// One nameserver of two is down: the resolver asks the other one after 5 s.
#[tokio::test(start_paused = true)]
async fn the_resolver_has_its_own_time() {
    let mut network = network(&[("192.0.2.1", Does::Accept)]);
    Arc::get_mut(&mut network).unwrap().resolves_after = Duration::from_secs(10);
    reached(&network, "http://name.example:443").await.unwrap();
}
