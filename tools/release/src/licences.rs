//! The licence texts of the crates whose code is in the component.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::crates::Crates;

const HEAD: &str =
    "Code of these crates is in the component, or in what it is composed with, and code of Rust's
standard library (https://github.com/rust-lang/rust, MIT OR Apache-2.0). Texts are as the crates
hold them.
";

/// One text, with a heading for each crate.
///
/// # Errors
/// When a crate's folder cannot be read.
pub fn collect<'a>(crates: impl Iterator<Item = &'a Crates>) -> Result<String> {
    let mut all = HEAD.to_owned();
    let crates: BTreeMap<_, _> = crates.flat_map(|one| &one.others).collect();
    // What is ours stands under the licence of the component itself.
    for found in crates.values().filter(|found| found.checksum.is_some()) {
        let licence = found.licence.as_deref().unwrap_or("see below");
        let source = found.source.as_deref().unwrap_or("crates.io");
        write!(
            all,
            "\n{}\n{} {} ({licence}), {source}\n",
            "=".repeat(79),
            found.name,
            found.version
        )?;
        let folder = std::fs::read_dir(&found.folder)
            .with_context(|| format!("cannot read {}", found.folder.display()))?;
        let mut files: Vec<_> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        let is_licence = |name: &str| {
            let name = name.to_ascii_uppercase();
            ["LICENSE", "LICENCE", "COPYING", "UNLICENSE", "NOTICE"]
                .iter()
                .any(|w| name.starts_with(w))
        };
        for file in files {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if file.is_file() && is_licence(name) {
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                write!(all, "\n----- {name}\n\n{}\n", text.trim_end())?;
            }
        }
    }
    Ok(all)
}
