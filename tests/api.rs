//! The HTTP API as a platform has it: the real program, called over HTTP.

mod bounds;
mod changes;
mod connections;

mod deliveries;
mod description;
mod forwards;
mod hostile;
mod pushing;
mod records;
mod tokens;
mod world;
mod writes;
