//! Events from the sender to the mirror: the real component, receiver, worker and database, and a
//! sender that does what AfterShip's does.

mod flow;
mod forwarded;
mod hosts;
mod program;
pub mod shop;
mod world;
