//! Data from files and from the test itself.

use std::fs;
use std::path::PathBuf;

use crate::client::{Client, tracking};

/// A tracking with tokens that a parser and printer would change.
const ODD: &str = r#"{ "id" : "odd", "tracking_number":"A\/1", "slug":"dhl",
    "created_at":"2026-11-20T00:00:00+00:00", "updated_at":"2026-11-20T00:00:00+00:00",
    "weight": 1.50, "big": 12345678901234567890.00e+2, "text":"\u00e9 \ud83d\ude9a  x",
    "unknown": {"b":[ 1 , -0 ],"a":null}, "title":"t", "a":1, "a":2, "k\u0065y":0 }"#;

/// The same without white space between tokens.
const KEPT: &str = r#"{"id":"odd","tracking_number":"A\/1","slug":"dhl","created_at":"2026-11-20T00:00:00+00:00","updated_at":"2026-11-20T00:00:00+00:00","weight":1.50,"big":12345678901234567890.00e+2,"text":"\u00e9 \ud83d\ude9a  x","unknown":{"b":[1,-0],"a":null},"title":"t","a":1,"a":2,"k\u0065y":0}"#;

fn directory(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

#[tokio::test]
async fn raw_text_is_served_token_for_token() {
    let client = Client::new();
    client.simulator.insert(ODD).unwrap();
    assert_eq!(client.simulator.trackings(), [KEPT]);
    let one = client.get("odd").await;
    assert_eq!(one.text, format!(r#"{{"meta":{{"code":200}},"data":{KEPT}}}"#));
    assert!(client.list("").await.text.ends_with(&format!(r#""trackings":[{KEPT}]}}}}"#)));
    assert_eq!(client.scan("tracking_numbers=A/1").await, ["odd"]);

    let cut = client.list("fields=title").await;
    assert!(cut.text.contains(r#""tracking_number":"A\/1""#), "{}", cut.text);

    client.put("odd", r#"{"title":"new"}"#).await;
    let expected = KEPT
        .replace(r#""title":"t""#, r#""title":"new""#)
        .replace(r#""updated_at":"2026-11-20T00:00:00"#, r#""updated_at":"2026-11-22T12:00:00"#)
        // A write keeps values as they are, but writes the names anew.
        .replace(r"k\u0065y", "key");
    assert_eq!(client.simulator.tracking("odd").unwrap(), expected);
}

#[tokio::test]
async fn files_of_every_kind_are_loaded() {
    let path = directory("files_of_every_kind");
    let one = |id: &str| tracking(id, "2026-11-20T00:00:00+00:00", "");
    let (a, b, c, d) = (one("a"), one("b"), one("c"), one("d"));
    let list =
        format!(r#"{{"meta":{{"code":200}},"data":{{"pagination":{{}},"trackings":[{a}]}}}}"#);
    fs::write(path.join("1.json"), list).unwrap();
    fs::write(path.join("2.json"), format!(r#"{{"data":{b},"meta":{{"code":200}}}}"#)).unwrap();
    fs::write(path.join("3.json"), format!("[{c}]")).unwrap();
    fs::write(path.join("4.json"), &d).unwrap();
    fs::write(path.join("notes.txt"), "no JSON").unwrap();
    let client = Client::new();
    assert_eq!(client.simulator.load(&path), Ok(4));
    assert_eq!(client.scan("").await, ["a", "b", "c", "d"]);

    let again = one("a").replace("dhl", "ups");
    fs::write(path.join("5.json"), again).unwrap();
    assert_eq!(client.simulator.load(&path.join("5.json")), Ok(1));
    assert_eq!(client.simulator.count(), 4);
    assert_eq!(client.scan("slug=ups").await, ["a"]);
}

#[test]
fn faulty_data_is_told_with_its_file() {
    let path = directory("faulty_data");
    for (text, problem) in [
        ("{", "EOF"),
        ("{}", "`id`"),
        (r#"{"id":""}"#, "`id`"),
        (r#"{"id":"x","tracking_number":"n","slug":"s","created_at":"soon"}"#, "`created_at`"),
        ("[1]", "not a JSON object"),
        ("7", "neither"),
    ] {
        fs::write(path.join("bad.json"), text).unwrap();
        let error = Client::new().simulator.load(&path).unwrap_err().to_string();
        assert!(error.contains("bad.json") && error.contains(problem), "{text}: {error}");
    }
    assert!(Client::new().simulator.load(&path.join("none.json")).is_err());
}

#[test]
fn two_ids_cannot_share_slug_and_number() {
    let client = Client::new();
    let one = tracking("a", "2026-11-20T00:00:00+00:00", "");
    client.simulator.insert(&one).unwrap();
    let error = client.simulator.insert(&one.replace(r#""id":"a""#, r#""id":"b""#)).unwrap_err();
    assert!(error.to_string().contains("tracking a has slug dhl and number N-a"), "{error}");
}

#[tokio::test]
async fn tests_can_change_trackings_directly() {
    let client = Client::new();
    client.simulator.insert(&tracking("a", "2026-11-20T00:00:00+00:00", "")).unwrap();
    let updated = async || client.get("a").await.data()["updated_at"].as_str().unwrap().to_owned();
    client.simulator.touch("a").unwrap();
    assert_eq!(updated().await, "2026-11-22T12:00:00+00:00");
    let changes = r#"{ "updated_at":"2026-11-21T00:00:00+00:00", "big": 1.50 }"#;
    client.simulator.update("a", changes).unwrap();
    assert_eq!(updated().await, "2026-11-21T00:00:00+00:00");
    assert!(client.simulator.tracking("a").unwrap().ends_with(r#""big":1.50}"#));
    assert!(client.simulator.update("b", "{}").is_err());
    assert!(client.simulator.update("a", "[]").is_err());
    assert!(client.simulator.update("a", r#"{"id":null}"#).is_err());
    assert_eq!(client.simulator.remove("b"), None);
    assert!(client.simulator.remove("a").is_some());
    assert_eq!(client.simulator.count(), 0);
}

#[tokio::test]
async fn seeding_twice_keeps_both() {
    let client = Client::new();
    client.simulator.seed(1, 50);
    client.simulator.seed(2, 50);
    assert_eq!(client.scan("").await.len(), 100);
    client.simulator.seed(2, 50);
    assert_eq!(client.simulator.count(), 100);
}
