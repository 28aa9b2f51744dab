//! What could not be read, and where records differ from their schema.

use std::collections::BTreeSet;

use super::work::Work;
use super::{DRIFTS, PlannedChange, PutLetter};
use crate::mirror::{Batch, ChangeKind, Source, hash_of};

/// The hashes of what could not be read, in the order of the items: the dead letters of these are
/// needed.
#[must_use]
pub fn letters(batch: &Batch) -> Vec<[u8; 32]> {
    let hash = |item: &super::Unreadable| {
        // Of what was never answered there is no text.
        let text = item.id.as_ref().filter(|_| item.raw.is_empty()).unwrap_or(&item.raw);
        hash_of(text)
    };
    batch.unreadable.iter().map(hash).collect()
}

impl Work<'_> {
    /// Dead letters. Their records are seen all the same.
    pub(super) fn set_aside(&mut self) {
        let scan = self.batch.step.as_ref().map(|step| step.scan);
        for (item, hash) in self.batch.unreadable.iter().zip(letters(self.batch)) {
            let kept = self.known.letters.get(&hash).copied();
            let listed = self.plan.letters.iter().any(|letter| letter.hash == hash);
            let is_new = kept.is_none() && !listed;
            let is_unseen =
                is_new || (!listed && scan.is_some() && kept.is_some_and(|kept| kept.scan != scan));
            self.plan.applied.unreadable += u64::from(is_new);
            if is_unseen {
                let (number, item) = (kept.map(|kept| kept.number), item.clone());
                self.plan.letters.push(PutLetter { number, hash, item, scan });
            }
            if let (Some(id), Source::Lookup) = (&item.id, self.batch.source) {
                self.plan.answered.insert(id.clone());
            }
            match item.id.as_deref().filter(|id| self.head(id).is_some()) {
                Some(id) => self.mark(id),
                None => self.plan.applied.unseen += u64::from(is_unseen && self.full.is_some()),
            }
        }
    }

    /// Tells where records differ from their schema, as far as that was not told before.
    pub(super) fn drift(&mut self) {
        let room = DRIFTS.saturating_sub(self.known.drifts.len());
        let new: BTreeSet<&String> = self
            .batch
            .drift
            .iter()
            .filter(|pointer| !self.known.drifts.contains(*pointer))
            .collect();
        self.plan.drifts = new.into_iter().take(room).cloned().collect();
        if !self.plan.drifts.is_empty() {
            let members = self.plan.drifts.clone();
            self.log(PlannedChange::of_object(0, 0, ChangeKind::Drift, members), None, None);
        }
    }
}
