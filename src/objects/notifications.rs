//! `notifications`: who is told about a tracking, and by which channel.
//!
//! AfterShip has had no endpoint for them since 2024-07. It tells the tracking's `customers`, and
//! those who subscribed themselves on the tracking page: `subscribed_emails`, `subscribed_smses`
//! (AfterShip API 2026-07, Tracking). Only customers can be written, by PUT /trackings/{id}. A
//! record has its tracking's id, and exists while anybody is told.
//!
//! AfterShip does not say whether PUT merges or replaces `customers`, so the whole list is sent
//! always. Between reading it and writing it another program may change it: the later write wins.

mod merge;
mod told;

use super::trackings::derived::{self, DOC_URL, FILTER_SCHEMA, HOLDER};
use super::trackings::endpoints::UPDATE;
use crate::AfterShip;
use crate::api::source::PAGE_SIZES;
use crate::api::{Api, Call};
use connector_sdk::include_json;
use connector_sdk::{
    Attempt, DataRecord, Error, ErrorKind, ListRequest, Object, ObjectRecord, Page, Parent, View,
    Written, WrittenRecord,
    connector::unreadable,
    declare::{Descriptor, OBJECT},
    json::{self, Malformed, Reader, Writer},
};
use told::{Told, derive_from};

/// The object `notifications`.
pub(super) struct Notifications;

const NAME: &str = "notifications";

const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    title: "Notifications",
    operations: &["list", "get", "create", "update", "delete"],
    doc_url: DOC_URL,
    derived_from: Some(HOLDER),
    page_sizes: PAGE_SIZES,
    record_schema: include_json!("notifications/record.json"),
    create_schema: Some(include_json!("notifications/create.json")),
    update_schema: Some(include_json!("notifications/update.json")),
    find_schema: Some(include_json!("notifications/find.json")),
    filter_schema: FILTER_SCHEMA,
    ..OBJECT
};

impl Object<AfterShip> for Notifications {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        derived::check(api)
    }

    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        derived::list(api, NAME, request, derive_from)
    }

    fn get(&self, api: &Api<'_>, id: &str, _: &View) -> Result<DataRecord, Error> {
        let tracking = derived::read_holder(api, id, "get the tracking")?;
        only(&tracking)?.ok_or_else(|| nobody(&tracking))
    }

    fn derive(&self, parent: &Parent<'_>) -> Result<Vec<DataRecord>, Malformed> {
        derive_from(parent)
    }

    /// The record of each input's tracking, when it tells all of the input's customers already:
    /// with others, `create` would not collide but add.
    fn find(&self, api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
        let wishes = inputs.iter().map(|input| Wish::read(input)).collect::<Result<Vec<_>, _>>()?;
        // There are at most 200.
        let mut seen: Vec<(&str, Option<DataRecord>)> = Vec::new();
        let mut found = Vec::with_capacity(wishes.len());
        for wish in &wishes {
            let id = wish.tracking_id.as_str();
            let known = seen.iter().find(|(other, _)| *other == id);
            let tracking = match known {
                Some((_, tracking)) => tracking.clone(),
                None => {
                    let tracking =
                        derived::find_existing(derived::read_holder(api, id, "find the tracking"))?;
                    seen.push((id, tracking.clone()));
                    tracking
                }
            };
            found.push(match tracking {
                Some(tracking) if wish.is_met_by(&tracking)? => {
                    derived::derive_one(&tracking, derive_from)?
                }
                _ => Vec::new(),
            });
        }
        Ok(found)
    }

    /// Adding who is told already changes nothing, so it needs no other look with `again`.
    fn create(&self, api: &Api<'_>, input: &str, _: &Attempt) -> Result<Written, Error> {
        let wish = Wish::read(input)?;
        let what = "read who is told about the tracking before adding to it";
        let tracking = derived::read_holder(api, &wish.tracking_id, what)?;
        if let Some(customers) = wish.added_to(&tracking)? {
            return write(api, &tracking.id, &customers, "add customers to the tracking");
        }
        let item = only(&tracking)?.ok_or_else(|| nobody(&tracking))?;
        Ok(written(item, tracking))
    }

    fn update(
        &self,
        api: &Api<'_>,
        id: &str,
        patch: &str,
        _: &Attempt,
        _: Option<&str>,
    ) -> Result<Written, Error> {
        let customers = json::member(patch, "customers").unwrap_or("[]");
        let written = write(api, id, customers, "replace the tracking's customers")?;
        derived::refuse_kept(patch, holder_data(&written))?;
        Ok(written)
    }

    fn delete(
        &self,
        api: &Api<'_>,
        id: &str,
        attempt: &Attempt,
        _: Option<&str>,
    ) -> Result<(), Error> {
        let what = "read who is told about the tracking before deleting it";
        let tracking = derived::read_holder(api, id, what)?;
        if only(&tracking)?.is_none() {
            return Err(nobody(&tracking));
        }
        if told(&tracking)?.customers.is_empty() {
            // Those who subscribed themselves stay after every delete.
            if attempt.again {
                return Ok(());
            }
            return Err(subscribers_only(&tracking));
        }
        let answer = api.send(put(&tracking.id, "[]", "remove the tracking's customers"))?;
        answer.done()?;
        derived::refuse_kept(r#"{"customers":[]}"#, answer.data().unwrap_or_default())
    }
}

/// An input of `create`.
struct Wish<'a> {
    tracking_id: String,
    customers: Vec<&'a str>,
}

impl<'a> Wish<'a> {
    /// Inputs of `find` may name no customers: then whoever is told is meant.
    fn read(input: &'a str) -> Result<Self, Error> {
        let tracking_id = json::text_member(input, "tracking_id").filter(|id| !id.is_empty());
        let tracking_id = tracking_id.ok_or_else(|| {
            let text = "`tracking_id` is needed: give the id of the tracking.";
            Error::invalid_member("/tracking_id", text)
        })?;
        let customers = json::member(input, "customers").unwrap_or("[]");
        let customers = Reader::new(customers).items().map_err(|_| {
            Error::invalid_member("/customers", "`customers` must be an array of customers.")
        })?;
        Ok(Self { tracking_id, customers })
    }

    /// The customers to send; `None` when all are told already.
    fn added_to(&self, tracking: &DataRecord) -> Result<Option<String>, Error> {
        merge::merged(&told(tracking)?.customers, &self.customers)
    }

    /// One that could not be added is not there.
    fn is_met_by(&self, tracking: &DataRecord) -> Result<bool, Error> {
        match self.added_to(tracking) {
            Ok(customers) => Ok(customers.is_none()),
            Err(Error { kind: ErrorKind::InvalidInput(_), .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn put<'c>(id: &'c str, customers: &str, what: &'static str) -> Call<'c> {
    let mut body = Writer::new();
    body.raw("customers", customers);
    Call::new(UPDATE, what).id(id).body(body.finish())
}

/// The one write of a call, and what it left behind.
fn write(api: &Api<'_>, id: &str, customers: &str, what: &'static str) -> Result<Written, Error> {
    let answer = api.send(put(id, customers, what))?;
    let tracking = answer.record()?;
    let item = only(&tracking).ok().flatten();
    let item = item.ok_or_else(|| answer.other_shape("its tracking names nobody who is told"))?;
    Ok(written(item, tracking))
}

fn written(item: DataRecord, tracking: DataRecord) -> Written {
    let holder = ObjectRecord { object: HOLDER.to_owned(), item: WrittenRecord::Whole(tracking) };
    Written { also: vec![holder], ..Written::whole(item) }
}

/// The data of the tracking that a write left behind.
fn holder_data(written: &Written) -> &str {
    match written.also.first().map(|holder| &holder.item) {
        Some(WrittenRecord::Whole(tracking)) => &tracking.data,
        _ => "",
    }
}

fn told(tracking: &DataRecord) -> Result<Told<'_>, Error> {
    let told = Parent::read(tracking).and_then(|tracking| Told::read(&tracking.members));
    told.map_err(|malformed| unreadable(tracking, malformed))
}

fn only(tracking: &DataRecord) -> Result<Option<DataRecord>, Error> {
    Ok(derived::derive_one(tracking, derive_from)?.into_iter().next())
}

fn nobody(tracking: &DataRecord) -> Error {
    Error::not_found(format!(
        "Nobody is told about the tracking `{}`: it has no customer and no subscriber. Use \
         `create` to add customers.",
        tracking.id
    ))
}

/// A conflict and not `unsupported`: deleting is offered, but what is left of this one record is
/// not ours to delete. So the host gives this item up, and goes on with others.
fn subscribers_only(tracking: &DataRecord) -> Error {
    let text = format!(
        "The tracking `{}` has no customers left, only people who subscribed on its tracking \
         page. AfterShip lets them unsubscribe themselves, and nobody else.",
        tracking.id
    );
    Error::new(ErrorKind::Conflict(Some(tracking.id.clone())), text)
}

#[cfg(test)]
mod tests;
