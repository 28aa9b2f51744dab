//! Makes the folder that a release of a connector publishes, without a network.
//!
//! ```text
//! release pack --component FILE --package NAME --host connector-host --out dist/release
//! release sign --layout dist/release/oci --key key.pem --reference registry.example/name
//! ```
//!
//! | file in the folder | what it is |
//! |---|---|
//! | `NAME-VERSION.wasm` | the component as it was given |
//! | `connector-api-VERSION.wasm`, `connector-host-VERSION.wasm` | both WIT packages in binary form |
//! | `manifest.json` | what the connector declares, and each object, readable without running it |
//! | `sbom.cdx.json` | CycloneDX 1.6: the crates whose code is in the component |
//! | `THIRD-PARTY-LICENSES.txt` | their licence texts |
//! | `provenance.json` | in-toto statement (SLSA 1.0): of which sources, by which compiler; not signed |
//! | `NAME-VERSION.tgz`, `NAME-VERSION-py3-none-any.whl` | what `--attach` names: the component with a host, for Node and for Python |
//! | `NAME-wasi.wasm`, `…-service.wasm`, `…-service-env.wasm` | likewise: the component composed for platforms of WASI |
//! | `oci/` | an OCI image layout by the CNCF's convention for WebAssembly |
//! | `SHA256SUMS` | digests of all of these but the layout, which names its own |
//!
//! Equal sources give equal bytes: the only time in the files is the commit's.

#![allow(clippy::indexing_slicing, reason = "a member that JSON has not reads as null")]

mod crates;
mod facts;
mod layout;
mod licences;
mod provenance;
mod sbom;
mod sign;
mod wit;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use sha2::{Digest as _, Sha256};

use crate::crates::Crates;
use crate::facts::Facts;
use crate::layout::Layout;

#[derive(Parser)]
#[command(
    name = "release",
    about = "Makes the folder of files that a release of a connector publishes"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes the folder
    Pack(Pack),
    /// Adds a signature by a key file to an OCI layout
    Sign(Sign),
}

#[derive(clap::Args)]
struct Pack {
    /// The component, built and optimised
    #[arg(long)]
    component: PathBuf,
    /// Its package in this workspace
    #[arg(long)]
    package: String,
    /// The program that reads manifest and descriptions
    #[arg(long)]
    host: PathBuf,
    /// The folder to write; what it held before is removed
    #[arg(long)]
    out: PathBuf,
    /// A package that holds the component too, to be published beside it (several times)
    #[arg(long = "attach", value_name = "FILE")]
    attached: Vec<PathBuf>,
    /// A package of another workspace whose code is in the attached WebAssembly files, as FOLDER:PACKAGE (several
    /// times)
    #[arg(long, value_name = "FOLDER:PACKAGE")]
    composed: Vec<String>,
    /// What a package needs when it is installed, as a package URL (several times)
    #[arg(long, value_name = "PURL")]
    needs: Vec<String>,
}

#[derive(clap::Args)]
struct Sign {
    /// The OCI layout that `pack` wrote
    #[arg(long)]
    layout: PathBuf,
    /// A private key: ECDSA P-256, PKCS#8 in PEM, without a password
    #[arg(long)]
    key: PathBuf,
    /// Where the image is published, without tag or digest: `registry.example/name`
    #[arg(long)]
    reference: String,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Pack(pack) => write_folder(&pack),
        Command::Sign(given) => {
            let mut layout = Layout::open(&given.layout)?;
            sign::add_signature(&mut layout, &given.key, &given.reference)
        }
    }
}

fn write_folder(given: &Pack) -> Result<()> {
    let component = read(&given.component)?;
    let crates = Crates::of(Path::new("."), &given.package)?;
    let composed: Result<Vec<Crates>> = given
        .composed
        .iter()
        .map(|named| {
            let (folder, package) =
                named.split_once(':').context("--composed wants FOLDER:PACKAGE")?;
            Crates::of(Path::new(folder), package)
        })
        .collect();
    let composed = composed?;
    let facts = Facts::collect(&crates, &given.host, &given.component)?;
    if given.out.exists() {
        std::fs::remove_dir_all(&given.out)
            .with_context(|| format!("cannot empty {}", given.out.display()))?;
    }
    let version = &facts.version;
    let file = format!("{}-{version}.wasm", facts.package);
    let digest = hex_digest(&component);
    let mut attached = Vec::new();
    for path in &given.attached {
        let name =
            path.file_name().and_then(|name| name.to_str()).context("a package needs a name")?;
        attached.push((name.to_owned(), read(path)?));
    }
    let digests: Vec<_> = attached.iter().map(|(name, bytes)| (name, hex_digest(bytes))).collect();
    let bill = sbom::describe(&facts, &crates, &file, &digest);
    let bill = sbom::with_packages(bill, &digests, &given.needs);
    let bill = sbom::with_composed(bill, &digests, &composed);
    let mut files = vec![
        (file.clone(), component.clone()),
        ("manifest.json".to_owned(), pretty(&facts.manifest)?),
        ("sbom.cdx.json".to_owned(), pretty(&bill)?),
        (
            "THIRD-PARTY-LICENSES.txt".to_owned(),
            licences::collect(std::iter::once(&crates).chain(&composed))?.into_bytes(),
        ),
        ("provenance.json".to_owned(), pretty(&provenance::state(&facts, &file, &digest)?)?),
    ];
    for (name, bytes) in wit::encode(Path::new("wit"))? {
        files.push((format!("{name}.wasm"), bytes));
    }
    files.extend(attached);
    files.sort();
    let sums = files.iter().map(|(name, bytes)| format!("{}  {name}\n", hex_digest(bytes)));
    files.push(("SHA256SUMS".to_owned(), sums.collect::<String>().into_bytes()));
    for (name, bytes) in &files {
        write(&given.out.join(name), bytes)?;
    }
    let mut layout = Layout::create(&given.out.join("oci"))?;
    let image = layout.add_component(&facts, &component)?;
    println!("{} {} bytes, image {image}", given.out.join(file).display(), component.len());
    Ok(())
}

/// JSON for people, with members in the order of their names.
fn pretty(value: &serde_json::Value) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
