//! Directories and files that are this user's alone.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Rights of others that let them change something.
const WRITE: u32 = 0o022;
/// All rights of others.
const ANY: u32 = 0o077;

/// Makes the directory, if needed with those above it, and answers its real path.
///
/// # Errors
/// When it cannot be made, is no directory, or others may write to it.
pub fn directory(path: &Path) -> io::Result<PathBuf> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    let path = path.canonicalize()?;
    nobody_else_writes(&path)?;
    Ok(path)
}

/// Refuses what others may change.
///
/// # Errors
/// When they may, with the command that ends it; and when that cannot be told.
pub fn nobody_else_writes(path: &Path) -> io::Result<()> {
    if others(&path.metadata()?) & WRITE == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(io::Error::other(format!("others may write to {shown}; run: chmod go-w {shown}")))
}

/// Refuses what others may read or change.
///
/// # Errors
/// As [`nobody_else_writes`].
pub fn nobody_else_reads(path: &Path) -> io::Result<()> {
    if others(&path.metadata()?) & ANY == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(io::Error::other(format!("others may read {shown}; run: chmod 600 {shown}")))
}

/// Opens for reading and writing; a file that has to be made is this user's alone.
///
/// # Errors
/// The system's.
pub fn open(path: &Path) -> io::Result<File> {
    opening().create(true).open(path)
}

/// Makes an open file this user's alone, if it is one: others may have been let in by whoever made
/// it.
///
/// # Errors
/// When it belongs to somebody else.
pub fn keep_to_oneself(file: &File) -> io::Result<()> {
    let found = file.metadata()?;
    if !found.is_file() || others(&found) == 0 {
        return Ok(());
    }
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// Makes an empty file that is this user's alone, unless one is there: that one is not touched.
///
/// # Errors
/// The system's.
pub fn make(path: &Path) -> io::Result<()> {
    match opening().create_new(true).open(path) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => Err(why),
        _ => Ok(()),
    }
}

fn opening() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn others(found: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    found.permissions().mode() & ANY
}

#[cfg(not(unix))]
fn others(_: &Metadata) -> u32 {
    0
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_directory_is_made_for_its_user_only() {
        let base = Scratch::new();
        let path = base.path().join("a/b");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory(&path).unwrap()), 0o700);
        assert_eq!(mode(&base.path().join("a")), 0o700);
        set_permissions(&path, Permissions::from_mode(0o770)).unwrap();
        let refused = directory(&path).unwrap_err().to_string();
        assert!(refused.contains("run: chmod go-w "), "{refused}");
        let file = base.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(directory(&file).is_err());
    }

    #[test]
    fn a_file_is_made_for_its_user_only() {
        let base = Scratch::new();
        let path = base.path().join("file");
        make(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        make(&path).unwrap();
        nobody_else_reads(&path).unwrap();
        set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        nobody_else_writes(&path).unwrap();
        let refused = nobody_else_reads(&path).unwrap_err().to_string();
        assert!(refused.contains("run: chmod 600 "), "{refused}");
    }
}
