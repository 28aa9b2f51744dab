//! 20,000 records: through connector and host, by the same scanner in native Rust, and
//! through `serde_json::Value`.

use std::time::Instant;

use aftership_connector::api::answer::to_page;
use aftership_connector::api::page;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use host_harness::contract::records::{ListRequest, Start, View};
use host_harness::runtime::{Connection, Connector};
use host_harness::vault::Secret;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::derive;
use crate::process::Simulator;
use crate::report::{Report, median};

const RECORDS: u32 = 20_000;

/// What a native client does with the body of a page: answers how many records it holds,
/// and the provider's next cursor.
type Read = fn(&str) -> Result<(usize, Option<String>)>;

/// Times the three ways in turn.
pub async fn measure(connector: &Connector, report: &mut Report, pairs: usize) -> Result<()> {
    let simulator = Simulator::start(RECORDS)?;
    let connection = connect(connector, &simulator).await?;
    through_host(&connection).await?;
    let (mut hosted, mut native, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs {
        hosted.push(through_host(&connection).await?);
        native.push(natively(&simulator.url, scanned).await?);
        values.push(natively(&simulator.url, parsed).await?);
    }
    let ratio = |ours: &[f64], theirs: &[f64]| {
        median(ours.iter().zip(theirs).map(|(ours, theirs)| theirs / ours).collect())
    };
    let rate = |seconds: Vec<f64>| format!("{:.0} records/s", f64::from(RECORDS) / median(seconds));
    let (to_native, to_values) = (ratio(&hosted, &native), ratio(&hosted, &values));
    report.add(
        "20,000 records through connector and host",
        rate(hosted),
        format!("{to_native:.2} × native, {to_values:.2} × `serde_json::Value`"),
    );
    report.add("the same scanner, native", rate(native), "1 ×".to_owned());
    report.add("native, parsed to `serde_json::Value`", rate(values), String::new());
    derive::measure(&connection, everything(), report).await
}

/// Times the component and another one, such as an older version of it, in turn.
pub async fn compare(
    connector: &Connector,
    baseline: &Connector,
    report: &mut Report,
    pairs: usize,
) -> Result<()> {
    let simulator = Simulator::start(RECORDS)?;
    let (ours, theirs) =
        (&connect(connector, &simulator).await?, &connect(baseline, &simulator).await?);
    for connection in [ours, theirs] {
        through_host(connection).await?;
    }
    let mut ratios = Vec::new();
    for _ in 0..pairs {
        let pair = [through_host(ours).await?, through_host(theirs).await?];
        ratios.push(pair[1] / pair[0]);
    }
    let ratio = format!("{:.2} × the baseline's", median(ratios));
    report.add("— next to the component in BASELINE", ratio, String::new());
    Ok(())
}

async fn connect(connector: &Connector, simulator: &Simulator) -> Result<Connection> {
    let connection = Connection::builder(connector)
        .setting("base-url", simulator.url.as_str())
        .secret("api-key", Secret::new("asat_bench"))
        .allow_private()
        .without_limits()
        .build()
        .await?;
    Ok(connection)
}

fn everything() -> ListRequest {
    ListRequest {
        object: "trackings".to_owned(),
        start: Start::Beginning,
        page_size: None,
        filter: None,
        view: View { fields: vec![], options: None },
    }
}

async fn through_host(connection: &Connection) -> Result<f64> {
    let began = Instant::now();
    let mut scan = connection.scan(everything());
    let mut records = 0;
    while let Some(page) = scan.next().await? {
        records += page.records.len();
    }
    finished(records, began)
}

async fn natively(url: &str, read: Read) -> Result<f64> {
    let began = Instant::now();
    let address = url.strip_prefix("http://").context("a loopback address")?;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut records = 0;
    let mut cursor = None;
    loop {
        let body = get(&mut sender, address, cursor.as_deref()).await?;
        let (held, next) = read(std::str::from_utf8(&body)?)?;
        records += held;
        cursor = next;
        if cursor.is_none() {
            return finished(records, began);
        }
    }
}

async fn get(
    sender: &mut SendRequest<Empty<Bytes>>,
    host: &str,
    cursor: Option<&str>,
) -> Result<Bytes> {
    let mut path = "/tracking/2026-07/trackings?limit=200".to_owned();
    if let Some(cursor) = cursor {
        path.push_str("&cursor=");
        path.push_str(&cursor.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F"));
    }
    sender.ready().await?;
    let request = http::Request::get(path).header("host", host).header("as-api-key", "asat_bench");
    let answer = sender.send_request(request.body(Empty::new())?).await?;
    Ok(answer.into_body().collect().await?.to_bytes())
}

/// What the connector itself does with a page.
fn scanned(body: &str) -> Result<(usize, Option<String>)> {
    let Ok(listing) = page::listing(body, "trackings") else { bail!("malformed page") };
    let page = to_page(listing.items.context("no trackings")?, "no id");
    let next = listing.pagination.and_then(|pagination| pagination.next().map(str::to_owned));
    Ok((std::hint::black_box(page).records.len(), next))
}

fn parsed(body: &str) -> Result<(usize, Option<String>)> {
    let value: Value = serde_json::from_str(body)?;
    let records = value.pointer("/data/trackings").and_then(Value::as_array).map_or(0, Vec::len);
    let next = value.pointer("/data/pagination/next_cursor").and_then(Value::as_str);
    let next = next.filter(|next| !next.is_empty()).map(str::to_owned);
    Ok((records, next))
}

fn finished(records: usize, began: Instant) -> Result<f64> {
    let seconds = began.elapsed().as_secs_f64();
    anyhow::ensure!(records == RECORDS as usize, "{records} records instead of {RECORDS}");
    Ok(seconds)
}
