//! A pipe, kept on the disk until it has been read to its end, so that nothing of a broken one is
//! sent. It is sealed under a key that only this process knows, in a file that has no name: both
//! are gone with the process, however that ends.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::path::Path;

use connector_state::{Sealed, files};

use crate::vault::{Key, SealContext, SealError, fill};

/// Bytes of a pipe that are kept.
pub const PIPE_BOUND: u64 = 1024 * 1024 * 1024;
/// Bytes that are sealed together.
const CHUNK: usize = 256 * 1024;

/// A pipe that has been read to its end.
pub struct Spool {
    file: File,
    key: Key,
    /// Bytes of each sealed piece.
    pieces: Vec<usize>,
    /// Pieces that were opened.
    opened: usize,
    plain: io::Cursor<Vec<u8>>,
}

impl Spool {
    /// Reads a pipe to its end; keeps it in `directory` meanwhile.
    ///
    /// # Errors
    /// When it cannot be read or kept, or has more than `bound` bytes.
    pub fn of(mut pipe: impl Read, directory: &Path, bound: u64) -> io::Result<Self> {
        let mut name = [0; 8];
        fill(&mut name).map_err(io::Error::other)?;
        let path = directory.join(format!("pipe-{:016x}", u64::from_be_bytes(name)));
        let file = files::open(&path)?;
        // Where an open file keeps its name, it is at least not lost from sight.
        std::fs::remove_file(&path)?;
        let key = Key::random().map_err(io::Error::other)?;
        let plain = io::Cursor::default();
        let mut spool = Self { file, key, pieces: vec![], opened: 0, plain };
        let mut read = 0;
        loop {
            let mut piece = Vec::new();
            pipe.by_ref().take(CHUNK as u64).read_to_end(&mut piece)?;
            if piece.is_empty() {
                break;
            }
            read += piece.len() as u64;
            if read > bound {
                return Err(super::refused(format!(
                    "the pipe holds more than {} MiB, and no more is kept on the disk while it is \
                     read: write it to a file and push that, or give --stream",
                    bound / (1024 * 1024)
                )));
            }
            let sealed = spool.key.seal(place(spool.pieces.len()), &piece);
            let Sealed(sealed) = sealed.map_err(io::Error::other)?;
            spool.file.write_all(&sealed)?;
            spool.pieces.push(sealed.len());
        }
        spool.file.rewind()?;
        Ok(spool)
    }
}

impl Read for Spool {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(into)?;
        let Some(length) = self.pieces.get(self.opened).filter(|_| read == 0) else {
            return Ok(read);
        };
        let mut sealed = vec![0; *length];
        self.file.read_exact(&mut sealed)?;
        let opened: Result<_, SealError> = self.key.open(place(self.opened), &Sealed(sealed));
        self.plain = io::Cursor::new(opened.map_err(io::Error::other)?.expose().to_vec());
        self.opened += 1;
        self.plain.read(into)
    }
}

fn place(piece: usize) -> SealContext<'static> {
    SealContext { connection: "", kind: "pipe", name: "", version: piece as u64 }
}

#[cfg(test)]
mod tests {
    use connector_state::scratch::Scratch;

    use super::*;

    #[test]
    fn a_pipe_is_kept_whole_sealed_and_without_a_name() {
        let folder = Scratch::new();
        let text: Vec<u8> = b"asat_canary,".iter().copied().cycle().take(3 * CHUNK / 2).collect();
        let mut spool = Spool::of(text.as_slice(), folder.path(), PIPE_BOUND).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut kept = Vec::new();
        spool.file.read_to_end(&mut kept).unwrap();
        assert!(kept.len() > text.len() && !kept.windows(6).any(|piece| piece == b"canary"));
        spool.file.rewind().unwrap();
        let mut again = Vec::new();
        spool.read_to_end(&mut again).unwrap();
        assert!(again == text);
    }

    #[test]
    fn a_pipe_that_is_too_large_is_refused() {
        let folder = Scratch::new();
        let refused = Spool::of(io::repeat(b'x'), folder.path(), 1024 * 1024);
        let refused = refused.map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("more than 1 MiB") && refused.contains("--stream"), "{refused}");
    }
}
