//! Random bytes of the system.

use connector_contract::hex;
use ring::rand::{SecureRandom as _, SystemRandom};
use thiserror::Error;

/// The system gives no randomness.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
#[error("the system gives no random numbers, so nothing can be kept safely")]
pub struct NoRandomness;

/// Fills `bytes` with random ones.
///
/// # Errors
/// [`NoRandomness`].
pub fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    SystemRandom::new().fill(bytes).map_err(|_| NoRandomness)
}

/// 128 random bits in hex: a name that nobody guesses and nothing else has.
///
/// # Errors
/// [`NoRandomness`].
pub fn random_id() -> Result<String, NoRandomness> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(hex(&bytes))
}
