//! AfterShip as one sandboxed WebAssembly component.
//!
//! The connector speaks AfterShip's Tracking API and knows nothing else: no network, no clock, no
//! storage and no secret but through [`connector_sdk::Host`]. What any connector needs is the SDK's:
//! a call comes in through it, is checked, goes to one of the [`objects`] or [`auth`] schemes, and
//! leaves as one request through [`api`]. The answer is read where it lies: a record is checked and
//! cut out as text, never taken apart, so unknown members survive and numbers keep their digits.
//! What goes wrong becomes an error by the table in [`api::table`], each of which says what to do
//! next. The connector never sleeps, retries or remembers: a scan goes on with a cursor, and the
//! host owns time.
//!
//! All of it is plain Rust. Here a closure is the host:
//!
//! ```
//! use aftership_connector::AfterShip;
//! use connector_sdk::{Connector, FnHost, ListRequest, Response, Start, View};
//!
//! let host = FnHost::of::<AfterShip>(|request| {
//!     assert_eq!(request.endpoint, "trackings-list");
//!     assert!(request.path_with_query.starts_with("/tracking/2026-07/trackings?slug=dhl%2Cups&"));
//!     Ok(Response::json(
//!         200,
//!         r#"{"meta": {"code": 200}, "data": {
//!             "pagination": {"total": 1, "next_cursor": "", "has_next_page": false},
//!             "trackings": [{"id": "0b02015f", "slug": "dhl", "weight": 0.70}]}}"#,
//!     ))
//! });
//! let page = AfterShip::list(
//!     &host,
//!     ListRequest {
//!         object: "trackings".into(),
//!         start: Start::Beginning,
//!         page_size: None,
//!         filter: Some(r#"{"slug": ["dhl", "ups"]}"#.into()),
//!         view: View::whole(),
//!     },
//! )?;
//! assert_eq!(page.records[0].id, "0b02015f");
//! assert_eq!(page.records[0].data, r#"{"id": "0b02015f", "slug": "dhl", "weight": 0.70}"#);
//! assert!(page.next.is_none() && page.bookmark.is_some());
//! # Ok::<(), connector_sdk::Error>(())
//! ```

pub mod api;
pub mod auth;
mod connector;
pub mod objects;
pub mod subscriptions;
#[cfg(test)]
mod testing;

pub use connector::AfterShip;

connector_sdk::export!(AfterShip: actions, derived, subscriptions);
