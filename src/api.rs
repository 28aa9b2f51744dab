//! AfterShip's HTTP API: requests, answers, pages, cursors and times.
//!
//! Objects say what they want of which endpoint; everything about the wire is here.

pub mod answer;
pub mod bookmark;
pub mod client;
pub mod cursor;
pub mod dates;
pub mod endpoints;
pub mod fault;
pub mod hidden;
pub mod parameter;
pub mod path;
pub mod query;
pub mod served;
pub mod source;
pub mod wait;
pub mod window;

pub use answer::Answer;
pub use client::{Api, Call};
pub use query::Query;
pub use scanner::page;
