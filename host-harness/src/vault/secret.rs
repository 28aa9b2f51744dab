//! Secret values in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use zeroize::Zeroizing;

use super::Scrubber;

/// One secret value. No `Debug`, `Display` or `Serialize`, and wiped when dropped:
/// the only way to the bytes is [`Secret::expose`], which is easy to look for.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the value over.
    #[must_use]
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The bytes, for the request, the signature or the scrubber that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// The secrets of one connection, by the names in the connector's manifest.
#[derive(Default)]
pub struct Secrets {
    kept: RwLock<Kept>,
}

#[derive(Default)]
struct Kept {
    values: BTreeMap<String, Secret>,
    scrubber: Arc<Scrubber>,
}

impl Secrets {
    /// Keeps `value` under `name`, in place of an older one.
    pub fn set(&self, name: impl Into<String>, value: Secret) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.values.insert(name.into(), value);
        let values: Vec<&Secret> = kept.values.values().collect();
        kept.scrubber = Arc::new(Scrubber::new(&values));
    }

    /// The value under `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        self.read().values.get(name).cloned()
    }

    /// Removes these secrets from what goes out.
    #[must_use]
    pub fn scrubber(&self) -> Arc<Scrubber> {
        Arc::clone(&self.read().scrubber)
    }

    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }
}
