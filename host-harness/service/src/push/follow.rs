//! What our own writes left behind, as batches of the mirror, so that they do not come back as
//! somebody else's changes.

use connector_contract::types::{DataRecord, ObjectRecord, Written};
use connector_state::mirror::{Batch, Source};

use super::engine::Push;
use crate::sync::{derive, deriver};

impl Push {
    /// Whether the object's records lie inside another object's.
    fn is_derived(&self) -> bool {
        self.object != self.holder
    }

    /// The batch of a write's answer; `None` when the answer does not tell.
    pub(super) async fn written(&self, asked: u64, written: Written) -> Option<Batch> {
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
    pub(super) async fn found(
        &self,
        source: Source,
        asked: u64,
        record: &DataRecord,
    ) -> Option<Batch> {
        let record = match self.is_derived() {
            true => self.holder_of(&record.id).await?,
            false => record.clone(),
        };
        Some(self.batch(source, asked, record).await)
    }

    /// The batch of a removal; of a derived record, what holds it as it is now.
    pub(super) async fn removed(&self, asked: u64, id: &str) -> Option<Batch> {
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
