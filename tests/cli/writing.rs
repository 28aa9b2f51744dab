//! `create`, `update`, `delete` and `invoke`, with and without `--dry-run`.

use serde_json::{Value, json};

use super::{Account, KEY, NUMBER};
use crate::support::world::TRACKINGS;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn stored(account: &Account, id: &str) -> Value {
    parsed(&account.simulator.tracking(id).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_made_changed_and_removed() {
    let account = Account::new().await;
    let wish = format!(r#"{{"tracking_number":"{NUMBER}","slug":"ups","title":"Shoes"}}"#);
    let made = account.run(&["create", "trackings", "--data", &wish]).quiet();
    let id = parsed(&made)["id"].as_str().unwrap().to_owned();
    assert_eq!(made, format!("{}\n", account.simulator.tracking(&id).unwrap()));
    assert_eq!(stored(&account, &id)["title"], "Shoes");

    let patch = r#"{"title":"Boots","note":"at the door"}"#;
    let changed = account.run(&["update", "trackings", &id, "--data", patch]).quiet();
    assert_eq!(changed, format!("{}\n", account.simulator.tracking(&id).unwrap()));
    let now = stored(&account, &id);
    assert_eq!((&now["note"], &now["title"]), (&json!("at the door"), &json!("Boots")));

    assert_eq!(account.run(&["delete", "trackings", &id]).quiet(), "");
    assert_eq!(account.simulator.count(), 0);
    let writes = ["POST", "PUT", "DELETE"];
    let sent = account.requests();
    for write in writes {
        assert_eq!(sent.iter().filter(|line| line.starts_with(write)).count(), 1, "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_comes_from_a_file_or_standard_input() {
    let account = Account::new().await;
    let file = std::env::temp_dir().join(format!("wish-{}.json", std::process::id()));
    std::fs::write(&file, "\u{feff}{\"tracking_number\": \"FILE-1234\", \"slug\": \"dhl\"}\n")
        .unwrap();
    let at = format!("@{}", file.display());
    let made = account.run(&["create", "trackings", "--data", &at]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(parsed(&made.quiet())["tracking_number"], "FILE-1234");
    let input = r#"{"tracking_number":"PIPE-1234","slug":"dhl"}"#;
    let made = account.run_with(input, &["create", "trackings", "--data", "-"]).quiet();
    assert_eq!(parsed(&made)["tracking_number"], "PIPE-1234");
    assert_eq!(account.simulator.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_print_what_they_answer() {
    let account = Account::new().await;
    let id = account.create(NUMBER);
    let reason = r#"{"reason":"DELIVERED"}"#;
    let invoke = ["invoke", "trackings", "mark-as-completed", "--id", &id, "--data", reason];
    let answer = parsed(&account.run(&invoke).quiet());
    assert_eq!((&answer["id"], &answer["tag"]), (&json!(id), &json!("Delivered")));
    assert_eq!(stored(&account, &id)["subtag"], "Delivered_001");

    let answer = parsed(&account.run(&["invoke", "trackings", "retrack", "--id", &id]).quiet());
    assert_eq!(answer["id"], json!(id));
    assert_eq!(stored(&account, &id)["active"], true);
}

/// What would be sent is shown, the key by its name; nothing is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_request_and_sends_nothing() {
    let account = Account::new().await;
    let id = "0b02015fc7fd4f3c8d5490cece4d124d";
    let wish = r#"{"tracking_number":"DRY-1234","slug":"dhl"}"#;
    let reason = r#"{"reason":"LOST"}"#;
    let one = format!("{TRACKINGS}/{id}");
    for (arguments, method, path, body) in [
        (vec!["create", "trackings", "--data", wish], "POST", TRACKINGS.to_owned(), parsed(wish)),
        (
            vec!["update", "trackings", id, "--data", r#"{"note":"n"}"#],
            "PUT",
            one.clone(),
            json!({ "note": "n" }),
        ),
        (vec!["delete", "trackings", id], "DELETE", one.clone(), Value::Null),
        (
            vec!["invoke", "trackings", "mark-as-completed", "--id", id, "--data", reason],
            "POST",
            format!("{one}/mark-as-completed"),
            parsed(reason),
        ),
        (
            vec!["invoke", "trackings", "retrack", "--id", id],
            "POST",
            format!("{one}/retrack"),
            Value::Null,
        ),
    ] {
        let shown = account.run(&[&arguments[..], &["--dry-run"]].concat()).quiet();
        assert!(!shown.contains(KEY), "{shown}");
        let shown = parsed(&shown);
        assert_eq!(shown["method"], method);
        assert_eq!(shown["url"], format!("{}{path}", account.server.url()));
        assert_eq!(shown["body"], body, "{arguments:?}");
        let headers = shown["headers"].as_array().unwrap();
        assert!(headers.contains(&json!(["as-api-key", "[secret api-key]"])), "{headers:?}");
        let text = account.run(&[&arguments[..], &["--dry-run", "--output", "table"]].concat());
        let text = text.quiet();
        assert!(text.starts_with(&format!("{method} {}{path}\n", account.server.url())), "{text}");
        assert!(text.contains("\nas-api-key: [secret api-key]\n"), "{text}");
    }
    assert_eq!(account.requests(), Vec::<String>::new());
}
