//! Notifications, called as the host calls them, with a closure for AfterShip.

mod adding;
mod removing;
mod telling;

use crate::testing::{Sent, enveloped, lines, pointers, scripted};
use connector_sdk::DataRecord;

const OBJECT: &str = "notifications";

/// As AfterShip answers one: with nulls, escapes and members unknown.
const ANN: &str = r#"{"role":null,"name":"Ann","phone_number":"+491701","email":"Ann@example.com","language":"de","id":null,"\u006eew":[1e2]}"#;
const BOB: &str = r#"{"role":"buyer","name":"Bob","phone_number":null,"email":null,"language":null,"id":"cust_1"}"#;
const CY: &str = r#"{"name":"Cy","phone_number":"+491703"}"#;

/// The data of a tracking with these customers and mail subscribers.
fn tracking(customers: &str, emails: &str) -> String {
    format!(
        r#"{{"id":"t1","tracking_number":"N1","slug":"dhl","created_at":"2026-11-01T00:00:00+00:00","updated_at":"2026-11-02T00:00:00+00:00","customers":[{customers}],"title":"T","subscribed_emails":[{emails}],"subscribed_smses":[]}}"#
    )
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

const GONE: &str =
    r#"{"meta":{"code":4004,"message":"Tracking does not exist.","type":"BadRequest"},"data":{}}"#;
