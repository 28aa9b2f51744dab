//! Somebody else's change of a record: found before an item is written, shown to a person, and decided
//! about.

use connector_contract::types::{DataRecord, ErrorKind};
use connector_runtime::error;
use connector_state::mirror::version::instant;
use connector_state::mirror::{MirroredRecord, RecordState, Source};
use connector_state::push::{Conflict, Decision, Mode, Outcome};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest as _, Sha256};

use super::differences::InputMembers;
use super::engine::Push;
use super::item::OnConflict;
use super::write::{Done, Failure, ItemWrite, is};
use crate::vault::write_only::hide_members;

/// Members of a conflict that are kept, the ones that would be written first.
const MEMBERS: usize = 24;
/// Bytes that are kept of a value, and of a name.
const BYTES: usize = 300;

/// A member of a conflict, as it is kept and shown. What is not there is left out.
#[derive(Serialize)]
struct MemberConflict {
    member: String,
    /// As it was last seen here.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<Box<RawValue>>,
    /// As it stands at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    theirs: Option<Box<RawValue>>,
    /// As it would be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    ours: Option<Box<RawValue>>,
}

impl ItemWrite<'_> {
    /// Whether somebody changed the record since it was last seen here, or since it was decided about;
    /// what then comes of the item, unless it is written all the same. `patch`: what would be written;
    /// `None` where the record would be removed.
    pub(super) async fn conflict(
        &self,
        there: &DataRecord,
        patch: Option<&str>,
    ) -> Result<Option<Done>, Failure> {
        let theirs = <[u8; 32]>::from(Sha256::digest(&there.data));
        let known = self.known(&there.id).await?;
        let known = known.filter(|known| known.state != RecordState::Deleted);
        let decided = self.item.conflict.as_ref().filter(|_| self.item.decision.is_some());
        let is_as_seen = match (decided, &known) {
            (Some(conflict), _) => conflict.theirs == theirs,
            (None, Some(known)) => known.hash == theirs,
            (None, None) => true,
        };
        if is_as_seen {
            return Ok(None);
        }
        let at = |known: &MirroredRecord| instant(known.updated_at.as_deref());
        if known.as_ref().is_some_and(|known| instant(there.updated_at.as_deref()) < at(known)) {
            let text = "The provider answers an older version than it has shown before.";
            return Err(Failure::Call(error(ErrorKind::Unavailable, text).into()));
        }
        let policy = if decided.is_some() { OnConflict::Park } else { self.run.on_conflict };
        match policy {
            OnConflict::Ours => Ok(None),
            OnConflict::Theirs => {
                Ok(Some(self.seen(Outcome::Skipped, Source::Lookup, there).await))
            }
            OnConflict::Fail => Err(Failure::Refused(format!(
                "{} was changed at the provider since it was last seen here; look at it, then \
                 pull it, or push with the option on-conflict: ours, theirs or park",
                there.id
            ))),
            OnConflict::Park => {
                let patch = patch.map(|patch| self.push.without_write_only(patch));
                let seen = known.as_ref().map_or("{}", |known| &known.data);
                let members = members(seen, &there.data, patch.as_deref().unwrap_or("{}"));
                let (id, conflict) = (there.id.clone(), Conflict { members, theirs });
                Err(Failure::Conflict { id, conflict })
            }
        }
    }

    /// Carries out what was decided about the record that this item met.
    pub(super) async fn carry_out(&mut self, decision: Decision) -> Result<Done, Failure> {
        let id = self.item.id.clone().unwrap_or_default();
        if (decision, self.run.mode) == (Decision::Ours, Mode::Delete) {
            self.hold(&id).await?;
            return self.delete().await;
        }
        let record = match self.get(&id).await {
            Err(Failure::Call(error)) if is(&error, &ErrorKind::NotFound) => None,
            got => Some(got?),
        };
        match (decision, record) {
            (Decision::Ours, Some(record)) => self.bring_to(record, false).await,
            (Decision::Theirs, Some(record)) => {
                Ok(self.seen(Outcome::Skipped, Source::Lookup, &record).await)
            }
            (Decision::Theirs, None) => {
                Ok(Done { outcome: Outcome::Skipped, id: Some(id), batch: None })
            }
            (Decision::Ours, None) => Err(Failure::Refused(format!(
                "{id} was removed at the provider since its conflict was shown; push the item again \
                 to make it anew"
            ))),
        }
    }
}

impl Push {
    /// A patch in which secrets do not stand.
    fn without_write_only(&self, patch: &str) -> String {
        let hide = |text: String, schema: &String| hide_members(schema, &text);
        // It was read before; what cannot be read now is not shown.
        let hidden = self.schema.texts().iter().try_fold(patch.to_owned(), hide);
        hidden.unwrap_or_default()
    }
}

/// What a person decides about, as JSON: the members that would be written, then those that somebody
/// else has changed besides. Bounded, with a mark for what is left off.
fn members(seen: &str, theirs: &str, ours: &str) -> String {
    let [seen, theirs, ours]: [InputMembers; 3] =
        [seen, theirs, ours].map(|text| serde_json::from_str(text).unwrap_or_default());
    let text = |of: &InputMembers, name: &str| of.get(name).map(|value| value.get().to_owned());
    let all = seen.keys().chain(theirs.keys().filter(|name| !seen.contains_key(*name)));
    let changed =
        all.filter(|name| !ours.contains_key(*name) && text(&seen, name) != text(&theirs, name));
    let names: Vec<&String> = ours.keys().chain(changed).collect();
    let mut shown: Vec<MemberConflict> = names
        .iter()
        .take(MEMBERS)
        .map(|name| MemberConflict {
            member: shortened(name),
            seen: seen.get(*name).and_then(|value| cut(value)),
            theirs: theirs.get(*name).and_then(|value| cut(value)),
            ours: ours.get(*name).and_then(|value| cut(value)),
        })
        .collect();
    if let Some(more @ 1..) = names.len().checked_sub(MEMBERS) {
        let member = format!("… and {more} more");
        shown.push(MemberConflict { member, seen: None, theirs: None, ours: None });
    }
    serde_json::to_string(&shown).unwrap_or_default()
}

/// A value, or the begin of its text where it is long.
fn cut(value: &RawValue) -> Option<Box<RawValue>> {
    match value.get() {
        text if text.len() > BYTES => to_raw_value(&shortened(text)).ok(),
        _ => Some(value.to_owned()),
    }
}

fn shortened(text: &str) -> String {
    match text.get(..text.floor_char_boundary(BYTES)) {
        Some(begin) if begin.len() < text.len() => format!("{begin}… ({} bytes)", text.len()),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_first_digit_for_digit() {
        let seen = r#"{"id":"1","title":"a","price":1.50,"note":"n","same":[1]}"#;
        let theirs = r#"{"id":"1","title":"b","price":12345678901234567890,"same":[1],"new":null}"#;
        let told = members(seen, theirs, r#"{"title":"c","absent":1.0}"#);
        assert_eq!(
            told,
            r#"[{"member":"absent","ours":1.0},{"member":"title","seen":"a","theirs":"b","ours":"c"},"#
                .to_owned()
                + r#"{"member":"note","seen":"n"},"#
                + r#"{"member":"price","seen":1.50,"theirs":12345678901234567890},"#
                + r#"{"member":"new","theirs":null}]"#
        );
        assert_eq!(members("{}", "no JSON", ""), "[]");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let many: Vec<String> = (0..1_000)
            .map(|n| format!("\"{n}{}\":\"{}\"", "ü".repeat(400), "é".repeat(4_000)))
            .collect();
        let record = format!("{{{}}}", many.join(","));
        let told = members("{}", &record, &record);
        assert!(told.len() < MEMBERS * (4 * BYTES + 200), "{}", told.len());
        let shown: Vec<serde_json::Value> = serde_json::from_str(&told).unwrap();
        assert_eq!(shown.len(), MEMBERS + 1);
        assert_eq!(shown[MEMBERS]["member"], "… and 976 more");
        assert!(shown[0]["ours"].as_str().unwrap().ends_with("é… (8002 bytes)"));
    }
}
