//! Records become a batch: what each holds is derived, and where they differ from their schema is noted.
//! Of those that the mirror keeps as they are, nothing has to be done.

use connector_contract::types::DataRecord;
use connector_runtime::retry::{Blame, blame};
use connector_state::mirror::{Batch, Derived, Unreadable, hash_of};

use super::drift::Drift;
use super::error::SyncError;
use super::look_up::unreadable;
use super::pull::PullRun;
use super::{derive, deriver};

/// Whether records may be left underived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Where the mirror keeps them as they are. If they change meanwhile, committing fails with
    /// [`connector_state::StoreError::ChangedMeanwhile`].
    Mirror,
    /// None of them.
    Nothing,
}

impl PullRun<'_> {
    /// Derives what the records of `batch` hold, and adds where they differ from their schema, as far
    /// as `drift` has not met it. Puts those that changed first.
    pub(super) async fn prepare(
        &self,
        batch: Batch,
        drift: Option<&mut Drift>,
        trust: Trust,
    ) -> Result<Batch, SyncError> {
        let Batch { records, drift: mut differences, .. } = batch;
        let hashes: Vec<[u8; 32]> = records.iter().map(|record| hash_of(&record.data)).collect();
        let deriver = deriver(self.client);
        let unchanged = match trust {
            Trust::Nothing => vec![false; records.len()],
            Trust::Mirror => {
                let versions =
                    records.iter().map(|record| record.id.clone()).zip(hashes.iter().copied());
                self.mirror
                    .unchanged(self.connection, self.object, deriver, versions.collect())
                    .await?
            }
        };
        let (mut changed, mut known) = (Vec::new(), Vec::new());
        for ((record, hash), unchanged) in records.into_iter().zip(hashes).zip(unchanged) {
            let to = if unchanged { &mut known } else { &mut changed };
            to.push((record, hash));
        }
        let (changed, mut known_hashes): (Vec<DataRecord>, Vec<[u8; 32]>) =
            changed.into_iter().unzip();
        if let Some(drift) = drift {
            differences.extend(drift.new_in(&self.pull.object.outline, &changed));
        }
        let before = changed.len();
        let (mut records, mut derived, aside) = self.derive(changed).await?;
        if records.len() < before {
            // Some went aside.
            known_hashes = records.iter().map(|record| hash_of(&record.data)).collect();
        }
        let underived = records.len()..records.len() + known.len();
        for (record, hash) in known {
            records.push(record);
            known_hashes.push(hash);
        }
        if derived.is_empty() {
            let empty = |object: &String| Derived { object: object.clone(), lists: vec![] };
            derived = self.pull.object.derived.iter().map(empty).collect();
        }
        derived.iter_mut().for_each(|derived| derived.lists.resize(records.len(), vec![]));
        let unreadable = batch.unreadable.into_iter().chain(aside).collect();
        Ok(Batch {
            records,
            known_hashes,
            derived,
            underived: underived.collect(),
            deriver,
            unreadable,
            drift: differences,
            ..batch
        })
    }

    /// What each of `records` holds, for each derived object, without those for which that cannot
    /// be computed: they are put aside. Sends nothing.
    async fn derive(
        &self,
        records: Vec<DataRecord>,
    ) -> Result<(Vec<DataRecord>, Vec<Derived>, Vec<Unreadable>), SyncError> {
        let error = match self.derive_all(&records).await {
            Ok(derived) => return Ok((records, derived, Vec::new())),
            Err(error) => error,
        };
        let (mut good, mut aside) = (Vec::new(), Vec::new());
        for record in records {
            match self.derive_all(std::slice::from_ref(&record)).await {
                Ok(_) => good.push(record),
                Err(why) if why.call().is_some_and(|why| blame(why) == Blame::Item) => {
                    aside.push(unreadable(record, why.to_string()));
                }
                Err(why) => return Err(why),
            }
        }
        // Where of many none can be derived from, it is no fault of records; nor where each can.
        if aside.is_empty() || (good.is_empty() && aside.len() > 1) {
            return Err(error);
        }
        let derived = self.derive_all(&good).await?;
        Ok((good, derived, aside))
    }

    async fn derive_all(&self, records: &[DataRecord]) -> Result<Vec<Derived>, SyncError> {
        let objects = &self.pull.object.derived;
        derive(self.client, objects, records).await.map_err(|source| {
            let (object, source) = (objects.join(", "), Box::new(source));
            SyncError::Derive { object, source }
        })
    }
}
