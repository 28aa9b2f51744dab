//! Signatures by key in the form that cosign writes: the payload "simple signing" in a blob, and in an
//! annotation what ECDSA P-256 makes of it
//! (<https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::reference::ContentDigest;

/// Where the annotation of a layer holds the signature.
pub const ANNOTATION: &str = "dev.cosignproject.cosign/signature";

/// What stands before the point of a public key of P-256 (RFC 5480): the algorithm
/// `id-ecPublicKey`, the curve `secp256r1`, and a bit string of 66 bytes.
const PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A publisher's public key.
#[derive(Clone)]
pub struct TrustedKey(Vec<u8>);

/// Why bytes are no public key.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error(
    "it is no public key of ECDSA P-256 in PEM; make one of a private key by: openssl pkey -in key.pem -pubout"
)]
pub struct BadKey;

/// A signature and what it signs, as fetched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Signature {
    /// What is signed, as text of JSON.
    pub payload: String,
    /// Base64 of ASN.1.
    pub signature: String,
}

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: SignedImage,
    r#type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SignedImage {
    docker_manifest_digest: String,
}

impl TrustedKey {
    /// Reads a `PUBLIC KEY` block.
    ///
    /// # Errors
    /// [`BadKey`] when there is none, or one of another kind.
    pub fn from_pem(pem: &[u8]) -> Result<Self, BadKey> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| BadKey)?;
        let point = der.as_ref().strip_prefix(&PREFIX).filter(|point| point.len() == 65);
        Ok(Self(point.ok_or(BadKey)?.to_vec()))
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrustedKey")
    }
}

impl Signature {
    /// Whether one of `keys` signed the image `digest` by it.
    ///
    /// # Errors
    /// Why not.
    pub fn verify(&self, keys: &[TrustedKey], digest: &ContentDigest) -> Result<(), &'static str> {
        let signature = STANDARD.decode(&self.signature).map_err(|_| "one is no base64")?;
        let is_signed = |key: &TrustedKey| {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.0);
            key.verify(self.payload.as_bytes(), &signature).is_ok()
        };
        if !keys.iter().any(is_signed) {
            return Err("it was made by another key, or altered");
        }
        // Only what a trusted key signed is read.
        let payload: Payload = serde_json::from_str(&self.payload)
            .map_err(|_| "a trusted key signed something else than an image")?;
        if payload.critical.r#type != "cosign container image signature" {
            return Err("a trusted key signed something else than an image");
        }
        if payload.critical.image.docker_manifest_digest != digest.to_string() {
            return Err("a trusted key signed another image");
        }
        Ok(())
    }
}
