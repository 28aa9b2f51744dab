//! Connections: keep-alive, many at once, virtual time.

use std::sync::Arc;
use std::time::Duration;

use aftership_simulator::{Options, Simulator, TokioClock};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::client::{NOON, TRACKINGS};

/// Sends a request and reads one answer, on a connection that stays.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nas-api-key: asat_simulator\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0, "the connection closed");
        text.extend_from_slice(&buffer[..count]);
        let whole = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = whole.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == length.unwrap().parse::<usize>().unwrap() {
                return whole;
            }
        }
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let simulator = Simulator::new(Options::default());
    let server = simulator.listen().await.unwrap();
    assert!(server.url().starts_with("http://127.0.0.1:"));
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    for _ in 0..3 {
        let answer = exchange(&mut stream, TRACKINGS).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(answer.matches("\r\ndate: ").count(), 1);
    }
    assert_eq!(simulator.journal().len(), 3);
    drop(server);
}

#[tokio::test(start_paused = true)]
async fn virtual_time_carries_the_simulator_along() {
    let clock = Arc::new(TokioClock::new(NOON));
    let simulator = Simulator::new(Options { clock, ..Options::default() });
    let (mut stream, theirs) = tokio::io::duplex(1024);
    let served = simulator.clone();
    tokio::spawn(async move { served.serve_stream(theirs).await });
    for _ in 0..6 {
        assert!(exchange(&mut stream, TRACKINGS).await.contains("200 OK"));
    }
    assert!(exchange(&mut stream, TRACKINGS).await.contains("429 Too Many Requests"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answer = exchange(&mut stream, TRACKINGS).await;
    assert!(answer.contains("200 OK") && answer.contains("12:00:01 GMT"), "{answer}");
}
