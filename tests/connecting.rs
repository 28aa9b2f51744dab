//! A connection that lives on a grant: made, used, renewed and ended, with the real component in
//! the real host, kept in SQLite, against the simulator.

mod browser;
mod canaries;
mod pages;
mod process;
mod processes;
mod program;
mod renewing;
mod signing;
mod stops;
mod tap;
pub mod world;

pub use self::browser::installed as chromium;
