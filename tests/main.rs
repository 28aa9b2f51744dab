//! The real component in the real host, against the simulator.

mod errors;
mod filters;
mod golden;
mod hostile;
mod operations;
mod paging;
mod support;
