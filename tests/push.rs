//! Pushes of many records: by the real connector, into the real store, to the simulator.

mod conflicts;
mod decisions;
mod faults;
mod killed;
mod modes;
mod secrets;
mod shop;
mod two_way;
