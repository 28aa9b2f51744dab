//! What our own writes left behind, as batches of the mirror, so that they do not come back as
//! somebody else's changes.

use connector_contract::types::{DataRecord, ObjectRecord, Written};
use connector_runtime::Connection;
use connector_runtime::{CallError, Connector};
use connector_state::mirror::{Batch, Derived, Mirror, Source};

/// An object, what holds its records, and what is derived from them.
#[derive(Debug, Clone)]
pub struct Family {
    /// The object.
    pub object: String,
    /// The object that the mirror's batches are of: this one, or the one that holds its records.
    pub holder: String,
    /// Every object that is derived from `holder`.
    pub derived: Vec<String>,
}

impl Family {
    /// Asks the connector.
    ///
    /// # Errors
    /// [`CallError`] of describing.
    pub async fn of(connector: &Connector, object: &str) -> Result<Self, CallError> {
        let from = connector.describe(object).await?.derived_from;
        let holder = from.unwrap_or_else(|| object.to_owned());
        let mut derived = Vec::new();
        for other in &connector.manifest().objects {
            let from = connector.describe(&other.name).await?.derived_from;
            if from.as_ref() == Some(&holder) {
                derived.push(other.name.clone());
            }
        }
        Ok(Self { object: object.to_owned(), holder, derived })
    }

    /// Whether the object's records lie inside another object's.
    #[must_use]
    pub fn is_derived(&self) -> bool {
        self.object != self.holder
    }

    /// The batch of a write's answer; `None` when the answer does not tell.
    pub async fn written(
        &self,
        client: &Connection,
        mut told: Batch,
        written: Written,
    ) -> Option<Batch> {
        let of_holders = |it: ObjectRecord| (it.object == self.holder).then_some(it.item);
        let item = match self.is_derived() {
            true => written.also.into_iter().find_map(of_holders)?,
            false => written.item,
        };
        // An answer that tells only the id leaves the record to be read.
        let record = client.whole(&self.holder, item).await.ok()?;
        self.fill(client, &mut told, record).await;
        Some(told)
    }

    /// The batch of a record as it is now; of a derived one, of what holds it.
    pub async fn found(
        &self,
        client: &Connection,
        mirror: &dyn Mirror,
        mut told: Batch,
        record: &DataRecord,
    ) -> Option<Batch> {
        let record = if self.is_derived() {
            self.holder_of(client, mirror, &told.connection, &record.id).await?
        } else {
            record.clone()
        };
        self.fill(client, &mut told, record).await;
        Some(told)
    }

    /// The batch of a removal; of a derived record, what holds it as it is now.
    pub async fn removed(
        &self,
        client: &Connection,
        mirror: &dyn Mirror,
        mut told: Batch,
        id: &str,
    ) -> Option<Batch> {
        if self.is_derived() {
            let holder = self.holder_of(client, mirror, &told.connection, id).await?;
            self.fill(client, &mut told, holder).await;
        } else {
            told.deleted.push(id.to_owned());
        }
        Some(told)
    }

    /// A batch of this family without records.
    #[must_use]
    pub fn batch(&self, connection: &str, source: Source, asked: u64) -> Batch {
        Batch::new(connection, &self.holder, source, asked)
    }

    async fn fill(&self, client: &Connection, batch: &mut Batch, record: DataRecord) {
        if !self.derived.is_empty()
            // What cannot be computed is left to the next pull, which tells why.
            && let Ok(all) = client.derive(&self.derived, vec![record.clone()]).await
        {
            let named = self.derived.iter().cloned().zip(all);
            batch.derived.extend(named.map(|(object, lists)| Derived { object, lists }));
        }
        batch.records.push(record);
    }

    /// What holds a derived record, when the mirror knows.
    async fn holder_of(
        &self,
        client: &Connection,
        mirror: &dyn Mirror,
        connection: &str,
        id: &str,
    ) -> Option<DataRecord> {
        let known = mirror.record(connection, &self.object, id).await.ok()??;
        client.get(&self.holder, &known.holder?).await.ok()
    }
}
