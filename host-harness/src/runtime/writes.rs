//! The writes of the contract as calls that are yet to be made.

use super::bindings::actions::{Invocation, Outcome};
use super::bindings::types::{Error, Written};
use super::instance::Call;

/// A write, for [`Connection::plan`](super::Connection::plan).
#[derive(Debug, Clone, Copy)]
pub enum Write<'a> {
    /// As [`Connection::create`](super::Connection::create).
    Create {
        /// Object.
        object: &'a str,
        /// JSON of the new record.
        input: &'a str,
    },
    /// As [`Connection::update`](super::Connection::update).
    Update {
        /// Object.
        object: &'a str,
        /// Record.
        id: &'a str,
        /// JSON Merge Patch.
        patch: &'a str,
    },
    /// As [`Connection::delete`](super::Connection::delete).
    Delete {
        /// Object.
        object: &'a str,
        /// Record.
        id: &'a str,
    },
    /// As [`Connection::invoke`](super::Connection::invoke).
    Invoke(&'a Invocation),
}

/// `records.create`.
pub fn create(object: &str, input: &str, key: &str) -> Call<Result<Written, Error>> {
    let (object, input, key) = (object.to_owned(), input.to_owned(), key.to_owned());
    Box::new(move |world, store| {
        Box::pin(async move {
            world.connector_api_records().call_create(store, &object, &input, &key).await
        })
    })
}

/// `records.update`.
pub fn update(object: &str, id: &str, patch: &str) -> Call<Result<Written, Error>> {
    let (object, id, patch) = (object.to_owned(), id.to_owned(), patch.to_owned());
    Box::new(move |world, store| {
        Box::pin(async move {
            world.connector_api_records().call_update(store, &object, &id, &patch).await
        })
    })
}

/// `records.delete`.
pub fn delete(object: &str, id: &str) -> Call<Result<(), Error>> {
    let (object, id) = (object.to_owned(), id.to_owned());
    Box::new(move |world, store| {
        Box::pin(
            async move { world.connector_api_records().call_delete(store, &object, &id).await },
        )
    })
}

/// `actions.invoke`.
pub fn invoke(invocation: &Invocation) -> Call<Result<Outcome, Error>> {
    let invocation = invocation.clone();
    Box::new(move |world, store| {
        Box::pin(async move { world.connector_api_actions().call_invoke(store, &invocation).await })
    })
}
