//! WIT packages in binary form, as registries and other toolchains take them.

use std::path::Path;

use anyhow::{Context as _, Result};
use wit_parser::Resolve;

/// Each package of a folder of WIT, and of its `deps`: a file name without extension, and the bytes.
///
/// # Errors
/// When the folder is no WIT, or a package has no version.
pub fn encode(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut resolve = Resolve::default();
    resolve.push_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let packages = resolve.packages.iter();
    let encoded = packages.map(|(id, package)| {
        let name = &package.name;
        let version = name.version.as_ref().with_context(|| format!("{name} has no version"))?;
        let bytes =
            wit_component::encode(&resolve, id).with_context(|| format!("encoding {name}"))?;
        Ok((format!("{}-{}-{version}", name.namespace, name.name), bytes))
    });
    encoded.collect()
}
