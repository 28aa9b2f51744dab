//! An OCI image layout (image specification 1.1) of a component by the CNCF's convention
//! (<https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact>): a configuration that says
//! what the component imports and exports, and one layer, the file itself.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use crate::facts::Facts;
use crate::{hex_digest, read, write};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A layout on the disk.
pub struct Layout {
    folder: PathBuf,
    index: Value,
}

impl Layout {
    /// An empty one in a new folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(folder: &Path) -> Result<Self> {
        write(&folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [],
        });
        Ok(Self { folder: folder.to_owned(), index })
    }

    /// One that is there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        let file = folder.join("index.json");
        let index = serde_json::from_slice(&read(&file)?);
        let index = index.with_context(|| format!("{} is no OCI layout", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), index })
    }

    /// The digest of the component's image.
    ///
    /// # Errors
    /// When the layout holds no such image.
    pub fn component_digest(&self) -> Result<String> {
        let images = self.index["manifests"].as_array().into_iter().flatten();
        let mut found =
            images.filter(|image| image["artifactType"] == "application/vnd.wasm.config.v0+json");
        let digest = found.next().and_then(|image| image["digest"].as_str());
        Ok(digest.context("the layout holds no component")?.to_owned())
    }

    /// Adds the component's image, tagged with its version; answers its digest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_component(&mut self, facts: &Facts, component: &[u8]) -> Result<String> {
        let layer = self.add_blob("application/wasm", component)?;
        let config = json!({
            "created": facts.created,
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [layer["digest"]],
            "component": {
                "imports": facts.imports,
                "exports": facts.exports,
                "target": "connector:api/connector",
            },
        });
        let config_type = "application/vnd.wasm.config.v0+json";
        let config = self.add_blob(config_type, &serde_json::to_vec(&config)?)?;
        let annotations = json!({
            "org.opencontainers.image.title": facts.package,
            "org.opencontainers.image.description": facts.description,
            "org.opencontainers.image.version": facts.version,
            "org.opencontainers.image.licenses": facts.licence,
            "org.opencontainers.image.source": facts.source,
            "org.opencontainers.image.url": facts.source,
            "org.opencontainers.image.documentation": format!("{}/blob/main/README.md", facts.source),
            "org.opencontainers.image.revision": facts.revision,
            "org.opencontainers.image.created": facts.created,
            "org.opencontainers.image.authors": format!("{} contributors", facts.package),
            "org.opencontainers.image.vendor": format!("{} contributors", facts.package),
        });
        self.add_image(&facts.version, Some(config_type), &config, &layer, Some(annotations))
    }

    /// Adds an image of one layer under a tag; answers its digest. An image of that tag is replaced.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_image(
        &mut self,
        tag: &str,
        artifact: Option<&str>,
        config: &Value,
        layer: &Value,
        annotations: Option<Value>,
    ) -> Result<String> {
        let mut image = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": [layer],
        });
        if let Some(annotations) = annotations {
            image["annotations"] = annotations;
        }
        let mut descriptor = self.add_blob(MANIFEST, &serde_json::to_vec(&image)?)?;
        let digest = descriptor["digest"].as_str().unwrap_or_default().to_owned();
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        if let Some(artifact) = artifact {
            descriptor["artifactType"] = json!(artifact);
        }
        let Some(images) = self.index["manifests"].as_array_mut() else {
            bail!("{} has an index without manifests", self.folder.display());
        };
        images.retain(|image| image["annotations"]["org.opencontainers.image.ref.name"] != tag);
        images.push(descriptor);
        write(&self.folder.join("index.json"), &serde_json::to_vec(&self.index)?)?;
        Ok(digest)
    }

    /// Writes a blob; answers its descriptor.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_blob(&self, media_type: &str, bytes: &[u8]) -> Result<Value> {
        let digest = hex_digest(bytes);
        write(&self.folder.join("blobs/sha256").join(&digest), bytes)?;
        let members = [
            ("mediaType", json!(media_type)),
            ("digest", json!(format!("sha256:{digest}"))),
            ("size", json!(bytes.len())),
        ];
        Ok(Value::Object(
            members
                .map(|(name, value)| (name.to_owned(), value))
                .into_iter()
                .collect::<Map<_, _>>(),
        ))
    }
}
