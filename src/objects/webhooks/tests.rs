//! What cannot be done says what can, and sends nothing.

use crate::AfterShip;
use connector_sdk::Connector as _;
use connector_sdk::{Error, ErrorKind, ListRequest, Start, View};

use crate::testing::{Sent, scripted};
use crate::testing::{create, delete, derive, get, update};

const OBJECT: &str = "webhooks";

#[test]
fn every_operation_but_subscribe_says_where_webhooks_are_set() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    let request = |start| ListRequest {
        object: OBJECT.into(),
        start,
        page_size: None,
        filter: Some("{}".into()),
        view: View::whole(),
    };
    for error in [
        AfterShip::list(&host, request(Start::Beginning)).unwrap_err(),
        AfterShip::list(&host, request(Start::At("c".into()))).unwrap_err(),
        get(&host, OBJECT, "1").unwrap_err(),
        derive(OBJECT, &[]).unwrap_err(),
        AfterShip::find(&host, OBJECT, &["{}".into()]).unwrap_err(),
        create(&host, OBJECT, r#"{"url":"https://host.example"}"#).unwrap_err(),
        update(&host, OBJECT, "1", "{}").unwrap_err(),
        delete(&host, OBJECT, "1").unwrap_err(),
        AfterShip::check(&host, OBJECT).unwrap_err(),
    ] {
        let Error { kind: ErrorKind::Unsupported, message: text, .. } = &error else {
            panic!("{error:?}")
        };
        let said = ["Webhooks cannot be ", "its admin", "`subscribe`"];
        assert!(said.iter().all(|said| text.contains(said)), "{text}");
    }
}
