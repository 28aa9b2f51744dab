//! A software bill of materials: CycloneDX 1.6 (ECMA-424) as JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::crates::{Crate, Crates};
use crate::facts::Facts;

/// The bill of `file`, whose SHA-256 is `digest` in hex.
#[must_use]
pub fn describe(facts: &Facts, crates: &Crates, file: &str, digest: &str) -> Value {
    let mut root = component(&crates.root, "application");
    root["hashes"] = json!([{ "alg": "SHA-256", "content": digest }]);
    root["description"] = json!(facts.description);
    root["properties"] = json!([{ "name": "file", "value": file }]);
    let all = std::iter::once(&crates.root).chain(crates.others.values());
    let dependencies: Vec<Value> =
        all.map(|each| json!({ "ref": each.url(), "dependsOn": each.dependencies })).collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "serialNumber": format!("urn:uuid:{}", uuid(digest)),
        "metadata": { "timestamp": facts.created, "component": root },
        "components": crates.others.values().map(|each| component(each, "library")).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

/// `bill` with packages that hold the component too, each by its SHA-256 in hex, and what they need, by package URL.
#[must_use]
pub fn with_packages(mut bill: Value, packages: &[(&String, String)], needs: &[String]) -> Value {
    let Some(components) = bill["components"].as_array_mut() else { return bill };
    components.extend(packages.iter().map(|(name, digest)| {
        json!({
            "type": "file",
            "bom-ref": format!("file:{name}"),
            "name": name,
            "hashes": [{ "alg": "SHA-256", "content": digest }],
        })
    }));
    components.extend(needs.iter().map(|url| {
        let (name, version) = url.rsplit_once('@').unwrap_or((url, ""));
        let name = name.rsplit('/').next().unwrap_or(name);
        json!({ "type": "library", "bom-ref": url, "name": name, "version": version, "purl": url })
    }));
    bill
}

/// `bill` with the crates that are composed with the component, in each of the WebAssembly files among `packages`.
#[must_use]
pub fn with_composed(
    mut bill: Value,
    packages: &[(&String, String)],
    composed: &[Crates],
) -> Value {
    let crates: BTreeMap<String, &Crate> = composed
        .iter()
        .flat_map(|one| std::iter::once(&one.root).chain(one.others.values()))
        .map(|each| (each.url(), each))
        .collect();
    let known: BTreeSet<String> = urls(&bill["components"]).collect();
    let new = || crates.iter().filter(|(url, _)| !known.contains(*url)).map(|(_, each)| *each);
    if let Some(components) = bill["components"].as_array_mut() {
        components.extend(new().map(|each| component(each, "library")));
    }
    let holds: Vec<Value> = urls(&bill["metadata"]["component"]["bom-ref"])
        .chain(composed.iter().map(|one| one.root.url()))
        .map(Value::from)
        .collect();
    if let Some(dependencies) = bill["dependencies"].as_array_mut() {
        dependencies
            .extend(new().map(|each| json!({ "ref": each.url(), "dependsOn": each.dependencies })));
        let files = packages.iter().filter(|(name, _)| name.ends_with(".wasm"));
        dependencies.extend(
            files.map(|(name, _)| json!({ "ref": format!("file:{name}"), "dependsOn": holds })),
        );
    }
    bill
}

/// References of components: of a list, or of one.
fn urls(value: &Value) -> impl Iterator<Item = String> {
    let list = value.as_array().into_iter().flatten().map(|one| &one["bom-ref"]);
    let all: Vec<String> =
        list.chain([value]).filter_map(Value::as_str).map(str::to_owned).collect();
    all.into_iter()
}

fn component(found: &Crate, kind: &str) -> Value {
    let url = found.url();
    let mut told = json!({
        "type": kind,
        "bom-ref": url,
        "name": found.name,
        "version": found.version,
        "purl": url,
    });
    if let Some(licence) = &found.licence {
        // Some old crates separate two licences by a slash, which SPDX does not know.
        told["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
    }
    if let Some(checksum) = &found.checksum {
        told["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if let Some(source) = &found.source {
        told["externalReferences"] = json!([{ "type": "vcs", "url": source }]);
    }
    told
}

/// A UUID of version 8 (RFC 9562), made of a digest: equal files have equal ones.
fn uuid(digest: &str) -> String {
    let part = |from: usize, length: usize| digest.get(from..from + length).unwrap_or("0");
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 4), part(13, 3), part(17, 3), part(20, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, dependencies: &[&str]) -> Crate {
        Crate {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: None,
            source: None,
            folder: "".into(),
            checksum: None,
            dependencies: dependencies.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_composed_is_told_once() {
        let shared = of("shared", &[]);
        let others =
            [(shared.url(), of("shared", &[])), ("pkg:cargo/own@1.0.0".to_owned(), of("own", &[]))];
        let composed =
            [Crates { root: of("adapter", &["pkg:cargo/own@1.0.0"]), others: others.into() }];
        let bill = json!({
            "metadata": { "component": { "bom-ref": "pkg:cargo/connector@1.0.0" } },
            "components": [{ "bom-ref": "pkg:cargo/shared@1.0.0" }],
            "dependencies": [],
        });
        let (wasm, wheel) = ("service.wasm".to_owned(), "x.whl".to_owned());
        let packages = [(&wasm, String::new()), (&wheel, String::new())];
        let bill = with_composed(bill, &packages, &composed);
        let refs: Vec<String> = urls(&bill["components"]).collect();
        assert_eq!(refs, ["shared", "adapter", "own"].map(|it| format!("pkg:cargo/{it}@1.0.0")));
        let last = bill["dependencies"].as_array().unwrap().last().unwrap();
        assert_eq!(last["ref"], "file:service.wasm");
        assert_eq!(
            last["dependsOn"],
            json!(["pkg:cargo/connector@1.0.0", "pkg:cargo/adapter@1.0.0"])
        );
    }

    #[test]
    fn a_digest_names_one_uuid() {
        let digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        assert_eq!(uuid(digest), "01234567-89ab-8def-8123-456789abcdef");
    }
}
