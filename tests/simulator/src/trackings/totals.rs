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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_counted_once_a_version() {
        let mut totals = Totals::default();
        assert_eq!(totals.get(1, "a".to_owned(), || 5), 5);
        assert_eq!(totals.get(1, "a".to_owned(), || 6), 5);
        assert_eq!(totals.get(1, "b".to_owned(), || 7), 7);
        assert_eq!(totals.get(2, "a".to_owned(), || 8), 8);
    }
}
