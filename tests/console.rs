//! The console as a browser has it: the real program, called over HTTP.

mod browser;
mod safety;
mod screens;
mod world;
