//! Where compiled code is kept. Code from there is run, so nobody else may write there.

use std::path::{Path, PathBuf};

use host_harness::files;

/// The directory for compiled code, made if needed. `None` when there can be none;
/// then everything works, and starts later.
#[must_use]
pub fn directory(given: Option<&Path>) -> Option<PathBuf> {
    let wanted = match given {
        Some(path) => path.to_owned(),
        None => users()?.join("connector-host"),
    };
    files::directory(&wanted).ok()
}

/// The user's cache directory (XDG Base Directory Specification).
fn users() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}
