//! Names of components in registries: `oci://HOST[:PORT]/REPOSITORY[:TAG]@sha256:HEX`.

use std::fmt;
use std::str::FromStr;

use connector_contract::hex;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// The longest name of a repository (OCI distribution specification 1.1).
const LONGEST_REPOSITORY: usize = 255;

/// The SHA-256 of what a registry keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDigest(String);

/// A component in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Host and, unless it is the scheme's own, port.
    pub registry: String,
    /// Path of the repository, without slashes around it.
    pub repository: String,
    /// Of the image's manifest: what is signed.
    pub digest: ContentDigest,
}

/// Why a text names no component.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("\"{text}\" {why}")]
pub struct BadReference {
    text: String,
    why: &'static str,
}

impl ContentDigest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// Reads `sha256:` and 64 hexadecimal digits in lower case.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (digits.len() == 64 && digits.bytes().all(is_hex)).then(|| Self(digits.to_owned()))
    }

    /// The 64 digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl FromStr for Reference {
    type Err = BadReference;

    /// Reads a reference. A tag before the digest says nothing and is left out.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        let bad = |why| BadReference { text: text.to_owned(), why };
        let rest = text.strip_prefix("oci://").ok_or_else(|| bad("does not begin with oci://"))?;
        let (name, digest) = rest.split_once('@').ok_or_else(|| {
            bad("has no digest, and a tag may name another file tomorrow: add @sha256:...")
        })?;
        let digest = ContentDigest::read(digest)
            .ok_or_else(|| bad("must end with @sha256: and 64 hexadecimal digits"))?;
        let (registry, path) = name
            .split_once('/')
            .ok_or_else(|| bad("names no repository: oci://HOST/REPOSITORY@sha256:..."))?;
        let repository = path.rsplit_once(':').map_or(path, |(repository, _)| repository);
        if registry.is_empty() || !is_repository(repository) {
            return Err(bad("is no name of a repository: oci://HOST/REPOSITORY@sha256:..."));
        }
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}/{}@{}", self.registry, self.repository, self.digest)
    }
}

/// Parts of lower-case letters and digits, within each also `.`, `_` and `-` (OCI distribution
/// specification 1.1). So no path climbs up.
fn is_repository(name: &str) -> bool {
    let is_inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let is_outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let is_part = |part: &str| {
        let mut bytes = part.bytes();
        is_outer(bytes.clone().next()) && is_outer(bytes.next_back()) && part.bytes().all(is_inner)
    };
    name.len() <= LONGEST_REPOSITORY && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_reference_is_registry_repository_and_digest() {
        for (name, registry, repository) in [
            ("ghcr.io/example/connector", "ghcr.io", "example/connector"),
            ("ghcr.io/example/connector:0.2.0", "ghcr.io", "example/connector"),
            ("127.0.0.1:5000/a_b/c--d.e", "127.0.0.1:5000", "a_b/c--d.e"),
            ("[::1]:5000/x", "[::1]:5000", "x"),
        ] {
            let read: Reference = format!("oci://{name}@sha256:{DIGITS}").parse().unwrap();
            assert_eq!((&*read.registry, &*read.repository), (registry, repository));
            assert_eq!(read.to_string(), format!("oci://{registry}/{repository}@sha256:{DIGITS}"));
        }
    }

    #[test]
    fn what_names_no_file_for_good_is_refused() {
        let long = "a".repeat(256);
        for (name, why) in [
            ("ghcr.io/a@sha256:{}", "does not begin with oci://"),
            ("oci://ghcr.io/a", "has no digest"),
            ("oci://ghcr.io/a:latest", "has no digest"),
            ("oci://ghcr.io/a@sha256:12", "64 hexadecimal digits"),
            ("oci://ghcr.io/a@sha512:{}", "64 hexadecimal digits"),
            ("oci://ghcr.io@sha256:{}", "names no repository"),
            ("oci:///a@sha256:{}", "is no name"),
            ("oci://ghcr.io/../a@sha256:{}", "is no name"),
            ("oci://ghcr.io/a//b@sha256:{}", "is no name"),
            ("oci://ghcr.io/A@sha256:{}", "is no name"),
            ("oci://ghcr.io/a?b@sha256:{}", "is no name"),
            (&format!("oci://ghcr.io/{long}@sha256:{{}}"), "is no name"),
        ] {
            let error = name.replace("{}", DIGITS).parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
