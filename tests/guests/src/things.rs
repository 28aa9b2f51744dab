//! A connector that does everything right, for a small provider, but for one fault that is planted in it. It is
//! what `connector-host verify` is tried on.

use serde_json::{Value, json};

use crate::{
    Attempt, Behaviour, DataRecord, Delivery, Descriptor, Endpoint, Error, ErrorKind, ListRequest,
    Manifest, Page, Reception, Refusal, Request, SendError, Written, bindings, clock, error,
    manifest, request, secrets, send, settings, with_body,
};
use bindings::connector::api::types::WrittenRecord;
use bindings::exports::connector::api::records::Start;
use bindings::exports::connector::api::subscriptions::{Effect, Event};

/// What is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// A description tells the time.
    Impure,
    /// It offers to change records, and has no schema for it.
    NoSchema,
    /// Its schema demands a member that no record has.
    LyingSchema,
    /// A page holds five records, and the next one begins after as many as were asked for.
    Skips,
    /// Pages are counted by offsets, which move when a record goes.
    Offsets,
    /// Its cursor is a position of the provider's that serves once.
    OneShot,
    /// Its bookmark is ahead.
    Ahead,
    /// It does not look before it creates again.
    Doubles,
    /// An answer that cannot be read traps.
    Trusting,
    /// An answer to a write that cannot be read is said to have done nothing.
    Careless,
    /// It computes without end where it checks.
    Endless,
    /// It takes memory without end where it checks.
    Greedy,
    /// It takes any delivery.
    Gullible,
    /// It asks for a path that it does not declare.
    Undeclared,
    /// It declares its key as a setting too, which it may read.
    Curious,
}

/// The connector; `FAULT` is what is wrong.
pub trait Planted {
    /// What is wrong with it.
    const FAULT: Fault;
}

const JSON: &str = "application/json";

fn has<P: Planted>(fault: Fault) -> bool {
    P::FAULT == fault
}

fn ask<P: Planted>(asked: &Request, writes: bool) -> Result<Value, Error> {
    let answer = send(asked).map_err(|why| {
        let kind = match &why {
            SendError::Unanswered(_) if writes => ErrorKind::OutcomeUnknown,
            SendError::Unanswered(_) | SendError::NotSent(_) => ErrorKind::Unavailable,
            SendError::Limited(ms) => ErrorKind::RateLimited(Some(*ms)),
            SendError::NoSecret(_) => ErrorKind::Unauthenticated,
            SendError::Refused(_) => ErrorKind::Internal,
        };
        error(kind, format!("{why:?}"))
    })?;
    let kind = match answer.status {
        200..300 => None,
        401 => Some(ErrorKind::Unauthenticated),
        404 => Some(ErrorKind::NotFound),
        429 => Some(ErrorKind::RateLimited(None)),
        500.. if writes => Some(ErrorKind::OutcomeUnknown),
        500.. => Some(ErrorKind::Unavailable),
        _ => Some(ErrorKind::Internal),
    };
    if let Some(kind) = kind {
        return Err(error(kind, format!("status {}", answer.status)));
    }
    let read = serde_json::from_slice(&answer.body);
    if has::<P>(Fault::Trusting) && !writes {
        return Ok(read.unwrap());
    }
    let kind = match writes {
        true if has::<P>(Fault::Careless) => ErrorKind::Unavailable,
        true => ErrorKind::OutcomeUnknown,
        false => ErrorKind::Internal,
    };
    read.map_err(|why| error(kind, why.to_string()))
}

fn record(value: &Value) -> DataRecord {
    DataRecord {
        id: value["id"].as_str().unwrap_or_default().to_owned(),
        updated_at: None,
        created_at: None,
        version: None,
        data: value.to_string(),
    }
}

fn items(answer: &Value) -> Vec<DataRecord> {
    answer["items"].as_array().map(|all| all.iter().map(record).collect()).unwrap_or_default()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn found<P: Planted>(name: &str) -> Result<Vec<DataRecord>, Error> {
    let path = format!("/things?name={name}&limit=100");
    Ok(items(&ask::<P>(&request("things", &path, &["key"]), false)?))
}

impl<P: Planted> Behaviour for P {
    fn manifest() -> Manifest {
        let mut manifest = manifest();
        let one = manifest.endpoints[0].clone();
        let more = |name: &str, method: &str, path: &str, writes| Endpoint {
            name: name.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            writes,
            ..one.clone()
        };
        manifest.endpoints.extend([
            more("thing", "GET", "/things/*", false),
            more("remove", "DELETE", "/things/*", true),
            more("scroll", "GET", "/scroll", false),
        ]);
        let words = ["list", "get", "find", "create", "delete", "subscribe"];
        let words = words.into_iter().chain(has::<P>(Fault::NoSchema).then_some("update"));
        manifest.objects[0].operations = words.map(str::to_owned).collect();
        if has::<P>(Fault::Curious) {
            let mut setting = manifest.settings[1].clone();
            setting.name = "api-key".to_owned();
            setting.form = crate::Form::Text;
            manifest.settings.push(setting);
        }
        manifest
    }

    fn describe() -> Result<Descriptor, Error> {
        let member = if has::<P>(Fault::LyingSchema) { "colour" } else { "name" };
        let time = if has::<P>(Fault::Impure) { clock::now_ms() } else { 0 };
        let thing = json!({
            "type": "object",
            "required": ["id", member],
            "properties": { "id": { "type": "string" }, "name": { "type": "string" } },
        });
        Ok(Descriptor {
            summary: Self::manifest().objects.remove(0),
            doc_url: format!("https://docs.example.com/{time}"),
            derived_from: None,
            retention_days: None,
            record_schema: thing.to_string(),
            create_schema: Some(json!({ "type": "object", "required": ["name"] }).to_string()),
            update_schema: None,
            filter_schema: None,
            options_schema: None,
            actions: vec![],
            events: vec!["thing.changed".to_owned()],
            more: vec![],
        })
    }

    /// A cursor is `after,since`: the number of the last record, and the bookmark of the scan.
    fn list(wanted: ListRequest) -> Result<Page, Error> {
        if settings::get("scheme").is_none() {
            return Err(error(ErrorKind::Unauthenticated, "no scheme".to_owned()));
        }
        let (after, since) = match &wanted.start {
            Start::Beginning => ("0", "0"),
            Start::Since(bookmark) => ("0", bookmark.as_str()),
            Start::At(cursor) => cursor.split_once(',').unwrap_or(("0", "0")),
        };
        let asked = u64::from(wanted.page_size.unwrap_or(50));
        let size = if has::<P>(Fault::Skips) && asked < 50 { asked.min(5) } else { asked };
        let by = if has::<P>(Fault::Offsets) { "offset" } else { "after" };
        let (endpoint, path) = match has::<P>(Fault::OneShot) {
            true if after == "0" => ("scroll", format!("/scroll?limit={size}")),
            true => ("scroll", format!("/scroll?token={after}&limit={size}")),
            false => ("things", format!("/things?{by}={after}&since={since}&limit={size}")),
        };
        let answer = ask::<P>(&request(endpoint, &path, &["key"]), false)?;
        let Some(count) = answer["items"].as_array().map(Vec::len) else {
            return Err(error(ErrorKind::Internal, "no items".to_owned()));
        };
        let next = match P::FAULT {
            Fault::OneShot => answer["token"].as_str().map(str::to_owned),
            Fault::Offsets => Some((after.parse::<u64>().unwrap_or(0) + count as u64).to_string()),
            Fault::Skips if size < asked => Some((number(&answer["last"]) + asked - size).to_string()),
            _ => Some(number(&answer["last"]).to_string()),
        };
        let next = next.filter(|_| answer["more"] == json!(true));
        let ahead = if has::<P>(Fault::Ahead) { 1_000 } else { 0 };
        Ok(Page {
            next: next.as_ref().map(|next| format!("{next},{since}")),
            bookmark: next.is_none().then(|| (number(&answer["seq"]) + ahead).to_string()),
            ..crate::page(items(&answer))
        })
    }

    fn get(id: String) -> Result<DataRecord, Error> {
        let path = format!("/things/{id}");
        Ok(record(&ask::<P>(&request("thing", &path, &["key"]), false)?))
    }

    fn create(input: String, attempt: Attempt) -> Result<Written, Error> {
        let wish: Value = serde_json::from_str(&input).unwrap_or_default();
        let written = |one| Written { item: WrittenRecord::Whole(one), also: vec![] };
        if attempt.again && !has::<P>(Fault::Doubles) {
            let there = found::<P>(wish["name"].as_str().unwrap_or_default())?;
            if let Some(one) = there.into_iter().next() {
                return Ok(written(one));
            }
        }
        let asked = with_body(request("make", "/things", &["key"]), JSON, &wish.to_string());
        Ok(written(record(&ask::<P>(&asked, true)?)))
    }

    fn delete(id: String) -> Result<(), Error> {
        let path = format!("/things/{id}");
        ask::<P>(&request("remove", &path, &["key"]), true).map(drop)
    }

    fn check() -> Result<(), Error> {
        match P::FAULT {
            Fault::Endless => loop {
                std::hint::black_box(0);
            },
            Fault::Greedy => {
                let mut taken = Vec::new();
                loop {
                    taken.push(vec![1_u8; 1024 * 1024]);
                    std::hint::black_box(&taken);
                }
            }
            Fault::Undeclared => {
                let _ = send(&request("things", "/admin", &["key"]));
                Ok(())
            }
            _ => ask::<P>(&request("things", "/things?limit=1", &["key"]), false).map(drop),
        }
    }

    fn receive(delivery: Delivery) -> Result<Reception, Refusal> {
        let given = delivery.headers.iter().find(|(name, _)| name == "x-signature");
        let given = given.map(|(_, value)| value.clone()).unwrap_or_default();
        let verified = secrets::verify("api-key", "hmac-sha256", &delivery.body, &given);
        if verified != Ok(true) && !has::<P>(Fault::Gullible) {
            return Err(Refusal::Unverified);
        }
        let event = Event {
            id: None,
            object: "things".to_owned(),
            name: "thing.changed".to_owned(),
            occurred_at: None,
            effect: Effect::Nothing,
        };
        Ok(Reception { events: vec![event], answer: None })
    }
}

/// A connector of this fault.
#[macro_export]
macro_rules! planted {
    ($fault:ident) => {
        struct Things;

        impl hostile::things::Planted for Things {
            const FAULT: hostile::things::Fault = hostile::things::Fault::$fault;
        }

        type Connector = hostile::Guest<Things>;
        hostile::export!(Connector with_types_in hostile::bindings);
    };
}
