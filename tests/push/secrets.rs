//! What goes in and never comes out is nowhere in the state.

use aftership_simulator::{Answer, Fault, Matcher};
use host_harness::push::mapping::Mapping;
use host_harness::push::{IntentState, Mode, OnConflict};
use host_harness::source::{Items, ReadOptions, SourceForm};
use serde_json::json;

use super::shop::{Shop, ends};

const CANARY: &str = "canary-of-the-carrier-0123456789";

fn holds(shop: &Shop, text: &str) -> bool {
    let folder = shop.file();
    let files = folder.parent().unwrap().read_dir().unwrap();
    files.flatten().any(|file| {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        bytes.windows(text.len()).any(|piece| piece == text.as_bytes())
    })
}

/// Kept while they wait, failed, and done: at no time do they stand there in clear.
#[tokio::test(start_paused = true)]
async fn credentials_are_nowhere_in_the_state() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let (slug, fields) = connectable(&process).await;
    let good = json!({ "courier_slug": slug, "credentials": fields });
    let bad = json!({ "courier_slug": "no-such-courier", "credentials": { "pass": CANARY } });
    let object = "carrier-connections";
    let lines = [good, bad];
    let (_, told) = process.run_to(object, &lines, Mode::Upsert, OnConflict::Fail).await.unwrap();
    assert_eq!(ends(&told), ["created", "failed"], "{told:?}");
    assert!(!holds(&shop, CANARY) && !format!("{told:?}").contains(CANARY));
    assert!(holds(&shop, "no-such-courier"), "what is no secret can be read");

    // As it came, under a name that no schema knows, and malformed.
    let push = process.push(object).await;
    let map = r#"{"members":{"/courier_slug":"/who","/credentials/pass":"/pw"}}"#;
    let text = format!("{{\"who\":\"nobody\",\"pw\":\"{CANARY}\"}}\n{{\"pw\":\"{CANARY}\n");
    let source = Box::new(std::io::Cursor::new(text.clone().into_bytes()));
    let items = Items::new(source, &ReadOptions::of(SourceForm::Json)).unwrap();
    let mapping = Mapping::read(map).unwrap();
    let run = push.read(items, Mode::Upsert, Some(&mapping)).await.unwrap().run;
    assert!(!holds(&shop, CANARY));
    let mut told = Vec::new();
    push.run(&run, OnConflict::Fail, |ended| told.push(ended)).await.unwrap();
    assert_eq!(ends(&told), ["failed", "failed"]);
    assert!(!holds(&shop, CANARY));
    // They come out as they came in, so that they can be pushed again.
    let raw: Vec<u8> =
        told.iter().flat_map(|item| [push.raw(item).unwrap(), b"\n".to_vec()].concat()).collect();
    assert_eq!(String::from_utf8(raw).unwrap(), text);
}

/// AfterShip refuses no second connection with the same credentials: a create whose answer was
/// lost and that cannot be found is left for a person, and never sent again.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_is_parked_and_looked_for_again() {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let (slug, fields) = connectable(&process).await;
    let lines = [json!({ "courier_slug": slug, "credentials": fields })];
    let posts = Matcher::new("POST", "/");
    shop.simulator.answer_next(posts, Answer::from(Fault::Reset));
    let object = "carrier-connections";
    let (summary, told) =
        process.run_to(object, &lines, Mode::Upsert, OnConflict::Fail).await.unwrap();
    assert_eq!((summary.parked, ends(&told)), (1, vec!["parked"]));
    assert_eq!(told[0].state, IntentState::Parked);
    assert_eq!(shop.count("POST"), 1);
    // Somebody looks, and makes it by hand; then the run ends.
    process.connection.create(object, &lines[0].to_string()).await.unwrap();
    let (_, told) = process.run_to(object, &lines, Mode::Upsert, OnConflict::Fail).await.unwrap();
    assert_eq!(ends(&told), ["updated"]);
    assert_eq!(shop.count("POST"), 2);
    assert!(!holds(&shop, CANARY));
}

/// A courier that asks for credentials, and the canary for each of them.
async fn connectable(process: &super::shop::Process) -> (String, serde_json::Value) {
    use host_harness::contract::records::ListRequest;
    let request = ListRequest::all("couriers");
    let mut scan = process.connection.scan(request);
    while let Some(page) = scan.next().await.unwrap() {
        for record in page.records {
            let courier: serde_json::Value = serde_json::from_str(&record.data).unwrap();
            let fields = courier["credentials"]["fields"].as_array().cloned().unwrap_or_default();
            if !fields.is_empty() {
                let given = fields.iter().enumerate().map(|(count, field)| {
                    let name = field["name"].as_str().unwrap().to_owned();
                    (name, json!(format!("{CANARY}-{count}")))
                });
                return (record.id.clone(), given.collect::<serde_json::Map<_, _>>().into());
            }
        }
    }
    panic!("no courier asks for credentials")
}
