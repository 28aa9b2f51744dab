//! Records that were read in part.

use serde_json::{Value, json};

use super::program::Program;

/// The provider answers the members that were asked for.
fn thing(fields: &Value) -> Value {
    let mut data = json!({ "id": "1", "n": 1, "title": "whole", "lines": ["a"] });
    let fields = fields.as_array().unwrap();
    if !fields.is_empty() {
        data.as_object_mut().unwrap().retain(|name, _| fields.contains(&json!(name)));
    }
    json!({ "id": "1", "data": data })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_read_in_part_replaces_no_whole_one_and_is_no_parent() {
    let program = Program::with_key(|asked| match asked.path.as_str() {
        "ask/get" => thing(&asked.input["fields"]),
        "ask/list" => json!({ "records": [thing(&asked.input["fields"])] }),
        other => panic!("{other}"),
    })
    .await;
    program.run(&["sync", "things"]).done();
    let whole = program.rows(&["export", "things"]);
    assert_eq!((&whole[0]["title"], &whole[0]["lines"]), (&json!("whole"), &json!(["a"])));
    for read in [["get", "things", "1", "--fields", "n"], ["list", "things", "--fields", "n", "-q"]]
    {
        let read = program.rows(&read);
        assert_eq!((&read[0]["n"], &read[0]["title"]), (&json!(1), &Value::Null), "{read:?}");
    }
    assert_eq!(program.rows(&["export", "things"]), whole);
    assert_eq!(program.rows(&["export", "lines"]).len(), 1);
    let asked = program.asked("ask/list").len();
    let in_part = ["list", "things", "--fields", "n", "--with", "lines"];
    program.run(&in_part).failed(2, &["--fields", "--with"]);
    let of_another = ["list", "things", "--with", "parts"];
    program.run(&of_another).failed(2, &["parts", "lines", "notes"]);
    assert_eq!(program.asked("ask/list").len(), asked, "nothing was sent for them");
}
