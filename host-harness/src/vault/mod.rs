//! Secrets: kept, used as keys, never shown.

mod forms;
mod keys;
mod scrub;
mod sealing;
mod secret;

pub use keys::{KeyError, sign, verify};
pub use scrub::{REDACTED, Scrubber};
pub use sealing::{Key, Place, SealError, Sealed, fill};
pub use secret::{Secret, Secrets};
