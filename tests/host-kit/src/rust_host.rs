//! The host of this repository, as the kit runs it: in this process, by `connector-runtime` alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use connector_runtime::contract::batches::{Item, Operation};
use connector_runtime::contract::records::{ListRequest, View};
use connector_runtime::contract::subscriptions::{Delivery, Refusal};
use connector_runtime::contract::types::{Attempt, DataRecord, ErrorKind};
use connector_runtime::observe::{Event, Observer};
use connector_runtime::retry::Policy;
use connector_runtime::secrets::{Secret, Secrets};
use connector_runtime::{
    Authorizer as _, CallError, Connection, Connector, Runtime, RuntimeOptions, ScanError, Tokens,
    id_of,
};
use serde_json::{Value, json};

use crate::host::Reply;

/// Runs jobs.
pub struct RustHost {
    runtime: Runtime,
    /// By file and bounds.
    loaded: Mutex<BTreeMap<String, Connector>>,
}

/// How a call ended: an answer, or kind and message of the error.
type Ended = Result<Value, (String, String)>;

#[derive(Default)]
struct Logs(Mutex<Vec<String>>);

impl Observer for Logs {
    fn event(&self, event: &Event) {
        if let Event::Log { message, .. } = event {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        }
    }
}

impl RustHost {
    /// Starts an engine.
    ///
    /// # Errors
    /// When the machine refuses it.
    pub fn new() -> Result<Self> {
        Ok(Self { runtime: Runtime::new(&RuntimeOptions::default())?, loaded: Mutex::default() })
    }

    /// Runs one job.
    pub async fn run(&self, job: &Value) -> Reply {
        let logs = Arc::<Logs>::default();
        let connection = match self.connect(job, Arc::clone(&logs)).await {
            Ok(connection) => connection,
            Err(why) => return Reply { refused: Some(format!("{why:#}")), ..Reply::default() },
        };
        let mut outcomes = Vec::new();
        for asked in job["calls"].as_array().into_iter().flatten() {
            outcomes.push(match call(&connection, asked).await {
                Ok(value) => json!({ "ok": value }),
                Err((kind, message)) => json!({ "error": { "kind": kind, "message": message } }),
            });
        }
        let logs = logs.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Reply { refused: None, outcomes, logs }
    }

    async fn load(&self, component: &str, bounds: &Value) -> Result<Connector> {
        let key = format!("{component} {bounds}");
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let bound = |name: &str| bounds[name].as_u64().context("a bound is missing");
        let (mut options, usual) = (RuntimeOptions::default(), RuntimeOptions::default());
        options.bounds.cpu = Duration::from_millis(bound("cpu-ms")?);
        options.bounds.memory_bytes = usize::try_from(bound("memory-bytes")?)?;
        options.egress.body_bytes = usize::try_from(bound("answer-bytes")?)?;
        let is_usual =
            options.bounds == usual.bounds && options.egress.body_bytes == usual.egress.body_bytes;
        let runtime = if is_usual { self.runtime.clone() } else { Runtime::new(&options)? };
        let connector = runtime.load(Path::new(component)).await?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.insert(key, connector.clone());
        Ok(connector)
    }

    async fn connect(&self, job: &Value, logs: Arc<Logs>) -> Result<Connection> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let connector = self.load(&text(&job["component"]), &job["bounds"]).await?;
        let attempts = u32::try_from(job["attempts"].as_u64().unwrap_or(1))?;
        let policy = Policy::default().attempts(attempts);
        let policy = if attempts == 1 { Policy::once() } else { policy };
        let secrets = Secrets::default();
        let versions = job["secrets"].as_object().into_iter().flatten().map(|(name, versions)| {
            let versions = versions.as_array().into_iter().flatten();
            (name.clone(), versions.map(|it| (Secret::new(text(it)), None)).collect())
        });
        secrets.set_versions(versions.collect());
        let mut builder = Connection::builder(&connector).policy(policy).observer(logs);
        // Cases that look alike are not one connection.
        builder = builder.id(job.to_string()).secrets(Arc::new(secrets));
        for (name, value) in job["settings"]["operator"].as_object().into_iter().flatten() {
            builder = builder.setting(name, text(value));
        }
        for (name, value) in job["settings"]["customer"].as_object().into_iter().flatten() {
            builder = builder.customer_setting(name, text(value));
        }
        if job["allow-private"] == json!(true) {
            builder = builder.allow_private();
        }
        Ok(builder.build().await?)
    }
}

async fn call(connection: &Connection, asked: &Value) -> Ended {
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let (object, id) = (text("object"), text("id"));
    match text("call").as_str() {
        "get" => {
            let record = connection.get_view(&object, &id, &View::default()).await;
            record.map(|it| of_record(&it)).map_err(|why| failed(&why))
        }
        "list" => {
            let page =
                connection.list(&ListRequest::all(object)).await.map_err(|why| failed(&why))?;
            Ok(json!({ "records": page.records.iter().map(of_record).collect::<Vec<_>>() }))
        }
        "scan" => {
            let (mut scan, mut records) = (connection.scan(ListRequest::all(object)), Vec::new());
            loop {
                match scan.next().await {
                    Ok(Some(page)) => records.extend(page.records.iter().map(of_record)),
                    Ok(None) => return Ok(json!({ "records": records })),
                    Err(ScanError::Call(why)) => return Err(failed(&why)),
                    Err(why) => return Err(("internal".to_owned(), why.to_string())),
                }
            }
        }
        "create" => {
            let made = connection.create(&object, &text("input")).await;
            made.map(|it| json!({ "id": id_of(&it.written.item) })).map_err(|why| failed(&why))
        }
        "write" => {
            let inputs = asked["inputs"].as_array().into_iter().flatten().enumerate();
            let items = inputs.map(|(number, input)| Item {
                operation: Operation::Create(input.as_str().unwrap_or_default().to_owned()),
                attempt: Attempt { key: format!("key-{number}"), again: false },
            });
            let results = connection.write(&object, &items.collect::<Vec<_>>()).await;
            let ids = results.iter().map(|result| match result {
                Ok(written) => json!(written.as_ref().map(|it| id_of(&it.item))),
                Err(why) => json!({ "error": failed(why).0 }),
            });
            Ok(json!({ "written": ids.collect::<Vec<_>>() }))
        }
        "objects" => {
            let objects = connection.objects().await.map_err(|why| failed(&why))?;
            Ok(json!(objects.iter().map(|one| &one.name).collect::<Vec<_>>()))
        }
        "describe" => {
            let descriptor = connection.describe(&object).await.map_err(|why| failed(&why))?;
            Ok(json!({ "events": descriptor.events }))
        }
        "derive" => {
            let parent = DataRecord {
                id,
                updated_at: None,
                created_at: None,
                version: None,
                data: text("data"),
            };
            let derived = connection.derive(&[object], vec![parent]).await;
            let derived = derived.map_err(|why| failed(&why))?.into_iter().flatten().flatten();
            Ok(json!({ "records": derived.map(|it| of_record(&it)).collect::<Vec<_>>() }))
        }
        "complete" => {
            let (authority, none) = (connection.authority(), Tokens::new());
            let grant = authority.complete(text("session"), text("query"), none).await;
            let grant = grant.map_err(|why| failed(&why))?;
            let secrets = grant.tokens.keys().collect::<Vec<_>>();
            Ok(json!({ "settings": grant.learned.settings, "secrets": secrets }))
        }
        "deliver" => deliver(connection, asked).await,
        other => Err(("internal".to_owned(), format!("the kit knows no call \"{other}\""))),
    }
}

/// Receives, and answers as the rule about answers says.
async fn deliver(connection: &Connection, asked: &Value) -> Ended {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let headers = asked["headers"].as_object().into_iter().flatten();
    let delivery = Delivery {
        subscription: None,
        method: "POST".to_owned(),
        url: text(&asked["url"]),
        headers: headers.map(|(name, value)| (name.clone(), text(value).into_bytes())).collect(),
        body: text(&asked["body"]).into_bytes(),
        received_at: "2026-11-22T09:30:00+00:00".to_owned(),
    };
    let received = connection.receive(delivery).await.map_err(|why| failed(&why))?;
    let status = |status: u16| Ok(json!({ "status": status, "headers": {}, "body": "" }));
    match received {
        Err(Refusal::Unverified) => status(401),
        Err(Refusal::Unreadable(_)) => status(200),
        Err(Refusal::TryAgain(_)) => status(503),
        Ok(reception) => {
            let records = reception.events.iter().map(|event| match &event.effect {
                connector_runtime::contract::subscriptions::Effect::Upserted(it) => of_record(it),
                other => json!(format!("{other:?}")),
            });
            let records = records.collect::<Vec<_>>();
            let answer = reception.answer.as_ref();
            Ok(json!({ "status": answer.map_or(200, |it| it.status), "records": records }))
        }
    }
}

fn of_record(record: &DataRecord) -> Value {
    json!({ "id": record.id, "data": record.data })
}

fn failed(error: &CallError) -> (String, String) {
    let kind = match error.error().map(|error| &error.kind) {
        Some(ErrorKind::Unauthenticated) => "unauthenticated",
        Some(ErrorKind::Forbidden) => "forbidden",
        Some(ErrorKind::NotFound) => "not-found",
        Some(ErrorKind::Conflict(_)) => "conflict",
        Some(ErrorKind::InvalidInput(_)) => "invalid-input",
        Some(ErrorKind::RateLimited(_)) => "rate-limited",
        Some(ErrorKind::QuotaExhausted(_)) => "quota-exhausted",
        Some(ErrorKind::Unavailable) => "unavailable",
        Some(ErrorKind::OutcomeUnknown) => "outcome-unknown",
        Some(ErrorKind::CursorExpired) => "cursor-expired",
        Some(ErrorKind::Unsupported) => "unsupported",
        Some(ErrorKind::Internal) | None => "internal",
    };
    (kind.to_owned(), error.to_string())
}
