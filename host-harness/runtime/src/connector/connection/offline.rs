//! The calls that send nothing.

use std::sync::Arc;

use connector_contract::clock::unix_ms;
use connector_contract::subscriptions::{Delivery, Reception, Refusal};
use connector_contract::types::{DataRecord, Error, ErrorKind};

use super::super::instance::{Call, run_offline};
use super::Connection;
use super::once::{ended, one_list_each};
use crate::egress::CallSends;
use crate::error::{CallError, error};
use connector_policy::delivered;

impl Connection {
    /// The records that each of `parents` holds, of each of `objects`. Sends nothing.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` when the connector derives none, `internal` when a record is
    /// not named after its holder.
    pub async fn derive(
        &self,
        objects: &[String],
        parents: Vec<DataRecord>,
    ) -> Result<Vec<Vec<Vec<DataRecord>>>, CallError> {
        let (asked, own) = (objects.len(), objects.to_vec());
        let ids: Vec<String> = parents.iter().map(|parent| parent.id.clone()).collect();
        let call: Call<Result<_, Error>> =
            Box::new(move |guest, store| Box::pin(guest.derive(store, own, parents)));
        let all = one_list_each(asked, self.offline("deriving records", call).await?)?;
        all.into_iter()
            .map(|lists| {
                let lists = one_list_each(ids.len(), lists)?;
                named_after_holders(&ids, &lists)?;
                Ok(lists)
            })
            .collect()
    }

    /// A delivery as it may be kept: without credentials, and without the secrets that prove it.
    pub fn without_secrets(&self, delivery: Delivery) -> Delivery {
        delivered::take_out(delivery, self.ground.proofs(), unix_ms(self.ground.egress.clock.now()))
    }

    /// Verifies and reads one delivery. Sends nothing.
    ///
    /// # Errors
    /// [`CallError`] when the connector could not be run to its end: the delivery is neither
    /// taken nor refused.
    pub async fn receive(
        &self,
        delivery: Delivery,
    ) -> Result<Result<Reception, Refusal>, CallError> {
        let now_ms = unix_ms(self.ground.egress.clock.now());
        let (delivery, carried) = delivered::read(delivery, self.ground.proofs(), now_ms);
        let call: Call<Result<_, Error>> = Box::new(move |guest, store| {
            store.data_mut().carried = Some(carried);
            Box::pin(guest.receive(store, delivery))
        });
        self.offline("receiving a delivery", call).await
    }

    /// Makes a call that sends nothing, so needs no token: its input is not copied.
    async fn offline<R: Send>(
        &self,
        what: &'static str,
        call: Call<Result<R, Error>>,
    ) -> Result<R, CallError> {
        let _admitted = self.admitted.acquire().await;
        let loaded = &self.connector.loaded;
        let (ground, sends) = (Some(Arc::clone(&self.ground)), CallSends::silent(what));
        let (result, sends) =
            run_offline(&loaded.runtime, &loaded.world, ground, sends, call).await;
        ended(result, &sends)
    }
}

/// A derived record's id is its holder's, or begins with it and a slash: else two holders could
/// claim one record.
fn named_after_holders(ids: &[String], lists: &[Vec<DataRecord>]) -> Result<(), CallError> {
    let mut each =
        ids.iter().zip(lists).flat_map(|(id, list)| list.iter().map(move |one| (id, one)));
    let is_misnamed = |(holder, record): &(&String, &DataRecord)| {
        let rest = record.id.strip_prefix(holder.as_str());
        rest.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'))
    };
    let Some((holder, other)) = each.find(is_misnamed) else { return Ok(()) };
    let text = format!(
        "The connector names a derived record \"{}\", and its holder is \"{holder}\". \
         Report it to its maker.",
        other.id
    );
    Err(error(ErrorKind::Internal, text).into())
}
