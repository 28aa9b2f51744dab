//! Writes name, version, licences and description into a component.
//!
//! `component-metadata IN OUT [--name TEXT] [--version TEXT] [--license SPDX] [--description TEXT]`
//!
//! What is not given is taken from the workspace: registries and `wasm-tools metadata show` then
//! tell what the file is without running it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wasm_metadata::{AddMetadata, AddMetadataField};

/// The connector's manifest: its name and description stand there and nowhere else.
const MANIFEST: &str = include_str!("../../../Cargo.toml");

const USAGE: &str = "usage: component-metadata IN OUT [--name TEXT] [--version TEXT] \
                     [--license SPDX] [--description TEXT]";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (files, options): (Vec<&String>, Vec<Given<'_>>) = parse(&arguments)?;
    let &[input, output] = files.as_slice() else { bail!(USAGE) };
    let text = |option: &str, otherwise: &str| {
        let given = options.iter().rev().find(|given| given.option == option);
        given.map_or(otherwise, |given| given.value).to_owned()
    };
    let name = text("--name", from_manifest("name"));
    let sections = [
        ("version", text("--version", env!("CARGO_PKG_VERSION"))),
        ("licenses", text("--license", env!("CARGO_PKG_LICENSE"))),
        ("description", text("--description", from_manifest("description"))),
    ];
    let component = std::fs::read(input).with_context(|| format!("cannot read {input}"))?;
    let component = describe(&component, name, &sections)
        .with_context(|| format!("{input} is no WebAssembly that can be described"))?;
    if let Some(folder) = Path::new(output).parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(output, component).with_context(|| format!("cannot write {output}"))
}

/// An option and its value.
struct Given<'a> {
    option: &'a str,
    value: &'a str,
}

fn parse(arguments: &[String]) -> Result<(Vec<&String>, Vec<Given<'_>>)> {
    let (mut files, mut options) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            option @ ("--name" | "--version" | "--license" | "--description") => {
                let value = rest.next().with_context(|| format!("{option} needs a value"))?;
                options.push(Given { option, value });
            }
            other if other.starts_with('-') => bail!("{other} is no option\n{USAGE}"),
            _ => files.push(argument),
        }
    }
    Ok((files, options))
}

/// A text of the manifest's `[package]`.
fn from_manifest(key: &str) -> &'static str {
    let package = MANIFEST.split_once("\n[package]\n").map_or("", |(_, package)| package);
    let values = package.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
    values.filter_map(|value| value.strip_suffix('"')).next().unwrap_or_default()
}

/// The name goes where debuggers look for it; the rest into custom sections after the annotations
/// of the OCI image specification, as `wasm-tools metadata add` writes them.
fn describe(component: &[u8], name: String, sections: &[(&str, String)]) -> Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(name);
    let mut described = metadata.to_wasm(component)?;
    for (name, text) in sections {
        let mut section = leb128(name.len());
        section.extend_from_slice(name.as_bytes());
        section.extend_from_slice(text.as_bytes());
        described.push(0);
        described.extend(leb128(section.len()));
        described.extend(section);
    }
    Ok(described)
}

/// Lengths in WebAssembly: seven bits a byte, the high bit says that more follow.
fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_tells_name_and_description() {
        assert_eq!(from_manifest("name"), "aftership-connector");
        assert!(from_manifest("description").starts_with("AfterShip connector"));
    }

    #[test]
    fn a_component_is_described() {
        let empty = b"\0asm\x0d\0\x01\0";
        let text = "x".repeat(200);
        let described =
            describe(empty, "c".into(), &[("version", "0.1.0".into()), ("description", text)])
                .unwrap();
        assert!(described.windows(14).any(|window| window == b"\x0d\x07version0.1.0"));
        assert!(described.windows(14).any(|window| window == b"\xd4\x01\x0bdescription"));
    }

    #[test]
    fn arguments_are_files_and_options() {
        let arguments = ["in", "--name", "n", "out"].map(str::to_owned);
        let (files, options) = parse(&arguments).unwrap();
        assert_eq!(files, [&arguments[0], &arguments[3]]);
        assert_eq!((options[0].option, options[0].value), ("--name", "n"));
        assert!(parse(&["--name".to_owned()]).is_err());
        assert!(parse(&["--nam".to_owned(), "n".to_owned()]).is_err());
    }
}
