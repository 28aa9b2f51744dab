//! The request of a write, shown and not sent.

use connector_contract::actions::Invocation;
use connector_contract::batches::Operation;
use connector_contract::types::{Attempt, Error, ErrorKind};

use super::super::instance::Call;
use super::Connection;
use super::writes::{create, delete, invoke, update};
use crate::egress::{CallSends, Planned};
use crate::error::{CallError, error};

impl Connection {
    /// The request that a write would send. Reads that come before it are made, once; the write
    /// itself is not.
    ///
    /// # Errors
    /// [`CallError`] when the connector refuses before it comes to a request.
    pub async fn plan(&self, object: &str, operation: &Operation) -> Result<Planned, CallError> {
        let attempt = Attempt { key: "plan".to_owned(), again: false };
        match operation {
            Operation::Create(input) => {
                self.try_out(object, || create(object, input, &attempt)).await
            }
            Operation::Update(it) => {
                let expected = it.expected.as_deref();
                self.try_out(object, || update(object, &it.id, &it.patch, &attempt, expected)).await
            }
            Operation::Delete(it) => {
                let expected = it.expected.as_deref();
                self.try_out(object, || delete(object, &it.id, &attempt, expected)).await
            }
        }
    }

    /// As [`Connection::plan`], for an action.
    ///
    /// # Errors
    /// As [`Connection::plan`].
    pub async fn plan_action(&self, invocation: &Invocation) -> Result<Planned, CallError> {
        self.try_out(&invocation.object, || invoke(invocation)).await
    }

    async fn try_out<R: Send>(
        &self,
        object: &str,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> Result<Planned, CallError> {
        let (result, sends) = self.once(("plan", object), CallSends::planning, call).await;
        let nothing = || error(ErrorKind::Unsupported, "this call sends no write").into();
        sends.planned.ok_or_else(|| result.err().unwrap_or_else(nothing))
    }
}
