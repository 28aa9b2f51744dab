//! Secrets as keys: HMAC with SHA-256, which every host has.

use connector_contract::permissions::KeyRole;
use connector_contract::secrets::SecretError;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::bindings::exports::connector::host::secrets::Part;
use crate::call;
use crate::connection::Connection;

/// Signs with the newest version of a secret.
///
/// # Errors
/// [`SecretError`].
pub fn sign(
    connection: &Connection,
    name: &str,
    algorithm: &str,
    message: Vec<Part>,
) -> Result<Vec<u8>, SecretError> {
    connection.check_key(name, algorithm, KeyRole::Sign)?;
    let key = connection.secrets.get(name).ok_or(SecretError::NotFound)?;
    let mut mac = keyed(key.expose())?;
    for part in message {
        match part {
            Part::Bytes(bytes) => mac.update(&bytes),
            Part::Secret(name) if !connection.declares(&name) => return Err(SecretError::Denied),
            Part::Secret(name) => {
                let secret = connection.secrets.get(&name).ok_or(SecretError::NotFound)?;
                mac.update(secret.expose());
            }
        }
    }
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Whether a signature is by any version of a secret: all of them are tried, in constant time.
///
/// # Errors
/// [`SecretError`].
pub fn verify(
    connection: &Connection,
    name: &str,
    algorithm: &str,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, SecretError> {
    connection.check_key(name, algorithm, KeyRole::Verify)?;
    let live = match call::is_delivery() {
        true => connection.secrets.live_anywhere(name, 0),
        false => connection.secrets.live(name, 0),
    };
    if live.is_empty() {
        return Err(SecretError::NotFound);
    }
    live.iter().try_fold(false, |fits, key| {
        let mut mac = keyed(key.expose())?;
        mac.update(message);
        Ok(fits | mac.verify_slice(signature).is_ok())
    })
}

fn keyed(key: &[u8]) -> Result<Hmac<Sha256>, SecretError> {
    Hmac::new_from_slice(key).map_err(|_| SecretError::Denied)
}
