//! The receiver in virtual time, before a real inbox.

mod bounds;
mod keeping;
mod world;
