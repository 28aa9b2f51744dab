//! A signature by a key file, in the form that cosign writes and reads: the payload "simple signing"
//! as the layer of an image whose tag is made of the signed digest
//! (<https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>). Tags are used, and not
//! referrers, because many registries have none.

use std::path::Path;

use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;

use crate::layout::Layout;
use crate::read;

/// Signs the component's image of a layout.
///
/// # Errors
/// When the key is none of P-256 in PKCS#8, or the layout cannot be written.
pub fn add_signature(layout: &mut Layout, key: &Path, reference: &str) -> Result<()> {
    let pair = read_key(key)?;
    let digest = layout.component_digest()?;
    let payload = payload(&digest, reference);
    let random = SystemRandom::new();
    let signature = pair
        .sign(&random, payload.as_bytes())
        .map_err(|_| anyhow!("this machine has no randomness"))?;
    let media_type = "application/vnd.dev.cosign.simplesigning.v1+json";
    let mut layer = layout.add_blob(media_type, payload.as_bytes())?;
    layer["annotations"] =
        json!({ "dev.cosignproject.cosign/signature": STANDARD.encode(signature) });
    let config = json!({ "architecture": "", "os": "", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] } });
    let config_type = "application/vnd.oci.image.config.v1+json";
    let config = layout.add_blob(config_type, &serde_json::to_vec(&config)?)?;
    let tag = format!("{}.sig", digest.replace(':', "-"));
    layout.add_image(&tag, None, &config, &layer, None)?;
    println!("{digest} is signed as {tag}");
    Ok(())
}

fn read_key(file: &Path) -> Result<EcdsaKeyPair> {
    let help =
        "make one by: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem";
    let der = PrivatePkcs8KeyDer::from_pem_slice(&read(file)?)
        .map_err(|why| anyhow!("{} is no PKCS#8 key in PEM ({why}); {help}", file.display()))?;
    EcdsaKeyPair::from_pkcs8(
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        der.secret_pkcs8_der(),
        &SystemRandom::new(),
    )
    .map_err(|why| anyhow!("{} is no key of ECDSA P-256 ({why}); {help}", file.display()))
}

/// What is signed. Whoever verifies compares the digest.
fn payload(digest: &str, reference: &str) -> String {
    json!({
        "critical": {
            "identity": { "docker-reference": reference },
            "image": { "docker-manifest-digest": digest },
            "type": "cosign container image signature",
        },
        "optional": null,
    })
    .to_string()
}
