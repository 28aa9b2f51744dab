//! What each mode does for one item, from a look at what is there to the write.

use connector_contract::batches::{Patch, Removal};
use connector_contract::hex;
use connector_contract::types::{Attempt, DataRecord, Error, ErrorKind, Written};
use connector_runtime::retry::leaves_open;
use connector_runtime::{CallError, Created, Find as _, error, id_of};
use connector_state::StoreError;
use connector_state::mirror::{Batch, MirroredRecord, RecordState, Source};
use connector_state::push::{Conflict, Holder, IntentRow, IntentState, Mode, Outcome, Sent};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::differences::{InputMembers, patch};
use super::engine::{Push, PushRun};
use super::error::PushError;
use super::item::{LEASE_MS, wait};
use super::shape::{id, key_of};

/// How often a record is read again that somebody else has changed meanwhile.
const READS: u32 = 4;

/// The write of an item that is claimed.
pub struct ItemWrite<'r> {
    pub(super) run: &'r PushRun,
    pub(super) push: &'r Push,
    pub(super) item: IntentRow,
    pub(super) holder: Holder,
    pub(super) input: String,
    members: InputMembers,
    /// The write that was begun last.
    sent: Option<Sent>,
    /// That write may have been applied.
    pub(super) open: bool,
    /// [`connector_state::mirror::Mirror::moment`] before the request whose answer counts.
    asked: u64,
}

/// How it went, with what the mirror is told.
pub struct Done {
    pub outcome: Outcome,
    pub id: Option<String>,
    pub batch: Option<Batch>,
}

/// Why an attempt did not end well.
#[derive(Debug, Error)]
pub enum Failure {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The item met somebody else's change, about which a person is to decide.
    #[error("{id} was changed at the provider, and waits for a decision")]
    Conflict {
        /// The record.
        id: String,
        /// What is to be decided about.
        conflict: Conflict,
    },
    /// The item is refused for another reason.
    #[error("{0}")]
    Refused(String),
    /// The push cannot go on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<'r> ItemWrite<'r> {
    /// Of an item that `holder` has claimed.
    ///
    /// # Errors
    /// [`PushError::Kept`], when its input does not open.
    pub fn new(run: &'r PushRun, item: IntentRow, holder: Holder) -> Result<Self, PushError> {
        let index = item.index;
        let input = run.push.open_input(&item).map_err(|why| PushError::Kept { index, why })?;
        let members: InputMembers = serde_json::from_str(&input).unwrap_or_default();
        let (sent, open) = (item.sent, item.state != IntentState::Pending && item.sent.is_some());
        Ok(Self { run, push: &run.push, item, holder, input, members, sent, open, asked: 0 })
    }

    /// Tries it once.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn attempt(&mut self) -> Result<Done, Failure> {
        if let Some(decision) = self.item.decision {
            return self.carry_out(decision).await;
        }
        match self.run.mode {
            Mode::Upsert => match self.find().await? {
                Some(record) => self.bring_to(record, self.may_have(Sent::Create)).await,
                None => self.create().await,
            },
            Mode::Create => self.create().await,
            Mode::Update => {
                let record = match id(&self.members) {
                    Some(id) => self.get(&id).await?,
                    None => self.find().await?.ok_or_else(nothing_found)?,
                };
                self.bring_to(record, false).await
            }
            Mode::Delete => self.delete().await,
        }
    }

    /// Of an item whose create was begun before, the connector looks for the record first.
    async fn create(&mut self) -> Result<Done, Failure> {
        let begun = self.may_have(Sent::Create);
        self.sending(Sent::Create, None).await?;
        let (push, finder) = (self.push, &self.run.finder);
        let attempt = self.attempt_at("create", begun);
        let created = push.client.create_as(&push.object, &self.input, &attempt, finder).await;
        self.open = created.as_ref().is_err_and(leaves_open);
        match created {
            Ok(Created { written, found: false }) => {
                Ok(self.written(Outcome::Created, written).await)
            }
            Ok(Created { written, found: true }) => {
                let record = push.client.whole(&push.object, written.item).await?;
                match self.run.mode {
                    Mode::Create => self.found(&record).await,
                    _ => self.bring_to(record, true).await,
                }
            }
            Err(error) => match (conflict(&error), self.run.mode) {
                (Some(existing), Mode::Upsert) => {
                    let record = self.existing(existing, &error).await?;
                    self.bring_to(record, false).await
                }
                _ => Err(error.into()),
            },
        }
    }

    /// A record was found after a create whose answer was lost: ours, unless it differs.
    async fn found(&mut self, record: &DataRecord) -> Result<Done, Failure> {
        if self.differs_from(record).is_some_and(|patch| !self.is_secret(&patch)) {
            return Err(Failure::Refused(format!(
                "a record of this name is there with other content, so another program made it; \
                 existing record: {}",
                record.id
            )));
        }
        Ok(self.seen(Outcome::Found, Source::Ours, record).await)
    }

    pub(super) async fn delete(&mut self) -> Result<Done, Failure> {
        let push = self.push;
        let id = match (id(&self.members), &self.item.id) {
            (Some(id), _) => id,
            (None, Some(id)) if self.sent == Some(Sent::Delete) || self.item.decision.is_some() => {
                id.clone()
            }
            (None, _) => {
                let id = self.find().await?.ok_or_else(nothing_found)?.id;
                self.hold(&id).await?;
                id
            }
        };
        for left in (0..READS).rev() {
            let there = match self.get(&id).await {
                Ok(record) => record,
                Err(Failure::Call(error)) if is(&error, &ErrorKind::NotFound) => {
                    return self.gone(id, error).await;
                }
                Err(other) => return Err(other),
            };
            if let Some(skipped) = self.conflict(&there, None).await? {
                return Ok(skipped);
            }
            let again = self.may_have(Sent::Delete);
            self.sending(Sent::Delete, Some(&id)).await?;
            let removal = Removal { id: id.clone(), expected: there.version };
            let expected = removal.expected.as_deref();
            let change = format!("delete {id} {}", expected.unwrap_or_default());
            let attempt = self.attempt_at(&change, again);
            let deleted = push.client.delete_as(&push.object, &removal, &attempt).await;
            self.open = deleted.as_ref().is_err_and(leaves_open);
            match deleted {
                Err(error) if left > 0 && is_of_another_version(&error, expected) => {}
                Err(error) if !is(&error, &ErrorKind::NotFound) => return Err(error.into()),
                _ => break,
            }
        }
        Ok(self.deleted(id).await)
    }

    /// There is nothing to delete: by an earlier attempt, or by somebody else whom we have seen.
    async fn gone(&mut self, id: String, error: CallError) -> Result<Done, Failure> {
        if self.may_have(Sent::Delete) {
            return Ok(self.deleted(id).await);
        }
        match self.known(&id).await? {
            Some(known) if known.state == RecordState::Deleted => {
                Ok(Done { outcome: Outcome::Unchanged, id: Some(id), batch: None })
            }
            _ => Err(error.into()),
        }
    }

    async fn deleted(&self, id: String) -> Done {
        let batch = self.push.own.removed(self.asked, &id).await;
        Done { outcome: Outcome::Deleted, id: Some(id), batch }
    }

    /// Changes a record so that it shows what is wished. `ours`: this item made it.
    pub(super) async fn bring_to(
        &mut self,
        record: DataRecord,
        ours: bool,
    ) -> Result<Done, Failure> {
        if self.differs_from(&record).is_none() {
            return Ok(self.as_wished(&record, ours).await);
        }
        let push = self.push;
        self.hold(&record.id).await?;
        let mut left = READS;
        loop {
            // A list may lag behind, and a change must be of what is there now.
            let record = self.get(&record.id).await?;
            let Some(patch) = self.differs_from(&record) else {
                return Ok(self.as_wished(&record, ours).await);
            };
            let was_sent = self.may_have(Sent::Update);
            let is_ours = ours || (was_sent && self.is_secret(&patch));
            if !is_ours && let Some(skipped) = self.conflict(&record, Some(&patch)).await? {
                return Ok(skipped);
            }
            if !push.offers("update") {
                return Err(Failure::Refused(format!(
                    "it is there with other content, and {} offers no `update`; existing record: {}",
                    push.object, record.id
                )));
            }
            self.sending(Sent::Update, Some(&record.id)).await?;
            let patch = Patch { id: record.id, patch, expected: record.version };
            let expected = patch.expected.as_deref();
            let change =
                format!("update {} {} {}", patch.id, expected.unwrap_or_default(), patch.patch);
            let attempt = self.attempt_at(&change, was_sent);
            let updated = push.client.update_as(&push.object, &patch, &attempt).await;
            self.open = updated.as_ref().is_err_and(leaves_open);
            left -= 1;
            match updated {
                Err(error) if left > 0 && is_of_another_version(&error, expected) => {}
                updated => return Ok(self.written(Outcome::Updated, updated?).await),
            }
        }
    }

    /// The record shows what is wished, by us or anyway.
    async fn as_wished(&self, record: &DataRecord, ours: bool) -> Done {
        let outcome = match (ours, self.may_have(Sent::Update)) {
            (true, _) => Outcome::Found,
            (false, true) => Outcome::Updated,
            (false, false) => {
                let id = Some(record.id.clone());
                return Done { outcome: Outcome::Unchanged, id, batch: None };
            }
        };
        self.seen(outcome, Source::Ours, record).await
    }

    /// The one record that a create would collide with.
    async fn find(&mut self) -> Result<Option<DataRecord>, Failure> {
        self.look().await?;
        let found = match self.run.finder.find(&self.push.object, &self.input).await {
            // A create then tells what it collides with.
            Err(error) if is(&error, &ErrorKind::Unsupported) => vec![],
            found => found?,
        };
        match found.as_slice() {
            [one, other, ..] => Err(Failure::Refused(format!(
                "several records fit, {} and {} among them; name more members, or the id",
                one.id, other.id
            ))),
            _ => Ok(found.into_iter().next()),
        }
    }

    /// The record that a create collided with. A fresh one may not be there for everybody yet.
    async fn existing(
        &mut self,
        id: Option<String>,
        conflict: &CallError,
    ) -> Result<DataRecord, Failure> {
        if let Some(id) = id {
            match self.get(&id).await {
                Err(Failure::Call(error)) if is(&error, &ErrorKind::NotFound) => {}
                got => return got,
            }
        }
        self.look().await?;
        let (push, finder) = (self.push, &self.run.finder);
        let found = push.client.look_for(&push.object, &self.input, conflict, finder).await?;
        found.ok_or_else(|| Failure::Call(conflict.clone()))
    }

    pub(super) async fn get(&mut self, id: &str) -> Result<DataRecord, Failure> {
        self.look().await?;
        Ok(self.push.client.get(&self.push.object, id).await?)
    }

    /// What the mirror knows of a record.
    pub(super) async fn known(&self, id: &str) -> Result<Option<MirroredRecord>, StoreError> {
        self.push.mirror.record(&self.push.connection, &self.push.object, id).await
    }

    /// What is asked from now on is newer than what is known now.
    async fn look(&mut self) -> Result<(), Failure> {
        self.asked = self.push.mirror.moment(&self.push.connection).await?;
        Ok(())
    }

    /// Nothing is sent before this is on the disk.
    async fn sending(&mut self, sent: Sent, id: Option<&str>) -> Result<(), Failure> {
        self.push.intents.sending(&self.holder, sent, id).await?;
        self.sent = Some(sent);
        self.look().await
    }

    /// The right to write a record whose id was found only now.
    pub(super) async fn hold(&self, id: &str) -> Result<(), Failure> {
        let push = self.push;
        let held = || push.intents.hold(&self.holder, &key_of(id), LEASE_MS);
        while let Some(busy_ms) = held().await? {
            wait(busy_ms).await;
        }
        Ok(())
    }

    /// Whether such a write was begun, and may have been applied.
    fn may_have(&self, sent: Sent) -> bool {
        self.open && self.sent == Some(sent)
    }

    /// Names a change: the same whenever this item asks for it, and no other's. What is not the
    /// same change as before is a new one, of which nothing was sent.
    fn attempt_at(&self, change: &str, again: bool) -> Attempt {
        let mut digest = hex(&Sha256::digest(change));
        digest.truncate(16);
        Attempt { key: format!("{}-{}-{digest}", self.item.run, self.item.index), again }
    }

    fn differs_from(&self, record: &DataRecord) -> Option<String> {
        let but = (self.run.mode == Mode::Update).then_some("id");
        patch(&self.members, &record.data, &self.push.schema, but)
    }

    /// Whether a patch holds only what cannot be compared.
    fn is_secret(&self, patch: &str) -> bool {
        let members: InputMembers = serde_json::from_str(patch).unwrap_or_default();
        members.keys().all(|name| self.push.schema.is_write_only(name))
    }

    async fn written(&self, outcome: Outcome, written: Written) -> Done {
        let id = Some(id_of(&written.item).to_owned());
        Done { outcome, id, batch: self.push.own.written(self.asked, written).await }
    }

    pub(super) async fn seen(&self, outcome: Outcome, source: Source, record: &DataRecord) -> Done {
        let batch = self.push.own.found(source, self.asked, record).await;
        Done { outcome, id: Some(record.id.clone()), batch }
    }
}

fn nothing_found() -> Failure {
    Failure::Call(error(ErrorKind::NotFound, "No record fits this item.").into())
}

pub fn is(error: &CallError, kind: &ErrorKind) -> bool {
    matches!(error, CallError::Connector(error) if error.kind == *kind)
}

/// Whether somebody else was faster: what they made of the record decides.
fn is_of_another_version(error: &CallError, expected: Option<&str>) -> bool {
    expected.is_some() && conflict(error).is_some()
}

/// The record that is there already, when the error says that one is.
fn conflict(error: &CallError) -> Option<Option<String>> {
    match error {
        CallError::Connector(Error { kind: ErrorKind::Conflict(existing), .. }) => {
            Some(existing.clone())
        }
        _ => None,
    }
}
