//! The crates whose code is in a component, as Cargo tells them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// One crate.
pub struct Crate {
    /// As on crates.io.
    pub name: String,
    /// Its version.
    pub version: String,
    /// An SPDX expression, where its manifest has one.
    pub licence: Option<String>,
    /// Its repository or home page.
    pub source: Option<String>,
    /// Where its sources lie.
    pub folder: PathBuf,
    /// SHA-256 of its archive on crates.io, from `Cargo.lock`; none for a crate of this workspace.
    pub checksum: Option<String>,
    /// Package URLs of the crates that it depends on.
    pub dependencies: Vec<String>,
}

impl Crate {
    /// Its package URL (<https://github.com/package-url/purl-spec>).
    #[must_use]
    pub fn url(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

/// A package and all that is compiled into it for wasm32. Procedural macros and what only they need
/// run while building, so their code is not in the file.
pub struct Crates {
    /// The package itself.
    pub root: Crate,
    /// The others, by package URL.
    pub others: BTreeMap<String, Crate>,
}

impl Crates {
    /// Asks Cargo about `package` of the workspace in `folder`.
    ///
    /// # Errors
    /// When Cargo cannot be run, or has no such package.
    pub fn of(folder: &Path, package: &str) -> Result<Self> {
        let arguments = [
            "metadata",
            "--locked",
            "--offline",
            "--format-version",
            "1",
            "--filter-platform",
            "wasm32-unknown-unknown",
        ];
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(arguments)
            .arg("--manifest-path")
            .arg(folder.join("Cargo.toml"))
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let lock = std::fs::read_to_string(folder.join("Cargo.lock"));
        let lock = lock.context("cannot read Cargo.lock")?;
        let metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
        Self::read(&metadata, &checksums(&lock), package)
    }

    fn read(
        metadata: &Value,
        checksums: &BTreeMap<(String, String), String>,
        package: &str,
    ) -> Result<Self> {
        let by_id = |list: &Value| -> BTreeMap<String, Value> {
            let entries = list.as_array().into_iter().flatten();
            entries.filter_map(|entry| Some((text(entry, "id")?, entry.clone()))).collect()
        };
        let packages = by_id(&metadata["packages"]);
        let nodes = by_id(&metadata["resolve"]["nodes"]);
        let linked = |id: &str| -> Vec<String> {
            let links =
                nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten();
            let normal = links.filter(|link| {
                let kinds = link["dep_kinds"].as_array();
                kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
            });
            let ids = normal.filter_map(|link| text(link, "pkg"));
            ids.filter(|id| packages.get(id).is_some_and(|package| !is_macro(package))).collect()
        };
        let is_root =
            |(_, entry): &(&String, &Value)| text(entry, "name").as_deref() == Some(package);
        let (root, _) = packages
            .iter()
            .find(is_root)
            .with_context(|| format!("this workspace has no package \"{package}\""))?;
        let describe = |id: &str| -> Result<Crate> {
            let entry = packages.get(id).with_context(|| format!("cargo tells nothing of {id}"))?;
            let mut found = read_crate(entry, checksums)?;
            for dependency in linked(id) {
                let entry = packages.get(&dependency).map(|entry| read_crate(entry, checksums));
                found.dependencies.push(entry.context("a dependency is missing")??.url());
            }
            found.dependencies.sort();
            Ok(found)
        };
        let (mut seen, mut open) = (BTreeSet::from([root.clone()]), vec![root.clone()]);
        let mut others = BTreeMap::new();
        while let Some(id) = open.pop() {
            for dependency in linked(&id) {
                if seen.insert(dependency.clone()) {
                    let found = describe(&dependency)?;
                    others.insert(found.url(), found);
                    open.push(dependency);
                }
            }
        }
        Ok(Self { root: describe(root)?, others })
    }
}

fn read_crate(entry: &Value, checksums: &BTreeMap<(String, String), String>) -> Result<Crate> {
    let need = |key: &str| text(entry, key).with_context(|| format!("a package has no {key}"));
    let (name, version) = (need("name")?, need("version")?);
    let manifest = PathBuf::from(need("manifest_path")?);
    let checksum = checksums.get(&(name.clone(), version.clone())).cloned();
    Ok(Crate {
        licence: text(entry, "license"),
        source: text(entry, "repository").or_else(|| text(entry, "homepage")),
        folder: manifest.parent().context("a manifest without a folder")?.to_owned(),
        checksum,
        dependencies: vec![],
        name,
        version,
    })
}

fn is_macro(package: &Value) -> bool {
    let targets = package["targets"].as_array().into_iter().flatten();
    let mut kinds = targets.filter_map(|target| target["kind"].as_array()).flatten();
    kinds.any(|kind| kind == "proc-macro")
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

/// Name and version to checksum. Cargo writes one `key = "value"` a line.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    lock.split("[[package]]")
        .filter_map(|package| {
            let value = |key: &str| {
                let mut lines = package.lines();
                lines.find_map(|line| {
                    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
                })
            };
            let name = value("name")?.to_owned();
            Some(((name, value("version")?.to_owned()), value("checksum")?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, kind: &str) -> Value {
        json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT",
            "manifest_path": format!("/sources/{name}/Cargo.toml"), "targets": [{ "kind": [kind] }] })
    }

    fn link(to: &str, kind: &Value) -> Value {
        json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] })
    }

    #[test]
    fn only_what_is_compiled_into_the_file_is_told() {
        let kinds = [
            ("app", "cdylib"),
            ("json", "lib"),
            ("derive", "proc-macro"),
            ("syn", "lib"),
            ("proptest", "lib"),
            ("cc", "lib"),
            ("memchr", "lib"),
        ];
        let packages: Vec<Value> = kinds.iter().map(|(name, kind)| package(name, kind)).collect();
        let metadata = json!({ "packages": packages, "resolve": { "nodes": [
            { "id": "app", "deps": [link("json", &Value::Null), link("derive", &Value::Null),
                link("proptest", &json!("dev")), link("cc", &json!("build"))] },
            { "id": "json", "deps": [link("memchr", &Value::Null)] },
            { "id": "derive", "deps": [link("syn", &Value::Null)] },
        ] } });
        let lock = "[[package]]\nname = \"memchr\"\nversion = \"1.0.0\"\nchecksum = \"ab\"\n";
        let crates = Crates::read(&metadata, &checksums(lock), "app").unwrap();
        let urls: Vec<&str> = crates.others.keys().map(String::as_str).collect();
        assert_eq!(urls, ["pkg:cargo/json@1.0.0", "pkg:cargo/memchr@1.0.0"]);
        assert_eq!(crates.root.dependencies, ["pkg:cargo/json@1.0.0"]);
        let memchr = &crates.others["pkg:cargo/memchr@1.0.0"];
        assert_eq!(memchr.checksum.as_deref(), Some("ab"));
        let error = Crates::read(&metadata, &BTreeMap::new(), "other").err().unwrap();
        assert_eq!(error.to_string(), "this workspace has no package \"other\"");
    }
}
