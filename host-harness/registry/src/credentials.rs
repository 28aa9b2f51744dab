//! The file in which `docker login` and its like leave credentials.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

/// User and password, by registry.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, Zeroizing<String>>);

/// Why a file holds no credentials. Its content is not told.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum BadCredentials {
    /// It is something else.
    #[error(
        "it is not the JSON that `docker login` writes: {{\"auths\":{{\"HOST\":{{\"auth\":\"...\"}}}}}}"
    )]
    Shape,
    /// An entry cannot be used.
    #[error("the `auth` of a registry is not base64 of USER:PASSWORD")]
    Auth,
}

#[derive(Deserialize)]
struct AuthFile {
    auths: BTreeMap<String, AuthEntry>,
}

#[derive(Deserialize)]
struct AuthEntry {
    /// Missing where a helper program keeps it; such an entry is left out.
    auth: Option<Zeroizing<String>>,
}

impl Credentials {
    /// Reads the file's content.
    ///
    /// # Errors
    /// [`BadCredentials`].
    pub fn read(json: &[u8]) -> Result<Self, BadCredentials> {
        let file: AuthFile = serde_json::from_slice(json).map_err(|_| BadCredentials::Shape)?;
        let mut found = BTreeMap::new();
        for (registry, entry) in file.auths {
            let Some(auth) = entry.auth.filter(|auth| !auth.is_empty()) else { continue };
            let decoded = STANDARD.decode(auth.as_bytes()).map(Zeroizing::new);
            if !decoded.is_ok_and(|pair| pair.contains(&b':')) {
                return Err(BadCredentials::Auth);
            }
            // Some write a URL.
            let host = registry.trim_start_matches("https://");
            let host = host.split_once('/').map_or(host, |(host, _)| host);
            found.insert(host.to_owned(), auth);
        }
        Ok(Self(found))
    }

    /// The header `authorization` for a registry.
    pub(crate) fn basic(&self, registry: &str) -> Option<Zeroizing<String>> {
        let auth = self.0.get(registry)?;
        Some(Zeroizing::new(format!("Basic {}", auth.as_str())))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_by_registry_and_never_shown() {
        let json = br#"{"auths":{"ghcr.io":{"auth":"dTpwYXNz"},"https://index.docker.io/v1/":{"auth":"dTpw"},
            "helped.example":{}},"credsStore":"desktop"}"#;
        let read = Credentials::read(json).unwrap();
        assert_eq!(read.basic("ghcr.io").unwrap().as_str(), "Basic dTpwYXNz");
        assert!(read.basic("index.docker.io").is_some());
        assert!(read.basic("helped.example").is_none() && read.basic("other").is_none());
        assert_eq!(format!("{read:?}"), r#"{"ghcr.io", "index.docker.io"}"#);
    }

    #[test]
    fn what_holds_none_is_refused() {
        for json in ["", "[]", "{}", r#"{"auths":{"a":{"auth":7}}}"#] {
            assert_eq!(Credentials::read(json.as_bytes()).unwrap_err(), BadCredentials::Shape);
        }
        for auth in ["?", "dQ=="] {
            let json = format!(r#"{{"auths":{{"a":{{"auth":"{auth}"}}}}}}"#);
            assert_eq!(Credentials::read(json.as_bytes()).unwrap_err(), BadCredentials::Auth);
        }
    }
}
