//! A component by its digest: manifest, signatures, file.

use std::path::PathBuf;
use std::time::Duration;

use connector_runtime::AddressSpace;
use connector_runtime::egress::{EgressError, EgressOptions, HttpClient};
use tokio::time::timeout;

use crate::cache::Cache;
use crate::client::Client;
use crate::credentials::Credentials;
use crate::error::PullError;
use crate::image::{Image, MANIFEST};
use crate::reference::{ContentDigest, Reference};
use crate::signature::{ANNOTATION, Signature, TrustedKey};

/// The largest component.
const LARGEST: usize = 32 << 20;
/// A slow registry ends the pull after this time together.
const WITHIN: Duration = Duration::from_secs(120);
/// Of an image with more signatures, these are looked at.
const MOST_SIGNATURES: usize = 64;

/// Pulls components from registries.
pub struct Registry {
    http: HttpClient,
    credentials: Credentials,
    keys: Vec<TrustedKey>,
    cache: Option<Cache>,
    space: AddressSpace,
}

impl Registry {
    /// Reaches registries as `egress` says, but with room for a file of 32 MiB and two minutes for it.
    /// Without credentials, cache and trusted keys: what is pulled is what the digest names, whoever
    /// made it.
    ///
    /// # Errors
    /// [`EgressError`] says which of the options cannot be used.
    pub fn new(egress: &EgressOptions) -> Result<Self, EgressError> {
        let mut egress = egress.clone();
        (egress.body_bytes, egress.answer_within) = (LARGEST, WITHIN);
        let http = HttpClient::new(egress)?;
        let (credentials, keys) = (Credentials::default(), Vec::new());
        Ok(Self { http, credentials, keys, cache: None, space: AddressSpace::Public })
    }

    /// With these credentials, where a registry asks for some.
    #[must_use]
    pub fn credentials(self, credentials: Credentials) -> Self {
        Self { credentials, ..self }
    }

    /// Only components that one of `keys` signed.
    #[must_use]
    pub fn trusted_keys(self, keys: Vec<TrustedKey>) -> Self {
        Self { keys, ..self }
    }

    /// Keeps what it fetches in this directory, to which nobody else may write.
    #[must_use]
    pub fn cache(self, directory: PathBuf) -> Self {
        Self { cache: Some(Cache::new(directory)), ..self }
    }

    /// Reaches registries at private addresses and any port, and on this machine by http.
    #[must_use]
    pub fn allow_private(self) -> Self {
        Self { space: AddressSpace::Private, ..self }
    }

    /// The bytes of a component. Without a request where all of it is in the cache.
    ///
    /// # Errors
    /// [`PullError`]; refuses what has another digest, is no component, or is not signed by a trusted
    /// key, if there are any.
    pub async fn pull(&self, reference: &Reference) -> Result<Vec<u8>, PullError> {
        let pulled = timeout(WITHIN, self.pull_all(reference)).await;
        pulled.unwrap_or_else(|_| {
            Err(PullError::Unreachable {
                what: "the component",
                from: reference.registry.clone(),
                why: format!("it was not whole within {WITHIN:?}"),
            })
        })
    }

    async fn pull_all(&self, reference: &Reference) -> Result<Vec<u8>, PullError> {
        let Reference { registry, repository, digest } = reference;
        let mut client = Client::new(&self.http, &self.credentials, registry, self.space)?;
        let path = format!("{repository}/manifests/{digest}");
        let manifest =
            self.find_or_fetch(&mut client, reference, digest, &path, "manifest").await?;
        if !self.keys.is_empty() {
            self.check_signature(&mut client, reference).await?;
        }
        let image: Image = serde_json::from_slice(&manifest).map_err(|why| {
            PullError::NotAComponent { digest: digest.clone(), why: why.to_string() }
        })?;
        let blob = image.component(digest)?;
        let path = format!("{repository}/blobs/{blob}");
        self.find_or_fetch(&mut client, reference, &blob, &path, "component").await
    }

    /// What has this digest, from the cache or the registry.
    async fn find_or_fetch(
        &self,
        client: &mut Client<'_>,
        reference: &Reference,
        digest: &ContentDigest,
        path: &str,
        what: &'static str,
    ) -> Result<Vec<u8>, PullError> {
        if let Some(bytes) = self.cache.as_ref().and_then(|cache| cache.find(digest)) {
            return Ok(bytes);
        }
        let bytes = fetch_exact(client, reference, digest, path, what).await?;
        if let Some(cache) = &self.cache {
            cache.keep(digest, &bytes);
        }
        Ok(bytes)
    }

    /// Whether a trusted key signed the image. Signatures of the cache are looked at first; an image
    /// may have been signed again since.
    async fn check_signature(
        &self,
        client: &mut Client<'_>,
        reference: &Reference,
    ) -> Result<(), PullError> {
        let digest = &reference.digest;
        let kept = self.cache.as_ref().map(|cache| cache.find_signatures(digest));
        let is_good = |one: &Signature| one.verify(&self.keys, digest).is_ok();
        if kept.unwrap_or_default().iter().any(is_good) {
            return Ok(());
        }
        let signatures = fetch_signatures(client, reference).await?;
        let mut bad = None;
        for signature in &signatures {
            match signature.verify(&self.keys, digest) {
                Ok(()) => {
                    if let Some(cache) = &self.cache {
                        cache.keep_signatures(digest, &signatures);
                    }
                    return Ok(());
                }
                Err(why) => bad = Some(why),
            }
        }
        let digest = digest.clone();
        Err(bad.map_or(PullError::Unsigned(digest.clone()), |why| PullError::Untrusted {
            digest,
            why,
        }))
    }
}

/// The signatures under the tag that cosign makes of a digest.
async fn fetch_signatures(
    client: &mut Client<'_>,
    reference: &Reference,
) -> Result<Vec<Signature>, PullError> {
    let Reference { repository, digest, .. } = reference;
    let path = format!("{repository}/manifests/sha256-{}.sig", digest.digits());
    let manifest = match client.fetch(&path, MANIFEST, "signature").await {
        Err(PullError::NotFound { .. }) => return Err(PullError::Unsigned(digest.clone())),
        other => other?,
    };
    let untrusted = |why| PullError::Untrusted { digest: digest.clone(), why };
    let image: Image = serde_json::from_slice(&manifest)
        .map_err(|_| untrusted("its signature's manifest is none"))?;
    let signed = image.layers.iter();
    let signed = signed.filter_map(|layer| Some((layer.blob()?, layer.annotation(ANNOTATION)?)));
    let (mut signatures, mut lost) = (Vec::new(), None);
    // One that cannot be had says nothing about the others.
    for (blob, signature) in signed.take(MOST_SIGNATURES) {
        let path = format!("{repository}/blobs/{blob}");
        match fetch_exact(client, reference, &blob, &path, "signature").await {
            Ok(payload) => signatures.extend(
                String::from_utf8(payload)
                    .ok()
                    .map(|payload| Signature { payload, signature: signature.to_owned() }),
            ),
            Err(why) => lost = Some(why),
        }
    }
    match lost {
        Some(why) if signatures.is_empty() => Err(why),
        _ => Ok(signatures),
    }
}

/// What is at `path`, if it has this digest.
async fn fetch_exact(
    client: &mut Client<'_>,
    reference: &Reference,
    expected: &ContentDigest,
    path: &str,
    what: &'static str,
) -> Result<Vec<u8>, PullError> {
    let accept = if what == "manifest" { MANIFEST } else { "*/*" };
    let bytes = client.fetch(path, accept, what).await?;
    let found = ContentDigest::of(&bytes);
    if found != *expected {
        let (from, expected) = (reference.registry.clone(), expected.clone());
        return Err(PullError::WrongDigest { what, from, expected, found });
    }
    Ok(bytes)
}
