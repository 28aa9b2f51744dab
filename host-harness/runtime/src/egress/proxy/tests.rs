//! Tunnels through a proxy, over streams in memory and on a clock that stands still.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use tokio::io::{DuplexStream, duplex};

use super::*;
use crate::egress::connect::connect;
use crate::egress::tls::client_config;
use crate::egress::{
    Connect, EgressOptions, FilledRequest, HttpClient, HttpError, Pending, Progress, Resolve,
};

/// What the proxy answers to CONNECT.
#[derive(Clone)]
enum ProxyAnswers {
    /// A tunnel in which the origin answers HTTP, and tells no more.
    Tunnel,
    /// These bytes, and closes.
    Bytes(Vec<u8>),
    /// Nothing, for ever.
    Nothing,
}

/// The names that were resolved, the addresses that were connected to, what the proxy heard.
type Seen = Arc<Mutex<(Vec<String>, Vec<SocketAddr>, Vec<String>)>>;

/// A network in which `proxy.internal` is a proxy and every other name has these addresses.
struct ProxyNetwork {
    addresses: Vec<&'static str>,
    /// The answers to one connection after the other, and to those that follow.
    answers: Vec<ProxyAnswers>,
    seen: Seen,
}

impl ProxyNetwork {
    fn new(answers: &[ProxyAnswers]) -> Self {
        let addresses = vec!["93.184.216.34", "2606:4700::1111"];
        Self { addresses, answers: answers.to_vec(), seen: Arc::default() }
    }
}

impl Resolve for ProxyNetwork {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        self.seen.lock().unwrap().0.push(host.to_owned());
        let found = if host == "proxy.internal" { &vec!["10.0.0.9"] } else { &self.addresses };
        let found = found.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect();
        Box::pin(async move { Ok(found) })
    }
}

impl Connect for ProxyNetwork {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let number = self.seen.lock().unwrap().1.len();
        self.seen.lock().unwrap().1.push(address);
        let answers = self.answers.get(number).or(self.answers.last()).unwrap().clone();
        let (ours, theirs) = duplex(64 * 1024);
        tokio::spawn(serve(theirs, answers, Arc::clone(&self.seen)));
        Box::pin(async move { Ok(Box::new(ours) as Box<dyn Stream>) })
    }
}

async fn serve(mut stream: DuplexStream, answers: ProxyAnswers, seen: Seen) {
    let asked = head(&mut stream).await;
    seen.lock().unwrap().2.push(asked);
    match answers {
        ProxyAnswers::Tunnel => {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\nx: y\r\n\r\n").await.unwrap();
            let first = head(&mut stream).await;
            seen.lock().unwrap().2.push(first);
            drop(stream.write_all(b"HTTP/1.1 204 x\r\n\r\n").await);
            std::future::pending::<()>().await;
        }
        ProxyAnswers::Bytes(bytes) => drop(stream.write_all(&bytes).await),
        ProxyAnswers::Nothing => std::future::pending().await,
    }
}

/// What comes first: a head of HTTP, or the greeting of TLS.
async fn head(stream: &mut DuplexStream) -> String {
    let mut bytes = Vec::with_capacity(4_096);
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await.unwrap() == 0 || bytes.starts_with(&[0x16, 3]) {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn proxy() -> Proxy {
    Proxy::new("http://proxy.internal:3128").unwrap()
}

/// Asks `origin` for something through `proxy`; what is seen stays in the network.
async fn ask(network: ProxyNetwork, proxy: Proxy, origin: &str) -> Result<u16, HttpError> {
    let mut options = EgressOptions { network: Arc::new(network), ..EgressOptions::default() };
    options.proxy = Some(proxy);
    let client = HttpClient::new(options).unwrap();
    let space = match origin.starts_with("http:") {
        true => AddressSpace::Private,
        false => AddressSpace::Public,
    };
    let origin = Origin::read(origin, space).unwrap();
    let target = Zeroizing::new("/".to_owned());
    let filled = FilledRequest { target, headers: HeaderMap::new(), body: Zeroizing::default() };
    let progress = Progress::default();
    let answer = client.exchange(&origin, "POST", &filled, &progress).await;
    if let Err(HttpError::NotSent(_) | HttpError::Refused(_)) = &answer {
        assert!(!progress.wrote(), "what the proxy is told is not the request");
    }
    answer.map(|answer| answer.status)
}

#[tokio::test(start_paused = true)]
async fn the_proxy_hears_the_address_that_was_judged_and_the_origin_its_name() {
    let network = ProxyNetwork::new(&[ProxyAnswers::Tunnel]);
    let seen = Arc::clone(&network.seen);
    // What is behind the tunnel speaks no TLS.
    let Err(HttpError::NotSent(_)) = ask(network, proxy(), "https://api.example.com").await else {
        panic!("it was sent")
    };
    let seen = seen.lock().unwrap();
    assert_eq!(seen.0, ["api.example.com", "proxy.internal"]);
    assert!(seen.1.iter().all(|address| address.to_string() == "10.0.0.9:3128"), "{:?}", seen.1);
    let expected = "CONNECT 93.184.216.34:443 HTTP/1.1\r\nhost: 93.184.216.34:443\r\n\r\n";
    assert_eq!(seen.2[0], expected);
    assert!(seen.2[1].contains("api.example.com"), "TLS names the origin");
    assert!(seen.2[2].starts_with("CONNECT [2606:4700::1111]:443 "), "{}", seen.2[2]);
}

#[tokio::test(start_paused = true)]
async fn of_a_private_address_the_proxy_hears_nothing() {
    let mut network = ProxyNetwork::new(&[ProxyAnswers::Tunnel]);
    network.addresses = vec!["93.184.216.34", "10.0.0.1"];
    let seen = Arc::clone(&network.seen);
    let asked = ask(network, proxy(), "https://api.example.com").await;
    assert!(matches!(asked, Err(HttpError::Refused(_))));
    assert!(seen.lock().unwrap().1.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_resolves_names_is_told_the_name() {
    let network = ProxyNetwork::new(&[ProxyAnswers::Tunnel]);
    let seen = Arc::clone(&network.seen);
    let resolving = proxy().resolving_names();
    assert_eq!(ask(network, resolving, "http://api.example.com").await.unwrap(), 204);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.0, ["proxy.internal"]);
    assert!(seen.2[0].starts_with("CONNECT api.example.com:80 HTTP/1.1\r\n"), "{}", seen.2[0]);
    assert!(seen.2[1].contains("host: api.example.com\r\n"), "{}", seen.2[1]);
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_fails_is_told_as_such_and_nothing_was_sent() {
    let bytes = |text: &str| ProxyAnswers::Bytes(text.as_bytes().to_vec());
    let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(20_000));
    for (answers, hidden, why) in [
        (bytes("HTTP/1.1 407 x\r\n\r\n"), false, "asks for a user and a password (407)"),
        (bytes("HTTP/1.1 407 x\r\n\r\n"), true, "does not take the user and password"),
        (bytes("HTTP/1.1 403 x\r\n\r\nno"), true, "lets nothing through to 93.184.216.34:80 (403)"),
        (bytes("HTTP/1.1 502 x\r\n\r\nno"), true, "cannot reach 93.184.216.34:80 (502)"),
        (bytes("SSH-2.0-OpenSSH\r\n"), true, "answer to CONNECT cannot be read"),
        (bytes(&long), true, "is longer than 16 KiB"),
        (bytes("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200"), true, "sent more than an answer"),
        (bytes("HTTP/1.1 200"), true, "closed the connection before it answered"),
        (ProxyAnswers::Nothing, true, "the proxy did not answer within 5s"),
    ] {
        let network = ProxyNetwork::new(&[answers]);
        let seen = Arc::clone(&network.seen);
        let mut proxy = proxy();
        if hidden {
            proxy = proxy.with_credentials(&Secret::new("canary-user:canary-pass")).unwrap();
        }
        let asked = ask(network, proxy, "http://api.example.com").await;
        let Err(HttpError::NotSent(told)) = asked else { panic!("{why}: it was sent") };
        let begin = "cannot connect to http://api.example.com through the proxy \
                     http://proxy.internal:3128: 93.184.216.34:80: the proxy";
        assert!(told.starts_with(begin) && told.contains(why), "{told}");
        let encoded = BASE64.encode("canary-user:canary-pass");
        assert!(!told.contains("canary") && !told.contains(&encoded), "{told}");
        let seen = seen.lock().unwrap();
        let header = format!("proxy-authorization: Basic {encoded}\r\n");
        assert_eq!(seen.2[0].contains(&header), hidden, "{}", seen.2[0]);
        let is_rule = told.contains("(40");
        assert_eq!(seen.1.len(), if is_rule { 1 } else { 2 }, "a rule is for all addresses");
    }
}

#[tokio::test(start_paused = true)]
async fn addresses_are_tried_one_after_the_other() {
    let refused = ProxyAnswers::Bytes(b"HTTP/1.1 504 x\r\n\r\n".to_vec());
    for first in [refused, ProxyAnswers::Nothing] {
        let network = ProxyNetwork::new(&[first, ProxyAnswers::Tunnel]);
        let seen = Arc::clone(&network.seen);
        assert_eq!(ask(network, proxy(), "http://api.example.com").await.unwrap(), 204);
        let heard = seen.lock().unwrap().2.clone();
        assert!(heard[1].starts_with("CONNECT [2606:4700::1111]:80 "), "{heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_cannot_be_reached_is_told_as_such() {
    struct Dead;
    impl Resolve for Dead {
        fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
            Box::pin(async { Ok(vec!["93.184.216.34:1".parse().unwrap()]) })
        }
    }

    impl Connect for Dead {
        fn resolver(&self) -> &dyn Resolve {
            self
        }

        fn connect(&self, _: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
            Box::pin(async { Err(io::Error::other("connection refused")) })
        }
    }
    let mut options = EgressOptions { network: Arc::new(Dead), ..EgressOptions::default() };
    options.proxy = Some(proxy());
    let tls = client_config(None).unwrap();
    let origin = Origin::read("https://api.example.com", AddressSpace::Public).unwrap();
    let connected = connect(&origin, &options, &tls).await;
    let Err(HttpError::NotSent(why)) = connected.map(drop) else { panic!("connected") };
    assert!(why.ends_with("connection refused; the proxy cannot be reached"), "{why}");
}

#[test]
fn the_environment_is_read_as_others_read_it() {
    let read = |variables: &[(&str, &str)]| {
        let variables = variables.to_vec();
        Proxy::from_variables(move |name| {
            let found = variables.iter().find(|(given, _)| *given == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    assert!(read(&[("http_proxy", "http://p:1"), ("https_proxy", "")]).unwrap().is_none());
    for (variables, expected) in [
        ([("https_proxy", "http://p:1"), ("all_proxy", "http://q:2")], "http://p:1"),
        ([("HTTPS_PROXY", "p:1"), ("ALL_PROXY", "http://q:2")], "http://p:1"),
        ([("ALL_PROXY", "https://q"), ("no_proxy", "")], "https://q"),
    ] {
        assert_eq!(read(&variables).unwrap().unwrap().to_string(), expected);
    }
    let hidden = read(&[("https_proxy", "http://us%40er:pa:ss@p:1")]).unwrap().unwrap();
    assert_eq!(hidden.to_string(), "http://p:1");
    let sent = hidden.authorization.unwrap();
    assert_eq!(sent.expose(), format!("Basic {}", BASE64.encode("us@er:pa:ss")).as_bytes());
    for wrong in ["http://canary:pass@", "socks5://canary:pass@p:1", "http://canary:pass@p:1/x"] {
        let why = read(&[("https_proxy", wrong)]).map(drop).unwrap_err().to_string();
        assert!(!why.contains("canary") && !why.contains("pass"), "{why}");
    }
    let some = [("https_proxy", "http://p:1"), ("no_proxy", "example.com, .internal,10.0.0.1")];
    let some = read(&some).unwrap().unwrap();
    for (origin, expected) in [
        ("https://api.other.com", true),
        ("https://notexample.com", true),
        ("https://api.example.com", false),
        ("https://example.com", false),
        ("http://api.internal", false),
        ("http://10.0.0.1", false),
        ("http://127.0.0.1:8080", false),
        ("http://localhost", false),
    ] {
        assert_eq!(
            some.serves(&Origin::read(origin, AddressSpace::Private).unwrap()),
            expected,
            "{origin}"
        );
    }
}

#[test]
fn a_proxys_url_holds_no_password_and_nothing_of_it_is_told() {
    for wrong in ["http://canary:pass@p:1", "ftp://canary", "canary", "http://p/canary", ""] {
        let why = Proxy::new(wrong).map(drop).unwrap_err().to_string();
        assert!(!why.contains("canary"), "{why}");
    }
    let why = proxy().with_credentials(&Secret::new("canary")).map(drop).unwrap_err().to_string();
    assert!(!why.contains("canary"), "{why}");
}
