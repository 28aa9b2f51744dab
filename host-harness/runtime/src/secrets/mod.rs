//! Secrets in memory: used as keys, scrubbed from what goes out, never shown.

mod forms;
mod keys;
mod random;
mod scrub;
mod secret;

pub use keys::{KeyError, same, sign, verify, verify_any};
pub use random::{NoRandomness, fill};
pub use scrub::{REDACTED, Scrubber};
pub use secret::{Secret, Secrets, of_subscription};
