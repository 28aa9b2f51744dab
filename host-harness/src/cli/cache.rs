//! Where compiled code and published components are kept. Code from there is run, so nobody else may
//! write there.

use std::path::{Path, PathBuf};

use host_harness::files;

/// The directory for `what`, made if needed. `None` when there can be none; then everything works,
/// and starts later. Each kind has its own: wasmtime removes from its directory what it did not write.
#[must_use]
pub fn directory(given: Option<&Path>, what: &str) -> Option<PathBuf> {
    let wanted = match given {
        Some(path) => path.to_owned(),
        None => users("XDG_CACHE_HOME", ".cache")?.join("connector-host"),
    };
    files::directory(&wanted).ok()?;
    files::directory(&wanted.join(what)).ok()
}

/// One of the user's directories (XDG Base Directory Specification): as the variable says,
/// else below the home directory.
pub fn users(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))
}
