//! Our own writes, told to the mirror at once, so that they do not come back as somebody else's changes.
//!
//! [`RecordWriter`] writes single records; [`crate::push`] tells its items' writes with their ends.

use std::sync::Arc;

use connector_contract::actions::{Invocation, Outcome};
use connector_contract::batches::{Patch, Removal};
use connector_contract::types::{Attempt, DataRecord, ObjectRecord, Written, WrittenRecord};
use connector_runtime::{CallError, Connection, Created};
use connector_state::StoreError;
use connector_state::mirror::{Batch, Mirror, Source};
use thiserror::Error;
use tracing::warn;

use crate::sync::{Catalog, derive, deriver};

/// Makes batches of what writes to an object left behind.
#[derive(Clone)]
pub(crate) struct OwnWrites {
    pub client: Connection,
    pub mirror: Arc<dyn Mirror>,
    pub connection: String,
    pub object: String,
    /// The object that the batches are of: this one, or the one that holds its records.
    pub holder: String,
    /// Every object that is derived from `holder`.
    pub derived: Vec<String>,
}

impl OwnWrites {
    /// Of writes to `object` of the connection with this id.
    ///
    /// # Errors
    /// [`CallError`] when the connector does not describe it.
    pub async fn of(
        client: Connection,
        mirror: Arc<dyn Mirror>,
        connection: &str,
        object: &str,
    ) -> Result<Self, CallError> {
        let connector = client.connector().clone();
        let catalog = Catalog::of(&connector).await?;
        let holder = connector.describe(object).await?.derived_from;
        let holder = holder.unwrap_or_else(|| object.to_owned());
        let derived = catalog.derived_from(&holder);
        let (connection, object) = (connection.to_owned(), object.to_owned());
        Ok(Self { client, mirror, connection, object, holder, derived })
    }

    /// Whether the object's records lie inside another object's.
    fn is_derived(&self) -> bool {
        self.object != self.holder
    }

    /// The batch of a write's answer; `None` when the answer does not tell.
    pub async fn written(&self, asked: u64, written: Written) -> Option<Batch> {
        let of_holders = |it: ObjectRecord| (it.object == self.holder).then_some(it.item);
        let item = match self.is_derived() {
            true => written.also.into_iter().find_map(of_holders)?,
            false => written.item,
        };
        // An answer that tells only the id leaves the record to be read.
        let record = self.client.whole(&self.holder, item).await.ok()?;
        Some(self.batch(Source::Ours, asked, record).await)
    }

    /// The batch of a record as it is now; of a derived one, of what holds it.
    pub async fn found(&self, source: Source, asked: u64, record: &DataRecord) -> Option<Batch> {
        let record = match self.is_derived() {
            true => self.holder_of(&record.id).await?,
            false => record.clone(),
        };
        Some(self.batch(source, asked, record).await)
    }

    /// The batch of a removal; of a derived record, what holds it as it is now.
    pub async fn removed(&self, asked: u64, id: &str) -> Option<Batch> {
        if self.is_derived() {
            let holder = self.holder_of(id).await?;
            return Some(self.batch(Source::Ours, asked, holder).await);
        }
        let batch = Batch::new(&self.connection, &self.holder, Source::Ours, asked);
        Some(Batch { deleted: vec![id.to_owned()], ..batch })
    }

    async fn batch(&self, source: Source, asked: u64, record: DataRecord) -> Batch {
        let records = vec![record];
        // What cannot be computed is left to the next pull, which tells why.
        let derived = derive(&self.client, &self.derived, &records).await.unwrap_or_default();
        let batch = Batch::new(&self.connection, &self.holder, source, asked);
        // Of what could not be computed nobody says that it was.
        let deriver = if derived.is_empty() { 0 } else { deriver(&self.client) };
        Batch { records, derived, deriver, ..batch }
    }

    /// What holds a derived record, when the mirror knows.
    async fn holder_of(&self, id: &str) -> Option<DataRecord> {
        let known = self.mirror.record(&self.connection, &self.object, id).await.ok()??;
        self.client.get(&self.holder, &known.holder?).await.ok()
    }
}

/// Writes single records, and tells the mirror of the connection what came of it: its changes have the
/// write as ours, and a scan or a delivery that brings the same tells nothing again. Where the mirror cannot
/// be told after the write, the next scan does it.
#[derive(Clone)]
pub struct RecordWriter {
    client: Connection,
    /// The mirror, and the connection's id; `None`: nothing is kept of it.
    kept: Option<(Arc<dyn Mirror>, String)>,
}

/// Why a record was not written.
#[derive(Debug, Error)]
pub enum RecordWriteError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The state cannot be read. Nothing was sent.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RecordWriter {
    /// Of this connection; `kept`: its mirror, and the id that it has there.
    #[must_use]
    pub fn new(client: Connection, kept: Option<(Arc<dyn Mirror>, String)>) -> Self {
        Self { client, kept }
    }

    /// As [`Connection::create_as`].
    ///
    /// # Errors
    /// [`RecordWriteError`].
    pub async fn create(
        &self,
        object: &str,
        input: &str,
        attempt: &Attempt,
    ) -> Result<Created, RecordWriteError> {
        let asked = self.moment().await?;
        let mut created = self.client.create_as(object, input, attempt, &self.client).await?;
        self.tell_written(object, asked, &mut created.written).await;
        Ok(created)
    }

    /// As [`Connection::update_as`].
    ///
    /// # Errors
    /// [`RecordWriteError`].
    pub async fn update(
        &self,
        object: &str,
        patch: &Patch,
        attempt: &Attempt,
    ) -> Result<Written, RecordWriteError> {
        let asked = self.moment().await?;
        let mut written = self.client.update_as(object, patch, attempt).await?;
        self.tell_written(object, asked, &mut written).await;
        Ok(written)
    }

    /// As [`Connection::delete_as`].
    ///
    /// # Errors
    /// [`RecordWriteError`].
    pub async fn delete(
        &self,
        object: &str,
        removal: &Removal,
        attempt: &Attempt,
    ) -> Result<(), RecordWriteError> {
        let asked = self.moment().await?;
        self.client.delete_as(object, removal, attempt).await?;
        if let Some(own) = self.own(object).await {
            self.apply(own.removed(asked, &removal.id).await).await;
        }
        Ok(())
    }

    /// As [`Connection::invoke`].
    ///
    /// # Errors
    /// [`RecordWriteError`].
    pub async fn invoke(&self, invocation: &Invocation) -> Result<Outcome, RecordWriteError> {
        let asked = self.moment().await?;
        let mut outcome = self.client.invoke(invocation).await?;
        for at in 0..outcome.written.len() {
            let Some(ObjectRecord { object, item }) = outcome.written.get(at).cloned() else {
                break;
            };
            let also = outcome.written.clone();
            let mut written = Written { item, also };
            self.tell_written(&object, asked, &mut written).await;
            if let Some(one) = outcome.written.get_mut(at) {
                one.item = written.item;
            }
        }
        Ok(outcome)
    }

    /// What is asked from now on is newer than what is known now.
    async fn moment(&self) -> Result<u64, StoreError> {
        match &self.kept {
            Some((mirror, connection)) => mirror.moment(connection).await,
            None => Ok(0),
        }
    }

    async fn own(&self, object: &str) -> Option<OwnWrites> {
        let (mirror, connection) = self.kept.as_ref()?;
        let own = OwnWrites::of(self.client.clone(), Arc::clone(mirror), connection, object).await;
        own.inspect_err(|why| warn!(%why, object, "a write is told by the next scan")).ok()
    }

    /// Tells of a write. A record that had to be read for that is whole afterwards.
    async fn tell_written(&self, object: &str, asked: u64, written: &mut Written) {
        let Some(own) = self.own(object).await else { return };
        if !own.is_derived()
            && let Ok(whole) = self.client.whole(object, written.item.clone()).await
        {
            written.item = WrittenRecord::Whole(whole);
        }
        self.apply(own.written(asked, written.clone()).await).await;
    }

    async fn apply(&self, batch: Option<Batch>) {
        let (Some((mirror, _)), Some(batch)) = (&self.kept, batch) else { return };
        if let Err(why) = mirror.apply(batch).await {
            warn!(%why, "a write is told by the next scan");
        }
    }
}
