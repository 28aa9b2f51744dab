//! Optimises the modules of a component for size with `wasm-opt`, of the npm package `binaryen`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// What the host's engine takes. With `--all-features` `wasm-opt` writes tail calls, which it
/// refuses.
const FEATURES: &[&str] = &[
    "--mvp-features",
    "--enable-bulk-memory",
    "--enable-extended-const",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Found by trying: 4 % less than `-Oz` alone once compressed, and no slower. Addresses below 1,024 count
/// as unused because the far end of the stack lies there, and a function with one caller is inlined
/// only when it is small, since a compressor finds less in long ones.
const FLAGS: &[&str] =
    &["--flatten", "--rereloop", "-Oz", "-Oz", "--low-memory-unused", "-ocimfs", "40"];

/// The same module, smaller, by `program`. Its input and output stand beside `output` meanwhile.
pub fn optimise(module: &[u8], program: &str, output: &str) -> Result<Vec<u8>> {
    let [before, after] = ["before", "after"].map(|name| format!("{output}.{name}.wasm"));
    std::fs::write(&before, module).with_context(|| format!("cannot write {before}"))?;
    let status = Command::new(program)
        .args([&before, "-o", &after])
        .args(FLAGS)
        .args(FEATURES)
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    let optimised = std::fs::read(&after).with_context(|| format!("cannot read {after}"))?;
    for file in [before, after] {
        std::fs::remove_file(Path::new(&file)).with_context(|| format!("cannot remove {file}"))?;
    }
    Ok(optimised)
}
