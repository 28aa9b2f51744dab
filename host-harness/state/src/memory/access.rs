//! [`Access`] in memory.

use std::collections::BTreeMap;

use super::{Memory, Rows};
use crate::access::plan::{self, KeptWrite, begin, end, is_good, lease, token};
use crate::access::{
    Access, AddedToken, EndedWrite, LINKS, LinkRow, NewLink, NewToken, NewWrite, ReadCount, TOKENS,
    TokenRow, WriteRow, WriteStart,
};
use crate::{Answer, StoreError, retention};

/// Who may do what, and what was done.
#[derive(Debug, Default, Clone)]
pub struct AccessTables {
    /// By name.
    tokens: BTreeMap<String, TokenRow>,
    /// By number.
    writes: BTreeMap<u64, (WriteRow, KeptWrite)>,
    number: u64,
    /// By minute and caller.
    reads: BTreeMap<(u64, String), u64>,
    links: Vec<LinkRow>,
}

impl AccessTables {
    /// The write of a caller that has this key.
    fn under_key(&self, write: &NewWrite) -> Option<&KeptWrite> {
        let key = write.key.as_ref()?.key;
        let has_it = |(row, kept): &&(WriteRow, KeptWrite)| {
            row.caller == write.caller && kept.key.as_ref().is_some_and(|it| it.key == key)
        };
        self.writes.values().find(has_it).map(|(_, kept)| kept)
    }

    fn begin(&mut self, write: NewWrite, now_ms: u64) -> WriteStart {
        let lease = Some(lease(&write, now_ms));
        if let Some(kept) = self.under_key(&write) {
            let start = begin(kept, &write, now_ms);
            if let WriteStart::Go { number, .. } = start
                && let Some((_, kept)) = self.writes.get_mut(&number)
            {
                kept.lease = lease;
            }
            return start;
        }
        self.number += 1;
        let number = self.number;
        let NewWrite { caller, action, connection, target, key, .. } = write;
        let row =
            WriteRow { number, at_ms: now_ms, caller, action, connection, target, outcome: None };
        let kept = KeptWrite { number, key, lease, outcome: None, answer: None };
        self.writes.insert(number, (row, kept));
        WriteStart::Go { number, is_again: false }
    }

    fn end(&mut self, ended: EndedWrite) {
        let Some((row, kept)) = self.writes.get_mut(&ended.number) else { return };
        let target = ended.target.clone();
        if let Some(new) = end(kept.clone(), ended) {
            row.target = target.unwrap_or_else(|| row.target.clone());
            row.outcome.clone_from(&new.outcome);
            *kept = new;
        }
    }

    fn link(&self, digest: [u8; 32], now_ms: u64) -> Option<LinkRow> {
        let is_it = |link: &&LinkRow| link.digest == digest && now_ms < link.until_ms;
        self.links.iter().find(is_it).cloned()
    }
}

impl Access for Memory {
    fn add_token(&self, new: NewToken) -> Answer<'_, AddedToken> {
        self.write(move |rows, now_ms| {
            let tokens = &mut rows.access.tokens;
            if tokens.contains_key(&new.name) {
                return Ok(AddedToken::NameTaken);
            }
            if tokens.len() as u64 >= TOKENS {
                return Ok(AddedToken::Full);
            }
            tokens.insert(new.name.clone(), token(new, now_ms));
            Ok(AddedToken::Added)
        })
    }

    fn find_token(&self, digest: [u8; 32]) -> Answer<'_, Option<TokenRow>> {
        self.write(move |rows, now_ms| {
            let is_it = |token: &&TokenRow| token.digest == digest && is_good(token, now_ms);
            Ok(rows.access.tokens.values().find(is_it).cloned())
        })
    }

    fn list_tokens(&self) -> Answer<'_, Vec<TokenRow>> {
        self.answer(|rows| Ok(rows.access.tokens.values().cloned().collect()))
    }

    fn revoke_token(&self, name: &str) -> Answer<'_, bool> {
        let name = name.to_owned();
        self.write(move |rows, now_ms| {
            let found = rows.access.tokens.get_mut(&name).filter(|it| is_good(it, now_ms));
            let Some(token) = found else { return Ok(false) };
            (token.until_ms, token.revoked_ms) = (now_ms, Some(now_ms));
            Ok(true)
        })
    }

    fn begin_write(&self, write: NewWrite) -> Answer<'_, WriteStart> {
        self.write(move |rows, now_ms| Ok(rows.access.begin(write, now_ms)))
    }

    fn end_write(&self, ended: EndedWrite) -> Answer<'_, ()> {
        self.write(move |rows, _| {
            let number = ended.number;
            rows.access.end(ended);
            // An answer goes with its connection.
            if let Some((row, kept)) = rows.access.writes.get_mut(&number)
                && row
                    .connection
                    .as_ref()
                    .is_some_and(|id| !rows.store.connections.contains_key(id))
            {
                kept.answer = None;
            }
            Ok(())
        })
    }

    fn list_writes(&self, before: Option<u64>, limit: u32) -> Answer<'_, Vec<WriteRow>> {
        self.answer(move |rows| {
            let found = rows.access.writes.range(..before.unwrap_or(u64::MAX)).rev();
            Ok(found.take(limit as usize).map(|(_, (row, _))| row.clone()).collect())
        })
    }

    fn count_reads(&self, reads: Vec<ReadCount>) -> Answer<'_, ()> {
        self.answer(move |rows| {
            for ReadCount { minute, caller, reads } in reads {
                *rows.access.reads.entry((minute, caller)).or_default() += reads;
            }
            Ok(())
        })
    }

    fn list_reads(&self, since_minute: u64) -> Answer<'_, Vec<ReadCount>> {
        self.answer(move |rows| {
            let found = rows.access.reads.range((since_minute, String::new())..);
            let read = |((minute, caller), reads): (&(u64, String), &u64)| ReadCount {
                minute: *minute,
                caller: caller.clone(),
                reads: *reads,
            };
            Ok(found.map(read).collect())
        })
    }

    fn put_link(&self, new: NewLink) -> Answer<'_, ()> {
        self.write(move |rows, now_ms| {
            if !rows.store.connections.contains_key(&new.connection) {
                return Err(StoreError::NoConnection(new.connection));
            }
            let links = &mut rows.access.links;
            links.retain(|link| link.digest != new.digest && now_ms < link.until_ms);
            let of = |link: &LinkRow| link.connection == new.connection;
            while links.iter().filter(|link| of(link)).count() as u64 >= LINKS
                && let Some(oldest) = links.iter().position(of)
            {
                links.remove(oldest);
            }
            links.push(plan::link(new, now_ms));
            Ok(())
        })
    }

    fn find_link(&self, digest: [u8; 32]) -> Answer<'_, Option<LinkRow>> {
        self.write(move |rows, now_ms| Ok(rows.access.link(digest, now_ms)))
    }

    fn take_link(&self, digest: [u8; 32]) -> Answer<'_, Option<LinkRow>> {
        self.write(move |rows, now_ms| {
            let found = rows.access.link(digest, now_ms);
            rows.access.links.retain(|link| link.digest != digest);
            Ok(found)
        })
    }
}

/// Removes what a connection had.
pub(super) fn erase(rows: &mut Rows, connection: &str) {
    let access = &mut rows.access;
    access.links.retain(|link| link.connection != connection);
    for (row, kept) in access.writes.values_mut() {
        if row.connection.as_deref() == Some(connection) {
            kept.answer = None;
        }
    }
}

/// Forgets what was kept for long enough.
pub(super) fn forget(rows: &mut Rows, now_ms: u64) {
    let access = &mut rows.access;
    let before = now_ms.saturating_sub(retention::WRITES_MS);
    access.tokens.retain(|_, token| token.until_ms >= before);
    access.writes.retain(|_, (row, _)| row.at_ms >= before);
    let before = now_ms.saturating_sub(retention::ANSWERS_MS);
    for (_, kept) in access.writes.values_mut().filter(|(row, _)| row.at_ms < before) {
        (kept.key, kept.answer) = (None, None);
    }
    let since = now_ms.saturating_sub(retention::RATES_MS) / 60_000;
    access.reads.retain(|(minute, _), _| *minute >= since);
    access.links.retain(|link| now_ms < link.until_ms);
}
