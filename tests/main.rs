//! The real component in the real host.

mod hostile;
mod support;
