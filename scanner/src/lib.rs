//! What runs once for each byte of an answer: JSON text read where it lies ([`json`]), and the
//! records in an answer of AfterShip found in one pass ([`page`]).
//!
//! It is a crate of its own because it alone is compiled for speed: the rest of the component is
//! compiled for size (`[profile.component]`).
//!
//! ```
//! let answer = r#"{"meta": {"code": 200}, "data": {"trackings": [{"id": "t1", "weight": 0.70}]}}"#;
//! let listing = scanner::page::listing(answer, "trackings")?;
//! let items = listing.items.unwrap_or_default();
//! assert_eq!(items[0].raw, r#"{"id": "t1", "weight": 0.70}"#);
//! # Ok::<(), scanner::json::Malformed>(())
//! ```

pub mod json;
pub mod page;
