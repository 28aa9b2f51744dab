//! Whether a host did as it must.

use serde_json::Value;

use crate::case::{Case, Texts};
use crate::host::Reply;

/// Judges a reply, and what reached the provider.
///
/// # Errors
/// What is otherwise than expected.
pub fn judge(case: &Case, job: &Value, reply: &Reply, sent: &[String]) -> Result<(), String> {
    let expect = &case.expect;
    match (&reply.refused, expect.refused) {
        (Some(why), false) => return Err(format!("refused: {why}")),
        (None, true) => return Err(format!("not refused: {:?}", reply.outcomes)),
        (None, false) if reply.outcomes.len() != expect.outcomes.len() => {
            return Err(format!("{} outcomes: {:?}", reply.outcomes.len(), reply.outcomes));
        }
        _ => {}
    }
    for (number, (expected, outcome)) in expect.outcomes.iter().zip(&reply.outcomes).enumerate() {
        let kind = outcome.pointer("/error/kind").and_then(Value::as_str).unwrap_or("ok");
        if !expected.is.split('|').any(|it| it == kind) {
            return Err(format!("call {number} is {kind} and not {}: {outcome}", expected.is));
        }
        texts(&expected.texts, &plain(outcome))
            .map_err(|why| format!("call {number} {why}: {outcome}"))?;
    }
    if let Some(expected) = &expect.sent {
        if expected.len() != sent.len() {
            return Err(format!("{} requests instead of {}: {sent:?}", sent.len(), expected.len()));
        }
        for (number, (expected, request)) in expected.iter().zip(sent).enumerate() {
            texts(expected, request).map_err(|why| format!("request {number} {why}: {request}"))?;
        }
    }
    let logged: usize = reply.logs.iter().map(String::len).sum();
    if expect.log_bytes.is_some_and(|most| logged > most) {
        return Err(format!("{logged} bytes of log"));
    }
    // As it is, and as its texts are.
    let all = serde_json::to_value(reply).unwrap_or_default();
    let all = format!("{all}\n{}", plain(&all));
    let secrets = job["secrets"].as_object().into_iter().flatten();
    let secrets = secrets.flat_map(|(_, versions)| versions.as_array().into_iter().flatten());
    let mut never =
        secrets.filter_map(Value::as_str).chain(expect.never.iter().map(String::as_str));
    match never.find(|text| all.contains(*text)) {
        Some(text) => Err(format!("the reply holds {text}: {all}")),
        None => Ok(()),
    }
}

/// A value's texts as they are, so that a case need not escape what stands in them; each with its name.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(all) => all.iter().map(plain).collect(),
        Value::Object(all) => {
            all.iter().map(|(name, it)| format!("{name}: {}", plain(it))).collect()
        }
        other => format!("{other}\n"),
    }
}

fn texts(expected: &Texts, text: &str) -> Result<(), String> {
    if let Some(missing) = expected.has.iter().find(|it| !text.contains(it.as_str())) {
        return Err(format!("lacks {missing:?}"));
    }
    match expected.not.iter().find(|it| text.contains(it.as_str())) {
        Some(found) => Err(format!("holds {found:?}")),
        None => Ok(()),
    }
}
