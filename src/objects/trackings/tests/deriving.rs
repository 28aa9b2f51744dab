//! What holds for every object whose records lie inside trackings.

use super::*;
use crate::AfterShip;
use crate::objects::REGISTRY;
use crate::testing::window;
use connector_sdk::Connector as _;
use connector_sdk::Error;
use connector_sdk::declare::Descriptor;
use connector_sdk::{DataRecord, ErrorKind, ListRequest, Start, View};

use crate::testing::derive;
use crate::testing::whole;

/// A tracking that holds one record of each object at least.
const HOLDER: &str = r#"{"id":"t1","tracking_number":"N1","slug":"dhl","created_at":"2026-11-01T00:00:00+00:00","updated_at":"2026-11-02T00:00:00+00:00","customers":[{"email":"a@example.com"}],"courier_estimated_delivery_date":{"estimated_delivery_date":"2026-11-05"},"checkpoints":[{"hash":"a1","message":"Departed"}]}"#;

fn descriptors() -> Vec<&'static Descriptor> {
    let all = REGISTRY.iter().map(|object| object.descriptor());
    let derived: Vec<_> =
        all.filter(|descriptor| descriptor.derived_from == Some("trackings")).collect();
    assert!(!derived.is_empty());
    derived
}

fn request(object: &str, start: Start, filter: Option<&str>) -> ListRequest {
    let filter = filter.map(str::to_owned);
    ListRequest { object: object.into(), start, page_size: None, filter, view: View::whole() }
}

fn page_of(items: &str, pagination: &str) -> String {
    enveloped(&format!(r#"{{"pagination":{{"total":9,{pagination}}},"trackings":[{items}]}}"#))
}

fn holder(data: &str) -> DataRecord {
    DataRecord {
        id: "t1".into(),
        updated_at: Some("2026-11-02T00:00:00+00:00".into()),
        created_at: Some("2026-11-01T00:00:00+00:00".into()),
        version: None,
        data: data.into(),
    }
}

#[test]
fn a_scan_is_the_scan_of_the_trackings() {
    for descriptor in descriptors() {
        let object = descriptor.name;
        let sent = Sent::default();
        let items = format!(r#"{HOLDER},{{"id":"t2"}},{{"slug":"no id"}}"#);
        let first = page_of(&items, r#""next_cursor":"c1","has_next_page":true"#);
        let last = page_of(HOLDER, r#""has_next_page":false"#);
        let host = scripted(&sent, &[(200, &first), (200, &last), (200, &last)]);

        let filter = Some(r#"{"slug":["dhl","ups"]}"#);
        let page = AfterShip::list(&host, request(object, Start::Beginning, filter)).unwrap();
        assert_eq!(derive(object, &[holder(HOLDER)]), Ok(vec![page.records.clone()]), "{object}");
        assert_eq!((page.records.len(), page.total, &page.bookmark), (1, None, &None), "{object}");
        assert_eq!(page.unreadable[0].raw, r#"{"slug":"no id"}"#);
        let data: serde_json::Value = serde_json::from_str(&page.records[0].data).unwrap();
        let schema = serde_json::from_str(&whole(descriptor.record_schema)).unwrap();
        assert!(jsonschema::is_valid(&schema, &data), "{data}");
        let begins = format!(r#"{{"id":"{}","tracking_id":"t1","#, page.records[0].id);
        assert!(page.records[0].data.starts_with(&begins), "{data}");
        assert_eq!(page.records[0].updated_at, holder("").updated_at);

        let next = request(object, Start::At(page.next.unwrap()), None);
        let page = AfterShip::list(&host, next).unwrap();
        assert_eq!((page.records.len(), page.total, &page.next), (1, None, &None), "{object}");

        let since = Start::Since(page.bookmark.unwrap());
        let page = AfterShip::list(&host, request(object, since, filter)).unwrap();
        assert!(window(&page).is_some() && page.bookmark.is_some(), "{object}");

        let frozen =
            "GET /trackings?slug=dhl%2Cups&created_at_min=2026-07-25T09%3A30%3A00%2B00%3A00";
        let lines = lines(&sent);
        assert_eq!(lines[0], format!("{frozen}&limit=200"));
        assert_eq!(lines[1], format!("{frozen}&limit=200&cursor=c1"));
        assert!(lines[2].contains("&updated_at_min="), "{lines:?}");
    }
}

#[test]
fn cursors_and_bookmarks_are_of_one_object() {
    let more = page_of("", r#""next_cursor":"c1","has_next_page":true"#);
    let last = page_of("", r#""has_next_page":false"#);
    for descriptor in descriptors() {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &more), (200, &last)]);
        let begin =
            || AfterShip::list(&host, request(descriptor.name, Start::Beginning, None)).unwrap();
        let (next, bookmark) = (begin().next.unwrap(), begin().bookmark.unwrap());
        for start in [Start::At(next), Start::Since(bookmark)] {
            let refused = AfterShip::list(&host, request("trackings", start, None));
            assert!(
                matches!(refused, Err(Error { kind: ErrorKind::CursorExpired, .. })),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn a_view_cuts_no_members_away_that_are_needed() {
    for descriptor in descriptors() {
        let sent = Sent::default();
        let answer = page_of(HOLDER, r#""has_next_page":false"#);
        let host = scripted(&sent, &[(200, &answer)]);
        let mut asked = request(descriptor.name, Start::Beginning, None);
        asked.view.fields = vec!["tag".into()];
        assert_eq!(AfterShip::list(&host, asked).unwrap().records.len(), 1);
        assert!(!lines(&sent)[0].contains("fields"));
    }
}

/// What each object answers alone it answers with the others too, in the order of the question.
#[test]
fn several_objects_are_derived_in_one_call() {
    let parents = [holder(HOLDER), holder("{}")];
    let names: Vec<String> = descriptors().iter().map(|it| it.name.to_owned()).rev().collect();
    let all = AfterShip::derive(&names, &parents).unwrap();
    let alone: Vec<_> = names.iter().map(|name| derive(name, &parents).unwrap()).collect();
    assert_eq!(all, alone);
    assert!(names.len() > 1 && all.iter().all(|lists| lists[0].len() == 1 && lists[1].is_empty()));
    let refused = AfterShip::derive(&["trackings".to_owned()], &parents);
    assert!(matches!(refused, Err(Error { kind: ErrorKind::Unsupported, .. })), "{refused:?}");
}

#[test]
fn a_check_is_one_small_request() {
    for descriptor in descriptors() {
        let sent = Sent::default();
        let answer = page_of("", r#""has_next_page":false"#);
        AfterShip::check(&scripted(&sent, &[(200, &answer)]), descriptor.name).unwrap();
        assert_eq!(lines(&sent), ["GET /trackings?limit=1"]);
    }
}

#[test]
fn a_parent_that_is_no_record_is_named() {
    for descriptor in descriptors() {
        for data in ["", "[]", "7", r#"{"id":"t1""#, r#"{"checkpoints":[]}x"#] {
            let error = derive(descriptor.name, &[holder(HOLDER), holder(data)]).unwrap_err();
            assert!(
                matches!(&error, f @ Error { kind: ErrorKind::Internal, .. } if f.message.contains("`t1`")),
                "{data} {error:?}"
            );
        }
        assert_eq!(derive(descriptor.name, &[]), Ok(Vec::new()));
        let bare = vec![Vec::new(), Vec::new()];
        let parents = [holder("{}"), holder(r#"{"checkpoints":null,"customers":null}"#)];
        assert_eq!(derive(descriptor.name, &parents), Ok(bare), "{}", descriptor.name);
    }
}
