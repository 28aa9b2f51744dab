//! What is sent where a target does not take Standard Webhooks: JSON whose texts may hold JSON Pointers
//! (RFC 6901) into the message.
//!
//! ```json
//! { "text": "{{/data/record/number}} is {{/data/record/status}}", "order": "{{/data/record}}" }
//! ```
//!
//! | a text | becomes |
//! |---|---|
//! | that is one pointer | the value as it came; null where there is none |
//! | with pointers in it | a text: of a text what it says, of nothing nothing, of anything else its JSON |
//! | in the message of a gap, with a pointer that leads to nothing | the message's sentence |
//!
//! `{{/summary}}` is the message in a sentence. All else stays as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use super::message::Message;

/// Bytes of a template.
const MOST_BYTES: usize = 64 * 1024;
/// Pointers of a template.
const MOST_POINTERS: usize = 256;
/// Bytes of what a template makes.
const MOST_MADE: usize = 1024 * 1024;
/// Members of every message, and of its data.
const MEMBERS: [&str; 4] = ["type", "timestamp", "summary", "data"];
const DATA: [&str; 11] = [
    "connection",
    "object",
    "id",
    "number",
    "ours",
    "updated_at",
    "members",
    "previous",
    "record",
    "from",
    "to",
];

/// A template, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Node);

/// Why a template cannot be used.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum BadTemplate {
    /// It is no JSON.
    #[error("the template is no JSON: {0}; a pointer stands within quotes: \"{{{{/data/id}}}}\"")]
    NoJson(String),
    /// A pointer does not end.
    #[error("a pointer of the template does not end with }}}}: \"{0}\"")]
    Unclosed(String),
    /// No message has what a pointer leads to.
    #[error("the template's pointer {pointer} leads to nothing: {place} has {known}")]
    Unknown {
        /// The pointer.
        pointer: String,
        /// Where it stops.
        place: &'static str,
        /// What there is.
        known: String,
    },
    /// It is too large.
    #[error("the template has more than {MOST_BYTES} bytes or {MOST_POINTERS} pointers")]
    TooLarge,
}

/// What a template makes would be too large.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("the template makes more than {MOST_MADE} bytes of it")]
pub(super) struct MadeTooMuch;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    /// As it is.
    Json(String),
    Text(Vec<Piece>),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// Its tokens.
    Pointer(Vec<String>),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`BadTemplate`].
    pub fn read(text: &str) -> Result<Self, BadTemplate> {
        if text.len() > MOST_BYTES {
            return Err(BadTemplate::TooLarge);
        }
        let value = serde_json::from_str(text);
        let value = value.map_err(|why| BadTemplate::NoJson(why.to_string()))?;
        let mut pointers = 0;
        let node = Node::of(value, &mut pointers)?;
        if pointers > MOST_POINTERS { Err(BadTemplate::TooLarge) } else { Ok(Self(node)) }
    }

    /// What it makes of a message: JSON.
    pub(super) fn render(&self, message: &Message) -> Result<String, MadeTooMuch> {
        let mut to = String::new();
        self.0.render(message, &mut to)?;
        Ok(to)
    }
}

impl Node {
    fn of(value: Value, pointers: &mut usize) -> Result<Self, BadTemplate> {
        Ok(match value {
            Value::String(text) => {
                let pieces = pieces(&text)?;
                let count = pieces.iter().filter(|it| matches!(it, Piece::Pointer(_))).count();
                *pointers += count;
                if count == 0 { Self::Json(quoted(&text)) } else { Self::Text(pieces) }
            }
            Value::Array(all) => Self::Array(
                all.into_iter().map(|one| Self::of(one, pointers)).collect::<Result<_, _>>()?,
            ),
            Value::Object(all) => {
                let members =
                    all.into_iter().map(|(name, one)| Ok((name, Self::of(one, pointers)?)));
                Self::Object(members.collect::<Result<_, _>>()?)
            }
            other => Self::Json(other.to_string()),
        })
    }

    fn render(&self, message: &Message, to: &mut String) -> Result<(), MadeTooMuch> {
        match self {
            Self::Json(json) => to.push_str(json),
            Self::Text(pieces) => to.push_str(&text(pieces, message)?),
            Self::Array(all) => {
                to.push('[');
                for (index, one) in all.iter().enumerate() {
                    to.push_str(if index == 0 { "" } else { "," });
                    one.render(message, to)?;
                }
                to.push(']');
            }
            Self::Object(all) => {
                to.push('{');
                for (index, (name, one)) in all.iter().enumerate() {
                    to.push_str(if index == 0 { "" } else { "," });
                    to.push_str(&quoted(name));
                    to.push(':');
                    one.render(message, to)?;
                }
                to.push('}');
            }
        }
        if to.len() > MOST_MADE { Err(MadeTooMuch) } else { Ok(()) }
    }
}

/// A text of the template, as JSON.
fn text(pieces: &[Piece], message: &Message) -> Result<String, MadeTooMuch> {
    let found: Vec<Option<Cow<'_, str>>> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => Some(Cow::Owned(quoted(text))),
            Piece::Pointer(tokens) => find(tokens, message),
        })
        .collect();
    if message.is_gap && found.contains(&None) {
        return Ok(quoted(&message.summary));
    }
    if let ([Piece::Pointer(_)], [value]) = (pieces, &found[..]) {
        return Ok(value.as_deref().unwrap_or("null").to_owned());
    }
    let mut said = String::new();
    for json in found.iter().flatten().filter(|json| **json != "null") {
        match serde_json::from_str::<String>(json) {
            Ok(text) => said.push_str(&text),
            Err(_) => said.push_str(json),
        }
        if said.len() > MOST_MADE {
            return Err(MadeTooMuch);
        }
    }
    Ok(quoted(&said))
}

/// The JSON that a pointer leads to.
fn find<'m>(tokens: &[String], message: &'m Message) -> Option<Cow<'m, str>> {
    if tokens == ["summary"] {
        return Some(Cow::Owned(quoted(&message.summary)));
    }
    let mut json: &'m str = &message.body;
    for token in tokens {
        let next: &'m RawValue = match json.trim_start().as_bytes().first()? {
            b'{' => serde_json::from_str::<BTreeMap<String, &RawValue>>(json).ok()?.get(token)?,
            b'[' => {
                let is_index = token == "0" || !token.starts_with(['0', '+']);
                let index = token.parse::<usize>().ok().filter(|_| is_index)?;
                serde_json::from_str::<Vec<&RawValue>>(json).ok()?.get(index)?
            }
            _ => return None,
        };
        json = next.get();
    }
    Some(Cow::Borrowed(json))
}

fn pieces(text: &str) -> Result<Vec<Piece>, BadTemplate> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("{{/") {
        let Some((pointer, after)) = after.split_once("}}") else {
            return Err(BadTemplate::Unclosed(text.to_owned()));
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Pointer(tokens(pointer)?));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// The tokens of a pointer without its first slash.
fn tokens(pointer: &str) -> Result<Vec<String>, BadTemplate> {
    let tokens = pointer.split('/').map(|token| token.replace("~1", "/").replace("~0", "~"));
    let tokens: Vec<String> = tokens.collect();
    let has = |known: &[&str], token: Option<&String>| {
        token.is_none_or(|token| known.contains(&token.as_str()))
    };
    let unknown = |place, known: &[&str]| {
        let (pointer, known) = (format!("/{pointer}"), known.join(", "));
        Err(BadTemplate::Unknown { pointer, place, known })
    };
    if !has(&MEMBERS, tokens.first()) {
        return unknown("a message", &MEMBERS);
    }
    if tokens.first().is_some_and(|first| first == "data") && !has(&DATA, tokens.get(1)) {
        return unknown("its data", &DATA);
    }
    Ok(tokens)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use connector_state::outbox::Missed;

    use super::super::tests::outgoing;
    use super::*;

    const RECORD: &str =
        r#"{"n":1.50,"s":"Ann \"A\"","a/b":[{"x":null},10],"big":12345678901234567890123}"#;

    fn message() -> Message {
        Message::of(&outgoing(12, "orders", "7", None, Some(RECORD)))
    }

    fn gap() -> Message {
        let (connection, name) = ("c".to_owned(), "shop".to_owned());
        Message::of_gap(&Missed { connection, name, position: 2, forgotten: 9 }, 0)
    }

    fn made(template: &str, message: &Message) -> String {
        Template::read(template).unwrap().render(message).unwrap()
    }

    #[test]
    fn values_come_as_they_are_and_texts_are_put_together() {
        let message = message();
        for (template, expected) in [
            (
                r#"{"b":1.0,"a":[true,null,"x {{ y }}"]}"#,
                r#"{"b":1.0,"a":[true,null,"x {{ y }}"]}"#,
            ),
            (r#""{{/data/record/n}}""#, "1.50"),
            (r#""{{/data/record/big}}""#, "12345678901234567890123"),
            (r#""{{/data/record/s}}""#, r#""Ann \"A\"""#),
            (r#""{{/data/record/a~1b/0}}""#, r#"{"x":null}"#),
            (r#""{{/data/record/a~1b/1}}""#, "10"),
            (r#""{{/data/record/a~1b/01}}""#, "null"),
            (r#""{{/data/record/lost}}""#, "null"),
            (r#""{{/data/record/n/deeper}}""#, "null"),
            (
                r#""{{/type}}: {{/data/record/s}}, {{/data/record/n}}{{/data/record/lost}}{{/data/record/a~1b/0/x}}!""#,
                r#""orders.updated: Ann \"A\", 1.50!""#,
            ),
            (r#"{"text":"{{/summary}}"}"#, r#"{"text":"orders 7 of shop was updated"}"#),
        ] {
            assert_eq!(made(template, &message), expected, "{template}");
        }
        assert_eq!(made(r#""{{/data/record}}""#, &message), RECORD);
    }

    #[test]
    fn a_gap_is_a_sentence_where_a_record_was_meant() {
        let template = r##"{"channel":"#ops","text":"{{/data/record/s}} is {{/data/record/n}}","of":"{{/data/connection}}"}"##;
        let made: Value = serde_json::from_str(&made(template, &gap())).unwrap();
        assert_eq!(made["text"], gap().summary);
        assert!(gap().summary.starts_with("changes 3 to 9 of shop were forgotten"));
        assert_eq!((&made["channel"], &made["of"]), (&"#ops".into(), &"shop".into()));
    }

    #[test]
    fn what_makes_no_message_is_refused_when_it_is_read() {
        let wrong = |template: &str| Template::read(template).unwrap_err().to_string();
        for (template, said) in [
            ("{", "no JSON"),
            (r#"{"n": {{/data/number}}}"#, r#"within quotes: "{{/data/id}}""#),
            (r#"{"n": "{{/data/number"}"#, "does not end"),
            (r#"["{{/dta/id}}"]"#, "/dta/id leads to nothing: a message has type,"),
            (r#"["{{/data/recrod/id}}"]"#, "its data has connection, object,"),
        ] {
            assert!(wrong(template).contains(said), "{template}: {}", wrong(template));
        }
        let many = format!(r#""{}""#, "{{/type}}".repeat(MOST_POINTERS + 1));
        assert_eq!(Template::read(&many), Err(BadTemplate::TooLarge));
        let large = format!(r#""{}""#, "x".repeat(MOST_BYTES));
        assert_eq!(Template::read(&large), Err(BadTemplate::TooLarge));
    }

    #[test]
    fn what_is_made_is_bounded() {
        let record = format!(r#"{{"s":"{}"}}"#, "x".repeat(200_000));
        let message = Message::of(&outgoing(1, "orders", "7", None, Some(&record)));
        let twice = Template::read(r#"["{{/data/record/s}}","{{/data/record/s}}"]"#).unwrap();
        assert!(twice.render(&message).is_ok());
        let many = format!("[{}]", [r#""{{/data/record/s}}""#; 6].join(","));
        assert_eq!(Template::read(&many).unwrap().render(&message), Err(MadeTooMuch));
    }
}
