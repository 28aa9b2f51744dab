//! Secrets in memory: used as keys, scrubbed from what goes out, never shown.

mod forms;
mod keys;
mod random;
mod scrub;
mod secret;

pub(crate) use self::keys::same;
pub use self::keys::{hmac_sha256, sign, verify_any};
pub use self::random::{NoRandomness, fill, random_id};
pub use self::scrub::Scrubber;
pub use self::secret::{Secret, Secrets, of_subscription};
