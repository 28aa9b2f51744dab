//! [`Intents`] in memory.

use std::collections::BTreeMap;

use super::{Memory, Rows, mirror};
use crate::journal::entries;
use crate::mirror::{Applied, Batch};
use crate::push::plan::{self, ClaimPlan, KeptItem, SealPlan};
use crate::push::*;
use crate::{Answer, StoreError};

/// Runs, their items, and who writes which record.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PushTables {
    /// By id.
    pub runs: BTreeMap<String, PushRow>,
    /// By run and index.
    pub items: BTreeMap<(String, u64), IntentRow>,
    /// By connection, object and key.
    pub claims: BTreeMap<(String, String, String), ClaimRow>,
    /// By run.
    pub leases: BTreeMap<String, runs::RunLease>,
}

impl Intents for Memory {
    fn begin(&self, run: PushRow) -> Answer<'_, ()> {
        self.answer(move |rows| {
            let is_connected = rows.store.connections.contains_key(&run.connection);
            let kept = rows.push.runs.get(&run.id);
            if let Some(run) = plan::begin(run, kept, is_connected)? {
                rows.push.put_run(run);
            }
            Ok(())
        })
    }

    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()> {
        self.answer(move |rows| rows.push.add(&items))
    }

    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String> {
        let run = run.to_owned();
        self.write(move |rows, now_ms| {
            let before = rows.push.runs.get(&run).cloned();
            let sealed = rows.push.seal(&run, digest, now_ms)?;
            note(rows, &run, before.as_ref(), now_ms);
            Ok(sealed)
        })
    }

    fn forget(&self, run: &str) -> Answer<'_, ()> {
        let run = run.to_owned();
        self.answer(move |rows| {
            if rows.push.runs.get(&run).is_some_and(plan::is_forgotten) {
                rows.push.remove(&run);
            }
            Ok(())
        })
    }

    fn discard(&self, run: &str) -> Answer<'_, bool> {
        let run = run.to_owned();
        self.answer(move |rows| {
            let is_unbegun = rows.push.runs.get(&run).is_some_and(plan::is_unbegun);
            if is_unbegun {
                rows.push.remove(&run);
            }
            Ok(is_unbegun)
        })
    }

    fn run(&self, run: &str) -> Answer<'_, Option<PushRow>> {
        let run = run.to_owned();
        self.answer(move |rows| Ok(rows.push.runs.get(&run).cloned()))
    }

    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<PushRow>> {
        let connection = connection.map(str::to_owned);
        self.answer(move |rows| {
            let wanted =
                |run: &&PushRow| connection.as_ref().is_none_or(|id| run.connection == *id);
            let mut found: Vec<_> = rows.push.runs.values().filter(wanted).cloned().collect();
            found.sort_by_key(|run| run.made_ms);
            Ok(found)
        })
    }

    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        let range = (run.to_owned(), from)..=(run.to_owned(), u64::MAX);
        self.answer(move |rows| {
            let found = rows.push.items.range(range).take(limit as usize);
            Ok(found.map(|(_, item)| item.clone()).collect())
        })
    }

    fn claim(&self, item: &Holder, for_ms: u64) -> Answer<'_, Claimed> {
        let item = item.clone();
        self.write(move |rows, now_ms| rows.push.claim(&item, for_ms, now_ms))
    }

    fn hold(&self, item: &Holder, key: &str, for_ms: u64) -> Answer<'_, Option<u64>> {
        let (item, key) = (item.clone(), key.to_owned());
        self.write(move |rows, now_ms| rows.push.hold(&item, &key, for_ms, now_ms))
    }

    fn sending(&self, item: &Holder, sent: Sent, id: Option<&str>) -> Answer<'_, ()> {
        let (item, id) = (item.clone(), id.map(str::to_owned));
        self.answer(move |rows| rows.push.sending(&item, sent, id.as_deref()))
    }

    fn end(
        &self,
        item: &Holder,
        end: IntentEnd,
        batch: Option<Batch>,
    ) -> Answer<'_, Option<Applied>> {
        let holder = item.clone();
        self.write(move |rows, now_ms| {
            let ended = plan::end(&holder, rows.push.kept(&holder), end, now_ms)?;
            let applied = batch.map(|batch| mirror::apply(rows, &batch, now_ms)).transpose()?;
            let before = rows.push.runs.get(&holder.run).cloned();
            rows.push.end(&holder, ended);
            note(rows, &holder.run, before.as_ref(), now_ms);
            Ok(applied)
        })
    }

    fn conflicts(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        let range = (run.to_owned(), from)..=(run.to_owned(), u64::MAX);
        self.answer(move |rows| {
            let open = rows.push.items.range(range).map(|(_, item)| item);
            let open = open.filter(|item| item.conflict_ms.is_some());
            Ok(open.take(limit as usize).cloned().collect())
        })
    }

    fn decide(
        &self,
        run: &str,
        items: Vec<(u64, [u8; 32])>,
        decision: Decision,
    ) -> Answer<'_, Vec<Decided>> {
        let run = run.to_owned();
        self.write(move |rows, now_ms| {
            let (run, decided) = rows.push.decide(&run, &items, decision)?;
            let now = items.iter().zip(&decided).filter(|(_, what)| **what == Decided::Now);
            let now: Vec<u64> = now.map(|((index, _), _)| *index).collect();
            if let Some(entry) = entries::of_decision(&run, decision, &now) {
                rows.journal.note(&run.connection, now_ms, entry);
            }
            Ok(decided)
        })
    }

    fn renew(&self, owner: &str, for_ms: u64) -> Answer<'_, ()> {
        let owner = owner.to_owned();
        self.write(move |rows, now_ms| {
            let claims = rows.push.claims.values_mut();
            let ours = claims.filter(|claim| claim.holder.owner == owner);
            ours.for_each(|claim| claim.until_ms = now_ms.saturating_add(for_ms));
            Ok(())
        })
    }
}

impl PushTables {
    pub(crate) fn put_run(&mut self, run: PushRow) {
        self.runs.insert(run.id.clone(), run);
    }

    fn put_item(&mut self, item: IntentRow) {
        self.items.insert((item.run.clone(), item.index), item);
    }

    fn put_claim(&mut self, claim: ClaimRow) {
        let ClaimRow { connection, object, key, .. } = &claim;
        self.claims.insert((connection.clone(), object.clone(), key.clone()), claim);
    }

    fn remove(&mut self, run: &str) {
        self.runs.remove(run);
        self.leases.remove(run);
        self.items.retain(|(of, _), _| of != run);
        self.claims.retain(|_, claim| claim.holder.run != run);
    }

    pub(crate) fn kept(&self, holder: &Holder) -> Option<KeptItem> {
        let run = self.runs.get(&holder.run)?.clone();
        let item = self.items.get(&(holder.run.clone(), holder.index))?.clone();
        let claim = self.claim_of(&run, &item.key);
        Some(KeptItem { run, item, claim })
    }

    fn claim_of(&self, run: &PushRow, key: &str) -> Option<ClaimRow> {
        let of = (run.connection.clone(), run.object.clone(), key.to_owned());
        self.claims.get(&of).cloned()
    }

    pub(crate) fn add(&mut self, items: &[IntentRow]) -> Result<(), StoreError> {
        let mut planned = Vec::new();
        for items in items.chunk_by(|a, b| a.run == b.run) {
            let id = items.first().map(|item| item.run.clone()).unwrap_or_default();
            let of = |index| (id.clone(), index);
            let there = self.items.range(of(0)..=of(u64::MAX)).map(|((_, index), _)| *index);
            let (there, run) = (there.collect(), self.runs.get(&id).cloned());
            planned.push(plan::add(&id, run, items.to_vec(), &there)?);
        }
        for (run, items) in planned {
            self.put_run(run);
            items.into_iter().for_each(|item| self.put_item(item));
        }
        Ok(())
    }

    pub(crate) fn seal(
        &mut self,
        run: &str,
        digest: [u8; 32],
        now_ms: u64,
    ) -> Result<String, StoreError> {
        let asks_the_same = |other: &&PushRow| {
            other.digest == Some(digest) && other.ended_ms.is_none() && other.id != run
        };
        let same = self.runs.values().find(asks_the_same).map(|same| same.id.clone());
        match plan::seal(run, self.runs.get(run).cloned(), same, digest, now_ms)? {
            SealPlan::Same(same) => {
                self.remove(run);
                Ok(same)
            }
            SealPlan::Ours(sealed) => {
                self.put_run(sealed);
                Ok(run.to_owned())
            }
        }
    }

    pub(crate) fn claim(
        &mut self,
        holder: &Holder,
        for_ms: u64,
        now_ms: u64,
    ) -> Result<Claimed, StoreError> {
        Ok(match plan::claim(holder, self.kept(holder), for_ms, now_ms)? {
            ClaimPlan::Settled(item) => Claimed::Settled(Box::new(item)),
            ClaimPlan::Busy(busy_ms) => Claimed::Busy(busy_ms),
            ClaimPlan::Take(item, claim) => {
                self.put_item(item.clone());
                self.put_claim(claim);
                Claimed::Ours(Box::new(item))
            }
        })
    }

    pub(crate) fn hold(
        &mut self,
        holder: &Holder,
        key: &str,
        for_ms: u64,
        now_ms: u64,
    ) -> Result<Option<u64>, StoreError> {
        let kept = self.kept(holder);
        let there = kept.as_ref().and_then(|kept| self.claim_of(&kept.run, key));
        match plan::hold(holder, kept, key, there.as_ref(), for_ms, now_ms)? {
            Err(busy_ms) => Ok(Some(busy_ms)),
            Ok(claim) => {
                self.put_claim(claim);
                Ok(None)
            }
        }
    }

    pub(crate) fn sending(
        &mut self,
        holder: &Holder,
        sent: Sent,
        id: Option<&str>,
    ) -> Result<(), StoreError> {
        let (run, item) = plan::sending(holder, self.kept(holder), sent, id)?;
        self.put_run(run);
        self.put_item(item);
        Ok(())
    }

    pub(crate) fn decide(
        &mut self,
        run: &str,
        items: &[(u64, [u8; 32])],
        decision: Decision,
    ) -> Result<(PushRow, Vec<Decided>), StoreError> {
        let found = self.runs.get(run).cloned();
        let mut run = found.ok_or_else(|| StoreError::NoPush(run.to_owned()))?;
        let mut decided = Vec::new();
        for (index, theirs) in items {
            let item = self.items.get(&(run.id.clone(), *index)).cloned();
            let (what, changed) = plan::decide(&run, item, *theirs, decision);
            decided.push(what);
            if let Some((next, item)) = changed {
                run = next;
                self.put_item(item);
            }
        }
        self.put_run(run.clone());
        Ok((run, decided))
    }

    /// Gives up an item about which nobody decided in time; answers its run as it was before.
    pub(crate) fn give_up(&mut self, now_ms: u64) -> Option<PushRow> {
        let since = plan::kept_since_ms(now_ms);
        let is_old = |item: &&IntentRow| item.conflict_ms.is_some_and(|at_ms| at_ms < since);
        let item = self.items.values().find(is_old)?.clone();
        let before = self.runs.get(&item.run)?.clone();
        let (run, item) = plan::undecided(before.clone(), item, now_ms);
        self.put_run(run);
        self.put_item(item);
        Some(before)
    }

    pub(crate) fn end(&mut self, holder: &Holder, (run, item): (PushRow, IntentRow)) {
        self.put_run(run);
        self.put_item(item);
        let of = |claim: &ClaimRow| (claim.holder.run.clone(), claim.holder.index);
        self.claims.retain(|_, claim| of(claim) != (holder.run.clone(), holder.index));
    }
}

/// Writes what the journal says of a run that was changed.
fn note(rows: &mut Rows, run: &str, before: Option<&PushRow>, now_ms: u64) {
    let Some(run) = rows.push.runs.get(run) else { return };
    for entry in entries::of_push(before, run) {
        rows.journal.note(&run.connection, now_ms, entry);
    }
}

/// Removes the runs of a connection.
pub(super) fn erase(rows: &mut Rows, connection: &str) {
    let runs = rows.push.runs.values().filter(|run| run.connection == connection);
    let runs: Vec<String> = runs.map(|run| run.id.clone()).collect();
    runs.iter().for_each(|run| rows.push.remove(run));
}

/// Removes runs that ended long ago, or were begun long ago and never sealed, and gives up conflicts
/// that nobody decided about.
pub(super) fn forget(rows: &mut Rows, now_ms: u64) {
    while let Some(run) = rows.push.give_up(now_ms) {
        note(rows, &run.id, Some(&run), now_ms);
    }
    let since = plan::kept_since_ms(now_ms);
    let is_over = |run: &&PushRow| {
        run.ended_ms.is_some_and(|ended| ended < since)
            || (plan::is_forgotten(run) && run.made_ms < since)
    };
    let runs: Vec<String> =
        rows.push.runs.values().filter(is_over).map(|run| run.id.clone()).collect();
    runs.iter().for_each(|run| rows.push.remove(run));
}
