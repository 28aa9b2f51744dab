//! Under which name a connection without an id counts against its limits.

use std::sync::LazyLock;

use connector_contract::catalog::Manifest;

use crate::secrets::{NoRandomness, Secret, Secrets, fill, hmac_sha256};
use crate::setting::{SCHEME, Settings};

/// This process's own: what it makes of secrets tells nothing about them.
static KEY: LazyLock<Result<Secret, NoRandomness>> = LazyLock::new(|| {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    fill(bytes.as_mut())?;
    Ok(Secret::new(bytes.as_slice()))
});

/// Connections with the same settings and secrets are one, so that a connection for each request is
/// held by the limits as one that stays. Where the machine has no randomness, each is its own.
pub fn unnamed(manifest: &Manifest, settings: &Settings, secrets: &Secrets, number: u64) -> String {
    let Ok(key) = &*KEY else { return format!("connection {number}") };
    let mut pieces: Vec<Secret> = Vec::new();
    let declared = manifest.settings.iter().map(|setting| setting.name.as_str());
    for name in declared.chain([SCHEME]) {
        pieces.extend([Secret::new(name), Secret::new(settings.get(name).unwrap_or_default())]);
    }
    for name in secrets.names() {
        if let Some(value) = secrets.get(&name) {
            pieces.extend([Secret::new(name), value]);
        }
    }
    // Each before its length, so that no two lists are one.
    let lengths: Vec<[u8; 8]> =
        pieces.iter().map(|piece| (piece.expose().len() as u64).to_be_bytes()).collect();
    let all = lengths.iter().zip(&pieces).flat_map(|(length, piece)| [&length[..], piece.expose()]);
    connector_contract::hex(&hmac_sha256(key, &all.collect::<Vec<_>>()))
}
