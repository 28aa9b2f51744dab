//! Verifying and decoding, which is the connector's business.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::subscriptions::{Delivery, Reception, Refusal};
use connector_runtime::egress::Pending;
use connector_runtime::{CallError, Connection};
use connector_state::{ConnectionRow, GrantRow, StoreError};
use tokio::time::Instant;

use crate::grants::withdrawn;
use crate::lock;
use crate::vault::{Secrets, Vault};

/// What a connector makes of a delivery; outside: why it could not be asked.
pub type Decoded = Result<Result<Reception, Refusal>, CallError>;

/// Secrets are read anew no more often than this, however many deliveries do not verify.
const RENEW_EVERY: Duration = Duration::from_secs(2);

/// Verifies and decodes the deliveries of one connection.
pub trait Decode: Send + Sync {
    /// A delivery as it may be kept and decoded: without credentials and without the secrets that
    /// prove it, and with a mark that they did.
    fn without_secrets(&self, delivery: Delivery) -> Delivery;

    /// The customer has withdrawn the grant at the provider: nothing is sent with it any more.
    fn disconnect(&self) -> Pending<'_, Result<(), StoreError>>;

    /// Verifies a delivery, then decodes it.
    fn decode(&self, delivery: Delivery) -> Pending<'_, Decoded>;

    /// Reads the signing secrets anew, since another program may have changed them. Returns
    /// whether that was done: not more often than makes sense.
    fn renew(&self) -> Pending<'_, bool>;
}

/// A connection that is kept.
pub struct ConnectionDecode {
    /// Of its own: nobody who waits for the provider stands in its way.
    connection: Connection,
    secrets: Arc<Secrets>,
    vault: Arc<Vault>,
    row: ConnectionRow,
    renewed: Mutex<Option<Instant>>,
}

impl ConnectionDecode {
    /// Decodes by `connection`, which verifies with `secrets`, which are those of `row` in `vault`.
    pub fn new(
        connection: Connection,
        secrets: Arc<Secrets>,
        vault: Arc<Vault>,
        row: ConnectionRow,
    ) -> Self {
        Self { connection, secrets, vault, row, renewed: Mutex::new(None) }
    }
}

impl Decode for ConnectionDecode {
    fn without_secrets(&self, delivery: Delivery) -> Delivery {
        self.connection.without_secrets(delivery)
    }

    fn disconnect(&self) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let end = Box::new(|row: &GrantRow, _| Some(withdrawn(row)));
            self.vault.store().change_grant(&self.row.id, end).await.map(drop)
        })
    }

    fn decode(&self, delivery: Delivery) -> Pending<'_, Decoded> {
        Box::pin(self.connection.receive(delivery))
    }

    fn renew(&self) -> Pending<'_, bool> {
        let mut renewed = lock(&self.renewed);
        if renewed.is_some_and(|at| at.elapsed() < RENEW_EVERY) {
            return Box::pin(async { false });
        }
        *renewed = Some(Instant::now());
        drop(renewed);
        // Where that fails, what was kept before goes on serving.
        Box::pin(async { self.vault.load(&self.row, &self.secrets).await.is_ok() })
    }
}
