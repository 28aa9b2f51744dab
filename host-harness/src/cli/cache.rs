//! Where compiled code is kept. Code from there is run, so nobody else may write there.

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

/// The directory for compiled code, made if needed. `None` when there can be none;
/// then everything works, and starts later.
#[must_use]
pub fn directory(given: Option<&Path>) -> Option<PathBuf> {
    let wanted = match given {
        Some(path) => path.to_owned(),
        None => users()?.join("connector-host"),
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&wanted).ok()?;
    let path = wanted.canonicalize().ok()?;
    is_ours(&path).then_some(path)
}

/// The user's cache directory (XDG Base Directory Specification).
fn users() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}

#[cfg(unix)]
fn is_ours(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let others_write = 0o022;
    path.metadata().is_ok_and(|found| found.permissions().mode() & others_write == 0)
}

#[cfg(not(unix))]
fn is_ours(_: &Path) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_is_made_for_its_user_only() {
        let base = std::env::temp_dir().join(format!("host-cache-{}", std::process::id()));
        let path = base.join("made");
        let made = directory(Some(&path)).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&made), 0o700);
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(directory(Some(&path)), None);
        std::fs::write(base.join("file"), "").unwrap();
        assert_eq!(directory(Some(&base.join("file"))), None);
        std::fs::remove_dir_all(base).unwrap();
    }
}
