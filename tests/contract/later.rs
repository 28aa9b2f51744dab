//! A connector that speaks words of later versions wherever a set of them is open.

use serde_json::{Value, json};

use super::program::Program;

#[tokio::test(flavor = "multi_thread")]
async fn words_that_nobody_knows_are_shown_and_stop_nothing() {
    let program = Program::new(|_| Value::Null).await.guest("later");
    let shown = program.run(&["inspect", "--output", "table"]).done();
    for word in ["quantum", "hmac-sha9000", "teleport"] {
        assert!(shown.contains(word), "no {word} in {shown}");
    }
    assert_eq!(program.rows(&["objects"])[0]["operations"], json!(["list", "get", "teleport"]));
    assert!(program.run(&["describe", "things"]).done().contains("thing.teleported"));
    let with_key = ["--secret-env", "api-key=KEY"];
    let list = program.rows(&[&["list", "things", "-q"][..], &with_key].concat());
    assert_eq!(list, [json!({ "id": "1" })]);
    // The connector is told that this host cannot do it, and says what it likes.
    let get = program.rows(&[&["get", "things", "1"][..], &with_key].concat());
    assert_eq!(get, [json!({ "unsupported": true })]);
    // The scheme is the connector's to know.
    program.run(&["connect", "quantum"]).failed(2, &["not offered: nothing here"]);
    program.run(&["connect", "classical"]).failed(2, &["classical", "quantum"]);
    let base = program.base();
    program.run(&["secrets", "set", "api-key", "--from-env", "KEY", "--setting", &base]).done();
    program.run(&["sync"]).done();
    assert_eq!(program.rows(&["export", "things"]), [json!({ "id": "1" })]);
}
