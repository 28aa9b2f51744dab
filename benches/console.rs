//! The console of a host that serves: how soon the first byte of its pages comes, on a mirror of many
//! trackings. A million of them take minutes and some gigabytes, so they are measured by `ONLY=console` alone.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use hosts::account::{connection, keep};
use hosts::process::Fleet;
use hosts::state::Disk;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::api::{add_times, mirrored};
use crate::many_hosts::{KEY, SERVE, provider};
use crate::report::Report;

/// Requests of each page.
const ASKED: usize = 200;

/// Measures with so many trackings.
pub async fn measure(report: &mut Report, trackings: usize) -> Result<()> {
    let disk = Disk::sqlite();
    let state = disk.open().await;
    let server = provider(trackings).listen().await?;
    let row = connection(0, false, &server.url());
    keep(&row, &[("api-key", KEY)], &state).await;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let address: &'static str = format!("127.0.0.1:{port}").leak();
    let fleet = Fleet::new(1, &disk).serving(&[SERVE, &["--console", address]].concat());
    fleet.start(0);
    mirrored(&state, &fleet, &row.id).await?;
    let mut command = fleet.command(0);
    command.args(["tokens", "add", "bench", "--scope", "read"]).stdout(Stdio::piped());
    let made = tokio::task::spawn_blocking(move || command.output()).await??;
    anyhow::ensure!(made.status.success(), "no token was made");
    let made: Value = serde_json::from_slice(&made.stdout)?;
    let token = made.get("token").and_then(Value::as_str).context("no token was shown")?;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut client, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let name = &row.name;
    for (what, path, target) in [
        ("overview", "/".to_owned(), 50),
        ("records", format!("/c/{name}/records/trackings"), 50),
        ("analytics", format!("/analytics?c={name}"), 300),
        ("trouble", "/trouble".to_owned(), 50),
        ("deliveries", "/deliveries".to_owned(), 50),
        ("pushes", "/pushes".to_owned(), 50),
    ] {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..ASKED {
            let (time, length) = ask(&mut client, address, &path, token).await?;
            times.push(time);
            bytes = length;
        }
        let of = format!("first byte, {trackings} trackings, target {target} ms");
        report.add(&format!("the console's {what}"), format!("{} KB", bytes / 1_000), of);
        add_times(report, &times, format!("{ASKED} requests, one after the other"));
    }
    fleet.end();
    Ok(())
}

/// Asks for a page; answers when its first byte came, and how many there were.
async fn ask(
    client: &mut SendRequest<Empty<Bytes>>,
    host: &str,
    path: &str,
    token: &str,
) -> Result<(Duration, usize)> {
    let request = Request::get(path)
        .header("host", host)
        .header("accept", "text/html")
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::new())?;
    client.ready().await.context("the console ended the connection")?;
    let began = Instant::now();
    let answer = client.send_request(request).await?;
    let time = began.elapsed();
    anyhow::ensure!(answer.status().is_success(), "{path}: {}", answer.status());
    Ok((time, answer.into_body().collect().await?.to_bytes().len()))
}
