//! The connector that a command runs: a component in a file, or a published one.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use host_harness::egress::EgressOptions;
use host_harness::registry::{Credentials, Reference, Registry, TrustedKey};

use super::cache;
use super::options::CommonOptions;
use super::usage::Usage;

/// Where a component is.
pub enum Component {
    /// In a file.
    File(PathBuf),
    /// In a registry, known by its digest.
    Published(Reference),
}

impl Component {
    /// Reads `--component`.
    ///
    /// # Errors
    /// [`Usage`] when it names none, or a file while keys are trusted: a file has no signature.
    pub fn read(given: &OsStr, trusted_keys: &[PathBuf]) -> Result<Self, Usage> {
        if given.is_empty() {
            return Err(Usage::new("no connector is named")
                .next("give --component FILE, or set CONNECTOR_COMPONENT to the file"));
        }
        match given.to_str().filter(|text| text.starts_with("oci://")) {
            Some(text) => text.parse().map(Self::Published).map_err(|why| {
                Usage::new(format!("--component {why}"))
                    .next("the publisher's release names it, with its digest")
            }),
            None if trusted_keys.is_empty() => Ok(Self::File(given.into())),
            None => Err(Usage::new("a component in a file has no signature to check")
                .next("name the published one: --component oci://HOST/REPOSITORY@sha256:...")),
        }
    }
}

/// The bytes of a published component, checked.
///
/// # Errors
/// When a key or the credentials cannot be read, or as [`Registry::pull`].
pub async fn pull(
    reference: &Reference,
    options: &CommonOptions,
    trusted_keys: &[PathBuf],
    egress: &EgressOptions,
) -> Result<Vec<u8>> {
    let mut keys = Vec::new();
    for file in trusted_keys {
        let shown = || format!("reading --trusted-key {}", file.display());
        keys.push(
            TrustedKey::from_pem(&std::fs::read(file).with_context(shown)?).with_context(shown)?,
        );
    }
    let mut registry = Registry::new(egress)?.trusted_keys(keys);
    if let Some(file) = &options.registry_auth {
        let shown = || format!("reading --registry-auth {}", file.display());
        let json = zeroize::Zeroizing::new(std::fs::read(file).with_context(shown)?);
        registry = registry.credentials(Credentials::read(&json).with_context(shown)?);
    }
    if let Some(directory) = cache::directory(options.cache.as_deref(), "components") {
        registry = registry.cache(directory);
    }
    if options.allow_private {
        registry = registry.allow_private();
    }
    Ok(registry.pull(reference).await?)
}
