//! Secret values in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use zeroize::Zeroizing;

use crate::lock;
use crate::scrub::Scrubber;

/// One secret value. No `Debug`, `Display` or `Serialize`, and wiped when dropped:
/// the only way to the bytes is [`Secret::expose`], which is easy to look for.
///
/// ```compile_fail,E0277
/// fn shown<T: std::fmt::Debug>() {}
/// shown::<connector_policy::secret::Secret>();
/// ```
/// ```compile_fail,E0277
/// fn said<T: std::fmt::Display>() {}
/// said::<connector_policy::secret::Secret>();
/// ```
/// ```compile_fail,E0277
/// fn sent<T: serde::Serialize>() {}
/// sent::<connector_policy::secret::Secret>();
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the value over.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The bytes, for the request, the signature or the scrubber that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Between a secret's name and the subscription whose own it is; in no name of a manifest, since
/// that one would be unreadable.
const OF: char = '@';

fn of(subscription: &str) -> String {
    format!("{OF}{subscription}")
}

/// The name under which a secret is kept that belongs to one subscription.
pub fn of_subscription(name: &str, subscription: &str) -> String {
    format!("{name}{}", of(subscription))
}

/// The secrets of one connection, by the names in the connector's manifest. Each may have
/// several versions while one takes over from another.
#[derive(Default)]
pub struct Secrets {
    kept: Mutex<SecretVersions>,
}

#[derive(Default)]
struct SecretVersions {
    /// Newest first, each with the time when it ends.
    values: BTreeMap<String, Vec<(Secret, Option<u64>)>>,
    scrubber: Arc<Scrubber>,
}

impl Secrets {
    /// Keeps `value` under `name`, in place of older ones.
    pub fn set(&self, name: impl Into<String>, value: Secret) {
        self.set_versions(BTreeMap::from([(name.into(), vec![(value, None)])]));
    }

    /// Keeps versions of secrets, in place of older ones of these names: the newest first, each
    /// with the milliseconds since 1970 when it ends, if it does.
    pub fn set_versions(&self, values: BTreeMap<String, Vec<(Secret, Option<u64>)>>) {
        let mut kept = lock(&self.kept);
        kept.values.extend(values);
        let values: Vec<&Secret> = kept.values.values().flatten().map(|(value, _)| value).collect();
        kept.scrubber = Arc::new(Scrubber::new(&values));
    }

    /// Keeps `value` as the newest under `name`. The one before it stays beside it, so that it is
    /// still scrubbed; older ones go.
    pub fn succeed(&self, name: impl Into<String>, value: Secret) {
        let name = name.into();
        let mut versions = vec![(value, None)];
        versions.extend(self.get(&name).map(|before| (before, None)));
        self.set_versions(BTreeMap::from([(name, versions)]));
    }

    /// A set of its own with the same secrets, all versions of them, but those of these names.
    pub fn without(&self, names: &[&str]) -> Self {
        let mut values = lock(&self.kept).values.clone();
        values.retain(|name, _| !names.contains(&name.as_str()));
        let copy = Self::default();
        copy.set_versions(values);
        copy
    }

    /// The newest value under `name`: the one to send and to sign with.
    pub fn get(&self, name: &str) -> Option<Secret> {
        lock(&self.kept).values.get(name)?.first().map(|(value, _)| value.clone())
    }

    /// Every value under `name` that has not ended at `now_ms`: what others sign with may be
    /// any of them.
    pub fn live(&self, name: &str, now_ms: u64) -> Vec<Secret> {
        self.live_where(now_ms, |known| known == name)
    }

    /// A set of its own in which a name means the secret of this subscription first, then the
    /// connection's.
    pub fn of_subscription(&self, subscription: &str) -> Self {
        let mut values = lock(&self.kept).values.clone();
        let own = values.iter().filter_map(|(name, versions)| {
            Some((name.strip_suffix(&of(subscription))?.to_owned(), versions.clone()))
        });
        let own: Vec<_> = own.collect();
        values.extend(own);
        // The values are the same, and so is what scrubs them.
        Self { kept: Mutex::new(SecretVersions { values, scrubber: self.scrubber() }) }
    }

    /// As [`Secrets::live`], with what subscriptions have of their own under this name.
    pub fn live_anywhere(&self, name: &str, now_ms: u64) -> Vec<Secret> {
        self.live_where(now_ms, |known| {
            known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(OF))
        })
    }

    fn live_where(&self, now_ms: u64, is_meant: impl Fn(&str) -> bool) -> Vec<Secret> {
        let kept = lock(&self.kept);
        // A subscription's own first.
        let versions = kept.values.iter().rev().filter(|(name, _)| is_meant(name));
        let versions = versions.flat_map(|(_, versions)| versions);
        let live = versions.filter(|(_, ends_ms)| ends_ms.is_none_or(|ends| ends > now_ms));
        live.map(|(value, _)| value.clone()).collect()
    }

    /// The names under which there is a value.
    pub fn names(&self) -> Vec<String> {
        lock(&self.kept).values.keys().cloned().collect()
    }

    /// Removes these secrets from what goes out.
    pub fn scrubber(&self) -> Arc<Scrubber> {
        Arc::clone(&lock(&self.kept).scrubber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_has_secrets_of_its_own() {
        let secrets = Secrets::default();
        secrets.set("key", Secret::new("common"));
        secrets.set(of_subscription("key", "orders"), Secret::new("of orders"));
        let of = |subscription| secrets.of_subscription(subscription).get("key").unwrap();
        assert_eq!(of("orders").expose(), b"of orders");
        assert_eq!(of("parcels").expose(), b"common");
        assert_eq!(secrets.get("key").unwrap().expose(), b"common");
        let anywhere = secrets.live_anywhere("key", 0);
        let anywhere: Vec<&[u8]> = anywhere.iter().map(Secret::expose).collect();
        assert_eq!(anywhere, [b"of orders".as_slice(), b"common"]);
    }

    #[test]
    fn versions_serve_until_they_end() {
        let secrets = Secrets::default();
        let versions = [("new-value", None), ("old-value", Some(100)), ("older-value", Some(50))];
        let versions = versions.map(|(value, ends_ms)| (Secret::new(value), ends_ms));
        secrets.set_versions(BTreeMap::from([("key".to_owned(), versions.into())]));
        let live = |now_ms| {
            let live = secrets.live("key", now_ms);
            live.iter().map(|value| value.expose().to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(live(49), [&b"new-value"[..], b"old-value", b"older-value"]);
        assert_eq!(live(50), [&b"new-value"[..], b"old-value"]);
        assert_eq!(live(100), [&b"new-value"[..]]);
        assert_eq!(secrets.get("key").unwrap().expose(), b"new-value");
        assert!(secrets.get("other").is_none() && secrets.live("other", 0).is_empty());
        // What ended is a secret all the same.
        assert_eq!(secrets.scrubber().text("an older-value"), "an [redacted]");
    }
}
