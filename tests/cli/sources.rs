//! `push` and `mapping show`: files as shops and spreadsheets really write them.

use std::io::{BufRead as _, BufReader, Write as _};

use serde_json::{Value, json};

use super::keeping::Keeper;
use super::pushing::{outcomes, results};
use super::{Account, Ended};

async fn shop(name: &str) -> (Account, Keeper) {
    let account = Account::new().await;
    let keeper = Keeper::new(name);
    keeper.keep(&account, "default");
    (account, keeper)
}

fn push(keeper: &Keeper, file: &str, more: &[&str]) -> Ended {
    keeper.run(&[&["push", "trackings", file, "--limits", "off"], more].concat())
}

fn numbers(account: &Account) -> Vec<String> {
    let all = account.simulator.trackings().into_iter();
    let number = |text: String| {
        let one: Value = serde_json::from_str(&text).unwrap();
        one["tracking_number"].as_str().unwrap().to_owned()
    };
    let mut found: Vec<String> = all.map(number).collect();
    found.sort();
    found
}

/// Each way to write a table of trackings comes to the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_read_however_it_was_written() {
    let (account, keeper) = shop("written").await;
    let comma = "tracking_number,slug,title\n1ZAA000000000001,ups,Müller 27\" tv\n";
    let utf16: Vec<u8> =
        format!("\u{feff}{comma}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let west: Vec<u8> = comma.chars().map(|sign| u8::try_from(sign as u32).unwrap()).collect();
    let semicolon = comma.replace(',', ";");
    let array = r#"[{"tracking_number":"1ZAA000000000001","slug":"ups","title":"Müller 27\" tv"}]"#;
    let first = "created";
    for (name, content, more, said) in [
        ("semicolon.csv", semicolon.clone().into_bytes(), &[][..], "separated by \";\""),
        ("stated.csv", format!("sep=;\n{semicolon}").into_bytes(), &[], "separated by \";\""),
        ("tab.tsv", comma.replace(',', "\t").into_bytes(), &[], "separated by tabs"),
        ("given.csv", comma.replace(',', "^").into_bytes(), &["--delimiter", "^"], ""),
        ("utf16.csv", utf16, &[], "read as UTF-16LE"),
        ("west.csv", west, &["--encoding", "windows-1252"], ""),
        ("mac.csv", comma.replace('\n', "\r").into_bytes(), &[], ""),
        ("ghosts.csv", format!("\n{comma},,\n,,\n").into_bytes(), &[], ""),
        ("dos.csv", format!("{}\x1a", comma.replace('\n', "\r\n")).into_bytes(), &[], ""),
        ("empty-columns.csv", comma.replace('\n', ",,\n").into_bytes(), &[], ""),
        ("array.json", array.as_bytes().to_vec(), &[], ""),
    ] {
        let file = keeper.path(name);
        std::fs::write(&file, content).unwrap();
        let ended = push(&keeper, &file, more);
        let expected = if name == "semicolon.csv" { first } else { "unchanged" };
        assert_eq!(outcomes(&ended), [expected], "{name}: {}", ended.err);
        assert!(ended.err.contains(said), "{name}: {}", ended.err);
    }
    assert_eq!(numbers(&account), ["1ZAA000000000001"]);
}

/// No row vanishes, and none is stored otherwise than it was meant.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_not_what_they_were_fail_alone() {
    let (account, keeper) = shop("odd").await;
    let failed = keeper.path("failed.csv");
    let head = "tracking_number,slug,title\n";
    let quotes = "1ZQA000000000001,ups,\"27 monitor\n1ZQA000000000002,ups,32\" tv\n\
                  1ZQA000000000003,ups,\"Rush\" order\n1ZQA000000000004,ups,\"say \\\"hi\\\"\"\n\
                  1ZQA000000000005,ups,E\n";
    let file = keeper.file("quotes.csv", &format!("{head}{quotes}"));
    let ended = push(&keeper, &file, &["--failed", &failed]);
    assert_eq!(outcomes(&ended), ["failed", "created", "failed", "failed", "created"]);
    let kept = std::fs::read_to_string(&failed).unwrap();
    let lines: Vec<&str> = quotes.lines().collect();
    let wrong = [lines[0], lines[2], lines[3]].map(|line| format!("{line}\n")).concat();
    assert_eq!(kept, format!("{head}{wrong}"));

    let signs = "\u{202a}1ZSA000000000001\u{202c},ups,\n1ZSA\u{200b}000000000002,ups,\n\
                 =\"00340434161094042557\",dhl,\n'00340434161094042559,dhl,\n1.23E+11,fedex,\n\
                 \"1,23E+11\",fedex,\n123456789012.0,fedex,\n";
    let ended = push(&keeper, &keeper.file("signs.csv", &format!("{head}{signs}")), &[]);
    let told = outcomes(&ended);
    let expected = ["created", "failed", "created", "created", "failed", "failed", "failed"];
    assert_eq!(told, expected, "{}", ended.out);
    let lines = results(&ended);
    assert_eq!(
        lines[1]["error"],
        "line 3: tracking_number: it holds a sign that nobody sees, U+200B (zero width space)"
    );
    let rounded = lines[4]["error"].as_str().unwrap();
    assert!(rounded.contains("a spreadsheet has rounded it") && rounded.contains("as text"));
    assert_eq!(
        numbers(&account),
        [
            "00340434161094042557",
            "00340434161094042559",
            "1ZQA000000000002",
            "1ZQA000000000005",
            "1ZSA000000000001",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_be_trusted_is_refused_whole() {
    let (account, keeper) = shop("whole").await;
    let map =
        keeper.file("map.json", r#"{"members":{"/slug":{"from":"/Carier","required":true}}}"#);
    let item = r#"{"tracking_number":"1ZAA000000000001","slug":"ups"}"#;
    for (name, content, more, words) in [
        ("cut.json", format!("[{item},\n"), vec![], "line 2: the array is not closed"),
        ("packed.csv", "PK\x03\x04\0\0".to_owned(), vec![], "save it as CSV"),
        ("page.csv", "<html>".to_owned(), vec![], "a page of HTML"),
        ("none.csv", String::new(), vec![], "it is empty"),
        (
            "twice.csv",
            "slug,title,title\nups,a,b\n".to_owned(),
            vec![],
            "two columns are named \"title\"",
        ),
        (
            "missing.csv",
            "Carrier\nups\n".to_owned(),
            vec!["--map", &map],
            "did you mean \"Carrier\"?",
        ),
    ] {
        let ended = push(&keeper, &keeper.file(name, &content), &more);
        ended.failed(2, &[words]);
    }
    assert_eq!(account.requests(), Vec::<String>::new());
    assert_eq!(keeper.run(&["push", "--list", "--columns", "items"]).quiet(), "");
    let none = push(&keeper, &keeper.file("none.ndjson", ""), &[]);
    assert_eq!((none.code, none.err.as_str()), (Some(0), "the source holds no items\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_not_the_objects_own_are_told_with_those_that_are() {
    let (_account, keeper) = shop("named").await;
    let file =
        keeper.file("official.csv", "tracking_number,courier,titles\n1ZOF000000000001,ups,A\n");
    let ended = push(&keeper, &file, &[]);
    assert_eq!(outcomes(&ended), ["failed"]);
    for words in ["member `courier`; did you mean `slug`?", "`titles`; did you mean `title`?"] {
        assert!(ended.err.contains(words), "{}", ended.err);
    }
}

const SHOP: &str = "\
Name,Email,Tracking Number,Tracking Company
#1001,a@example.com,1ZMP000000000001,Ups
#1002,b@example.com,,UPS
#1003,,1ZMP000000000003/1ZMP000000000004,UPS\u{20}
#1004,,1ZMP000000000005,Pigeon
";

const MAP: &str = r#"{
    "members": {
        "/tracking_number": { "from": "/Tracking Number", "skip_if_empty": true },
        "/slug": { "from": "/Tracking Company", "table": { "UPS": "ups" }, "ignore_case": true },
        "/order_id": "/Name",
        "/customers/0/email": "/Email"
    },
    "split": { "from": "/Tracking Number", "at": ["/"] }
}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_is_tried_then_used() {
    let (account, keeper) = shop("tried").await;
    let (file, map) = (keeper.file("shop.csv", SHOP), keeper.file("map.json", MAP));
    let shown = keeper.run(&["mapping", "show", &map, &file]);
    assert_eq!(shown.code, Some(3), "{}", shown.err);
    assert_eq!(outcomes(&shown), ["mapped", "skipped", "mapped", "mapped", "failed"]);
    let first = json!({
        "tracking_number": "1ZMP000000000001",
        "slug": "ups",
        "order_id": "#1001",
        "customers": [{ "email": "a@example.com" }],
    });
    assert_eq!(results(&shown)[0]["input"], first);
    let one = keeper.run(&["mapping", "show", &map, &file, "--rows", "1"]).quiet();
    assert_eq!(one.lines().count(), 1);
    assert_eq!(account.requests(), Vec::<String>::new());

    let ended = push(&keeper, &file, &["--map", &map]);
    assert_eq!(outcomes(&ended), ["created", "created", "created", "failed"]);
    assert!(ended.err.contains("1 skipped by the mapping"), "{}", ended.err);
    assert_eq!(numbers(&account).len(), 3);
}

/// Items of a pipe that goes on are sent, and what failed is in its file, before it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_sent_as_it_comes() {
    let (account, keeper) = shop("stream").await;
    let failed = keeper.file("failed.ndjson", "of another time\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&failed, PermissionsExt::from_mode(0o644)).unwrap();
    }
    let stream = ["push", "trackings", "-", "--stream", "--failed", &failed, "--limits", "off"];
    let mut child = keeper.command(&stream).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told =
        move || -> Value { serde_json::from_str(&out.next().unwrap().unwrap()).unwrap() };
    for number in 0..3 {
        let item = json!({ "tracking_number": format!("STREAM-{number}"), "slug": "dhl" });
        writeln!(input, "{item}").unwrap();
        let ended = told();
        assert_eq!((&ended["outcome"], &ended["index"]), (&json!("created"), &json!(2 * number)));
        writeln!(input, "nonsense {number}").unwrap();
        assert_eq!(told()["outcome"], "failed");
    }
    let kept = std::fs::read_to_string(&failed).unwrap();
    assert_eq!(kept, "nonsense 0\nnonsense 1\nnonsense 2\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&failed).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "secrets may stand in it");
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(account.simulator.count(), 3);
    let runs = results(&keeper.run(&["push", "--list"]));
    assert_eq!(runs.len(), 1);
    assert_eq!(
        (&runs[0]["done"], &runs[0]["failed"], &runs[0]["open"]),
        (&json!(3), &json!(3), &json!(0))
    );
}
