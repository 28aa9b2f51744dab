//! Whether the tests can start a server. Where they cannot, they are left out, and say so.

use std::path::Path;

/// Where servers are installed.
const INSTALLED: &str = "/usr/lib/postgresql";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(without_server)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={INSTALLED}");
    println!("cargo::rerun-if-env-changed=PATH");
    let versions = std::fs::read_dir(INSTALLED).into_iter().flatten().flatten();
    let mut places: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    // The newest first: 15 is newer than 9.6.
    places.sort_by_key(|place| std::cmp::Reverse(version(place)));
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let is_server = |place: &&std::path::PathBuf| {
        ["initdb", "postgres"].iter().all(|program| Path::new(place).join(program).is_file())
    };
    match places.iter().find(is_server) {
        Some(place) if cfg!(unix) => {
            println!("cargo::rustc-env=POSTGRES_PROGRAMS={}", place.display());
        }
        _ => println!("cargo::rustc-cfg=without_server"),
    }
}

/// The first number of the directory that a version is installed in.
fn version(place: &Path) -> u32 {
    let name = place.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    name.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
}
