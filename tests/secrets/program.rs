//! The program itself, told to say as much as it can.

use std::process::Command;

use aftership_simulator::{Answer, Matcher, Options, Simulator};

use super::canary::{CANARY, Seen, forms_in_json};
use crate::support::{component, host_command};

const ID: &str = "0b02015fc7fd4f3c8d5490cece4d124d";
const WISH: &str = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups"}"#;

/// One command of each kind; reads first.
const COMMANDS: [&[&str]; 10] = [
    &["list", "trackings"],
    &["get", "trackings", ID],
    &["find", "trackings", "--data", WISH],
    &["check"],
    &["create", "trackings", "--data", WISH, "--dry-run"],
    &["create", "trackings", "--data", WISH],
    &["update", "trackings", ID, "--data", r#"{"note":"n"}"#],
    &["invoke", "trackings", "mark-as-completed", "--id", ID, "--data", r#"{"reason":"LOST"}"#],
    &["delete", "trackings", ID],
    &["lst"],
];

fn program(url: &str) -> Command {
    let mut command = host_command();
    command
        .env("CONNECTOR_COMPONENT", component())
        .env("KEY", CANARY)
        .args(["--secret-env", "api-key=KEY", "--allow-private", "--limits", "off"])
        .args(["--trace", "--verbose", "--setting", &format!("base-url={url}")]);
    command
}

/// Records, errors, trace, the connector's log: neither stream holds the key, and the
/// provider gets it in the one header.
#[tokio::test(flavor = "multi_thread")]
async fn neither_stream_holds_the_key() {
    let keys = vec![CANARY.to_owned()];
    let simulator = Simulator::new(Options { api_keys: keys, limits: false, ..Options::default() });
    simulator.seed(1, 5);
    let server = simulator.listen().await.unwrap();
    let mut seen = Seen::default();
    let mut run = |arguments: &[&str]| {
        let output = program(&server.url()).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        seen.add(format!("stdout of {arguments:?}"), text(&output.stdout));
        seen.add(format!("stderr of {arguments:?}"), text(&output.stderr));
        assert!(!text(&output.stderr).contains("panicked"), "{arguments:?}: {output:?}");
    };
    for command in COMMANDS {
        run(command);
    }
    // Now the provider repeats the key, in each form once.
    for (number, form) in forms_in_json().into_iter().enumerate() {
        let record = format!(r#"{{"id":"{form}","slug":"ups","title":"a {form} b","{form}":1}}"#);
        let fine = format!(
            r#"{{"meta":{{"code":200}},"data":{{"id":"{form}","title":"{form}","pagination":{{"total":1,"next_cursor":"","has_next_page":false}},"trackings":[{record}]}}}}"#
        );
        let bad =
            format!(r#"{{"meta":{{"code":400,"message":"{form}"}},"data":{{"id":"{form}"}}}}"#);
        for (status, body) in [(200, &fine), (400, &bad), (401, &bad), (409, &bad)] {
            let answer = Answer::new(status, body.clone())
                .header("content-type", "application/json")
                .header("as-api-version", &form)
                .header("as-trace-id", &form);
            simulator.answer_next(Matcher::any(), answer);
            run(COMMANDS[number % 9]);
            simulator.clear_answers();
        }
    }
    seen.assert_clean();
    assert!(seen.redactions() > 50, "the answers did not repeat the key");
    let journal = simulator.journal();
    assert!(journal.len() > 40);
    for entry in &journal {
        assert_eq!(entry.header("as-api-key"), Some("valid"));
    }
    // The journal hides the header itself, and nothing else.
    let mut elsewhere = Seen::default();
    elsewhere.add_debug("a request", &journal);
    elsewhere.assert_clean();
}
