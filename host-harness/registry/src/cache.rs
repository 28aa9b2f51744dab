//! What has been fetched before, in files that are named by their digests. It is only believed after
//! its digest, and its signature, have been computed again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::reference::ContentDigest;
use crate::signature::Signature;

/// So many files are kept, which are some twenty components; the oldest go first.
const MOST_FILES: usize = 64;

/// A directory that nobody else may write to. One that fails costs time only.
#[derive(Debug, Clone)]
pub struct Cache(PathBuf);

impl Cache {
    /// The cache in this directory.
    pub fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// The bytes with this digest.
    pub fn find(&self, digest: &ContentDigest) -> Option<Vec<u8>> {
        let bytes = fs::read(self.0.join(digest.digits())).ok()?;
        (ContentDigest::of(&bytes) == *digest).then_some(bytes)
    }

    /// Keeps bytes.
    pub fn keep(&self, digest: &ContentDigest, bytes: &[u8]) {
        self.write(digest.digits(), bytes);
    }

    /// The signatures of an image.
    pub fn find_signatures(&self, image: &ContentDigest) -> Vec<Signature> {
        let bytes = fs::read(self.0.join(name_of_signatures(image))).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Keeps an image's signatures.
    pub fn keep_signatures(&self, image: &ContentDigest, signatures: &[Signature]) {
        if let Ok(bytes) = serde_json::to_vec(signatures) {
            self.write(&name_of_signatures(image), &bytes);
        }
    }

    /// A reader never sees half a file: it gets its name when it is whole.
    fn write(&self, name: &str, bytes: &[u8]) {
        let whole = || -> io::Result<()> {
            fs::create_dir_all(&self.0)?;
            forget_oldest(&self.0)?;
            let unfinished = self.0.join(format!("{name}.{}", std::process::id()));
            fs::write(&unfinished, bytes)?;
            fs::rename(&unfinished, self.0.join(name))
        };
        // What cannot be kept is fetched again.
        let _ = whole();
    }
}

fn name_of_signatures(image: &ContentDigest) -> String {
    format!("{}.signatures", image.digits())
}

/// Removes what is oldest, so that there is room for one more file.
fn forget_oldest(directory: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    for (_, path) in files.iter().take((files.len() + 1).saturating_sub(MOST_FILES)) {
        fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_files_make_room() {
        let directory = std::env::temp_dir().join(format!("registry-cache-{}", std::process::id()));
        let cache = Cache::new(directory.clone());
        let digests: Vec<ContentDigest> =
            (0..70_u8).map(|byte| ContentDigest::of(&[byte])).collect();
        for (byte, digest) in (0..).zip(&digests) {
            cache.keep(digest, &[byte]);
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), MOST_FILES);
        let last = digests.last().unwrap();
        assert_eq!(cache.find(last), Some(vec![69]));
        fs::write(directory.join(last.digits()), b"others").unwrap();
        assert_eq!(cache.find(last), None);
        fs::remove_dir_all(directory).unwrap();
    }
}
