//! How a component was built: an in-toto statement with the SLSA 1.0 predicate
//! (<https://slsa.dev/spec/v1.0/provenance>). It is not signed here: whoever publishes signs it.

use anyhow::Result;
use serde_json::{Value, json};

use crate::facts::{Facts, run};
use crate::{hex_digest, read};

/// The statement about `file`, whose SHA-256 is `digest` in hex.
///
/// # Errors
/// When the compiler or `Cargo.lock` cannot be asked.
pub fn state(facts: &Facts, file: &str, digest: &str) -> Result<Value> {
    let lock = hex_digest(&read("Cargo.lock".as_ref())?);
    let revision = facts.revision.trim_end_matches("-dirty");
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": file, "digest": { "sha256": digest } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": format!("{}/blob/main/Makefile", facts.source),
                "externalParameters": { "target": "release", "source": facts.source, "revision": facts.revision },
                "internalParameters": { "rustc": run("rustc", &["--version"])?, "target": "wasm32-unknown-unknown" },
                "resolvedDependencies": [
                    { "uri": format!("git+{}@{revision}", facts.source), "digest": { "gitCommit": revision } },
                    { "name": "Cargo.lock", "digest": { "sha256": lock } },
                ],
            },
            "runDetails": {
                "builder": { "id": format!("{}/blob/main/Makefile#release", facts.source) },
                "metadata": { "invocationId": format!("{}@{}", facts.package, facts.revision) },
            },
        },
    }))
}
