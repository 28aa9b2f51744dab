//! What strangers may not do.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep, timeout};

use super::world::{Fake, TOKEN, World, request, rest, status, upsert};
use crate::webhooks::{Inbox as _, ReceiverBounds, Surroundings};

fn small() -> ReceiverBounds {
    ReceiverBounds {
        body_bytes: 1_000,
        connections: 4,
        connections_of_address: 2,
        ..ReceiverBounds::default()
    }
}

fn head(path: &str, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: h\r\nx-signed: yes\r\n{more}")
}

fn hook() -> String {
    format!("/hooks/{TOKEN}")
}

#[tokio::test(start_paused = true)]
async fn only_the_path_of_a_hook_leads_anywhere() {
    let world = World::new(ReceiverBounds::default()).await;
    let body = upsert("e", "r", "2026-11-22T11:00:00Z", 1);
    let mut answers = vec![];
    let almost = hook().replace("ff", "f0");
    for path in ["/", "/hooks/", "/hooks/x", &almost, &format!("{}/x", hook()), "/hooks"] {
        let answer = world.send(&request(path, "x-signed: yes\r\n", &body)).await;
        assert_eq!(status(&answer), 404, "{path}");
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "nothing tells them apart");
    assert_eq!(world.deliver(&body).await, 200);
    let health = world.send(b"GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    assert_eq!(status(&health), 200);
}

#[tokio::test(start_paused = true)]
async fn what_comes_for_a_connection_that_moves_comes_again() {
    let world = World::new(ReceiverBounds::default()).await;
    let away = format!("/hooks/{}", "b".repeat(32));
    let delivery = || request(&away, "x-signed: yes\r\n", "{}");
    assert_eq!(status(&world.send(&delivery()).await), 404);
    world.receiver.turn_away(vec!["b".repeat(32)]);
    let answer = world.send(&delivery()).await;
    assert_eq!((status(&answer), answer.contains("retry-after: 30")), (503, true), "{answer}");
    world.receiver.turn_away(vec![]);
    assert_eq!(status(&world.send(&delivery()).await), 404);
}

/// A proxy may take the public URL's path away, wholly or not, and add slashes.
#[tokio::test(start_paused = true)]
async fn a_hook_is_found_behind_every_proxy() {
    for (public, path) in [
        ("https://x/hooks", hook()),
        ("https://x/hooks", format!("/hooks{}", hook())),
        ("https://x/h", hook()),
        ("https://x/h", format!("/h{}/", hook())),
        ("https://x", format!("/{}", hook())),
    ] {
        let public_url = Some(public.to_owned());
        let surroundings = Surroundings { public_url, ..Surroundings::default() };
        let world = World::with(ReceiverBounds::default(), surroundings).await;
        let query = format!("{path}?a=b");
        let answer = world.send(&request(&query, "x-signed: yes\r\n", "{}")).await;
        assert_eq!(status(&answer), 200, "{public} {path}");
        // Whatever the proxy did: some providers sign the URL that they call.
        let kept = world.sqlite.delivery(1).await.unwrap().unwrap();
        assert_eq!(kept.url, format!("{public}{}?a=b", hook()), "{path}");
        let health = b"GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        assert_eq!(status(&world.send(health).await), 200, "{public}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_and_a_slow_head_are_cut() {
    let world = World::new(ReceiverBounds::default()).await;
    let began = Instant::now();
    let mut silent = world.connect();
    assert_eq!(rest(&mut silent).await, "");
    assert_eq!(began.elapsed().as_secs(), 5);

    let mut slow = world.connect();
    let text = head(&hook(), "");
    let dripping = async {
        for byte in text.as_bytes() {
            sleep(Duration::from_millis(900)).await;
            if slow.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
        panic!("it was taken");
    };
    let began = Instant::now();
    dripping.await;
    // The first byte comes after 0.9 s, and 5 s later it is over.
    assert_eq!(began.elapsed().as_secs(), 6);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_a_while() {
    let world = World::new(ReceiverBounds::default()).await;
    let mut stream = world.connect();
    let one = "GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";
    for _ in 0..3 {
        stream.write_all(one.as_bytes()).await.unwrap();
        sleep(Duration::from_secs(29)).await;
    }
    let began = Instant::now();
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 3);
    assert_eq!(began.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn heads_are_bounded_in_bytes_and_fields() {
    let world = World::new(ReceiverBounds::default()).await;
    let long = format!("x-long: {}\r\n\r\n", "a".repeat(17 * 1024));
    assert_eq!(status(&world.send(head(&hook(), &long).as_bytes()).await), 431);
    let many: String = (0..65).map(|n| format!("x-{n}: 1\r\n")).collect();
    assert_eq!(status(&world.send(head(&hook(), &format!("{many}\r\n")).as_bytes()).await), 431);
    let path = format!("/{}", "a".repeat(70 * 1024));
    let answer = world.send(head(&path, "\r\n").as_bytes()).await;
    assert!([414, 431].contains(&status(&answer)), "{answer}");
    // Nor anything but HTTP/1.
    for other in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00", "rubbish\r\n\r\n"] {
        let answer = world.send(other.as_bytes()).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_are_bounded_in_bytes_and_kind() {
    let world = World::new(small()).await;
    let body = "a".repeat(1_001);
    assert_eq!(world.deliver(&body).await, 413);
    // Without its length.
    let chunked = format!(
        "{}transfer-encoding: chunked\r\nconnection: close\r\n\r\n3e9\r\n{body}\r\n0\r\n\r\n",
        head(&hook(), "")
    );
    assert_eq!(status(&world.send(chunked.as_bytes()).await), 413);
    for encoding in ["gzip", "deflate", "br", "identity, gzip"] {
        let given = format!("x-signed: yes\r\ncontent-encoding: {encoding}\r\n");
        assert_eq!(status(&world.send(&request(&hook(), &given, "{}")).await), 415, "{encoding}");
    }
    let plain = "x-signed: yes\r\ncontent-encoding: Identity\r\n";
    assert_eq!(status(&world.send(&request(&hook(), plain, "{}")).await), 200);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_cut() {
    let world = World::new(ReceiverBounds::default()).await;
    let begin = head(&hook(), "content-length: 100000\r\n\r\n");
    for (piece, every_ms, seconds) in [(1, 100, 5), (600, 1_000, 10)] {
        let mut stream = world.connect();
        stream.write_all(begin.as_bytes()).await.unwrap();
        let began = Instant::now();
        let (mut reading, mut writing) = tokio::io::split(stream);
        let drip = tokio::spawn(async move {
            while writing.write_all(&vec![b' '; piece]).await.is_ok() {
                sleep(Duration::from_millis(every_ms)).await;
            }
        });
        let mut answer = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut answer).await;
        assert_eq!(status(&String::from_utf8_lossy(&answer)), 408);
        assert_eq!(began.elapsed().as_secs(), seconds);
        drip.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn connections_are_bounded_in_all_and_by_address() {
    let world = World::new(small()).await;
    let (one, two) = (world.connect_from("192.0.2.1"), world.connect_from("192.0.2.1"));
    let mut third = world.connect_from("192.0.2.1");
    assert_eq!(timeout(Duration::from_secs(1), rest(&mut third)).await.unwrap(), "");
    assert_eq!(world.receiver.counts().turned_away, 1);
    // Others are served; with four in all, a fifth waits until the first is cut.
    let _three = world.connect_from("192.0.2.2");
    let _four = world.connect_from("192.0.2.3");
    let began = Instant::now();
    assert_eq!(world.deliver("{}").await, 200);
    assert_eq!(began.elapsed().as_secs(), 5);
    drop((one, two));
}

/// Whoever has one address of IPv6 has a network of them.
#[tokio::test(start_paused = true)]
async fn addresses_of_ipv6_are_counted_by_network() {
    let bounds = ReceiverBounds {
        connections_of_address: 2,
        connections_of_site: 3,
        ..ReceiverBounds::default()
    };
    let world = World::new(bounds).await;
    let mut open = Vec::new();
    let mut turned_away = 0;
    for (address, is_taken) in [
        ("2001:db8:1:1::1", true),
        ("2001:db8:1:1:ffff:ffff:ffff:ffff", true),
        ("2001:db8:1:1::2", false),
        ("2001:db8:1:2::1", true),
        ("2001:db8:1:3::1", false),
        ("2001:db8:2:1::1", true),
        ("192.0.2.1", true),
        ("192.0.2.2", true),
    ] {
        open.push(world.connect_from(address));
        sleep(Duration::from_millis(1)).await;
        turned_away += u64::from(!is_taken);
        assert_eq!(world.receiver.counts().turned_away, turned_away, "{address}");
    }
    drop(open);
    sleep(Duration::from_millis(1)).await;
    let _again = world.connect_from("2001:db8:1:1::2");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.receiver.counts().turned_away, turned_away);
}

#[tokio::test(start_paused = true)]
async fn a_trusted_proxy_may_open_many_connections() {
    let trusted_proxies = vec!["192.0.2.1".parse().unwrap()];
    let surroundings = Surroundings { trusted_proxies, ..Surroundings::default() };
    let world = World::with(ReceiverBounds { connections: 40, ..small() }, surroundings).await;
    let mut streams: Vec<_> = (0..20).map(|_| world.connect_from("192.0.2.1")).collect();
    for stream in &mut streams {
        stream.write_all(&request(&hook(), "x-signed: yes\r\n", "{}")).await.unwrap();
        assert_eq!(status(&rest(stream).await), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_has_its_rate() {
    let world =
        World::new(ReceiverBounds { rate: 2.0, burst: 3.0, ..ReceiverBounds::default() }).await;
    for number in 0..3 {
        assert_eq!(world.deliver(&number.to_string()).await, 200);
    }
    let answer = world.send(&request(&hook(), "x-signed: yes\r\n", "4")).await;
    assert_eq!(status(&answer), 429);
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    sleep(Duration::from_millis(500)).await;
    assert_eq!(world.deliver("4").await, 200);
    assert_eq!(world.deliver("5").await, 429);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_changes_is_decoded_for_anew_and_keeps_its_rate() {
    let world =
        World::new(ReceiverBounds { rate: 2.0, burst: 3.0, ..ReceiverBounds::default() }).await;
    assert_eq!(world.deliver("1").await, 200);
    // Another scheme, setting or secret: another decoder on the same path.
    let now = Arc::<Fake>::default();
    world.receiver.serve_hooks(vec![super::world::hook(&now)]);
    assert_eq!(world.deliver("2").await, 200);
    assert_eq!(world.deliver("3").await, 200);
    let decoded = |fake: &Fake| fake.decoded.load(Ordering::Relaxed);
    assert_eq!((decoded(&world.fake), decoded(&now)), (1, 2));
    assert_eq!(world.deliver("4").await, 429);
}

#[tokio::test(start_paused = true)]
async fn good_deliveries_are_answered_while_thousands_dawdle() {
    let world = World::new(ReceiverBounds::default()).await;
    let mut slow = Vec::new();
    for number in 0..2_000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        let mut stream = world.connect_from(&format!("10.0.{high}.{low}"));
        stream.write_all(b"POST /hooks/").await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    for number in 0..100 {
        assert_eq!(world.deliver(&upsert(&number.to_string(), "r", "", number)).await, 200);
    }
    assert_eq!(began.elapsed().as_millis(), 0, "nobody waited for them");
    assert_eq!(world.receiver.counts().open, 2_000);
}

#[tokio::test(start_paused = true)]
async fn bodies_together_are_bounded() {
    let world = World::new(ReceiverBounds { held_bytes: 5_000, ..ReceiverBounds::default() }).await;
    let mut first = world.connect();
    let begin = head(&hook(), "content-length: 6000\r\n\r\n");
    first.write_all(begin.as_bytes()).await.unwrap();
    first.write_all(&[b' '; 4_500]).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.deliver(&" ".repeat(1_000)).await, 503);
    drop(first);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.deliver("{}").await, 200);
}
