//! The adapter under the host kit (`tests/host-kit`): each guest is composed with it, and called as a platform would,
//! in an instance a call.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use wasi_test::{Platform, State, composed};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use bindings::connector::api::types;
use bindings::exports::connector::api::{catalog, derived, discovery, records, subscriptions};
use bindings::exports::connector::wasi::calls;

mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package test:kit;

            world kit {
                include connector:api/everything@0.2.0;
                export connector:wasi/calls@0.2.0;
            }
        ",
        path: ["../../wit", "../../wasi/wit"],
        world: "test:kit/kit",
        exports: { default: async },
    });
}

/// How a call ended: an answer, or kind and message of the error.
type Ended = Result<Value, (String, String)>;

#[tokio::main]
async fn main() -> Result<()> {
    let platform = Platform::new()?;
    let mut loaded = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let job: Value = serde_json::from_str(&line?)?;
        let component = text(&job["component"]);
        let made = loaded.entry(component).or_insert_with_key(|path| {
            let bytes = composed(Path::new(path), &[])?;
            platform.load(&bytes)
        });
        let reply = match made {
            Ok(made) => reply(&platform, made, &job).await,
            Err(why) => json!({ "refused": format!("{why:#}"), "outcomes": [] }),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A connection as the platform's configuration has it.
fn config(job: &Value) -> Vec<(String, String)> {
    let mut config = vec![
        ("allow-private".to_owned(), job["allow-private"].to_string()),
        ("answer-bytes".to_owned(), job["bounds"]["answer-bytes"].to_string()),
    ];
    let members = |value: &Value| -> Vec<(String, Value)> {
        let members = value.as_object().into_iter().flatten();
        members.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    for (from, prefix) in [("operator", "setting"), ("customer", "customer")] {
        for (name, value) in members(&job["settings"][from]) {
            config.push((format!("{prefix}.{name}"), text(&value)));
        }
    }
    for (name, versions) in members(&job["secrets"]) {
        for (version, suffix) in versions.as_array().into_iter().flatten().zip(["", ".previous"]) {
            config.push((format!("secret.{name}{suffix}"), text(version)));
        }
    }
    config
}

async fn reply(platform: &Platform, made: &InstancePre<State>, job: &Value) -> Value {
    let config = config(job);
    let mut store = platform.store(&config, &[]);
    if let Err(why) = check(&mut store, made).await {
        return json!({ "refused": why, "outcomes": [] });
    }
    let (mut outcomes, mut logs) = (Vec::new(), Vec::new());
    for asked in job["calls"].as_array().into_iter().flatten() {
        let mut store = platform.store(&config, &[]);
        outcomes.push(match call(&mut store, made, asked).await {
            Ok(Ok(value)) => json!({ "ok": value }),
            Ok(Err((kind, message))) => json!({ "error": { "kind": kind, "message": message } }),
            // The texts of a trap's causes are the guest's.
            Err(why) => json!({ "error": { "kind": "internal", "message": why.to_string() } }),
        });
        logs.extend(store.data().stderr().lines().map(str::to_owned));
    }
    json!({ "outcomes": outcomes, "logs": logs })
}

async fn check(store: &mut Store<State>, made: &InstancePre<State>) -> Result<(), String> {
    let checked = async {
        let instance = made.instantiate_async(&mut *store).await?;
        let calls = calls::GuestIndices::new(made)?.load(&mut *store, &instance)?;
        calls.call_check(&mut *store).await
    };
    checked.await.map_err(|why| format!("{why:#}"))?
}

async fn call(store: &mut Store<State>, made: &InstancePre<State>, asked: &Value) -> Result<Ended> {
    let instance = made.instantiate_async(&mut *store).await?;
    let (object, id) = (text(&asked["object"]), text(&asked["id"]));
    let view = records::View { fields: vec![], options: None };
    let records = records::GuestIndices::new(made)?.load(&mut *store, &instance)?;
    Ok(match text(&asked["call"]).as_str() {
        "get" => {
            let found = records.call_get(&mut *store, &object, &id, &view).await?;
            found.map(|it| of_record(&it)).map_err(failed)
        }
        "list" => {
            let start = records::Start::Beginning;
            let request =
                records::ListRequest { object, start, page_size: None, filter: None, view };
            let page = records.call_list(&mut *store, &request).await?;
            page.map(|it| of_records(&it.records)).map_err(failed)
        }
        "objects" => match discovery::GuestIndices::new(made) {
            Ok(offered) => {
                let offered = offered.load(&mut *store, &instance)?;
                let objects = offered.call_objects(&mut *store).await?;
                let names =
                    objects.map(|all| all.into_iter().map(|it| it.name).collect::<Vec<_>>());
                names.map(|names| json!(names)).map_err(failed)
            }
            Err(_) => Ok(json!([])),
        },
        "describe" => {
            let catalog = catalog::GuestIndices::new(made)?.load(&mut *store, &instance)?;
            let described = catalog.call_describe(&mut *store, &object).await?;
            described.map(|it| json!({ "events": it.events })).map_err(failed)
        }
        "derive" => {
            let derived = derived::GuestIndices::new(made)?.load(&mut *store, &instance)?;
            let parent = types::DataRecord {
                id,
                updated_at: None,
                created_at: None,
                version: None,
                data: text(&asked["data"]),
            };
            let lists = derived.call_derive(&mut *store, &[object], &[parent]).await?;
            lists
                .map(|it| json!(it.iter().flatten().map(|it| of_records(it)).collect::<Vec<_>>()))
                .map_err(failed)
        }
        "deliver" => deliver(store, made, &instance, asked).await?,
        other => Err(("internal".to_owned(), format!("there is no call \"{other}\""))),
    })
}

async fn deliver(
    store: &mut Store<State>,
    made: &InstancePre<State>,
    instance: &Instance,
    asked: &Value,
) -> Result<Ended> {
    let calls = calls::GuestIndices::new(made)?.load(&mut *store, instance)?;
    let subscriptions = subscriptions::GuestIndices::new(made)?.load(&mut *store, instance)?;
    let headers = asked["headers"].as_object().into_iter().flatten();
    let whole = calls::Delivery {
        url: text(&asked["url"]),
        headers: headers.map(|(name, it)| (name.clone(), text(it).into_bytes())).collect(),
        body: text(&asked["body"]).into_bytes(),
    };
    let begun = calls.call_begin_delivery(&mut *store, &whole).await?;
    let calls::Delivery { url, headers, body } = match begun {
        Ok(delivery) => delivery,
        Err(why) => return Ok(Err(("internal".to_owned(), why))),
    };
    let delivery = subscriptions::Delivery {
        subscription: None,
        method: "POST".to_owned(),
        url,
        headers,
        body,
        received_at: "2026-11-22T09:30:00+00:00".to_owned(),
    };
    let status = match subscriptions.call_receive(&mut *store, &delivery).await? {
        Err(subscriptions::Refusal::Unverified) => 401,
        Err(subscriptions::Refusal::Unreadable(_)) => 200,
        Err(subscriptions::Refusal::TryAgain(_)) => 503,
        Ok(reception) => {
            let records = reception.events.iter().map(|event| match &event.effect {
                subscriptions::Effect::Upserted(it) => of_record(it),
                other => json!(format!("{other:?}")),
            });
            let records = records.collect::<Vec<_>>();
            let status = reception.answer.map_or(200, |it| it.status);
            return Ok(Ok(json!({ "status": status, "records": records })));
        }
    };
    Ok(Ok(json!({ "status": status })))
}

fn of_record(record: &types::DataRecord) -> Value {
    json!({ "id": record.id, "data": record.data })
}

fn of_records(records: &[types::DataRecord]) -> Value {
    json!({ "records": records.iter().map(of_record).collect::<Vec<_>>() })
}

fn failed(error: types::Error) -> (String, String) {
    let kind = match error.kind {
        types::ErrorKind::Unauthenticated => "unauthenticated",
        types::ErrorKind::Forbidden => "forbidden",
        types::ErrorKind::NotFound => "not-found",
        types::ErrorKind::Conflict(_) => "conflict",
        types::ErrorKind::InvalidInput(_) => "invalid-input",
        types::ErrorKind::RateLimited(_) => "rate-limited",
        types::ErrorKind::QuotaExhausted(_) => "quota-exhausted",
        types::ErrorKind::Unavailable => "unavailable",
        types::ErrorKind::OutcomeUnknown => "outcome-unknown",
        types::ErrorKind::CursorExpired => "cursor-expired",
        types::ErrorKind::Unsupported => "unsupported",
        types::ErrorKind::Internal => "internal",
    };
    (kind.to_owned(), error.message)
}
