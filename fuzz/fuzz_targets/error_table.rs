//! Whatever a server answers, every operation ends in a result or a typed error that is
//! true to what was sent: a read never leaves anything open, and a lost write never passes
//! for one that was not applied.
#![no_main]

use aftership_connector::error::Error;
use aftership_connector::host::{FnHost, Response};
use aftership_connector::records;
use aftership_connector::types::View;
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
    let host = FnHost::new(|_| Ok(answer()));
    let read = records::get(&host, "trackings", "0b02015f", &View::default());
    assert!(!matches!(read, Err(Error::OutcomeUnknown(_))), "a read leaves nothing open");
    let wish = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups"}"#;
    let created = records::create(&host, "trackings", wish, false);
    if status >= 500 && status != 503 {
        let not_applied = matches!(created, Err(Error::Unavailable(_)));
        assert!(!not_applied, "a write whose answer was lost may have been applied");
    }
    let _ = records::update(&host, "trackings", "0b02015f", r#"{"note":"x"}"#, None);
    let _ = records::delete(&host, "trackings", "0b02015f", false, None);
});
