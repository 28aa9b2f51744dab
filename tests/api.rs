//! The HTTP API as a platform has it: the real program, called over HTTP.

mod agents;
mod bounds;
mod changes;
pub mod connect;
mod connections;
mod deliveries;
mod description;
mod forwards;
mod hostile;
mod idempotency;
mod metrics;
mod pushing;
mod records;
mod tokens;
mod troubles;
mod world;
mod writes;

pub use self::world::{Host, Reply, send_to, stream_of};
