//! Connectors that want the key.

use std::sync::{Arc, Mutex};

use host_harness::contract::records::ListRequest;
use host_harness::runtime::{CallError, Connection, Runtime};
use host_harness::vault::Secret;

use super::canary::{CANARY, Seen, forms, forms_in_headers, hex};
use super::{assert_only_in, on_the_wire};
use crate::support::wire::Wire;
use crate::support::{Watch, guest, runtime};

struct Hostile {
    connection: Connection,
    watch: Arc<Watch>,
    sent: Arc<Mutex<Vec<String>>>,
}

async fn hostile(runtime: &Runtime, name: &str, wire: Wire) -> Hostile {
    let (watch, sent) = (Arc::<Watch>::default(), wire.sent());
    let connection = Connection::builder(&guest(runtime, name).await)
        .setting("base-url", "http://api.example.com")
        .allow_private()
        .secret("api-key", Secret::new(CANARY))
        .network(Arc::new(wire))
        .observer(watch.clone())
        .build()
        .await
        .unwrap();
    Hostile { connection, watch, sent }
}

/// Answers with `echo` as header and as body; in two pieces, so that the key is cut.
fn echoing(echo: (String, String)) -> Wire {
    Wire::new(move |_| {
        let (header, body) = &echo;
        let middle = (body.len() / 2..).find(|at| body.is_char_boundary(*at)).unwrap();
        let (first, second) = body.split_at(middle);
        let (one, two) = (first.len(), second.len());
        let name = &hex(CANARY.as_bytes());
        format!(
            "HTTP/1.1 200 OK\r\nx-echo: {header}\r\nx-{name}: 1\r\nset-cookie: {header}\r\ntransfer-encoding: chunked\r\n\r\n\
             {one:x}\r\n{first}\r\n{two:x}\r\n{second}\r\n0\r\n\r\n"
        )
        .into_bytes()
    })
}

/// A guest's memory holds what the host hands to it and what it computes of that, and
/// nothing else: a fresh instance is a call's own, and no host memory is mapped into it. So
/// it is enough to search what was handed over, and the guest `echoes` hands all of it back:
/// settings by every likely name, whole answers, the words of every refusal, signatures,
/// times. This needs neither a debugging engine nor a hook that looks into instances, and
/// finds the key wherever it might stand, also where an instance has freed it again.
#[tokio::test]
async fn nothing_that_a_guest_is_handed_holds_the_key() {
    let runtime = runtime();
    let headers = forms_in_headers();
    for (number, form) in forms().into_iter().enumerate() {
        let echo = (headers[(number * 5) % headers.len()].clone(), form.clone());
        let echoes = hostile(&runtime, "echoes", echoing(echo)).await;
        let mut seen = Seen::default();
        let all = echoes.connection.get("things", "as a record").await.unwrap().data;
        for part in [
            "setting base-url: Some(\"http://api.example.com\")",
            "status 200",
            "x-echo: [redacted]",
            "x-[redacted]: 1",
        ] {
            assert!(all.contains(part), "no {part} in {all}");
        }
        assert!(all.lines().any(|line| line == "[redacted]"), "{form} is no body in {all}");
        seen.add("what a guest was handed", all);
        let error = echoes.connection.get("things", "as an error").await.unwrap_err();
        seen.add("an error", format!("{error} {error:?}"));
        seen.add_debug("a result", &echoes.connection.get("things", "as log lines").await);
        let stopped = echoes.connection.get("things", "as a trap").await.unwrap_err();
        assert!(matches!(stopped, CallError::Stopped { .. }), "{stopped:?}");
        seen.add("a trap", format!("{stopped} {stopped:?}"));
        let events = echoes.watch.events();
        assert!(events.len() > 20, "{events:?}");
        seen.add_debug("events", &events);
        seen.assert_clean();
        let sent = echoes.sent.lock().unwrap();
        assert_eq!(sent.len(), 4, "one request of each call is declared");
        sent.iter().for_each(|request| assert_only_in(request, "x-key"));
    }
}

/// HTTP says nothing of a key that is no text; what reads it in a header still must not see it.
#[tokio::test]
async fn a_key_that_is_no_utf_8_is_handed_to_no_guest() {
    let key = b"caf\xe9-0123456789-abcdef";
    let wire = Wire::new(|_| {
        let key = b"caf\xe9-0123456789-abcdef".as_slice();
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 22\r\nx-echo: ".as_slice();
        [head, key, b"\r\n\r\n", key].concat()
    });
    assert_eq!(key.len(), 22);
    let connection = Connection::builder(&guest(&runtime(), "echoes").await)
        .setting("base-url", "http://api.example.com")
        .allow_private()
        .secret("api-key", Secret::new(&key[..]))
        .network(Arc::new(wire))
        .build()
        .await
        .unwrap();
    let all = connection.get("things", "as a record").await.unwrap().data;
    assert!(all.contains("x-echo: [redacted]\n"), "{all}");
    assert!(!all.contains("0123456789"), "{all}");
}

/// Every way to misuse the key: refused without a word of it, and on no wire.
#[tokio::test]
async fn what_misuses_the_key_does_not_get_it() {
    let runtime = runtime();
    for wish in [
        "declared",
        "undeclared endpoint",
        "another endpoint's path",
        "another endpoint's secret",
        "undeclared secret use",
        "another host",
        "a way out of the path",
        "own key header",
        "own key parameter",
        "own key member twice",
        "missing secret",
        "two writes",
        "sign with a key that verifies",
        "trap after a write",
        CANARY,
    ] {
        let sends = hostile(&runtime, "sends", echoing((CANARY.into(), CANARY.into()))).await;
        let result = sends.connection.get("things", wish).await;
        let mut seen = Seen::default();
        seen.add_debug("events", &sends.watch.events());
        if wish != CANARY {
            // A caller that hands the key over as an id may see its own id again.
            seen.add_debug(wish, &result);
        }
        seen.assert_clean();
        for request in &*sends.sent.lock().unwrap() {
            match wish {
                "declared" => assert_only_in(request, "x-key"),
                _ => assert_eq!(on_the_wire(request), (vec![], 0), "{wish}"),
            }
        }
    }
}

#[tokio::test]
async fn what_traps_or_floods_the_log_tells_nothing() {
    let runtime = runtime();
    let mut seen = Seen::default();
    for name in ["traps", "floods_log", "recurses", "grows", "huge_page"] {
        let bad = hostile(&runtime, name, echoing((CANARY.into(), CANARY.into()))).await;
        let all = ListRequest::all("things");
        match bad.connection.list(&all).await {
            Ok(page) => seen.add_debug(name, &page),
            Err(why) => seen.add(name, format!("{why} {why:?} {why:#?}")),
        }
        seen.add_debug(name, &bad.watch.events());
        assert!(bad.sent.lock().unwrap().is_empty());
    }
    seen.assert_clean();
}
