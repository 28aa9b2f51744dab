//! AfterShip's HTTP API: requests, answers and pages.
//!
//! Objects say what they want of which endpoint; everything about the wire is here.

pub mod answer;
pub mod client;
pub mod endpoints;
pub mod fault;
pub mod page;
pub mod parameter;
pub mod source;
pub mod table;
pub mod window;

pub use answer::Answer;
pub use client::{Api, Call};
