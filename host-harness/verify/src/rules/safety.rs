//! What a connector may not take, send or see.

use std::time::Instant;

use connector_contract::subscriptions::Delivery;
use connector_runtime::recording::CallEnd;
use serde_json::Value;

use crate::report::{Report, takes_too_much};
use crate::session::Session;

/// Calls that are replayed.
const REPLAYS: usize = 200;
/// Shortest secret that is looked for: a shorter one may stand somewhere by chance.
const LEAST: usize = 8;

/// Calls that no other rule makes; and how long an instance takes.
pub async fn bounds(session: &Session, report: &mut Report) {
    let begun = Instant::now();
    if let Err(why) = session.connector.instantiate().await {
        report.failed("bounds", "an instance", &why);
    }
    let took = begun.elapsed();
    for object in &session.objects {
        let checked = session.connection.check(object.name()).await;
        if let Err(why) = checked.as_ref()
            && takes_too_much(why)
        {
            report.failed("bounds", &format!("{}: check", object.name()), why);
        }
    }
    let calls = session.tape.calls().len();
    report.tried("bounds", format!("{calls} calls; an instance in {} µs", took.as_micros()));
}

/// Deliveries without proof, or with a wrong one.
pub async fn deliveries(session: &Session, report: &mut Report) {
    let rule = "deliveries";
    let facts = session.connector.facts();
    if !facts.exports.iter().any(|it| it.starts_with("connector:api/subscriptions@")) {
        return report.untried(rule, "it offers no subscriptions");
    }
    let manifest = session.connector.manifest();
    let headers = manifest.secret_uses.iter().filter_map(|one| match &one.place {
        connector_contract::permissions::Place::Header(place) => Some(place.name.clone()),
        _ => None,
    });
    let usual = ["x-signature", "x-hub-signature-256", "x-webhook-signature", "authorization"];
    let wrong: Vec<_> = headers
        .chain(usual.map(str::to_owned))
        .map(|name| (name, b"c29tZXRoaW5nIGVsc2U=".to_vec()))
        .collect();
    for (what, headers) in [("without proof", vec![]), ("with a wrong proof", wrong)] {
        for body in
            [&b"{}"[..], b"", b"\xff\xfe", b"{\"id\":\"1\",\"event\":\"x\",\"msg\":{\"id\":\"1\"}}"]
        {
            let delivery = Delivery {
                subscription: None,
                method: "POST".to_owned(),
                url: "https://host.example/hooks/k3".to_owned(),
                headers: headers.clone(),
                body: body.to_vec(),
                received_at: "2026-11-22T09:30:00+00:00".to_owned(),
            };
            let shown = format!("{what}, of {} bytes", body.len());
            match session.connection.receive(delivery).await {
                Ok(Ok(reception)) if !reception.events.is_empty() => {
                    report.fault(
                        rule,
                        format!("one {shown} brought {} event(s)", reception.events.len()),
                    );
                }
                Ok(_) => report.tried(rule, shown),
                Err(why) => report.failed(rule, &shown, &why),
            }
        }
    }
}

/// No secret has a way in, and none was on the tape.
pub fn secrets(session: &Session, report: &mut Report) {
    let rule = "secrets";
    let manifest = session.connector.manifest();
    let fields =
        manifest.schemes.iter().flat_map(|scheme| &scheme.secrets).map(|field| &field.name);
    let uses = manifest.secret_uses.iter().map(|one| &one.secret);
    let keys = manifest.key_uses.iter().map(|one| &one.secret);
    for name in fields.chain(uses).chain(keys) {
        if manifest.settings.iter().any(|setting| setting.name == *name) {
            report.fault(rule, format!("\"{name}\" is a secret and a setting, which it may read"));
        }
    }
    let values = session.secrets();
    for call in session.tape.calls() {
        let text = serde_json::to_string(&call).unwrap_or_default();
        if let Some((name, _)) =
            values.iter().find(|(_, it)| it.len() >= LEAST && text.contains(it))
        {
            report.fault(rule, format!("the value of {name} passed through {}", call.export));
        }
    }
    report.tried(rule, format!("{} secrets, {} calls", values.len(), session.tape.calls().len()));
}

/// Nothing was asked for that the manifest does not declare.
pub fn undeclared(session: &Session, report: &mut Report) {
    let calls = session.tape.calls();
    let asked: usize = calls.iter().map(|call| call.imports.len()).sum();
    report.tried("declared", format!("{asked} imports used in {} calls", calls.len()));
    for call in calls {
        for import in &call.imports {
            let why = match import.import.as_str() {
                "http.send" => import.answer.pointer("/Err/Refused"),
                "secrets.sign" | "secrets.verify" | "secrets.carried" => {
                    import.answer.pointer("/Err").filter(|why| *why == "Denied")
                }
                _ => None,
            };
            let endpoint = import.asked.pointer("/request/endpoint").and_then(Value::as_str);
            if let Some(why) = why {
                let what = endpoint.unwrap_or(&import.import);
                report.fault("declared", format!("{} asks for {what}: {why}", call.export));
            }
        }
    }
}

/// The same call, answered as it was, does the same.
pub async fn replays(session: &Session, report: &mut Report) {
    let calls = session.tape.calls().into_iter();
    let ended = calls.filter(|call| matches!(call.end, CallEnd::Answered(_)));
    let mut count = 0;
    for call in ended.take(REPLAYS) {
        let export = call.export.clone();
        if let Some(difference) = session.connector.replay(call, false).await {
            report.fault("replays", format!("{export}: {difference}"));
        }
        count += 1;
    }
    if count > 0 {
        report.tried("replays", format!("{count} calls"));
    }
}
