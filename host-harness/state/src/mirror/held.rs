//! What a record holds: its derived records, kept with it as one JSON text.
//!
//! ```json
//! {"lines": [{"id": "7/1", "change": 3, "hash": "ab12...", "updated_at": "2026-11-22T12:00:00Z",
//!             "data": {"id": "7/1", "amount": 1.50}}]}
//! ```
//!
//! `data` is the record as it came; where that is more or less than one JSON value, `text` is it. `change` and `hash` are
//! those of a record of its own. Its state is its holder's.

use std::collections::BTreeMap;

use connector_contract::hex;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{MirroredRecord, RecordState};
use crate::StoreError;

/// Derived records of one holder, by their object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held(pub BTreeMap<String, Vec<HeldRecord>>);

/// A derived record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRecord {
    /// Its id: its holder's, or that and `/` and more.
    pub id: String,
    /// When the provider says that it last changed.
    pub updated_at: Option<String>,
    /// When the provider says that it was made.
    pub created_at: Option<String>,
    /// Number of the change that made it what it is.
    pub change: u64,
    /// SHA-256 of `data`.
    pub hash: [u8; 32],
    /// As it came.
    pub data: String,
}

#[derive(Serialize, Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
    change: u64,
    hash: std::borrow::Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    updated_at: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    created_at: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    data: Option<&'a RawValue>,
    /// Of data that is not just one JSON value.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    text: Option<std::borrow::Cow<'a, str>>,
}

impl Held {
    /// Whether there is nothing of any object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }

    /// The text that is kept; `None` where nothing is held.
    #[must_use]
    pub fn encode(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let mut text = vec![b'{'];
        for (object, records) in self.0.iter().filter(|(_, records)| !records.is_empty()) {
            if text.len() > 1 {
                text.push(b',');
            }
            write(&mut text, object);
            text.extend_from_slice(b":[");
            for (index, record) in records.iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                let data: Option<&RawValue> = serde_json::from_str(&record.data).ok();
                // White space around it is not part of the value.
                let data = data.filter(|data| data.get().len() == record.data.len());
                let entry = Entry {
                    id: record.id.as_str().into(),
                    change: record.change,
                    hash: hex(&record.hash).into(),
                    updated_at: record.updated_at.as_deref().map(Into::into),
                    created_at: record.created_at.as_deref().map(Into::into),
                    data,
                    text: data.is_none().then(|| record.data.as_str().into()),
                };
                write(&mut text, &entry);
            }
            text.push(b']');
        }
        text.push(b'}');
        let text = String::from_utf8(text);
        Some(text.unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned()))
    }

    /// Reads what [`Held::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn decode(text: &str) -> Result<Self, String> {
        let objects: BTreeMap<String, Vec<Entry<'_>>> =
            serde_json::from_str(text).map_err(|why| why.to_string())?;
        let record = |entry: Entry<'_>| {
            let data = entry.data.map(|data| data.get().to_owned());
            Ok(HeldRecord {
                hash: unhex(&entry.hash)?,
                data: data.or(entry.text.map(Into::into)).unwrap_or_default(),
                id: entry.id.into(),
                updated_at: entry.updated_at.map(Into::into),
                created_at: entry.created_at.map(Into::into),
                change: entry.change,
            })
        };
        let list = |(object, entries): (String, Vec<Entry<'_>>)| {
            let records: Result<Vec<_>, String> = entries.into_iter().map(record).collect();
            records.map(|records| (object, records))
        };
        objects.into_iter().map(list).collect::<Result<_, _>>().map(Self)
    }

    /// The records of `object` as rows of their own, in the order of their ids.
    #[must_use]
    pub fn rows(
        self,
        connection: &str,
        object: &str,
        holder: &str,
        state: RecordState,
    ) -> Vec<MirroredRecord> {
        let mut all = self.0;
        let mut records = all.remove(object).unwrap_or_default();
        records.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let row = |record: HeldRecord| MirroredRecord {
            connection: connection.to_owned(),
            object: object.to_owned(),
            id: record.id,
            holder: Some(holder.to_owned()),
            state,
            updated_at: record.updated_at,
            created_at: record.created_at,
            hash: record.hash,
            data: record.data,
            change: record.change,
        };
        records.into_iter().map(row).collect()
    }
}

/// The ids that a holder of `id` may have, longest first: a derived record's id is its holder's, or
/// that and `/` and more (`derived.wit`).
pub fn holders_of(id: &str) -> impl Iterator<Item = &str> {
    let shorter = id.char_indices().rev().filter(|(_, character)| *character == '/');
    std::iter::once(id).chain(shorter.filter_map(|(at, _)| id.get(..at)))
}

/// Whether a derived record may have this id.
#[must_use]
pub fn is_held_by(id: &str, holder: &str) -> bool {
    id.strip_prefix(holder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// That a connector broke the rule of derived ids.
pub(super) fn foreign(object: &str, id: &str, holder: &str) -> StoreError {
    StoreError::ForeignId {
        object: object.to_owned(),
        id: id.to_owned(),
        holder: holder.to_owned(),
    }
}

/// What is written here are texts, and JSON as it came: nothing of it can fail.
fn write(to: &mut Vec<u8>, what: &impl Serialize) {
    let _ = serde_json::to_writer(to, what);
}

fn unhex(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return Err(format!("a hash of {} digits", text.len()));
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|why| why.to_string())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|why| why.to_string())?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, data: &str) -> HeldRecord {
        let (data, hash) = (data.to_owned(), [0xa5; 32]);
        HeldRecord {
            id: id.to_owned(),
            updated_at: None,
            created_at: Some("é\"".into()),
            change: 7,
            hash,
            data,
        }
    }

    #[test]
    fn what_is_held_comes_back_as_it_was() {
        let data = [
            " [1]\n",
            "{\"n\": 1.50, \"a\":12345678901234567890}",
            "[]",
            "no json",
            "",
            "\"text\"",
        ];
        let records: Vec<_> = data.iter().map(|data| record("1/\"", data)).collect();
        let held = Held([("a".to_owned(), records), ("b\"".to_owned(), vec![])].into());
        let kept = Held::decode(&held.encode().unwrap()).unwrap();
        assert_eq!(kept.0["a"], held.0["a"]);
        assert_eq!(Held(BTreeMap::from([("a".to_owned(), vec![])])).encode(), None);
        assert!(Held::decode("{\"a\":[{\"id\":\"1\",\"change\":1,\"hash\":\"00\"}]}").is_err());
        assert!(Held::decode("[").is_err());
    }

    #[test]
    fn an_id_tells_its_holders() {
        assert_eq!(holders_of("a/b/c").collect::<Vec<_>>(), ["a/b/c", "a/b", "a"]);
        assert_eq!(holders_of("é").collect::<Vec<_>>(), ["é"]);
        assert!(is_held_by("a/b", "a") && is_held_by("a", "a"));
        assert!(!is_held_by("ab", "a") && !is_held_by("b/a", "a"));
    }
}
