//! A change as a Standard Webhooks message (standardwebhooks.com, specification 1.0.0).
//!
//! ```json
//! {
//!   "type": "orders.updated",
//!   "timestamp": "2026-11-22T12:00:00Z",
//!   "data": {
//!     "connection": "shop", "object": "orders", "id": "7", "number": 12, "ours": false,
//!     "updated_at": "2026-11-22T11:59:58+00:00",
//!     "members": ["status"], "previous": { "status": "open" },
//!     "record": { "id": "7", "status": "paid" }
//!   }
//! }
//! ```
//!
//! A rule over time is told by a message of the type `orders.rule`, whose data has it as `rule`, and the record as it
//! is when the message is sent.
//!
//! Changes that were forgotten before they could be handed on are told by a message of their own, of
//! the type `changes.missed`; its data has `connection`, `from` and `to` (numbers of changes).
//!
//! `record` and the members of `previous` are the provider's JSON as it came. The id is made of
//! what the change is, so that it is the same however often it is sent: drop what you know.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use connector_contract::hex;
use connector_runtime::digest::digest;
use connector_runtime::secrets::hmac_sha256;
use connector_state::Word as _;
use connector_state::outbox::{Missed, Outgoing};
use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::documents::RuleDocument;
use crate::vault::{SealError, Secret, fill, random_id};
use crate::webhooks::rfc3339;

/// Before the base64 of a secret.
const PREFIX: &str = "whsec_";
/// Bytes of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Signs messages.
pub struct Signer(Secret);

/// Why a secret cannot sign.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum BadSecret {
    /// It is no base64.
    #[error("it is not whsec_ and base64")]
    NoBase64,
    /// It is too short or too long.
    #[error("its key must have {} to {} bytes", KEY_BYTES.start(), KEY_BYTES.end())]
    Size,
}

/// A message, ready to be signed and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// `webhook-id`: the same for the same change.
    pub id: String,
    /// JSON.
    pub body: String,
    /// The same in a sentence.
    pub summary: String,
    /// It tells of changes that are forgotten.
    pub is_gap: bool,
}

/// An id for a new forward.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn new_id() -> Result<String, SealError> {
    random_id()
}

/// A secret that [`Signer::read`] takes, drawn at random.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn new_secret() -> Result<Secret, SealError> {
    let mut key = Zeroizing::new([0; 32]);
    fill(&mut *key)?;
    Ok(Secret::new(format!("{PREFIX}{}", BASE64.encode(*key))))
}

impl Signer {
    /// Reads a secret, `whsec_` and base64.
    ///
    /// # Errors
    /// [`BadSecret`].
    pub fn read(secret: &Secret) -> Result<Self, BadSecret> {
        let text = secret.expose();
        let text = text.strip_prefix(PREFIX.as_bytes()).ok_or(BadSecret::NoBase64)?;
        let key = BASE64.decode(text).map(Secret::new).map_err(|_| BadSecret::NoBase64)?;
        if !KEY_BYTES.contains(&key.expose().len()) {
            return Err(BadSecret::Size);
        }
        Ok(Self(key))
    }

    /// The header `webhook-signature` of a message that is sent at this second.
    pub(super) fn sign(&self, id: &str, timestamp: u64, body: &str) -> String {
        let before = format!("{id}.{timestamp}.");
        let signed = hmac_sha256(&self.0, &[before.as_bytes(), body.as_bytes()]);
        format!("v1,{}", BASE64.encode(signed))
    }
}

#[derive(Serialize)]
struct Envelope<T> {
    r#type: String,
    timestamp: String,
    data: T,
}

#[derive(Serialize)]
struct GapData<'a> {
    connection: &'a str,
    from: u64,
    to: u64,
}

#[derive(Serialize)]
struct MessageData<'a> {
    connection: &'a str,
    object: &'a str,
    id: &'a str,
    number: u64,
    ours: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<&'a str>,
    members: &'a [String],
    previous: BTreeMap<&'a str, &'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleDocument>,
    record: Option<&'a RawValue>,
}

impl Message {
    /// The message of a change.
    pub fn of(outgoing: &Outgoing) -> Self {
        let change = &outgoing.change;
        let raw = |text: &'_ Option<String>| {
            text.as_ref().and_then(|text| RawValue::from_string(text.clone()).ok())
        };
        let (before, after) = (raw(&outgoing.before), raw(&outgoing.after));
        let members: BTreeMap<String, &RawValue> = before
            .as_ref()
            .and_then(|before| serde_json::from_str(before.get()).ok())
            .unwrap_or_default();
        let previous = change
            .members
            .iter()
            .filter_map(|name| Some((name.as_str(), *members.get(name)?)))
            .collect();
        let envelope = Envelope {
            r#type: format!("{}.{}", change.object, change.kind.word()),
            timestamp: rfc3339(change.at_ms),
            data: MessageData {
                connection: &outgoing.connection,
                object: &change.object,
                id: &change.id,
                number: change.number,
                ours: change.ours,
                updated_at: change.updated_at.as_deref(),
                members: &change.members,
                previous,
                rule: change.rule.as_ref().map(RuleDocument::of),
                record: after.as_deref(),
            },
        };
        // Maps of texts and JSON as it came: there is nothing that cannot be written.
        let body = serde_json::to_string(&envelope).unwrap_or_default();
        let whose = &outgoing.connection;
        let summary = match (change.id.as_str(), &change.rule) {
            ("", _) => format!("{} of {whose}: {}", change.object, change.kind.word()),
            (id, Some(told)) => {
                let is = if told.raised { "is" } else { "is no longer" };
                format!("{} {id} of {whose} {is} {}", change.object, told.rule)
            }
            (id, None) => format!("{} {id} of {whose} was {}", change.object, change.kind.word()),
        };
        Self { id: id(outgoing), body, summary, is_gap: false }
    }

    /// The message of changes that are forgotten.
    pub fn of_gap(missed: &Missed, now_ms: u64) -> Self {
        let (from, to) = (missed.position.saturating_add(1), missed.forgotten);
        let connection = missed.name.as_str();
        let summary = format!(
            "changes {from} to {to} of {connection} were forgotten before they could be handed on; \
             take the records as they are now"
        );
        let data = GapData { connection, from, to };
        let envelope =
            Envelope { r#type: "changes.missed".to_owned(), timestamp: rfc3339(now_ms), data };
        let body = serde_json::to_string(&envelope).unwrap_or_default();
        let parts =
            [b"missed", missed.connection.as_bytes(), &from.to_be_bytes(), &to.to_be_bytes()];
        Self { id: message_id(&parts), body, summary, is_gap: true }
    }
}

/// 128 bits of SHA-256 over what the change is.
fn id(outgoing: &Outgoing) -> String {
    let change = &outgoing.change;
    let number = change.number.to_be_bytes();
    let version = change.hash.unwrap_or_default();
    message_id(&[
        change.connection.as_bytes(),
        change.object.as_bytes(),
        change.id.as_bytes(),
        &number,
        &version,
    ])
}

fn message_id(parts: &[&[u8]]) -> String {
    let mut digits = hex(&digest(parts));
    digits.truncate(32);
    format!("msg_{digits}")
}

#[cfg(test)]
mod tests {
    use connector_state::mirror::{ChangeKind, RuleTold};

    use super::super::tests::outgoing;
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        let signed = Signer::read(&secret).unwrap().sign(id, 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_whsec_and_base64_of_a_key() {
        let read = |text: &str| Signer::read(&Secret::new(text)).map(drop);
        assert_eq!(read("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Err(BadSecret::NoBase64));
        assert_eq!(read("whsec_***"), Err(BadSecret::NoBase64));
        assert_eq!(read("whsec_AAAA"), Err(BadSecret::Size));
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert!(Signer::read(&one).is_ok() && one.expose() != other.expose());
    }

    #[test]
    fn a_message_holds_the_record_as_it_came_and_what_was_before() {
        let (before, after) =
            (r#"{"n":1.0,"s":"open","same":1}"#, r#"{"n":2.00,"s":"paid","same":1}"#);
        let mut one = outgoing(12, "orders", "7", Some(before), Some(after));
        one.change.members = vec!["n".to_owned(), "s".to_owned()];
        let message = Message::of(&one);
        assert_eq!(
            message.body,
            r#"{"type":"orders.updated","timestamp":"2026-11-22T12:00:00Z","data":{"connection":"shop","object":"orders","id":"7","number":12,"ours":false,"members":["n","s"],"previous":{"n":1.0,"s":"open"},"record":{"n":2.00,"s":"paid","same":1}}}"#
        );
        assert_eq!(message, Message::of(&one.clone()));
        one.change.number = 13;
        assert_ne!(message.id, Message::of(&one).id);
    }

    #[test]
    fn a_rule_is_told_with_its_record() {
        let mut one = outgoing(12, "orders", "7", None, Some(r#"{"s":"open"}"#));
        one.change.kind = ChangeKind::Rule;
        let due_ms = 1_795_348_800_000;
        one.change.rule = Some(RuleTold { rule: "late".to_owned(), raised: true, due_ms });
        let message = Message::of(&one);
        assert_eq!(
            message.body,
            r#"{"type":"orders.rule","timestamp":"2026-11-22T12:00:00Z","data":{"connection":"shop","object":"orders","id":"7","number":12,"ours":false,"members":[],"previous":{},"rule":{"name":"late","state":"raised","due":"2026-11-22T12:00:00Z"},"record":{"s":"open"}}}"#
        );
        assert_eq!(message.summary, "orders 7 of shop is late");
    }

    #[test]
    fn a_gap_has_an_id_that_stays() {
        let missed = |position| Missed {
            connection: "c".to_owned(),
            name: "shop".to_owned(),
            position,
            forgotten: 9,
        };
        let gap = Message::of_gap(&missed(3), 1_795_348_800_000);
        assert_eq!(
            gap.body,
            r#"{"type":"changes.missed","timestamp":"2026-11-22T12:00:00Z","data":{"connection":"shop","from":4,"to":9}}"#
        );
        assert_eq!(gap.id, Message::of_gap(&missed(3), 0).id);
        assert_ne!(gap.id, Message::of_gap(&missed(2), 0).id);
    }
}
