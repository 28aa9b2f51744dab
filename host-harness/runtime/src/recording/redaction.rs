//! Calls without their values: what a recording holds that leaves the house.
//!
//! | stays | replaced |
//! |---|---|
//! | members and their order, lengths of lists and texts, `true`, `false`, `null`, punctuation | letters and digits by `1`, a date by 2000-01-01T00:00:00 |
//! | names of the contract: objects, endpoints, events, settings; HTTP statuses; the time; and values that are equal to one of them | all other texts and numbers, in JSON within texts too |

use std::collections::BTreeSet;

use serde_json::{Number, Value};

use super::{CallEnd, RecordedCall, RecordedImport};
use crate::setting::SCHEME;

/// Members of the contract's own types that hold names and numbers of the contract.
const NAMES: &str = "action algorithm captured cost endpoint events fields kind level method name \
    object objects page_size scheme secret_uses start status Stopped";
/// Headers whose values are about the message alone.
const HEADERS: [&str; 4] = ["content-length", "content-type", "date", "retry-after"];

/// In the place of every date.
const DATE: &str = "2000-01-01";

/// Replaces the values of one call.
pub struct Redaction(BTreeSet<String>);

impl RecordedCall {
    /// Replaces every value that may be somebody's. Doing it twice changes nothing more.
    pub fn redact(&mut self) {
        let redaction = Redaction::of(self);
        redaction.apply(&mut self.arguments);
        for exchange in &mut self.imports {
            redaction.apply(&mut exchange.asked);
            if !is_plain(exchange) {
                redaction.apply(&mut exchange.answer);
            }
        }
        if let CallEnd::Answered(answer) = &mut self.end {
            redaction.apply(answer);
        }
    }
}

/// Whether the answer holds nothing of anybody: the time, what keys made, the scheme.
fn is_plain(exchange: &RecordedImport) -> bool {
    exchange.import.starts_with("clock.")
        || exchange.import.starts_with("secrets.")
        || exchange.asked.get("name").is_some_and(|name| name == SCHEME)
}

impl Redaction {
    /// For what `call`, redacted or not, asked and was answered.
    pub fn of(call: &RecordedCall) -> Self {
        let mut names = BTreeSet::new();
        collect(&mut names, "", &call.arguments);
        for exchange in &call.imports {
            collect(&mut names, "", &exchange.asked);
            collect(&mut names, "", &exchange.answer);
        }
        Self(names)
    }

    /// Replaces what may be somebody's in a value of the contract.
    pub fn apply(&self, value: &mut Value) {
        self.walk(Some(""), value);
    }

    /// `name`: the member of the contract that holds it; `None` in the provider's JSON.
    fn walk(&self, name: Option<&str>, value: &mut Value) {
        match value {
            Value::Object(members) => members
                .iter_mut()
                .for_each(|(member, value)| self.walk(name.and(Some(member.as_str())), value)),
            Value::Array(pairs) if name == Some("headers") => {
                pairs.iter_mut().for_each(|pair| self.header(pair));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(name, item)),
            _ if name.is_some_and(is_name) => {}
            Value::String(text) => *text = self.text(text),
            Value::Number(number) if !self.0.contains(&number.to_string()) => {
                let text: String = number.to_string().chars().map(replaced).collect();
                *number = text.parse().unwrap_or_else(|_| Number::from(1));
            }
            _ => {}
        }
    }

    fn header(&self, pair: &mut Value) {
        let Some([name, value]) = pair.as_array_mut().map(Vec::as_mut_slice) else { return };
        if !name.as_str().is_some_and(|name| HEADERS.contains(&name)) {
            self.walk(None, value);
        }
    }

    fn text(&self, text: &str) -> String {
        if self.0.contains(text) {
            return text.to_owned();
        }
        let document = text.starts_with(['{', '[']).then(|| serde_json::from_str(text));
        if let Some(Ok(mut value)) = document {
            self.walk(None, &mut value);
            return value.to_string();
        }
        if is_date(text) {
            let time = text.chars().skip(DATE.len()).map(|letter| match letter {
                '0'..='9' => '0',
                'T' | 'Z' => letter,
                other => replaced(other),
            });
            return DATE.chars().chain(time).collect();
        }
        text.chars().map(replaced).collect()
    }
}

fn is_name(member: &str) -> bool {
    NAMES.split(' ').any(|name| name == member)
}

fn replaced(letter: char) -> char {
    // One for letters and digits: what is computed of values, a digest for example, keeps its shape.
    if letter.is_ascii_alphanumeric() || !letter.is_ascii() { '1' } else { letter }
}

/// Whether it is a date, or a date and a time, as RFC 3339 has them.
fn is_date(text: &str) -> bool {
    let mut letters = text.chars();
    let begins = DATE.chars().all(|form| {
        letters.next().is_some_and(|it| it == form || form != '-' && it.is_ascii_digit())
    });
    begins && letters.all(|it| matches!(it, '0'..='9' | 'T' | 'Z' | ':' | '.' | '+' | '-'))
}

fn collect(names: &mut BTreeSet<String>, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| collect(names, name, value));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(names, name, item)),
        Value::String(text) if is_name(name) => {
            names.insert(text.clone());
        }
        Value::Number(number) if name == "status" => {
            names.insert(number.to_string());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_go_and_shapes_stay() {
        let body = r#"{"meta":{"code":200},"data":[{"id":"0b02","name":"Anna Ü.","sum":-12.50,"slug":"orders","at":"2026-11-21T17:47:10+01:00","ok":true}]}"#;
        let exchange = |import: &str, asked, answer| RecordedImport {
            import: import.to_owned(),
            asked,
            answer,
            is_answered: true,
        };
        let mut call = RecordedCall {
            export: "records.get".to_owned(),
            arguments: json!({ "object": "orders", "id": "0b02", "view": { "fields": [] } }),
            imports: vec![
                exchange("clock.now-ms", json!({}), json!(1_795_348_800_000_u64)),
                exchange("settings.get", json!({ "name": "scheme" }), json!("api-key")),
                exchange("settings.get", json!({ "name": "shop" }), json!("anna-7")),
                exchange(
                    "http.send",
                    json!({ "request": { "endpoint": "get", "path_with_query": "/v1/0b02?l=de" } }),
                    json!({ "Ok": { "status": 200, "body": body, "headers": [
                        ["date", "Sun, 22 Nov 2026 12:00:00 GMT"], ["set-cookie", "who=anna"]] } }),
                ),
            ],
            end: CallEnd::Answered(json!({ "Ok": { "id": "0b02", "data": "2026-11-21 TZ Anna" } })),
            suspended: 0,
        };
        call.redact();
        let again = {
            let mut again = call.clone();
            again.redact();
            again
        };
        assert_eq!(again, call);
        assert_eq!(
            call.arguments,
            json!({ "object": "orders", "id": "1111", "view": { "fields": [] } })
        );
        let answers: Vec<&Value> = call.imports.iter().map(|it| &it.answer).collect();
        assert_eq!(*answers[0], json!(1_795_348_800_000_u64));
        assert_eq!((answers[1], answers[2]), (&json!("api-key"), &json!("1111-1")));
        let shape = r#"{"meta":{"code":200},"data":[{"id":"1111","name":"1111 1.","sum":-11.1,"slug":"orders","at":"2000-01-01T00:00:00+00:00","ok":true}]}"#;
        assert_eq!(answers[3]["Ok"]["body"], shape);
        assert_eq!(answers[3]["Ok"]["headers"][1], json!(["set-cookie", "111=1111"]));
        let path = &call.imports[3].asked["request"]["path_with_query"];
        assert_eq!(path, "/11/1111?1=11");
        assert_eq!(
            call.end,
            CallEnd::Answered(json!({ "Ok": { "id": "1111", "data": "1111-11-11 11 1111" } }))
        );
    }
}
