//! Secrets in memory: used as keys, scrubbed from what goes out, never shown.

mod keys;
mod random;

pub use self::keys::{hmac_sha256, sign, verify_any};
pub use self::random::{NoRandomness, fill, random_id};
pub use connector_policy::scrub::Scrubber;
pub use connector_policy::secret::{Secret, Secrets, of_subscription};
