//! The simulator as a client sees it. One module a concern; `client`, `app` and `receiver` are what they
//! share.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails at once"
)]

mod app;
mod client;
mod connections;
mod create;
mod detect;
mod documented;
mod faults;
mod ghosts;
mod index;
mod journal;
mod lifecycle;
mod oauth;
mod older;
mod predictions;
mod receiver;
mod refresh;
mod signing;
mod token_faults;
mod tokens;
mod wayside;
mod webhook_faults;
mod webhook_versions;
mod webhooks;
