//! The real component in the real host, against the simulator.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test fails at once, and its helpers take what reads best"
)]

// The fuzz targets import their macro from that crate; here it is the one of `fuzzed`.
extern crate self as libfuzzer_sys;

mod api;
mod cells;
mod cli;
mod connecting;
mod console;
mod contract;
mod deliveries;
mod errors;
mod examples;
mod faults;
mod filters;
mod fuzzed;
mod golden;
mod host_kit;
mod hostile;
mod limits;
mod operations;
mod paging;
mod push;
mod recording;
mod samples;
mod screens;
mod secrets;
mod shop;
mod support;
mod sync;
mod verify;
mod walls;
mod webhooks;
