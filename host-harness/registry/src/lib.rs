//! Finds a published component in an OCI registry by its digest, checks who signed it, and keeps it
//! for the next time.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//!
//! use connector_registry::{Registry, TrustedKey};
//! use connector_runtime::{Runtime, RuntimeOptions};
//!
//! let options = RuntimeOptions::default();
//! let key = TrustedKey::from_pem(&std::fs::read("publisher.pub")?)?;
//! let registry = Registry::new(&options.egress)?.trusted_keys(vec![key]);
//! let digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
//! let reference = format!("oci://ghcr.io/example/connector@{digest}").parse()?;
//! let bytes = registry.pull(&reference).await?;
//! let connector = Runtime::new(&options)?.load_bytes(Path::new("connector.wasm"), &bytes).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | what a registry, a cache or a network does | what comes of it |
//! |---|---|
//! | sends other bytes than the digest names | [`PullError::WrongDigest`] |
//! | names a signature that no trusted key made, or none | [`PullError::Untrusted`], [`PullError::Unsigned`] |
//! | asks for credentials that are not given, or refuses them | [`PullError::Denied`] |
//! | sends elsewhere without end, or to what is no public address | [`PullError::Unreachable`] |
//! | stalls | the bounds of [`EgressOptions`](connector_runtime::egress::EgressOptions), and two minutes together |
//! | the cache holds other bytes than its names say | they are fetched again |
//!
//! | module | what it holds |
//! |---|---|
//! | `reference` | names of components: registry, repository, digest |
//! | `client` | the registry's HTTP: tokens, redirects, bounded answers |
//! | `challenge`, `credentials` | how a registry asks who one is, and the file with the answer |
//! | `image` | what a manifest says of a component |
//! | `signature` | signatures by key, in cosign's form |
//! | `cache` | what has been fetched before |

mod cache;
mod challenge;
mod client;
mod credentials;
mod error;
mod image;
mod pull;
mod reference;
mod signature;
#[cfg(test)]
mod tests;

pub use self::credentials::{BadCredentials, Credentials};
pub use self::error::PullError;
pub use self::pull::Registry;
pub use self::reference::{BadReference, ContentDigest, Reference};
pub use self::signature::{BadKey, TrustedKey};
