//! `retrack` and `mark-as-completed`.

use super::{NAME, RECORD_SCHEMA, endpoints, read};
use crate::api::{Answer, Api, Call};
use connector_sdk::include_json;
use connector_sdk::{
    ActionCall, DataRecord, Error, ObjectRecord, Outcome, Query, WrittenRecord,
    declare::Action,
    json::{self, Value},
};

const RETRACK: Action = Action {
    name: "retrack",
    title: "Track an inactive tracking again",
    on_record: true,
    writes: true,
    input_schema: include_json!("retrack-input.json"),
    output_schema: include_json!("retrack-output.json"),
};

const MARK_AS_COMPLETED: Action = Action {
    name: "mark-as-completed",
    title: "Mark a tracking as delivered, lost or returned",
    on_record: true,
    writes: true,
    input_schema: include_json!("mark-as-completed-input.json"),
    output_schema: RECORD_SCHEMA,
};

/// Every action on trackings.
pub(super) const ACTIONS: &[Action] = &[RETRACK, MARK_AS_COMPLETED];

/// Subtag that a reason leads to (AfterShip API 2026-07, POST mark-as-completed).
const SUBTAGS: [(&str, &str); 3] = [
    ("DELIVERED", "Delivered_001"),
    ("LOST", "Exception_013"),
    ("RETURNED_TO_SENDER", "Exception_011"),
];

/// Does one of [`ACTIONS`].
pub(super) fn invoke(api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
    if call.action.name == RETRACK.name { retrack(api, call) } else { mark(api, call) }
}

fn retrack(api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
    // AfterShip refuses it for an active tracking (4013), so doing it twice is as once.
    if call.attempt.again {
        let what = "look whether the tracking was retracked";
        let tracking = read(api, call.id, what, Query::new())?;
        if json::member(&tracking.data, "active") == Some("true") {
            return Ok(done(tracking));
        }
    }
    outcome(&api.send(Call::new(endpoints::RETRACK, "retrack the tracking").id(call.id))?)
}

fn mark(api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
    if call.attempt.again {
        let what = "look whether the tracking was marked as completed";
        let tracking = read(api, call.id, what, Query::new())?;
        let reason = json::text_member(call.input, "reason").unwrap_or_default();
        if is_marked(&tracking.data, &reason) {
            return Ok(done(tracking));
        }
    }
    let endpoint = endpoints::MARK_AS_COMPLETED;
    let request = Call::new(endpoint, "mark the tracking as completed").id(call.id);
    outcome(&api.send(request.body(call.input))?)
}

/// Marking adds a checkpoint whose source is the user, and sets the subtag of the reason.
fn is_marked(tracking: &str, reason: &str) -> bool {
    let Some((_, subtag)) = SUBTAGS.iter().find(|(known, _)| *known == reason) else {
        return false;
    };
    let checkpoints = json::member(tracking, "checkpoints").map(Value::parse);
    let Some(Ok(checkpoints)) = checkpoints else {
        return false;
    };
    let by_user = |checkpoint: &Value<'_>| {
        let is = |name, expected| checkpoint.get(name).and_then(Value::text) == Some(expected);
        is("source", "user") && is("subtag", *subtag)
    };
    json::text_member(tracking, "subtag").as_deref() == Some(subtag)
        && checkpoints.items().iter().any(by_user)
}

fn done(tracking: DataRecord) -> Outcome {
    Outcome { output: tracking.data.clone(), written: vec![changed(tracking)] }
}

fn changed(tracking: DataRecord) -> ObjectRecord {
    ObjectRecord { object: NAME.to_owned(), item: WrittenRecord::Whole(tracking) }
}

/// The answer to an action may be a part of the tracking (AfterShip says so of retrack): only a
/// whole one may take the record's place.
fn outcome(answer: &Answer) -> Result<Outcome, Error> {
    let output = answer.data()?.to_owned();
    let is_whole = |record: &DataRecord| {
        record.updated_at.is_some() && json::member(&record.data, "checkpoints").is_some()
    };
    let written = answer.whole_record()?.filter(is_whole).map(changed).into_iter().collect();
    Ok(Outcome { output, written })
}
