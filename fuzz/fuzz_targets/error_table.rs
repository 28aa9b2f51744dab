//! Whatever a server answers, every operation ends in a result or a typed error that is
//! true to what was sent: a read never leaves anything open, and a lost write never passes
//! for one that was not applied.
#![no_main]

use aftership_connector::AfterShip;
use connector_sdk::{Attempt, Connector, Error, ErrorKind, FnHost, Response, View};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, Vec<(String, String)>, Vec<u8>)| {
    let (status, headers, body) = input;
    let status = 100 + status % 500;
    let answer = || Response {
        status,
        headers: headers.clone(),
        body: body.clone(),
        captured: Vec::new(),
    };
    let host = FnHost::of::<AfterShip>(|_| Ok(answer()));
    let read = AfterShip::get(&host, "trackings", "0b02015f", &View::whole());
    assert!(!matches!(read, Err(Error { kind: ErrorKind::OutcomeUnknown, .. })), "a read leaves nothing open");
    let attempt = Attempt { key: "k".into(), again: false };
    let wish = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups"}"#;
    let created = AfterShip::create(&host, "trackings", wish, &attempt);
    if status >= 500 && status != 503 {
        let not_applied = matches!(created, Err(Error { kind: ErrorKind::Unavailable, .. }));
        assert!(!not_applied, "a write whose answer was lost may have been applied");
    }
    let _ = AfterShip::update(&host, "trackings", "0b02015f", r#"{"note":"x"}"#, &attempt, None);
    let _ = AfterShip::delete(&host, "trackings", "0b02015f", &attempt, None);
});
