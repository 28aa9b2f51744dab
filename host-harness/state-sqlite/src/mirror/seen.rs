//! Which records a full scan has seen: a bit each, by the keys of their contents.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::objects::Key;
use crate::columns::{prepared, run, signed};

/// Records of a block.
const RECORDS: i64 = 4_096;

/// The blocks that are looked at, each read once.
pub struct Blocks {
    records: Key,
    scan: u64,
    blocks: BTreeMap<i64, Block>,
}

struct Block {
    bits: Vec<u8>,
    changed: bool,
}

impl Blocks {
    /// Of the records of a set, for a scan.
    pub fn new(records: Key, scan: u64) -> Self {
        Self { records, scan, blocks: BTreeMap::new() }
    }

    /// Whether the scan has seen the record with this key.
    pub fn has(&mut self, on: &Connection, key: i64) -> Result<bool> {
        let (at, mask) = place(key);
        Ok(self.block(on, key)?.bits.get(at).is_some_and(|byte| byte & mask != 0))
    }

    /// Notes that it has.
    pub fn set(&mut self, on: &Connection, key: i64) -> Result<()> {
        let (at, mask) = place(key);
        let block = self.block(on, key)?;
        if let Some(byte) = block.bits.get_mut(at) {
            *byte |= mask;
            block.changed = true;
        }
        Ok(())
    }

    /// Writes what was noted.
    pub fn write(self, on: &Connection) -> Result<()> {
        let sql = "REPLACE INTO mirror_seen (records, block, scan, bits) VALUES (?, ?, ?, ?)";
        for (number, block) in self.blocks.iter().filter(|(_, block)| block.changed) {
            run(on, sql, (self.records, number, signed(self.scan), &block.bits))?;
        }
        Ok(())
    }

    fn block(&mut self, on: &Connection, key: i64) -> Result<&mut Block> {
        let number = key.div_euclid(RECORDS);
        match self.blocks.entry(number) {
            std::collections::btree_map::Entry::Occupied(block) => Ok(block.into_mut()),
            std::collections::btree_map::Entry::Vacant(empty) => {
                let sql =
                    "SELECT bits FROM mirror_seen WHERE records = ? AND block = ? AND scan = ?";
                let bits = |row: &Row<'_>| row.get(0);
                let of = (self.records, number, signed(self.scan));
                let bits: Option<Vec<u8>> = prepared(on, sql)?.query_row(of, bits).optional()?;
                let bytes = usize::try_from(RECORDS / 8).unwrap_or_default();
                let bits =
                    bits.filter(|bits| bits.len() == bytes).unwrap_or_else(|| vec![0; bytes]);
                Ok(empty.insert(Block { bits, changed: false }))
            }
        }
    }
}

/// Blocks of a set that were read, each with its scan.
pub type ReadBlocks = BTreeMap<i64, Option<(i64, Vec<u8>)>>;

/// The full scan that has seen the record with this key.
pub fn scan_of(
    on: &Connection,
    records: Key,
    key: i64,
    read: &mut ReadBlocks,
) -> Result<Option<i64>> {
    let number = key.div_euclid(RECORDS);
    let block = match read.entry(number) {
        std::collections::btree_map::Entry::Occupied(block) => block.into_mut(),
        std::collections::btree_map::Entry::Vacant(empty) => {
            let sql = "SELECT scan, bits FROM mirror_seen WHERE records = ? AND block = ?";
            let found = prepared(on, sql)?.query_row((records, number), |row| row.try_into());
            empty.insert(found.optional()?)
        }
    };
    let (at, mask) = place(key);
    let seen = |(_, bits): &&(i64, Vec<u8>)| bits.get(at).is_some_and(|byte| byte & mask != 0);
    Ok(block.as_ref().filter(seen).map(|(scan, _)| *scan))
}

/// Byte and bit of a key within its block.
fn place(key: i64) -> (usize, u8) {
    let bit = key.rem_euclid(RECORDS);
    (usize::try_from(bit / 8).unwrap_or_default(), 1 << (bit % 8))
}
