//! Does what its provider's answers say, so that a test writes a provider and not a connector.
//!
//! Each function is one request: its arguments as JSON to `/ask/FUNCTION`, of one that writes to
//! `/tell/FUNCTION`. The answer is what the function answers, or
//! `{"error": {"kind": "conflict", "id": "1"}}`.

use hostile_scripted::exports::connector::api::{
    auth, batches, catalog, derived, records, subscriptions,
};
use hostile_scripted::connector::api::permissions::{
    Capture, Endpoint, HeaderPlace, Place, SecretUse,
};
use hostile_scripted::connector::api::setup::{Form, Scheme, SecretField, Setter, Setting};
use hostile_scripted::connector::api::types::{
    Attempt, DataRecord, Error, ErrorKind, Written, WrittenRecord,
};
use hostile_scripted::connector::host::http::{Request, SendError, send};
use hostile_scripted::connector::host::{secrets, settings};
use serde_json::{Value, json};

#[allow(missing_docs, clippy::all, unsafe_code, reason = "generated; documented in wit/")]
mod hostile_scripted {
    wit_bindgen::generate!({
        inline: "
            package hostile:scripted;

            world scripted {
                include connector:api/connector@0.2.0;
                export connector:api/batches@0.2.0;
                export connector:api/derived@0.2.0;
                export connector:api/subscriptions@0.2.0;
            }
        ",
        path: "../../wit",
        world: "hostile:scripted/scripted",
        generate_all,
    });
}

struct Scripted;

/// Objects, and from which they are derived.
const OBJECTS: [(&str, Option<&str>); 5] = [
    ("things", None),
    ("others", None),
    ("lines", Some("things")),
    ("notes", Some("things")),
    ("parts", Some("others")),
];

fn request(endpoint: &str, path: &str, input: &Value, secret_uses: &[&str]) -> Result<Value, Error> {
    let request = Request {
        endpoint: endpoint.to_owned(),
        path_with_query: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Some(input.to_string().into_bytes()),
        secret_uses: secret_uses.iter().map(|name| (*name).to_owned()).collect(),
        cost: 0,
    };
    let answer = send(&request).map_err(|why| {
        let kind = match why {
            SendError::Unanswered(_) => ErrorKind::OutcomeUnknown,
            SendError::NotSent(_) => ErrorKind::Unavailable,
            SendError::Limited(ms) => ErrorKind::RateLimited(Some(ms)),
            SendError::NoSecret(_) => ErrorKind::Unauthenticated,
            SendError::Refused(_) => ErrorKind::Internal,
        };
        error(kind, format!("{why:?}"), None)
    })?;
    if answer.status == 401 {
        return Err(error(ErrorKind::Unauthenticated, "401".to_owned(), Some(401)));
    }
    let value = serde_json::from_slice(&answer.body);
    let value: Value =
        value.map_err(|why| error(ErrorKind::Internal, why.to_string(), Some(answer.status)))?;
    failed(&value).map_or(Ok(value), Err)
}

/// One that changes nothing.
fn ask(function: &str, input: &Value) -> Result<Value, Error> {
    let path = format!("/ask/{function}");
    if settings::get("instance-url").is_some() {
        return request("own-ask", &path, input, &["bearer"]);
    }
    let by: &[&str] = if is_login() { &["bearer"] } else { &["key"] };
    request("ask", &path, input, by)
}

/// One that writes.
fn tell(function: &str, mut input: Value, attempt: &Attempt) -> Result<Value, Error> {
    input["key"] = json!(attempt.key);
    input["again"] = json!(attempt.again);
    let by: &[&str] = if is_login() { &["bearer"] } else { &["key"] };
    request("tell", &format!("/tell/{function}"), &input, by)
}

fn is_login() -> bool {
    settings::get("scheme").as_deref() == Some("login")
}

fn error(kind: ErrorKind, message: String, http_status: Option<u16>) -> Error {
    Error { kind, message, http_status, provider_code: None, request_id: None }
}

fn failed(value: &Value) -> Option<Error> {
    let failed = value.get("error")?;
    let ms = failed["ms"].as_u64().map(|ms| ms as u32);
    let kind = match failed["kind"].as_str().unwrap_or_default() {
        "unauthenticated" => ErrorKind::Unauthenticated,
        "forbidden" => ErrorKind::Forbidden,
        "not-found" => ErrorKind::NotFound,
        "conflict" => ErrorKind::Conflict(text(failed, "id")),
        "invalid-input" => ErrorKind::InvalidInput(vec![]),
        "rate-limited" => ErrorKind::RateLimited(ms),
        "quota-exhausted" => ErrorKind::QuotaExhausted(ms),
        "unavailable" => ErrorKind::Unavailable,
        "outcome-unknown" => ErrorKind::OutcomeUnknown,
        "cursor-expired" => ErrorKind::CursorExpired,
        "unsupported" => ErrorKind::Unsupported,
        _ => ErrorKind::Internal,
    };
    Some(error(kind, format!("the provider says {failed}"), None))
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

fn each<T>(value: &Value, of: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().map(|all| all.iter().map(of).collect()).unwrap_or_default()
}

fn record(value: &Value) -> DataRecord {
    DataRecord {
        id: text(value, "id").unwrap_or_default(),
        updated_at: text(value, "updated_at"),
        created_at: None,
        version: text(value, "version"),
        data: value["data"].to_string(),
    }
}

fn written(value: &Value) -> Written {
    Written { item: WrittenRecord::Whole(record(value)), also: vec![] }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn seen(view: &records::View) -> Value {
    json!(view.fields)
}

impl catalog::Guest for Scripted {
    fn get_manifest() -> catalog::Manifest {
        let endpoint = |name: &str, origin: &str, path: &str, writes, uses: &[&str]| Endpoint {
            name: name.to_owned(),
            method: "POST".to_owned(),
            origin: origin.to_owned(),
            path: path.to_owned(),
            writes,
            limits: vec![],
            secret_uses: uses.iter().map(|name| (*name).to_owned()).collect(),
            captures: vec![],
        };
        let capture = |secret: &str, pointer: &str| Capture {
            secret: secret.to_owned(),
            place: Place::Json(pointer.to_owned()),
        };
        let header = |name: &str, prefix: &str| {
            Place::Header(HeaderPlace { name: name.to_owned(), prefix: prefix.to_owned() })
        };
        let secret_use = |name: &str, secret: &str, place| SecretUse {
            name: name.to_owned(),
            secret: secret.to_owned(),
            place,
        };
        let setting = |name: &str, default: Option<&str>, setter, host: &str| Setting {
            name: name.to_owned(),
            title: String::new(),
            default: default.map(str::to_owned),
            setter,
            form: Form::Url(vec![host.to_owned()]),
            required_by: vec![],
        };
        let scheme = |name: &str, secrets, interactive| Scheme {
            name: name.to_owned(),
            title: name.to_owned(),
            secrets,
            interactive,
        };
        let api_key = SecretField {
            name: "api-key".to_owned(),
            title: "Key".to_owned(),
            required: true,
            setter: Setter::Customer,
        };
        let mut tell = endpoint("tell", "{base-url}", "/tell/*", true, &["key", "bearer"]);
        tell.captures = vec![capture("hook-secret", "/secret")];
        let mut token = endpoint("token", "{base-url}", "/token", true, &["refresh"]);
        token.captures = vec![
            capture("access-token", "/access_token"),
            capture("refresh-token", "/refresh_token"),
        ];
        catalog::Manifest {
            name: "scripted".to_owned(),
            title: "Scripted".to_owned(),
            version: "0.2.0".to_owned(),
            provider_api_version: "1".to_owned(),
            schemes: vec![scheme("key", vec![api_key], false), scheme("login", vec![], true)],
            settings: vec![
                setting("base-url", Some("https://api.example.com"), Setter::Operator, "*"),
                setting("instance-url", None, Setter::Connector, "*.example.com"),
                setting("shop-url", None, Setter::Customer, "*.example.com"),
            ],
            endpoints: vec![
                endpoint("ask", "{base-url}", "/ask/*", false, &["key", "bearer"]),
                endpoint("own-ask", "{instance-url}", "/ask/*", false, &["bearer"]),
                tell,
                token,
            ],
            limits: vec![],
            secret_uses: vec![
                secret_use("key", "api-key", header("x-key", "")),
                secret_use("bearer", "access-token", header("authorization", "Bearer ")),
                secret_use("refresh", "refresh-token", Place::Json("/refresh_token".to_owned())),
                secret_use("hook-token", "hook-secret", header("x-token", "")),
            ],
            delivery_secrets: vec!["hook-token".to_owned()],
            key_uses: vec![],
            objects: OBJECTS.map(|(name, _)| summary(name)).into(),
            more: vec![],
        }
    }

    fn describe(object: String) -> Result<catalog::Descriptor, Error> {
        let Some((_, derived_from)) = OBJECTS.iter().find(|(name, _)| *name == object) else {
            return Err(error(ErrorKind::NotFound, object, None));
        };
        let any = || "{\"type\":\"object\"}".to_owned();
        Ok(catalog::Descriptor {
            summary: summary(&object),
            doc_url: String::new(),
            derived_from: derived_from.map(str::to_owned),
            retention_days: None,
            record_schema: any(),
            create_schema: Some(any()),
            update_schema: Some(any()),
            filter_schema: None,
            options_schema: None,
            actions: vec![],
            events: vec!["thing_changed".to_owned()],
            more: vec![],
        })
    }
}

fn summary(object: &str) -> catalog::ObjectSummary {
    let all = ["list", "get", "find", "create", "update", "delete", "subscribe"];
    let operations = if object == "things" { &all[..] } else { &all[..2] };
    catalog::ObjectSummary {
        name: object.to_owned(),
        title: object.to_owned(),
        operations: operations.iter().map(|word| (*word).to_owned()).collect(),
    }
}

/// Tokens are captured out of this answer.
fn granted(input: &Value, uses: &[&str]) -> Result<auth::Grant, Error> {
    let answer = request("token", "/token", input, uses)?;
    let settings = answer["settings"].as_object().into_iter().flatten();
    let settings =
        settings.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    Ok(auth::Grant {
        expires_at: text(&answer, "expires_at"),
        scopes: vec![],
        settings: settings.collect(),
        account: None,
    })
}

impl auth::Guest for Scripted {
    fn begin(request: auth::BeginRequest) -> Result<auth::Step, Error> {
        if request.scheme == "key" {
            let nothing =
                auth::Grant { expires_at: None, scopes: vec![], settings: vec![], account: None };
            return Ok(auth::Step::Ready(nothing));
        }
        let url = format!(
            "https://login.example.com/?state={}&redirect_uri={}",
            request.state, request.callback_url
        );
        Ok(auth::Step::Redirect(auth::Redirect { url, session: String::new() }))
    }

    fn complete(_: String, query: String) -> Result<auth::Grant, Error> {
        granted(&json!({ "query": query }), &[])
    }

    fn refresh() -> Result<auth::Grant, Error> {
        granted(&json!({ "refresh_token": null }), &["refresh"])
    }

    fn revoke() -> Result<(), Error> {
        Err(error(ErrorKind::Unsupported, String::new(), None))
    }

    fn check(object: String) -> Result<(), Error> {
        ask("check", &json!({ "object": object })).map(drop)
    }
}

impl records::Guest for Scripted {
    fn list(request: records::ListRequest) -> Result<records::Page, Error> {
        let start = match request.start {
            records::Start::Beginning => Value::Null,
            records::Start::Since(bookmark) => json!({ "since": bookmark }),
            records::Start::At(cursor) => json!({ "at": cursor }),
        };
        let input = json!({
            "object": request.object, "start": start, "fields": seen(&request.view),
        });
        let page = ask("list", &input)?;
        Ok(records::Page {
            records: each(&page["records"], record),
            deleted: each(&page["deleted"], |id| id.as_str().unwrap_or_default().to_owned()),
            unreadable: vec![],
            next: text(&page, "next"),
            not_before_ms: page["not_before_ms"].as_u64().map(|ms| ms as u32),
            bookmark: text(&page, "bookmark"),
            total: None,
            more: each(&page["more"], |more| {
                (text(more, "name").unwrap_or_default(), more["value"].to_string())
            }),
        })
    }

    fn get(object: String, id: String, view: records::View) -> Result<DataRecord, Error> {
        let input = json!({ "object": object, "id": id, "fields": seen(&view) });
        Ok(record(&ask("get", &input)?))
    }

    fn find(object: String, inputs: Vec<String>) -> Result<Vec<Vec<DataRecord>>, Error> {
        let inputs: Vec<Value> = inputs.iter().map(|input| parsed(input)).collect();
        let found = ask("find", &json!({ "object": object, "inputs": inputs }))?;
        Ok(each(&found["found"], |one| each(one, record)))
    }

    fn create(object: String, input: String, attempt: Attempt) -> Result<Written, Error> {
        let input = json!({ "object": object, "input": parsed(&input) });
        Ok(written(&tell("create", input, &attempt)?))
    }

    fn update(
        object: String,
        id: String,
        patch: String,
        attempt: Attempt,
        expected: Option<String>,
    ) -> Result<Written, Error> {
        let (patch, expected) = (parsed(&patch), json!(expected));
        let input = json!({ "object": object, "id": id, "patch": patch, "expected": expected });
        Ok(written(&tell("update", input, &attempt)?))
    }

    fn delete(
        object: String,
        id: String,
        attempt: Attempt,
        expected: Option<String>,
    ) -> Result<(), Error> {
        let input = json!({ "object": object, "id": id, "expected": expected });
        tell("delete", input, &attempt).map(drop)
    }
}

impl batches::Guest for Scripted {
    fn write(
        object: String,
        items: Vec<batches::Item>,
    ) -> Result<Vec<Result<Option<Written>, Error>>, Error> {
        let item = |item: &batches::Item| {
            let (what, id, input, expected) = match &item.operation {
                batches::Operation::Create(input) => ("create", None, parsed(input), None),
                batches::Operation::Update(it) => {
                    ("update", Some(&it.id), parsed(&it.patch), it.expected.clone())
                }
                batches::Operation::Delete(it) => {
                    ("delete", Some(&it.id), Value::Null, it.expected.clone())
                }
            };
            json!({
                "what": what, "id": id, "input": input, "expected": expected,
                "key": item.attempt.key, "again": item.attempt.again,
            })
        };
        let items: Vec<Value> = items.iter().map(item).collect();
        let attempt = Attempt { key: String::new(), again: false };
        let answer = tell("write", json!({ "object": object, "items": items }), &attempt)?;
        Ok(each(&answer["results"], |result| match failed(result) {
            Some(error) => Err(error),
            None if result.is_null() => Ok(None),
            None => Ok(Some(written(result))),
        }))
    }
}

impl derived::Guest for Scripted {
    /// A record for each text of the parent's member of the object's name.
    fn derive(
        objects: Vec<String>,
        parents: Vec<DataRecord>,
    ) -> Result<Vec<Vec<Vec<DataRecord>>>, Error> {
        let from = |object: &String| OBJECTS.iter().find(|(name, _)| name == object)?.1;
        if objects.iter().any(|object| from(object) != objects.first().and_then(from)) {
            return Err(error(ErrorKind::Unsupported, format!("{objects:?}"), None));
        }
        let held = |object: &String, parent: &DataRecord| {
            each(&parsed(&parent.data)[object], |part| {
                let id = format!("{}/{object}/{}", parent.id, part.as_str().unwrap_or_default());
                record(&json!({ "id": id, "data": { "part": part } }))
            })
        };
        let lists =
            |object: &String| parents.iter().map(|parent| held(object, parent)).collect::<Vec<_>>();
        Ok(objects.iter().map(lists).collect())
    }
}

fn subscription(value: &Value) -> subscriptions::Subscription {
    subscriptions::Subscription {
        id: text(value, "id").unwrap_or_default(),
        target_url: text(value, "target_url").unwrap_or_default(),
        expires_at: text(value, "expires_at"),
    }
}

impl subscriptions::Guest for Scripted {
    fn subscribe(
        request: subscriptions::SubscriptionRequest,
    ) -> Result<subscriptions::SubscriptionOutcome, Error> {
        let input = json!({
            "object": request.object, "target_url": request.target_url, "renews": request.renews,
        });
        let made = tell("subscribe", input, &request.attempt)?;
        Ok(subscriptions::SubscriptionOutcome::Subscribed(subscription(&made)))
    }

    fn existing() -> Result<Vec<subscriptions::Subscription>, Error> {
        Ok(each(&ask("existing", &json!({}))?["existing"], subscription))
    }

    fn unsubscribe(id: String) -> Result<(), Error> {
        let attempt = Attempt { key: String::new(), again: false };
        tell("unsubscribe", json!({ "id": id }), &attempt).map(drop)
    }

    /// Proven by the token that `subscribe` was answered with.
    fn receive(
        delivery: subscriptions::Delivery,
    ) -> Result<subscriptions::Reception, subscriptions::Refusal> {
        if secrets::carried("hook-token") != Ok(true) {
            return Err(subscriptions::Refusal::Unverified);
        }
        let said: Value = serde_json::from_slice(&delivery.body).unwrap_or_default();
        let events = each(&said["events"], |event| subscriptions::Event {
            id: text(event, "event"),
            object: text(event, "object").unwrap_or_default(),
            name: text(event, "name").unwrap_or_default(),
            occurred_at: None,
            effect: match event["effect"].as_str() {
                Some("disconnected") => subscriptions::Effect::Disconnected,
                Some("nothing") => subscriptions::Effect::Nothing,
                _ => subscriptions::Effect::Upserted(record(event)),
            },
        });
        Ok(subscriptions::Reception { events, answer: None })
    }
}

hostile_scripted::export!(Scripted with_types_in hostile_scripted);
