//! What each mode does for one item, from a look at what is there to the write.

use connector_contract::hex;
use connector_contract::types::{Attempt, DataRecord, Error, ErrorKind};
use connector_runtime::retry::leaves_open;
use connector_runtime::{CallError, error};
use connector_runtime::{Created, Find as _, id_of};
use connector_state::StoreError;
use connector_state::mirror::{Batch, RecordState, Source};
use connector_state::push::{Holder, IntentRow, Mode, Outcome, Sent};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::differences::{Members, patch};
use super::engine::Inner;
use super::error::PushError;
use super::item::OnConflict;
use super::shape::{id, key_of};

/// How often a record is read again that somebody else has changed meanwhile.
const READS: u32 = 4;

/// An item that is claimed and under way.
pub struct Way<'e> {
    pub(super) push: &'e Inner,
    pub(super) item: IntentRow,
    pub(super) holder: Holder,
    pub(super) input: String,
    pub(super) members: Members,
    /// The write that was begun last.
    pub(super) sent: Option<Sent>,
    /// That write may have been applied.
    pub(super) open: bool,
    /// [`connector_state::mirror::Mirror::moment`] before the request whose answer counts.
    pub(super) asked: u64,
}

/// How it went, with what the mirror is told.
pub struct Done {
    pub(super) outcome: Outcome,
    pub(super) id: Option<String>,
    pub(super) batch: Option<Batch>,
}

/// Why an attempt did not end well.
pub enum Failure {
    /// A call failed.
    Call(CallError),
    /// The item is refused for another reason.
    Refused(String),
    /// The push cannot go on.
    Stop(PushError),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Stop(error.into())
    }
}

impl Way<'_> {
    /// Tries it once.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn attempt(&mut self) -> Result<Done, Failure> {
        match self.push.mode {
            Mode::Upsert => self.upsert().await,
            Mode::Create => self.create().await,
            Mode::Update => self.update().await,
            Mode::Delete => self.delete().await,
        }
    }

    async fn upsert(&mut self) -> Result<Done, Failure> {
        match self.find().await? {
            Some(record) => {
                let ours = self.open && self.sent == Some(Sent::Create);
                self.bring_to(record, ours).await
            }
            None => self.create().await,
        }
    }

    /// Of a wish that was begun before, the record is looked for first.
    async fn create(&mut self) -> Result<Done, Failure> {
        let begun = self.open && self.sent == Some(Sent::Create);
        self.sending(Sent::Create, None).await?;
        let push = self.push;
        let (object, attempt) = (&push.family.object, self.attempt_at("create", begun));
        let created = push.client.create_as(object, &self.input, &attempt, &push.finder).await;
        self.open = created.as_ref().is_err_and(leaves_open);
        match created {
            Ok(Created { written, found: false }) => {
                let id = Some(id_of(&written.item).to_owned());
                let told = self.told(Source::Ours);
                let batch = push.family.written(&push.client, told, written).await;
                Ok(Done { outcome: Outcome::Created, id, batch })
            }
            Ok(Created { written, found: true }) => {
                let record = push.client.whole(object, written.item).await?;
                match push.mode {
                    Mode::Create => self.found(&record).await,
                    _ => self.bring_to(record, true).await,
                }
            }
            Err(error) => match (conflict(&error), push.mode) {
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
        let id = Some(record.id.clone());
        Ok(Done { outcome: Outcome::Found, id, batch: self.batch_of(record, Source::Ours).await })
    }

    async fn update(&mut self) -> Result<Done, Failure> {
        let record = match id(&self.members) {
            Some(id) => self.get(&id).await?,
            None => self.find().await?.ok_or_else(nothing_found)?,
        };
        self.bring_to(record, false).await
    }

    async fn delete(&mut self) -> Result<Done, Failure> {
        let push = self.push;
        let id = match (id(&self.members), &self.item.id) {
            (Some(id), _) => id,
            (None, Some(id)) if self.sent == Some(Sent::Delete) => id.clone(),
            (None, _) => {
                let id = self.find().await?.ok_or_else(nothing_found)?.id;
                self.hold(&id).await?;
                id
            }
        };
        for left in (0..READS).rev() {
            let there = match self.get(&id).await {
                Ok(record) => record,
                Err(Failure::Call(error)) if is_not_found(&error) => {
                    return self.gone(&id, error).await;
                }
                Err(other) => return Err(other),
            };
            if let Some(skipped) = self.conflict(&there).await? {
                return Ok(skipped);
            }
            let again = self.open && self.sent == Some(Sent::Delete);
            self.sending(Sent::Delete, Some(&id)).await?;
            let expected = there.version.as_deref();
            let change = format!("delete {id} {}", expected.unwrap_or_default());
            let attempt = self.attempt_at(&change, again);
            let deleted = push.client.delete_as(&push.family.object, &id, &attempt, expected).await;
            self.open = deleted.as_ref().is_err_and(leaves_open);
            match deleted {
                Err(error) if left > 0 && is_of_another_version(&error, expected) => {}
                Err(error) if !is_not_found(&error) => return Err(error.into()),
                _ => break,
            }
        }
        self.deleted(id).await
    }

    /// There is nothing to delete: by an earlier attempt, or by somebody else whom we have seen.
    async fn gone(&mut self, id: &str, error: CallError) -> Result<Done, Failure> {
        let push = self.push;
        if self.open && self.sent == Some(Sent::Delete) {
            return self.deleted(id.to_owned()).await;
        }
        let known = push.mirror.record(&push.connection, &push.family.object, id).await?;
        match known {
            Some(known) if known.state == RecordState::Deleted => {
                Ok(Done { outcome: Outcome::Unchanged, id: Some(id.to_owned()), batch: None })
            }
            _ => Err(error.into()),
        }
    }

    async fn deleted(&mut self, id: String) -> Result<Done, Failure> {
        let push = self.push;
        let told = self.told(Source::Ours);
        let batch = push.family.removed(&push.client, push.mirror.as_ref(), told, &id).await;
        Ok(Done { outcome: Outcome::Deleted, id: Some(id), batch })
    }

    /// Changes a record so that it shows what is wished. `ours`: this item made it.
    async fn bring_to(&mut self, record: DataRecord, ours: bool) -> Result<Done, Failure> {
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
            let again = self.open && self.sent == Some(Sent::Update) && self.is_secret(&patch);
            if !ours
                && !again
                && let Some(skipped) = self.conflict(&record).await?
            {
                return Ok(skipped);
            }
            if !push.offers_update {
                return Err(Failure::Refused(format!(
                    "it is there with other content, and {} offers no `update`; existing record: {}",
                    push.family.object, record.id
                )));
            }
            let was_sent = self.open && self.sent == Some(Sent::Update);
            self.sending(Sent::Update, Some(&record.id)).await?;
            let (object, expected) = (&push.family.object, record.version.as_deref());
            let change = format!("update {} {} {patch}", record.id, expected.unwrap_or_default());
            let attempt = self.attempt_at(&change, was_sent);
            let updated =
                push.client.update_as(object, &record.id, &patch, &attempt, expected).await;
            self.open = updated.as_ref().is_err_and(leaves_open);
            left -= 1;
            match updated {
                Err(error) if left > 0 && is_of_another_version(&error, expected) => {}
                updated => {
                    let written = updated?;
                    let id = Some(id_of(&written.item).to_owned());
                    let told = self.told(Source::Ours);
                    let batch = push.family.written(&push.client, told, written).await;
                    return Ok(Done { outcome: Outcome::Updated, id, batch });
                }
            }
        }
    }

    /// The record shows what is wished, by us or anyway.
    async fn as_wished(&mut self, record: &DataRecord, ours: bool) -> Done {
        let id = Some(record.id.clone());
        let updated = self.open && self.sent == Some(Sent::Update);
        let outcome = match (ours, updated) {
            (true, _) => Outcome::Found,
            (false, true) => Outcome::Updated,
            (false, false) => return Done { outcome: Outcome::Unchanged, id, batch: None },
        };
        Done { outcome, id, batch: self.batch_of(record, Source::Ours).await }
    }

    /// Whether somebody changed the record since it was last seen here; what then comes of the
    /// item, unless it is written all the same.
    async fn conflict(&mut self, there: &DataRecord) -> Result<Option<Done>, Failure> {
        let push = self.push;
        let object = &push.family.object;
        let known = push.mirror.record(&push.connection, object, &there.id).await?;
        let Some(known) = known.filter(|known| known.state != RecordState::Deleted) else {
            return Ok(None);
        };
        let hash: [u8; 32] = Sha256::digest(&there.data).into();
        if hash == known.hash {
            return Ok(None);
        }
        if instant(&there.updated_at) < instant(&known.updated_at) {
            let text = "The provider answers an older version than it has shown before.";
            return Err(Failure::Call(error(ErrorKind::Unavailable, text).into()));
        }
        match push.on_conflict {
            OnConflict::Ours => Ok(None),
            OnConflict::Theirs => {
                let batch = self.batch_of(there, Source::Lookup).await;
                let (outcome, id) = (Outcome::Skipped, Some(there.id.clone()));
                Ok(Some(Done { outcome, id, batch }))
            }
            OnConflict::Fail => Err(Failure::Refused(format!(
                "{} was changed at the provider since it was last seen here; look at it, then \
                 pull it, or push with --on-conflict ours or theirs",
                there.id
            ))),
        }
    }

    /// The one record that a create would collide with.
    async fn find(&mut self) -> Result<Option<DataRecord>, Failure> {
        self.look().await?;
        let push = self.push;
        let found = match push.finder.find(&push.family.object, &self.input).await {
            // A create then tells what it collides with.
            Err(error) if is_unsupported(&error) => vec![],
            found => found?,
        };
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (one, None) => Ok(one),
            (Some(one), Some(other)) => Err(Failure::Refused(format!(
                "several records fit, {} and {} among them; name more members, or the id",
                one.id, other.id
            ))),
            (None, Some(_)) => Ok(None),
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
                Err(Failure::Call(error)) if is_not_found(&error) => {}
                got => return got,
            }
        }
        self.look().await?;
        let push = self.push;
        let (object, input) = (&push.family.object, &self.input);
        let found = push.client.look_for(object, input, conflict, &push.finder).await?;
        found.ok_or_else(|| Failure::Call(conflict.clone()))
    }

    async fn get(&mut self, id: &str) -> Result<DataRecord, Failure> {
        self.look().await?;
        Ok(self.push.client.get(&self.push.family.object, id).await?)
    }

    /// What is asked from now on is newer than what is known now.
    async fn look(&mut self) -> Result<(), Failure> {
        self.asked = self.push.mirror.moment().await?;
        Ok(())
    }

    /// Nothing is sent before this is on the disk.
    async fn sending(&mut self, sent: Sent, id: Option<&str>) -> Result<(), Failure> {
        self.push.intents.sending(&self.holder, sent, id).await?;
        self.sent = Some(sent);
        self.look().await
    }

    /// The right to write a record whose id was found only now.
    async fn hold(&mut self, id: &str) -> Result<(), Failure> {
        let push = self.push;
        let held = || push.intents.hold(&self.holder, &key_of(id), push.lease_end());
        while let Some(until) = held().await? {
            push.wait(until).await;
        }
        Ok(())
    }

    /// Names a change: the same whenever this item asks for it, and no other's. What is not the
    /// same change as before is a new one, of which nothing was sent.
    fn attempt_at(&self, change: &str, again: bool) -> Attempt {
        let mut digest = hex(&Sha256::digest(change));
        digest.truncate(16);
        Attempt { key: format!("{}-{}-{digest}", self.item.run, self.item.index), again }
    }

    fn differs_from(&self, record: &DataRecord) -> Option<String> {
        let but = (self.push.mode == Mode::Update).then_some("id");
        patch(&self.members, &record.data, &self.push.shape, but)
    }

    /// Whether a patch holds only what cannot be compared.
    fn is_secret(&self, patch: &str) -> bool {
        let members: Members = serde_json::from_str(patch).unwrap_or_default();
        members.keys().all(|name| self.push.shape.is_write_only(name))
    }

    fn told(&self, source: Source) -> Batch {
        self.push.family.batch(&self.push.connection, source, self.asked)
    }

    async fn batch_of(&self, record: &DataRecord, source: Source) -> Option<Batch> {
        let (push, told) = (self.push, self.told(source));
        push.family.found(&push.client, push.mirror.as_ref(), told, record).await
    }
}

fn nothing_found() -> Failure {
    Failure::Call(error(ErrorKind::NotFound, "No record fits this item.").into())
}

fn is_not_found(error: &CallError) -> bool {
    matches!(error, CallError::Connector(error) if error.kind == ErrorKind::NotFound)
}

/// Whether somebody else was faster: what they made of the record decides.
fn is_of_another_version(error: &CallError, expected: Option<&str>) -> bool {
    expected.is_some() && conflict(error).is_some()
}

fn is_unsupported(error: &CallError) -> bool {
    matches!(error, CallError::Connector(error) if error.kind == ErrorKind::Unsupported)
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

fn instant(text: &Option<String>) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.as_deref()?, &Rfc3339).ok()
}
