//! AfterShip as one sandboxed WebAssembly component.
//!
//! The connector speaks AfterShip's Tracking API and knows nothing else: no network, no clock, no
//! storage and no secret but through [`host::Host`]. A call comes in through `component.rs`,
//! the one file that knows WIT, goes to the module of its interface ([`catalog`], [`auth`],
//! [`records`], [`mod@derived`], [`actions`], [`subscriptions`]), from there to one of the [`objects`], and leaves
//! as one request through [`api`]. The answer is read where it lies: a record is checked and cut
//! out as text, never taken apart, so unknown members survive and numbers keep their digits.
//! What goes wrong becomes one of the cases in [`mod@error`], each of which says what to do next.
//! The connector never sleeps, retries or remembers: a scan goes on with a cursor, and the host
//! owns time.
//!
//! Everything but `component.rs` is plain Rust. Here a closure is the host:
//!
//! ```
//! use aftership_connector::host::{FnHost, Response};
//! use aftership_connector::records;
//! use aftership_connector::types::{ListRequest, Start, View};
//!
//! let host = FnHost::new(|request| {
//!     assert_eq!(request.endpoint, "trackings-list");
//!     assert!(request.path_with_query.starts_with("/tracking/2026-07/trackings?slug=dhl%2Cups&"));
//!     Ok(Response::json(
//!         200,
//!         r#"{"meta": {"code": 200}, "data": {
//!             "pagination": {"total": 1, "next_cursor": "", "has_next_page": false},
//!             "trackings": [{"id": "0b02015f", "slug": "dhl", "weight": 0.70}]}}"#,
//!     ))
//! });
//! let page = records::list(
//!     &host,
//!     ListRequest {
//!         object: "trackings".into(),
//!         start: Start::Beginning,
//!         page_size: None,
//!         filter: Some(r#"{"slug": ["dhl", "ups"]}"#.into()),
//!         view: View::default(),
//!     },
//! )?;
//! assert_eq!(page.records[0].id, "0b02015f");
//! assert_eq!(page.records[0].data, r#"{"id": "0b02015f", "slug": "dhl", "weight": 0.70}"#);
//! assert!(page.next.is_none() && page.bookmark.is_some());
//! # Ok::<(), aftership_connector::error::Error>(())
//! ```

pub mod actions;
pub mod api;
pub mod auth;
pub mod catalog;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod derived;
pub mod error;
pub mod host;
pub mod objects;
pub mod permissions;
pub mod records;
pub mod schema;
pub mod setup;
pub mod subscriptions;
#[cfg(test)]
mod testing;
pub mod types;

pub use scanner::json;
