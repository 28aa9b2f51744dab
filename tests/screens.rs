//! Screens of the console, by the real program and over HTTP: analytics, deliveries, trouble and pushes.

mod analytics;
mod browser;
mod deliveries;
mod pushes;
mod trouble;
