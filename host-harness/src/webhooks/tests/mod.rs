//! Receiver and worker in virtual time, before a real inbox and mirror.

mod applying;
mod bounds;
mod keeping;
mod provider;
mod world;
