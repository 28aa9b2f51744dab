//! What every database must do, as plain functions over the traits of this crate.
//!
//! Each case is a function of a [`Database`]; each area (`store`, `mirror`, ...) lists its cases
//! with the methods that they are about. [`conformance_tests`](crate::conformance_tests) makes a
//! test of every case of every area, and [`listed`] is the list itself: a method of a trait without
//! a case fails this crate's own test.
//!
//! ```
//! use connector_state::conformance::InMemory;
//!
//! connector_state::conformance_tests!(InMemory);
//! ```

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests that databases in other crates run; each case's name says what it is about"
)]

pub mod access;
pub mod hosts;
pub mod inbox;
pub mod journal;
pub mod lists;
pub mod mirror;
pub mod moving;
pub mod outbox;
pub mod push;
pub mod random;
pub mod rates;
pub mod runs;
pub mod slots;
pub mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::auth::Learned;
use connector_contract::clock::TokioClock;
use connector_contract::limits::Slots;

use crate::access::Access;
use crate::hosts::Hosts;
use crate::inbox::Inbox;
use crate::journal::Journal;
use crate::lists::Lists;
use crate::memory::{Halt, Memory};
use crate::mirror::Mirror;
use crate::moving::Moving;
use crate::outbox::Outbox;
use crate::push::Intents;
use crate::push::runs::Runs;
use crate::rates::Rates;
use crate::{ConnectionRow, GrantRow, GrantState, Sealed, SecretRow, SessionRow, Store};

/// When time begins, in seconds since 1970: 2023-11-14T22:13:20Z.
pub const START_S: u64 = 1_700_000_000;

/// The same in milliseconds.
pub const START_MS: u64 = START_S * 1_000;

/// Everything that a database keeps.
pub trait State:
    Store
    + Mirror
    + Intents
    + Inbox
    + Outbox
    + Journal
    + Rates
    + Hosts
    + Access
    + Lists
    + Runs
    + Moving
    + Slots
{
}
impl<
    T: Store
        + Mirror
        + Intents
        + Inbox
        + Outbox
        + Journal
        + Rates
        + Hosts
        + Access
        + Lists
        + Runs
        + Moving
        + Slots,
> State for T
{
}

/// A database that can be opened several times, as by several processes. Its time is tokio's,
/// which tests pause, and is [`START_S`] when it is made.
pub trait Database {
    /// An empty one.
    fn new() -> Self
    where
        Self: Sized;
    /// Opens it once more.
    fn open(&self) -> Arc<dyn State>;
}

/// The state in memory, which the cases run on too.
pub struct InMemory(Arc<Memory>);

impl Database for InMemory {
    fn new() -> Self {
        let start = UNIX_EPOCH + Duration::from_secs(START_S);
        let clock = Arc::new(TokioClock::starting_at(start));
        Self(Memory::open(&Arc::default(), &Halt::at(None), clock))
    }

    fn open(&self) -> Arc<dyn State> {
        self.0.again()
    }
}

/// Makes a test of every case for a [`Database`], each with the attribute that stands before it.
#[macro_export]
macro_rules! conformance_tests {
    ($database:ty) => {
        $crate::conformance_tests! { #[cfg(all())] $database }
    };
    (#[$attribute:meta] $database:ty) => {
        $crate::store_cases! { conformance_area #[$attribute] $database, }
        $crate::mirror_cases! { conformance_area #[$attribute] $database, }
        $crate::outbox_cases! { conformance_area #[$attribute] $database, }
        $crate::push_cases! { conformance_area #[$attribute] $database, }
        $crate::slots_cases! { conformance_area #[$attribute] $database, }
        $crate::inbox_cases! { conformance_area #[$attribute] $database, }
        $crate::journal_cases! { conformance_area #[$attribute] $database, }
        $crate::rates_cases! { conformance_area #[$attribute] $database, }
        $crate::hosts_cases! { conformance_area #[$attribute] $database, }
        $crate::access_cases! { conformance_area #[$attribute] $database, }
        $crate::lists_cases! { conformance_area #[$attribute] $database, }
        $crate::runs_cases! { conformance_area #[$attribute] $database, }
        $crate::moving_cases! { conformance_area #[$attribute] $database, }
    };
}

/// The tests of one area.
#[macro_export]
#[doc(hidden)]
macro_rules! conformance_area {
    (#[$attribute:meta] $database:ty, $area:ident: $($case:ident [$($method:ident)*])*) => {
        mod $area {
            #[allow(unused_imports, reason = "the database may be named by a path")]
            use super::*;
            $(#[tokio::test(start_paused = true)]
            #[$attribute]
            async fn $case() {
                $crate::conformance::$area::$case(&<$database as $crate::conformance::Database>::new()).await;
            })*
        }
    };
}

/// Runs every case of one area, each on a database of its own, and keeps these in a list: for tests
/// of what cases made a database do.
#[macro_export]
#[doc(hidden)]
macro_rules! conformance_runs {
    ($database:ty, $used:ident, $area:ident: $($case:ident [$($method:ident)*])*) => {
        $(
            let database = <$database as $crate::conformance::Database>::new();
            $crate::conformance::$area::$case(&database).await;
            $used.push(database);
        )*
    };
}

/// The entries of one area's list.
#[macro_export]
#[doc(hidden)]
macro_rules! conformance_entries {
    ($list:ident, $area:ident: $($case:ident [$($method:ident)*])*) => {
        $list.extend([$(Case {
            area: stringify!($area),
            name: stringify!($case),
            methods: &[$(stringify!($method)),*],
        }),*]);
    };
}

/// A case as it is listed.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The trait, by the name of its module.
    pub area: &'static str,
    /// Name of its function.
    pub name: &'static str,
    /// The methods of the trait that it is about.
    pub methods: &'static [&'static str],
}

/// All cases.
#[must_use]
pub fn listed() -> Vec<Case> {
    let mut list = Vec::new();
    crate::store_cases! { conformance_entries list, }
    crate::mirror_cases! { conformance_entries list, }
    crate::outbox_cases! { conformance_entries list, }
    crate::push_cases! { conformance_entries list, }
    crate::slots_cases! { conformance_entries list, }
    crate::inbox_cases! { conformance_entries list, }
    crate::journal_cases! { conformance_entries list, }
    crate::rates_cases! { conformance_entries list, }
    crate::hosts_cases! { conformance_entries list, }
    crate::access_cases! { conformance_entries list, }
    crate::lists_cases! { conformance_entries list, }
    crate::runs_cases! { conformance_entries list, }
    crate::moving_cases! { conformance_entries list, }
    list
}

const KEY: &[u8] = b"sealed key";

pub fn connection(name: &str) -> ConnectionRow {
    ConnectionRow {
        id: format!("id-of-{name}"),
        name: name.to_owned(),
        connector: "orders".to_owned(),
        scheme: "api-key".to_owned(),
        settings: BTreeMap::from([("region".to_owned(), "\"é\n".to_owned())]),
        sealed_key: Sealed(KEY.to_vec()),
        made_ms: 1_700_000_000_000,
    }
}

pub fn secret(connection: &str, name: &str, version: u32, ends_ms: Option<u64>) -> SecretRow {
    SecretRow {
        connection: format!("id-of-{connection}"),
        name: name.to_owned(),
        version,
        sealed: Sealed(vec![0, 255, u8::try_from(version).unwrap()]),
        made_ms: 5,
        ends_ms,
    }
}

pub fn grant(connection: &str) -> GrantRow {
    GrantRow {
        connection: format!("id-of-{connection}"),
        epoch: 3,
        state: GrantState::Valid,
        sends: 0,
        lease: None,
        sealed_tokens: Sealed(b"tokens".to_vec()),
        received_ms: 7,
        expires_ms: None,
        scopes: vec![],
        learned: Learned::default(),
        retry_ms: None,
        failures: 0,
        previous: None,
    }
}

pub fn session(state: u8, ends_ms: u64) -> SessionRow {
    SessionRow {
        state: [state; 32],
        connection: connection("new"),
        secrets: vec![secret("new", "a", 1, None), secret("new", "b", 1, Some(9))],
        sealed_verifier: Sealed(b"verifier".to_vec()),
        session: "opaque".to_owned(),
        return_to: Some("https://shop.example/done".to_owned()),
        made_ms: START_MS,
        ends_ms,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Names of the methods of the trait in a source file.
    fn methods(source: &str, name: &str) -> BTreeSet<String> {
        let (_, from) = source.split_once(&format!("pub trait {name}")).unwrap();
        let (body, _) = from.split_once("\n}").unwrap();
        body.lines()
            .filter_map(|line| line.strip_prefix("    fn "))
            .map(|line| line.split(['(', '<']).next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn every_method_has_a_case() {
        let areas = [
            ("store", "Store", include_str!("../store.rs")),
            ("mirror", "Mirror", include_str!("../mirror/mod.rs")),
            ("outbox", "Outbox", include_str!("../outbox/mod.rs")),
            ("push", "Intents", include_str!("../push/intents.rs")),
            ("slots", "Slots", include_str!("../../../contract/src/limits/slots.rs")),
            ("inbox", "Inbox", include_str!("../inbox/mod.rs")),
            ("journal", "Journal", include_str!("../journal/mod.rs")),
            ("rates", "Rates", include_str!("../rates.rs")),
            ("hosts", "Hosts", include_str!("../hosts/mod.rs")),
            ("access", "Access", include_str!("../access/mod.rs")),
            ("lists", "Lists", include_str!("../lists.rs")),
            ("runs", "Runs", include_str!("../push/runs.rs")),
            ("moving", "Moving", include_str!("../moving/mod.rs")),
        ];
        let cases = listed();
        let mut missing = Vec::new();
        for (area, name, source) in areas {
            let of_area = cases.iter().filter(|case| case.area == area);
            let covered: BTreeSet<&str> = of_area.flat_map(|case| case.methods).copied().collect();
            let there = methods(source, name);
            for method in &there {
                let by = cases
                    .iter()
                    .filter(|case| case.area == area && case.methods.contains(&method.as_str()));
                let by: Vec<&str> = by.map(|case| case.name).collect();
                println!("{name}::{method}: {}", by.join(", "));
            }
            missing.extend(
                there
                    .iter()
                    .filter(|method| !covered.contains(method.as_str()))
                    .map(|method| format!("{name}::{method}")),
            );
            let unknown: Vec<_> =
                covered.iter().filter(|method| !there.contains(**method)).collect();
            assert!(unknown.is_empty(), "{name}: {unknown:?} are no methods");
        }
        assert!(missing.is_empty(), "no case is about {missing:?}");
    }
}
