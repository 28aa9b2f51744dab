//! What is told about a release in several of its files.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::crates::Crates;

/// What a release is made of, and what its component declares.
pub struct Facts {
    /// Name of its package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// What it is, in a line.
    pub description: String,
    /// An SPDX expression.
    pub licence: String,
    /// URL of its repository.
    pub source: String,
    /// The commit that it was built of, in full; ends with `-dirty` where files were changed.
    pub revision: String,
    /// When that commit was made: RFC 3339.
    pub created: String,
    /// Names of the interfaces that the component imports.
    pub imports: Vec<String>,
    /// Names of the interfaces that it exports.
    pub exports: Vec<String>,
    /// What it declares, and each object.
    pub manifest: Value,
}

impl Facts {
    /// Asks Git, Cargo's answer and the host program.
    ///
    /// # Errors
    /// When one of them cannot be asked, or the package lacks what a release tells.
    pub fn collect(crates: &Crates, host: &Path, component: &Path) -> Result<Self> {
        let root = &crates.root;
        let about = package_table(&root.folder.join("Cargo.toml"))?;
        let dirty = if run("git", &["status", "--porcelain"])?.is_empty() { "" } else { "-dirty" };
        let manifest = declared(host, component)?;
        let names = |key: &str| -> Vec<String> {
            let list = manifest[key].as_array().into_iter().flatten();
            list.filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        Ok(Self {
            package: root.name.clone(),
            version: root.version.clone(),
            description: about,
            licence: root.licence.clone().context("the package names no licence")?,
            source: root.source.clone().context("the package names no repository")?,
            revision: format!("{}{dirty}", run("git", &["rev-parse", "HEAD"])?),
            created: run(
                "git",
                &["log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ"],
            )?,
            imports: names("imports"),
            exports: names("exports"),
            manifest,
        })
    }
}

/// The description in a manifest.
fn package_table(manifest: &Path) -> Result<String> {
    let text = std::fs::read_to_string(manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let mut lines = text.lines().skip_while(|line| *line != "[package]");
    let found = lines.find_map(|line| line.strip_prefix("description = \"")?.strip_suffix('"'));
    Ok(found.with_context(|| format!("{} has no description", manifest.display()))?.to_owned())
}

/// Manifest and descriptions of a component, without what differs from one machine to another.
fn declared(host: &Path, component: &Path) -> Result<Value> {
    let host = host.to_str().context("the host's path is no text")?;
    let file = component.to_str().context("the component's path is no text")?;
    let ask = |arguments: &[&str]| -> Result<Value> {
        let all = [&["--component", file], arguments, &["--output", "json"]].concat();
        let answer = run(host, &all)?;
        serde_json::from_str(&answer)
            .with_context(|| format!("{host} {arguments:?} answered no JSON"))
    };
    let mut manifest = ask(&["inspect"])?;
    let names = manifest["objects"].as_array().into_iter().flatten();
    let names: Vec<String> =
        names.filter_map(|object| object["name"].as_str().map(str::to_owned)).collect();
    let described: Result<Vec<Value>> = names.iter().map(|name| ask(&["describe", name])).collect();
    let members = manifest.as_object_mut().context("inspect answered no object")?;
    members.remove("file");
    members.insert("descriptions".to_owned(), json!(described?));
    Ok(manifest)
}

/// What a program writes, without the line's end.
pub fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("TZ", "UTC")
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {} failed: {}", arguments.join(" "), why.trim());
    }
    Ok(String::from_utf8(output.stdout).context("its output is no text")?.trim_end().to_owned())
}
