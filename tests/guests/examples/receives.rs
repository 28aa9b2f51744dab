//! Takes deliveries that prove themselves by a token or a signature, and tells what it was handed
//! of them.

use hostile::bindings::exports::connector::api::subscriptions::{Answer, Effect, Event};
use hostile::{
    Behaviour, DataRecord, Delivery, Error, Guest, HeaderPlace, Manifest, Place, Reception, Refusal,
    SecretUse, manifest, record, secrets,
};

struct Receives;

fn token(name: &str, place: Place) -> SecretUse {
    SecretUse { name: name.to_owned(), secret: "hook-secret".to_owned(), place }
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

fn is_genuine(delivery: &Delivery) -> bool {
    let carried = |name: &str| secrets::carried(name) == Ok(true);
    let signature = delivery.headers.iter().find(|(name, _)| name == "x-signature");
    let signature = signature.and_then(|(_, value)| hex(value)).unwrap_or_default();
    let verified = secrets::verify("api-key", "hmac-sha256", &delivery.body, &signature);
    carried("hook-token") || carried("hook-query") || verified == Ok(true)
}

impl Behaviour for Receives {
    fn manifest() -> Manifest {
        let mut manifest = manifest();
        let header = HeaderPlace { name: "x-token".to_owned(), prefix: "Token ".to_owned() };
        manifest.secret_uses.push(token("hook-token", Place::Header(header)));
        manifest.secret_uses.push(token("hook-query", Place::Query("token".to_owned())));
        manifest.delivery_secrets = vec!["hook-token".to_owned(), "hook-query".to_owned()];
        manifest
    }

    /// Whether a delivery can be asked for where there is none.
    fn get(_: String) -> Result<DataRecord, Error> {
        Ok(record(format!("{{\"carried\":\"{:?}\"}}", secrets::carried("hook-token"))))
    }

    fn receive(delivery: Delivery) -> Result<Reception, Refusal> {
        if !is_genuine(&delivery) {
            return Err(Refusal::Unverified);
        }
        let body = String::from_utf8_lossy(&delivery.body).into_owned();
        let names: Vec<&str> = delivery.headers.iter().map(|(name, _)| name.as_str()).collect();
        let answer = Answer {
            status: 201,
            headers: vec![
                ("x-challenge".to_owned(), "yes".to_owned()),
                ("connection".to_owned(), "x-challenge".to_owned()),
            ],
            body: b"taken".to_vec(),
        };
        let answer = match body.as_str() {
            "unreadable" => return Err(Refusal::Unreadable("on purpose".to_owned())),
            "later" => return Err(Refusal::TryAgain("on purpose".to_owned())),
            "challenge" => Some(answer),
            _ => None,
        };
        let told = format!(
            "{{\"url\":\"{}\",\"headers\":\"{}\",\"bytes\":{}}}",
            delivery.url,
            names.join(","),
            delivery.body.len()
        );
        let event = Event {
            id: Some("1".to_owned()),
            object: "things".to_owned(),
            name: "thing.changed".to_owned(),
            occurred_at: None,
            effect: Effect::Upserted(record(told)),
        };
        Ok(Reception { events: vec![event], answer })
    }
}

type Connector = Guest<Receives>;
hostile::export!(Connector with_types_in hostile::bindings);
