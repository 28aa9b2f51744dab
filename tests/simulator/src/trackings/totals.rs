//! Totals of filtered lists, kept while the trackings do not change: a scan asks for the same
//! total with every page.

use std::collections::HashMap;

/// How many totals are kept at once.
const MOST: usize = 256;

/// Totals by what was counted.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    version: u64,
    known: HashMap<String, usize>,
}

impl Totals {
    /// The total under `key`, counted only if it is not known for this version of the data.
    pub(crate) fn get(
        &mut self,
        version: u64,
        key: String,
        count: impl FnOnce() -> usize,
    ) -> usize {
        if self.version != version || self.known.len() >= MOST {
            self.known.clear();
            self.version = version;
        }
        *self.known.entry(key).or_insert_with(count)
    }
}
