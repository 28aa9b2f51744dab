//! [`Journal`] in memory.

use std::collections::BTreeMap;

use super::{Memory, Rows};
use crate::inbox::HookRow;
use crate::inbox::plan::opens_gap;
use crate::journal::{Entry, Folds, Journal, JournalKind, JournalRow, day, entries, folded};
use crate::{Answer, retention};

/// Entries by their numbers.
#[derive(Debug, Default, Clone)]
pub struct JournalTables {
    pub(super) rows: BTreeMap<u64, Kept>,
    pub(super) number: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub row: JournalRow,
    pub folds: bool,
    /// It is the row of the ordinary reads of this day.
    pub day: Option<u64>,
}

impl JournalTables {
    /// Writes an entry of a connection.
    pub(super) fn note(&mut self, connection: &str, at_ms: u64, entry: Entry) {
        let Entry { kind, object, data, folds } = entry;
        let connection = connection.to_owned();
        self.number += 1;
        let number = self.number;
        let row = JournalRow { number, connection, at_ms, kind, object, by: None, data };
        match folds {
            Folds::Now => self.fold(row),
            Folds::Later | Folds::Never => {
                let folds = folds == Folds::Later;
                self.rows.insert(number, Kept { row, folds, day: None });
            }
        }
    }

    /// Makes a read part of its day's row, or that row.
    fn fold(&mut self, read: JournalRow) {
        let of = day(read.at_ms);
        let is_day = |kept: &&mut Kept| {
            kept.day == Some(of)
                && kept.row.connection == read.connection
                && kept.row.object == read.object
        };
        if let Some(kept) = self.rows.values_mut().find(is_day) {
            kept.row.at_ms = kept.row.at_ms.max(read.at_ms);
            kept.row.data = folded(Some(std::mem::take(&mut kept.row.data)), &read.data);
            return;
        }
        let data = folded(None, &read.data);
        let row = JournalRow { kind: JournalKind::SyncDay, data, ..read };
        self.rows.insert(row.number, Kept { row, folds: false, day: Some(of) });
    }
}

impl Rows {
    /// Does something to hooks, and writes what the journal says of it.
    pub(super) fn noting_gaps<T>(&mut self, now_ms: u64, act: impl FnOnce(&mut Self) -> T) -> T {
        let before: BTreeMap<String, HookRow> = self.inbox.hooks().collect();
        let answer = act(self);
        let after: Vec<_> = self.inbox.hooks().collect();
        for (connection, hook) in after {
            let Some(old) = before.get(&connection) else { continue };
            if opens_gap(old, &hook) {
                self.store.touch([&*connection]);
            }
            let entry = entries::of_hook(old, &hook);
            entry.into_iter().for_each(|entry| self.journal.note(&connection, now_ms, entry));
        }
        answer
    }
}

impl Journal for Memory {
    fn journal(
        &self,
        connection: &str,
        kinds: Vec<JournalKind>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<JournalRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let is_wanted = |row: &&JournalRow| {
                row.connection == connection && (kinds.is_empty() || kinds.contains(&row.kind))
            };
            let until = before.unwrap_or(u64::MAX);
            let found = rows.journal.rows.range(..until).rev().map(|(_, kept)| &kept.row);
            Ok(found.filter(is_wanted).take(limit as usize).cloned().collect())
        })
    }
}

/// Removes what a connection had.
pub(super) fn erase(rows: &mut Rows, connection: &str) {
    rows.journal.rows.retain(|_, kept| kept.row.connection != connection);
}

/// Folds ordinary reads that are old, and forgets what is older than is kept.
pub(super) fn forget(rows: &mut Rows, now_ms: u64) {
    let journal = &mut rows.journal;
    let before = now_ms.saturating_sub(retention::SYNCS_MS);
    let old = journal.rows.extract_if(.., |_, kept| kept.folds && kept.row.at_ms < before);
    let old: Vec<JournalRow> = old.map(|(_, kept)| kept.row).collect();
    old.into_iter().for_each(|row| journal.fold(row));
    let before = now_ms.saturating_sub(retention::JOURNAL_MS);
    journal.rows.retain(|_, kept| kept.row.at_ms >= before);
}
