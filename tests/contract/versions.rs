//! Changes of a record that others change too.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::program::Program;
use super::{Asked, fails};

/// A record that another program changes whenever it was read, so often.
fn contended(often: u32) -> impl Fn(&Asked) -> Value + Send + Sync {
    let (version, others) = (AtomicU32::new(1), AtomicU32::new(often));
    move |asked| {
        let now = version.load(Ordering::SeqCst);
        let record = |n: u32, title: &Value| json!({ "id": "1", "version": format!("v{n}"), "data": { "id": "1", "n": n, "title": title } });
        match asked.path.as_str() {
            "ask/get" => {
                let left =
                    others.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1));
                version.fetch_add(u32::from(left.is_ok()), Ordering::SeqCst);
                record(now, &json!("old"))
            }
            "tell/update" | "tell/delete" if asked.input["expected"] != format!("v{now}") => {
                json!({ "error": { "kind": "conflict", "id": "1" } })
            }
            "tell/update" => record(now + 1, &asked.input["patch"]["title"]),
            "tell/delete" => Value::Null,
            _ => fails("unsupported"),
        }
    }
}

fn expected(asked: &[Value]) -> Vec<&str> {
    asked.iter().map(|asked| asked["expected"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_names_the_version_it_was_made_of_and_reads_again_when_that_is_gone() {
    let wish = r#"{"id":"1","title":"new"}"#;
    for (mode, path) in [("update", "tell/update"), ("delete", "tell/delete")] {
        let program = Program::with_key(contended(2)).await;
        let source = program.file("wishes.ndjson", wish);
        program.run(&["push", "things", &source, "--mode", mode]).done();
        let asked = program.asked(path);
        let last = asked.len() - 1;
        assert!(last > 0 && expected(&asked).is_sorted(), "{mode}: {asked:?}");
        assert_eq!(expected(&asked)[last], "v3", "{mode}: what was there when it was taken");
        let keys: BTreeSet<_> = asked.iter().map(|asked| asked["key"].to_string()).collect();
        assert_eq!(keys.len(), asked.len(), "a change of another version is another change");
        assert!(asked.iter().all(|asked| asked["again"] == false));
        // Somebody who is always faster is not raced for ever.
        let program = Program::with_key(contended(u32::MAX)).await;
        let source = program.file("wishes.ndjson", wish);
        assert_eq!(program.run(&["push", "things", &source, "--mode", mode]).code, Some(3));
        assert_eq!(program.asked(path).len(), 4, "{mode}");
    }
}
