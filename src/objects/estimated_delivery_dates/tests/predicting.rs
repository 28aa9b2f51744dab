//! predict and predict-batch.

use super::*;
use crate::AfterShip;
use crate::testing::attempt;
use connector_sdk::Connector as _;
use connector_sdk::{ErrorKind, Invocation, Outcome};

use crate::testing::whole;
use serde_json::{Value as Json, json};

/// A shipment as AfterShip documents a request.
const SHIPMENT: &str = r#"{"slug":"fedex","service_type_name":"FEDEX HOME DELIVERY","origin_address":{"country_region":"USA","state":"WA","city":"Seattle","postal_code":"98108","raw_location":"Seattle, Washington, 98108, USA, United States"},"destination_address":{"country_region":"USA","state":"CA","postal_code":"92019","raw_location":"El Cajon, California, 92019, USA, United States"},"weight":{"unit":"kg","value":1.50},"package_count":1,"pickup_time":"2021-07-01 15:00:00"}"#;

/// The same, with all that a pickup is reckoned from.
const RECKONED: &str = r#"{"slug":"fedex","origin_address":{"country_region":"USA","state":"WA"},"destination_address":{"country_region":"USA","postal_code":"92019","state":null},"weight":null,"package_count":null,"pickup_time":null,"estimated_pickup":{"order_time":"2021-07-01 15:04:05","order_cutoff_time":"20:00:00","business_days":[1,2,7],"order_processing_time":{"unit":"day","value":0}}}"#;

const PREDICTION: &str = r#"{"id":"0b02015f","slug":"fedex","weight":{"unit":"kg","value":1.50},"estimated_delivery_date":"2021-07-04","estimated_delivery_date_min":"2021-07-03","n\u0065w":[1e2]}"#;

fn call(action: &str, input: &str) -> Invocation {
    Invocation {
        object: OBJECT.into(),
        action: action.into(),
        id: None,
        input: input.into(),
        attempt: attempt(false),
    }
}

fn predicted(action: &str, input: &str, data: &str) -> Result<Outcome, Error> {
    let sent = Sent::default();
    let outcome =
        AfterShip::invoke(&scripted(&sent, &[(200, &enveloped(data))]), &call(action, input));
    assert_eq!(lines(&sent), [format!("POST /estimated-delivery-date/{action} {input}")]);
    outcome
}

/// `list` of predictions or shipments, in their member.
fn listed(list: &[&str]) -> String {
    format!(r#"{{"estimated_delivery_dates":[{}]}}"#, list.join(","))
}

fn refused(action: &str, input: &Json) -> Vec<String> {
    let sent = Sent::default();
    let error =
        AfterShip::invoke(&scripted(&sent, &[]), &call(action, &input.to_string())).unwrap_err();
    pointers(&error).into_iter().map(str::to_owned).collect()
}

#[test]
fn one_prediction_in_either_shape() {
    for data in [PREDICTION.to_owned(), listed(&[PREDICTION])] {
        for input in [SHIPMENT, RECKONED] {
            let outcome = predicted("predict", input, &data).unwrap();
            assert_eq!((outcome.output.as_str(), outcome.written.len()), (PREDICTION, 0));
        }
    }
}

#[test]
fn several_predictions_in_their_order() {
    let other = PREDICTION.replace("0b02015f", "1c");
    let data = listed(&[PREDICTION, &other]);
    let outcome = predicted("predict-batch", &listed(&[SHIPMENT, RECKONED]), &data).unwrap();
    assert_eq!(outcome.output, data);
}

#[test]
fn a_prediction_is_not_guessed() {
    let two = listed(&[PREDICTION, PREDICTION]);
    for data in ["{}", "[]", "null", &listed(&[]), &listed(&["{}"]), &two] {
        let error = predicted("predict", SHIPMENT, data).unwrap_err();
        assert!(matches!(error, Error { kind: ErrorKind::Internal, .. }), "{data} {error:?}");
    }
    for data in ["{}", PREDICTION, &listed(&[PREDICTION]), &listed(&[PREDICTION, "7"])] {
        let error = predicted("predict-batch", &listed(&[SHIPMENT, SHIPMENT]), data).unwrap_err();
        assert!(matches!(error, Error { kind: ErrorKind::Internal, .. }), "{data} {error:?}");
    }
}

#[test]
fn a_wrong_shipment_costs_no_request() {
    let change = |pointer: &str, value: Json| {
        let mut shipment: Json = serde_json::from_str(SHIPMENT).unwrap();
        let (object, name) = pointer.rsplit_once('/').unwrap();
        let object = shipment.pointer_mut(object).unwrap().as_object_mut().unwrap();
        object.insert(name.to_owned(), value);
        shipment
    };
    for (pointer, value) in [
        ("/slug", json!("FedEx")),
        ("/origin_address/country_region", json!("")),
        ("/origin_address/country", json!("USA")),
        ("/destination_address/city", json!("x".repeat(257))),
        ("/destination_address/raw_location", json!("x".repeat(513))),
        ("/weight", json!({"value": 1})),
        ("/package_count", json!(1.5)),
        ("/service_type_name", json!("")),
        ("/tracking_number", json!("N1")),
    ] {
        let found = refused("predict", &change(pointer, value));
        assert!(found[0].starts_with(pointer), "{pointer} {found:?}");
    }
    assert_eq!(refused("predict", &change("/pickup_time", Json::Null)), [""]);
    let nowhere = json!({"country_region": "USA", "city": "Seattle"});
    assert_eq!(refused("predict", &change("/origin_address", nowhere)), ["/origin_address"]);
    for (name, value) in [
        ("business_days", json!([0.5])),
        ("order_cutoff_time", json!("")),
        ("order_processing_time", json!({"unit": "", "value": 1})),
        ("order_time", Json::Null),
    ] {
        let mut reckoned: Json = serde_json::from_str(RECKONED).unwrap();
        reckoned["estimated_pickup"][name] = value;
        let found = refused("predict", &reckoned);
        assert!(found[0].starts_with(&format!("/estimated_pickup/{name}")), "{found:?}");
    }
}

/// What AfterShip has been seen to take, and what its description does not exclude.
#[test]
fn a_shipment_that_aftership_may_take_is_sent() {
    for (name, value) in [
        ("pickup_time", json!("")),
        ("pickup_time", json!("2021-07-01 15:00")),
        ("estimated_pickup", json!({"order_time": "2021-07-01T15:04:05Z"})),
        ("estimated_pickup", json!({"business_days": [0, 6], "order_cutoff_time": "20:00"})),
        ("estimated_pickup", json!({"order_processing_time": {"unit": "hour", "value": 1}})),
        ("origin_address", json!({"country_region": "US", "state": "WA"})),
    ] {
        let mut shipment: Json = serde_json::from_str(SHIPMENT).unwrap();
        shipment[name] = value;
        predicted("predict", &shipment.to_string(), PREDICTION).unwrap();
    }
}

#[test]
fn a_batch_is_one_to_five() {
    let shipment: Json = serde_json::from_str(SHIPMENT).unwrap();
    for count in [0, 6] {
        let input = json!({"estimated_delivery_dates": vec![shipment.clone(); count]});
        assert_eq!(refused("predict-batch", &input), ["/estimated_delivery_dates"]);
    }
    let wrong = json!({"estimated_delivery_dates": [shipment, {"slug": "dhl"}]});
    assert!(refused("predict-batch", &wrong)[0].starts_with("/estimated_delivery_dates/1"));
}

#[test]
fn an_account_without_it_is_told_so() {
    let sent = Sent::default();
    let body = r#"{"meta":{"code":403,"message":"Contact sales to activate this feature.","type":"Forbidden"},"data":{}}"#;
    let error = AfterShip::invoke(&scripted(&sent, &[(403, body)]), &call("predict", SHIPMENT))
        .unwrap_err();
    assert!(
        matches!(&error, f @ Error { kind: ErrorKind::Forbidden, .. } if f.message.contains("Contact sales")),
        "{error:?}"
    );
}

#[test]
fn outputs_are_as_described() {
    for (action, output) in
        super::super::DESCRIPTOR.actions.iter().zip([PREDICTION, &listed(&[PREDICTION])])
    {
        let schema: Json = serde_json::from_str(&whole(action.output_schema)).unwrap();
        let output: Json = serde_json::from_str(output).unwrap();
        assert!(jsonschema::is_valid(&schema, &output), "{}", action.name);
    }
}
