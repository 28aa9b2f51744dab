//! The contract as the engine sees it: types and call stubs generated from `wit/`.
//!
//! Generated types stop in this folder. [`calls`] takes and answers the plain types of
//! [`connector_contract`], [`host`] offers the guest's imports in them, and [`convert`] moves what
//! they hold from one to the other.

mod calls;
mod convert;
mod host;

use std::sync::{Arc, OnceLock};

use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Result, Store};

use super::state::CallState;
use crate::recording::Recorder;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated; the documentation stands in wit/"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "everything",
        imports: {
            "connector:host/http.send": async | trappable,
            "connector:host/http.report-limit": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

pub(super) use generated::Everything as Imports;
use generated::connector::api::{objects, permissions, setup, types};
use generated::connector::host::{clock, http, log, secrets, settings};
use generated::exports::connector::api::{
    actions, auth, batches, catalog, derived, discovery, records, subscriptions,
};

/// Interfaces of a component, each found by its name. Those that a connector need not have may be
/// missing: they are not offered.
pub struct World {
    pub(super) pre: InstancePre<CallState>,
    /// Who keeps the calls.
    pub(super) recorder: OnceLock<Arc<dyn Recorder>>,
    catalog: catalog::GuestIndices,
    auth: auth::GuestIndices,
    records: records::GuestIndices,
    actions: Option<actions::GuestIndices>,
    batches: Option<batches::GuestIndices>,
    derived: Option<derived::GuestIndices>,
    discovery: Option<discovery::GuestIndices>,
    subscriptions: Option<subscriptions::GuestIndices>,
}

impl World {
    /// Looks for each interface in `pre`.
    ///
    /// # Errors
    /// When one that every connector has is missing.
    pub fn find(pre: InstancePre<CallState>) -> Result<Self> {
        Ok(Self {
            catalog: catalog::GuestIndices::new(&pre)?,
            auth: auth::GuestIndices::new(&pre)?,
            records: records::GuestIndices::new(&pre)?,
            actions: actions::GuestIndices::new(&pre).ok(),
            batches: batches::GuestIndices::new(&pre).ok(),
            derived: derived::GuestIndices::new(&pre).ok(),
            discovery: discovery::GuestIndices::new(&pre).ok(),
            subscriptions: subscriptions::GuestIndices::new(&pre).ok(),
            pre,
            recorder: OnceLock::new(),
        })
    }
}

impl World {
    /// Whether the connector offers `batches`.
    #[must_use]
    pub fn offers_batches(&self) -> bool {
        self.batches.is_some()
    }

    /// Whether the connector offers `discovery`.
    #[must_use]
    pub fn offers_discovery(&self) -> bool {
        self.discovery.is_some()
    }
}

/// One instance, and the interfaces that it offers.
pub struct Guest<'a> {
    pub(super) world: &'a World,
    pub(super) instance: Instance,
}

macro_rules! offered {
    ($($interface:ident),*) => { impl Guest<'_> { $(
        /// The interface of this name. It fails when one of its functions has another shape than
        /// the contract's.
        fn $interface(&self, store: &mut Store<CallState>) -> Result<$interface::Guest> {
            self.world.$interface.load(store, &self.instance)
        }
    )* } };
}

macro_rules! perhaps_offered {
    ($($interface:ident),*) => { impl Guest<'_> { $(
        /// As above; `None` when the connector does not offer the interface.
        fn $interface(&self, store: &mut Store<CallState>) -> Result<Option<$interface::Guest>> {
            let found = self.world.$interface.as_ref();
            found.map(|found| found.load(store, &self.instance)).transpose()
        }
    )* } };
}

offered!(catalog, auth, records);
perhaps_offered!(actions, batches, derived, discovery, subscriptions);

impl Guest<'_> {
    /// Looks at the shape of every function of every interface that is offered.
    ///
    /// # Errors
    /// The first that differs from the contract's.
    pub fn check(&self, store: &mut Store<CallState>) -> Result<()> {
        self.catalog(store)?;
        self.auth(store)?;
        self.records(store)?;
        self.actions(store)?;
        self.batches(store)?;
        self.derived(store)?;
        self.discovery(store)?;
        self.subscriptions(store)?;
        Ok(())
    }
}
