//! Runs integration connectors.
pub mod clock;
pub mod egress;
pub mod observe;
pub mod retry;
pub mod runtime;
pub mod vault;
