//! The writes of the contract as calls that are yet to be made.

use connector_contract::actions::{Invocation, Outcome};
use connector_contract::types::{Attempt, Error, Written};

use super::super::instance::Call;

/// `records.create`.
pub fn create(object: &str, input: &str, attempt: &Attempt) -> Call<Result<Written, Error>> {
    let (object, input, attempt) = (object.to_owned(), input.to_owned(), attempt.clone());
    Box::new(move |guest, store| Box::pin(guest.create(store, object, input, attempt)))
}

/// `records.update`.
pub fn update(
    object: &str,
    id: &str,
    patch: &str,
    attempt: &Attempt,
    expected: Option<&str>,
) -> Call<Result<Written, Error>> {
    let (object, id, patch) = (object.to_owned(), id.to_owned(), patch.to_owned());
    let (attempt, expected) = (attempt.clone(), expected.map(str::to_owned));
    Box::new(move |guest, store| {
        Box::pin(guest.update(store, object, id, patch, attempt, expected))
    })
}

/// `records.delete`.
pub fn delete(
    object: &str,
    id: &str,
    attempt: &Attempt,
    expected: Option<&str>,
) -> Call<Result<(), Error>> {
    let (object, id, attempt) = (object.to_owned(), id.to_owned(), attempt.clone());
    let expected = expected.map(str::to_owned);
    Box::new(move |guest, store| Box::pin(guest.delete(store, object, id, attempt, expected)))
}

/// `actions.invoke`.
pub fn invoke(invocation: &Invocation) -> Call<Result<Outcome, Error>> {
    let invocation = invocation.clone();
    Box::new(move |guest, store| Box::pin(guest.invoke(store, invocation)))
}
