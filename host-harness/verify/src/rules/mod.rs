//! The rules, by what they are about.

pub mod answers;
pub mod catalog;
pub mod reading;
pub mod safety;
pub mod writing;
