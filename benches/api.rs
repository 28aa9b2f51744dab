//! The HTTP API of a host that serves: lists from the provider, reads of the mirror, and how soon a stream
//! of changes tells what was delivered.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use hosts::account::{connection, keep};
use hosts::process::Fleet;
use hosts::state::{Disk, State};
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::deliveries::{SECRET, request};
use crate::many_hosts::{KEY, SERVE, provider};
use crate::memory::run_to_end;
use crate::report::{Report, median, percentile, rounded};

/// Clients of the mirror at the same time.
const CLIENTS: usize = 32;
/// Records of a page that is listed.
const PAGE: usize = 200;
/// The object that is read.
const RECORDS: &str = "objects/trackings/records";

/// Measures with so many trackings.
pub async fn measure(report: &mut Report, quick: bool) -> Result<()> {
    let trackings = if quick { 1_000 } else { 20_000 };
    let disk = Disk::sqlite();
    let state = disk.open().await;
    let server = provider(trackings).listen().await?;
    let row = connection(0, false, &server.url());
    keep(&row, &[("api-key", KEY), ("webhook-secret", SECRET)], &state).await;
    let token = "0".repeat(32);
    state.make_hook(&row.id, &token).await?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let api: &'static str = format!("127.0.0.1:{port}").leak();
    let fleet = Fleet::new(1, &disk).serving(&[SERVE, &["--api", api]].concat());
    fleet.start(0);
    let api = Api { address: api.parse()?, path: format!("/v1/connections/{}", row.name) };
    mirrored(&state, &fleet, &row.id).await?;
    lists(report, &api, &fleet, &row.name, if quick { 1 } else { 5 }).await?;
    reads(report, &api, Duration::from_secs(if quick { 1 } else { 5 })).await?;
    let hook = fleet.addresses().first().copied().context("no host")?;
    events(report, &api, hook, &format!("/hooks/{token}"), if quick { 20 } else { 500 }).await?;
    fleet.end();
    Ok(())
}

/// Waits until all is in the mirror.
pub async fn mirrored(state: &Arc<dyn State>, fleet: &Fleet, connection: &str) -> Result<()> {
    loop {
        let scans = state.scans(connection).await?;
        if scans.iter().any(|scan| scan.object == "trackings" && scan.completed_ms.is_some()) {
            return Ok(());
        }
        fleet.assert_alive();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The API, and the path of the connection there.
struct Api {
    address: SocketAddr,
    path: String,
}

type Client = SendRequest<Empty<Bytes>>;

impl Api {
    async fn client(&self) -> Result<Client> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (client, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    fn ask(&self, path: &str) -> Result<Request<Empty<Bytes>>> {
        let request = Request::get(path).header("host", self.address.to_string());
        Ok(request.body(Empty::new())?)
    }

    async fn read(&self, client: &mut Client, path: &str) -> Result<Bytes> {
        client.ready().await?;
        let answer = client.send_request(self.ask(path)?).await?;
        anyhow::ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        Ok(answer.into_body().collect().await?.to_bytes())
    }
}

/// All records of the provider by the API, and by the command line.
async fn lists(
    report: &mut Report,
    api: &Api,
    fleet: &Fleet,
    name: &str,
    rounds: usize,
) -> Result<()> {
    let (mut rates, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let began = Instant::now();
        let records = live(api).await? as f64;
        let taken = began.elapsed().as_secs_f64();
        let mut command = fleet.command(0);
        command.args(["--connection", name, "--limits", "off", "list", "trackings"]);
        command.args(["--output", "ndjson"]).stdout(Stdio::null());
        let began = Instant::now();
        tokio::task::spawn_blocking(|| run_to_end(command)).await??;
        ratios.push(began.elapsed().as_secs_f64() / taken);
        rates.push(records / taken);
    }
    let ratio = format!("{:.2} × `list` of the command line", median(ratios));
    report.add("records listed live by the API", format!("{:.0}/s", median(rates)), ratio);
    Ok(())
}

/// Reads all pages from the provider; answers how many records there were.
async fn live(api: &Api) -> Result<usize> {
    let mut client = api.client().await?;
    let (mut records, mut cursor) = (0, None::<String>);
    loop {
        let mut path = format!("{}/{RECORDS}?live=true&limit={PAGE}", api.path);
        if let Some(cursor) = &cursor {
            let cursor = url::form_urlencoded::byte_serialize(cursor.as_bytes());
            path.extend(["&cursor="].into_iter().chain(cursor));
        }
        let page = api.read(&mut client, &path).await?;
        // As little as a client can do with it.
        let page: BTreeMap<&str, &RawValue> = serde_json::from_slice(&page)?;
        let member = |name| page.get(name).map_or("null", |value| value.get());
        records += serde_json::from_str::<Vec<&RawValue>>(member("items"))?.len();
        cursor = serde_json::from_str(member("next"))?;
        if cursor.is_none() {
            return Ok(records);
        }
    }
}

/// Single records and pages of the mirror, by clients that ask one after the other.
async fn reads(report: &mut Report, api: &Api, time: Duration) -> Result<()> {
    let path = format!("{}/{RECORDS}", api.path);
    let mut client = api.client().await?;
    let page: Value =
        serde_json::from_slice(&api.read(&mut client, &format!("{path}?limit=100")).await?)?;
    let items = page.get("items").and_then(Value::as_array).into_iter().flatten();
    let ids: Vec<&str> = items.filter_map(|item| item.get("id").and_then(Value::as_str)).collect();
    let single: Vec<String> = ids.iter().map(|id| format!("{path}/{id}")).collect();
    for (what, paths) in [
        ("reads of a kept record by the API", single),
        ("pages of 100 kept records by the API", vec![format!("{path}?limit=100")]),
    ] {
        let began = Instant::now();
        let clients = (0..CLIENTS).map(|_| asked(api, &paths, time));
        let times = futures_util::future::try_join_all(clients).await?.concat();
        let rate = times.len() as f64 / began.elapsed().as_secs_f64();
        report.add(what, format!("{rate:.0}/s"), format!("{CLIENTS} clients"));
        add_times(report, &times, format!("{CLIENTS} clients"));
    }
    Ok(())
}

/// Asks for these paths in turn for so long; answers how long each answer took.
async fn asked(api: &Api, paths: &[String], time: Duration) -> Result<Vec<Duration>> {
    let mut client = api.client().await?;
    let (end, mut times) = (Instant::now() + time, Vec::new());
    for path in paths.iter().cycle() {
        let began = Instant::now();
        if began > end {
            break;
        }
        api.read(&mut client, path).await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

/// From a delivery's answer, which comes when it is kept, until a stream of the API tells its change.
async fn events(
    report: &mut Report,
    api: &Api,
    hook: SocketAddr,
    path: &str,
    count: u64,
) -> Result<()> {
    let name = api.path.rsplit('/').next().unwrap_or_default();
    let (changes, mut after) = (format!("/v1/changes?connection={name}"), 0);
    loop {
        // A host ends a connection after some requests.
        let mut client = api.client().await?;
        let page = api.read(&mut client, &format!("{changes}&limit=1000&after={after}")).await?;
        let page: Value = serde_json::from_slice(&page)?;
        let position = page.get("positions").and_then(|all| all.get(name));
        after = position.and_then(Value::as_u64).unwrap_or(after);
        if page.get("has_more").and_then(Value::as_bool) != Some(true) {
            break;
        }
    }
    let mut client = api.client().await?;
    let mut ask = api.ask(&format!("{changes}&after={after}"))?;
    ask.headers_mut().insert("accept", "text/event-stream".parse()?);
    let answer = client.send_request(ask).await?;
    anyhow::ensure!(answer.status().is_success(), "changes: {}", answer.status());
    let mut stream = answer.into_body();
    let mut sender = TcpStream::connect(hook).await?;
    sender.set_nodelay(true)?;
    let (mut times, mut answer) = (Vec::new(), [0; 1_024]);
    for number in 0..count {
        sender.write_all(&request(path, number)).await?;
        let length = sender.read(&mut answer).await?;
        let kept = Instant::now();
        let is_kept = answer.get(..length).unwrap_or_default().starts_with(b"HTTP/1.1 200 ");
        anyhow::ensure!(is_kept, "{}", String::from_utf8_lossy(&answer));
        let (id, mut told) = (format!("{number:032x}"), String::new());
        while !told.contains(&id) {
            let frame = stream.frame().await.context("the stream ended")??;
            told.push_str(&String::from_utf8_lossy(frame.data_ref().map_or(&[], Bytes::as_ref)));
        }
        times.push(kept.elapsed());
    }
    report.add("changes told by a stream", rounded(count as f64), "one after the other".into());
    add_times(report, &times, "from the delivery's answer to the event".to_owned());
    Ok(())
}

/// A row of p50 and p99.
pub fn add_times(report: &mut Report, times: &[Duration], of: String) {
    let times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1_000.0).collect();
    let at = |part| percentile(times.clone(), part);
    report.add("— p50, p99", format!("{:.1} ms, {:.1} ms", at(0.5), at(0.99)), of);
}
