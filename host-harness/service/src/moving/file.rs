//! The sealed file: lines in, lines out.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use connector_state::moving::tables::FORM;
use connector_state::{Sealed, files};
use sha2::{Digest as _, Sha256};

use super::{FileHead, MoveError};
use crate::vault::{Key, MasterKey, SealContext, random_id};

/// How a file begins. Its last byte is the number of the form of the frames, the only one that is read.
const MAGIC: &[u8] = b"connector move \x01";
/// Bytes of the file's id, of its sealed key, and of the SHA-256 over all before it.
const ID: usize = 32;
const SEALED_KEY: usize = 1 + 24 + 32 + 16;
const DIGEST: usize = 32;
/// Bytes of lines in a frame.
const FRAME: usize = 256 * 1024;
/// No line is longer: a row holds a record, or a delivery.
const LONGEST: usize = 512 * 1024 * 1024;

/// What stands before the lines in a frame.
const MORE: u8 = 0;
const LAST: u8 = 1;

fn place(id: &str, frame: u64) -> SealContext<'_> {
    SealContext { connection: id, kind: "move", name: "", version: frame }
}

/// A file that is being written, under another name until it is whole.
pub struct FileWriter {
    file: File,
    to: PathBuf,
    part: PathBuf,
    key: Key,
    id: String,
    frame: u64,
    lines: Vec<u8>,
    bytes: u64,
    is_done: bool,
}

impl FileWriter {
    /// Begins it.
    pub fn begin(to: &Path, one_time: &MasterKey, made_ms: u64) -> Result<Self, MoveError> {
        let (id, key) = (random_id()?, Key::random()?);
        let mut begin = [MAGIC, id.as_bytes(), &key.sealed_under(&one_time.0, &id)?.0].concat();
        begin.extend(Sha256::digest(&begin));
        let mut part = to.as_os_str().to_owned();
        part.push(format!(".{}.part", id.split_at(8).0));
        let part = PathBuf::from(part);
        let failed = |why| MoveError::File { path: part.clone(), why };
        let mut file = files::open(&part).map_err(failed)?;
        file.write_all(&begin).map_err(failed)?;
        let bytes = begin.len() as u64;
        let (to, lines) = (to.to_owned(), vec![MORE]);
        let mut writer = Self { file, to, part, key, id, frame: 0, lines, bytes, is_done: false };
        writer.line(&FileHead { form: FORM, made_ms })?;
        Ok(writer)
    }

    fn failed(&self) -> impl Fn(std::io::Error) -> MoveError + use<> {
        let path = self.part.clone();
        move |why| MoveError::File { path: path.clone(), why }
    }

    /// Adds a line.
    pub fn line(&mut self, line: &impl serde::Serialize) -> Result<(), MoveError> {
        let failed = self.failed();
        serde_json::to_writer(&mut self.lines, line).map_err(|why| failed(why.into()))?;
        self.lines.push(b'\n');
        while self.lines.len() > FRAME {
            let rest = self.lines.split_off(FRAME);
            self.write()?;
            self.lines.extend(rest);
        }
        Ok(())
    }

    /// Writes what there is as a frame.
    fn write(&mut self) -> Result<(), MoveError> {
        let sealed = self.key.seal(place(&self.id, self.frame), &self.lines)?.0;
        let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        // The length twice, so that a changed one is no cut.
        let bytes = [&length.to_be_bytes()[..], &(!length).to_be_bytes(), &sealed].concat();
        self.file.write_all(&bytes).map_err(self.failed())?;
        self.bytes += bytes.len() as u64;
        self.frame += 1;
        self.lines.clear();
        self.lines.push(MORE);
        Ok(())
    }

    /// Ends it: from now on it is there under its name, on the disk. Answers its size in bytes.
    pub fn finish(mut self) -> Result<u64, MoveError> {
        if let Some(first) = self.lines.first_mut() {
            *first = LAST;
        }
        self.write()?;
        self.file.sync_all().map_err(self.failed())?;
        // Unlike renaming, this leaves a file alone that is there by now.
        let failed = |why| MoveError::File { path: self.to.clone(), why };
        std::fs::hard_link(&self.part, &self.to).map_err(failed)?;
        self.is_done = true;
        let _ = std::fs::remove_file(&self.part);
        #[cfg(unix)]
        {
            let directory = self.to.parent().filter(|parent| !parent.as_os_str().is_empty());
            let directory = File::open(directory.unwrap_or(Path::new(".")));
            directory.and_then(|directory| directory.sync_all()).map_err(failed)?;
        }
        Ok(self.bytes)
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

/// A file that is being read.
pub struct FileReader {
    file: BufReader<File>,
    path: PathBuf,
    key: Key,
    id: String,
    frame: u64,
    lines: Vec<u8>,
    /// Bytes of `lines` that were read.
    read: usize,
    is_last: bool,
}

impl FileReader {
    /// Opens it and reads its head.
    pub fn open(path: &Path, one_time: &MasterKey) -> Result<Self, MoveError> {
        let failed = |why| MoveError::File { path: path.to_owned(), why };
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let begin = read(&mut file, MAGIC.len() + ID + SEALED_KEY).map_err(failed)?;
        let not_ours = || MoveError::NotOurs(path.to_owned());
        let (form, magic) = MAGIC.split_last().ok_or_else(not_ours)?;
        match begin.strip_prefix(magic).and_then(<[u8]>::first) {
            Some(found) if found > form => {
                let (found, known) = (u32::from(*found), u32::from(*form));
                return Err(MoveError::TooNew { path: path.to_owned(), found, known });
            }
            Some(found) if found == form => {}
            _ => return Err(not_ours()),
        }
        let digest = read(&mut file, DIGEST).map_err(failed)?;
        if digest.len() < DIGEST {
            return Err(MoveError::Cut(path.to_owned()));
        }
        let altered = || MoveError::Altered(path.to_owned());
        if Sha256::digest(&begin).as_slice() != digest {
            return Err(altered());
        }
        let rest = begin.get(MAGIC.len()..).and_then(|rest| rest.split_at_checked(ID));
        let (id, key) = rest.ok_or_else(altered)?;
        let id = String::from_utf8(id.to_vec()).map_err(|_| altered())?;
        let key = Key::opened(&one_time.0, &id, &Sealed(key.to_vec()));
        let key = key.map_err(|_| MoveError::WrongKey(path.to_owned()))?;
        let (lines, path) = (vec![], path.to_owned());
        let mut reader = Self { file, path, key, id, frame: 0, lines, read: 0, is_last: false };
        let head = reader.line()?.ok_or_else(|| MoveError::Cut(reader.path.clone()))?;
        let head: FileHead = serde_json::from_slice(&head).map_err(|_| reader.altered())?;
        if head.form > FORM {
            let (path, found, known) = (reader.path, head.form, FORM);
            return Err(MoveError::TooNew { path, found, known });
        }
        Ok(reader)
    }

    /// What was read does not fit together.
    pub fn altered(&self) -> MoveError {
        MoveError::Altered(self.path.clone())
    }

    /// The next line, without its end; `None` after the last one.
    pub fn line(&mut self) -> Result<Option<Vec<u8>>, MoveError> {
        let mut searched = self.read;
        loop {
            let rest = self.lines.get(searched..).unwrap_or_default();
            if let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                let end = searched + at;
                let line = self.lines.get(self.read..end).map(<[u8]>::to_vec);
                self.read = end + 1;
                return Ok(line);
            }
            if self.is_last {
                return match self.lines.len() == self.read {
                    true => Ok(None),
                    false => Err(self.altered()),
                };
            }
            self.lines.drain(..self.read);
            self.read = 0;
            searched = self.lines.len();
            if searched > LONGEST {
                return Err(self.altered());
            }
            self.next_frame()?;
        }
    }

    fn next_frame(&mut self) -> Result<(), MoveError> {
        let path = self.path.clone();
        let failed = |why| MoveError::File { path: path.clone(), why };
        let cut = || MoveError::Cut(path.clone());
        let lengths = read(&mut self.file, 8).map_err(failed)?;
        let lengths = u64::from_be_bytes(lengths.try_into().map_err(|_| cut())?);
        let (length, inverse) = ((lengths >> 32) as u32, lengths as u32);
        if length != !inverse || length as usize > 2 * FRAME {
            return Err(self.altered());
        }
        let sealed = read(&mut self.file, length as usize).map_err(failed)?;
        if sealed.len() < length as usize {
            return Err(cut());
        }
        let plain = self.key.open(place(&self.id, self.frame), &Sealed(sealed));
        let plain = plain.map_err(|_| self.altered())?;
        self.frame += 1;
        let (kind, lines) = plain.expose().split_first().ok_or_else(|| self.altered())?;
        self.is_last = *kind == LAST;
        self.lines.extend_from_slice(lines);
        if self.is_last && !read(&mut self.file, 1).map_err(failed)?.is_empty() {
            return Err(self.altered());
        }
        Ok(())
    }
}

/// The next `bytes`; fewer at the end of the file.
fn read(file: &mut BufReader<File>, bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut found = Vec::new();
    file.take(bytes as u64).read_to_end(&mut found)?;
    Ok(found)
}
