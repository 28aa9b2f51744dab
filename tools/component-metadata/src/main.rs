//! Writes name, version, licences, description, authors and source into a component.
//!
//! `component-metadata IN OUT [--name TEXT] [--version TEXT] [--license SPDX] [--description TEXT]
//! [--revision COMMIT] [--wasm-opt PROGRAM]`
//!
//! What is not given is taken from the workspace, but for the revision, which is left out: registries and `wasm-tools metadata show` then
//! tell what the file is without running it. Given `wasm-opt`, its modules become smaller as well.

mod optimise;

use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// The connector's manifest: its name and description stand there and nowhere else.
const MANIFEST: &str = include_str!("../../../Cargo.toml");

const USAGE: &str = "usage: component-metadata IN OUT [--name TEXT] [--version TEXT] \
                     [--license SPDX] [--description TEXT] [--revision COMMIT] \
                     [--wasm-opt PROGRAM]";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (files, options): (Vec<&String>, Vec<Given<'_>>) = parse(&arguments)?;
    let &[input, output] = files.as_slice() else { bail!(USAGE) };
    let text = |option, otherwise: &str| given(&options, option).unwrap_or(otherwise).to_owned();
    let name = text("--name", from_manifest("name"));
    let mut sections = vec![
        ("version", text("--version", env!("CARGO_PKG_VERSION"))),
        ("licenses", text("--license", env!("CARGO_PKG_LICENSE"))),
        ("description", text("--description", from_manifest("description"))),
        ("authors", format!("{} contributors", from_manifest("name"))),
        ("source", env!("CARGO_PKG_REPOSITORY").to_owned()),
    ];
    sections.extend(given(&options, "--revision").map(|commit| ("revision", commit.to_owned())));
    let component = std::fs::read(input).with_context(|| format!("cannot read {input}"))?;
    if let Some(folder) = Path::new(output).parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let module = |module: &[u8]| match given(&options, "--wasm-opt") {
        Some(program) => optimise::optimise(module, program, output),
        None => Ok(module.to_vec()),
    };
    let component = describe(&component, &name, &sections, &module)
        .with_context(|| format!("{input} cannot be described"))?;
    std::fs::write(output, component).with_context(|| format!("cannot write {output}"))
}

/// An option and its value.
struct Given<'a> {
    option: &'a str,
    value: &'a str,
}

fn given<'a>(options: &[Given<'a>], option: &str) -> Option<&'a str> {
    options.iter().rev().find(|given| given.option == option).map(|given| given.value)
}

fn parse(arguments: &[String]) -> Result<(Vec<&String>, Vec<Given<'_>>)> {
    let (mut files, mut options) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            option @ ("--name" | "--version" | "--license" | "--description" | "--revision"
            | "--wasm-opt") => {
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

/// The section in which debuggers look for names.
const NAMES: &[u8] = b"\x0ecomponent-name";

/// The id of a section that is a module.
const MODULE: u8 = 1;

/// The names of inner parts go: they are 4 KB that nobody reads. The component's own stands in their
/// place, and the rest in custom sections after the annotations of the OCI image specification, as
/// `wasm-tools metadata add` writes them. What stood in these sections before goes. Each module is
/// replaced by what `module` makes of it.
fn describe(
    component: &[u8],
    name: &str,
    sections: &[(&str, String)],
    module: &dyn Fn(&[u8]) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let (header, mut rest) = component.split_at_checked(8).context("it ends within its header")?;
    if header != b"\0asm\x0d\0\x01\0" {
        bail!("it is not a component");
    }
    let mut described = header.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        let (length, content) = read_leb128(after).context("a section has no length")?;
        let (content, following) =
            content.split_at_checked(length).context("it ends within a section")?;
        let custom = |name: &[u8]| id == 0 && content.starts_with(name);
        let is_ours = |(name, _): &(&str, String)| custom(&prefixed(name.as_bytes()));
        if id == MODULE {
            described.push(id);
            described.extend(prefixed(&module(content)?));
        } else if !custom(NAMES) && !sections.iter().any(is_ours) {
            let kept = rest.len() - following.len();
            described.extend(rest.iter().take(kept));
        }
        rest = following;
    }
    // Subsection 0 holds the component's name.
    let names = [NAMES, &[0], &prefixed(&prefixed(name.as_bytes()))].concat();
    let texts = sections
        .iter()
        .map(|(name, text)| [prefixed(name.as_bytes()).as_slice(), text.as_bytes()].concat());
    for section in std::iter::once(names).chain(texts) {
        described.push(0);
        described.extend(prefixed(&section));
    }
    Ok(described)
}

/// Bytes behind their length.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&leb128(bytes.len()), bytes].concat()
}

/// A number, and what follows it.
fn read_leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (place, &byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(place + 1..)?));
        }
    }
    None
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
        let names = b"\0\x12\x0ecomponent-name\x01\x01x";
        let other = b"\0\x03\x01ab";
        let component = [&b"\0asm\x0d\0\x01\0"[..], names, other].concat();
        let text = "x".repeat(200);
        let sections = [("version", "0.1.0".into()), ("description", text)];
        let module = |module: &[u8]| Ok(module.to_vec());
        let described = describe(&component, "c", &sections, &module).unwrap();
        let holds = |part: &[u8]| described.windows(part.len()).any(|window| window == part);
        assert!(holds(b"\x0d\x07version0.1.0") && holds(b"\xd4\x01\x0bdescription"));
        assert!(holds(other) && !holds(names) && holds(b"\0\x13\x0ecomponent-name\0\x02\x01c"));
        for broken in [&component[..7], &component[..component.len() - 1], b"\0asm\x01\0\0\0"] {
            assert!(describe(broken, "c", &[], &module).is_err());
        }
        assert_eq!(describe(&described, "c", &sections, &module).unwrap(), described);
    }

    #[test]
    fn modules_are_replaced_and_nothing_else() {
        let component = b"\0asm\x0d\0\x01\0\x01\x03abc\x02\x01x\x01\0";
        let module = |module: &[u8]| Ok([module, b"!"].concat());
        let described = describe(component, "c", &[], &module).unwrap();
        assert!(described.starts_with(b"\0asm\x0d\0\x01\0\x01\x04abc!\x02\x01x\x01\x01!\0"));
        assert!(describe(component, "c", &[], &|_| bail!("no")).is_err());
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
