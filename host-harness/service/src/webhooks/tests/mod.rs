//! Receiver and worker in virtual time, before a real inbox and mirror.

mod applying;
mod bounds;
mod keeping;
mod missed;
pub mod provider;
mod tls;
pub mod world;
