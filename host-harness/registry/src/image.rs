//! What an image's manifest says of a component, by the CNCF's convention
//! (<https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact>).

use serde::Deserialize;

use crate::error::PullError;
use crate::reference::ContentDigest;

/// Media types of what may be an image.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";

/// An image's manifest; members that nobody here reads are left out.
#[derive(Debug, Deserialize)]
pub struct Image {
    config: BlobDescriptor,
    /// Of a component there is one; of a signature's image, one a signature.
    pub layers: Vec<BlobDescriptor>,
}

/// What a manifest says of a blob.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlobDescriptor {
    media_type: String,
    digest: String,
    #[serde(default)]
    annotations: serde_json::Map<String, serde_json::Value>,
}

impl Image {
    /// The layer that is the component.
    ///
    /// # Errors
    /// When the image with this digest is something else.
    pub fn component(&self, digest: &ContentDigest) -> Result<ContentDigest, PullError> {
        let odd = |why: String| PullError::NotAComponent { digest: digest.clone(), why };
        if self.config.media_type != CONFIG {
            return Err(odd(format!("its configuration is {}", self.config.media_type)));
        }
        match self.layers.as_slice() {
            [layer] if layer.media_type == LAYER => layer
                .blob()
                .ok_or_else(|| odd(format!("its layer has the digest {}", layer.digest))),
            [layer] => Err(odd(format!("its layer is {}", layer.media_type))),
            layers => Err(odd(format!("it has {} layers", layers.len()))),
        }
    }
}

impl BlobDescriptor {
    /// The blob's digest, if it is one that this host computes.
    #[must_use]
    pub fn blob(&self) -> Option<ContentDigest> {
        ContentDigest::read(&self.digest)
    }

    /// An annotation, if it is text.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name)?.as_str()
    }
}
