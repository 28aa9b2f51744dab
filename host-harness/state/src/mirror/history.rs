//! What records were before: versions that were replaced, kept packed.
//!
//! A change keeps the version that it replaced, compressed with the version that it brought as
//! dictionary. Two versions of a record are nearly equal, so that takes some 70 bytes for 3,300. A record
//! is followed back from what it is now: each change tells the one before it of the same record. What
//! is forgotten is forgotten from the oldest on, so that what is kept can always be unpacked.
//!
//! | kept | at most |
//! |---|---|
//! | of a record | the newest [`KEPT`] changes, and until [`TRIM_EVERY`] more have come, these |
//! | of any | [`crate::retention::VERSIONS_MS`] |
//! | of one that was removed | [`crate::retention::REMOVED_VERSIONS_MS`] |
//!
//! Derived records have none: the versions of their holders hold them.

use zstd::zstd_safe::{CCtx, CParameter, DCtx, get_frame_content_size};

use super::{ChangeKind, ChangeRow, MirroredRecord, RecordState};
use crate::StoreError;

/// Changes of a record whose versions are kept.
pub const KEPT: u32 = 20;
/// What is more than [`KEPT`] is forgotten once in so many changes of the record.
pub const TRIM_EVERY: u32 = 10;

/// The level of compression: a higher one takes longer, and gains 2 bytes of 70.
const LEVEL: i32 = 1;
/// What zstd answers where there is none (`ZSTD_error_memory_allocation`).
const NO_MEMORY: usize = 0_usize.wrapping_sub(64);
/// No record is larger; a file that says so is damaged.
const LARGEST: u64 = 256 * 1024 * 1024;

/// What a record was at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// This.
    Text(String),
    /// It was not there.
    Absent,
    /// That is not kept any more, or never was.
    NotKept,
}

/// A change of a record, with what it is between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The entry of the log.
    pub change: ChangeRow,
    /// The record before.
    pub before: Content,
    /// The record after.
    pub after: Content,
}

/// Packs versions. To begin takes four times as long as to pack one, so it goes on for a whole batch.
#[derive(Default)]
pub struct Packer<'a> {
    context: Option<CCtx<'a>>,
    packed: Vec<u8>,
}

impl<'a> Packer<'a> {
    /// Packs the version that a change replaced; `after`: the one that it brought.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is no memory for it.
    pub fn pack(&mut self, before: &str, after: Option<&'a str>) -> Result<Vec<u8>, StoreError> {
        self.try_pack(before, after).map_err(|code| StoreError::Unavailable {
            path: "memory".to_owned(),
            why: zstd::zstd_safe::get_error_name(code).to_owned(),
        })
    }

    fn try_pack(&mut self, before: &str, after: Option<&'a str>) -> Result<Vec<u8>, usize> {
        let context = match &mut self.context {
            Some(context) => context,
            none => {
                let mut context = CCtx::try_create().ok_or(NO_MEMORY)?;
                context.set_parameter(CParameter::CompressionLevel(LEVEL))?;
                context.set_parameter(CParameter::ChecksumFlag(true))?;
                none.insert(context)
            }
        };
        if let Some(after) = after {
            // For this one alone.
            context.ref_prefix(after.as_bytes())?;
        }
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(before.len()));
        context.compress2(&mut self.packed, before.as_bytes())?;
        Ok(self.packed.clone())
    }
}

/// Unpacks what [`Packer::pack`] made, by the same version after it.
///
/// # Errors
/// What is wrong with it.
pub fn unpack(packed: &[u8], after: Option<&str>) -> Result<String, String> {
    let size = get_frame_content_size(packed).ok().flatten().filter(|size| *size <= LARGEST);
    let size = size.and_then(|size| usize::try_from(size).ok()).ok_or("no size")?;
    let named = |code| zstd::zstd_safe::get_error_name(code).to_owned();
    let mut context = DCtx::try_create().ok_or("no memory")?;
    if let Some(after) = after {
        context.ref_prefix(after.as_bytes()).map_err(named)?;
    }
    let mut text = Vec::with_capacity(size);
    context.decompress(&mut text, packed).map_err(named)?;
    String::from_utf8(text).map_err(|why| why.to_string())
}

/// Whether with this change, the record's `versions`th, older ones than [`KEPT`] are to be forgotten:
/// the [`TRIM_EVERY`] before the newest [`KEPT`].
#[must_use]
pub(super) fn trims(versions: u32) -> bool {
    versions > KEPT && versions.is_multiple_of(TRIM_EVERY)
}

/// A record's changes, unfolded from the newest to older ones.
#[derive(Debug)]
pub struct Unfolding {
    after: Content,
    rows: Vec<HistoryRow>,
}

impl Unfolding {
    /// Of a record as it is now.
    #[must_use]
    pub fn new(now: &MirroredRecord) -> Self {
        let after = match now.state {
            RecordState::Deleted => Content::Absent,
            RecordState::Live | RecordState::AgedOut => Content::Text(now.data.clone()),
        };
        Self { after, rows: Vec::new() }
    }

    /// The change before those that came so far, and what is kept of the version that it replaced.
    ///
    /// # Errors
    /// What is wrong with the version.
    pub fn add(&mut self, change: ChangeRow, packed: Option<&[u8]>) -> Result<(), String> {
        if change.kind == ChangeKind::Deleted {
            self.after = Content::Absent;
        }
        let before = match (change.kind, packed, &self.after) {
            (ChangeKind::Created, _, _) => Content::Absent,
            (_, None, after) if change.hash.is_some() && change.previous == change.hash => {
                after.clone()
            }
            (_, None, _) | (_, _, Content::NotKept) => Content::NotKept,
            (_, Some(packed), Content::Text(after)) => Content::Text(unpack(packed, Some(after))?),
            (_, Some(packed), Content::Absent) => Content::Text(unpack(packed, None)?),
        };
        let after = std::mem::replace(&mut self.after, before.clone());
        self.rows.push(HistoryRow { change, before, after });
        Ok(())
    }

    /// Those that came.
    #[must_use]
    pub fn rows(self) -> Vec<HistoryRow> {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_packed_by_the_next_one_and_comes_back() {
        let before = format!(r#"{{"id":"1","n":0.70,"é":"{}"}}"#, "abcdefgh".repeat(3));
        let after = before.replace("0.70", "12345678901234567890");
        for after in [None, Some(&*after), Some("")] {
            let packed = Packer::default().pack(&before, after).unwrap();
            assert_eq!(unpack(&packed, after).as_deref(), Ok(&*before));
        }
        let packed = Packer::default().pack(&before, Some(&after)).unwrap();
        // By another version it is not taken for something that it never was.
        assert!(unpack(&packed, Some(&before)).is_err());
        assert!(unpack(&packed, None).is_err());
        assert!(unpack(b"no frame", None).is_err());
        // One after the other, each by its own.
        let mut packer = Packer::default();
        packer.pack(&before, Some(&after)).unwrap();
        let alone = packer.pack(&before, None).unwrap();
        assert_eq!(unpack(&alone, None).as_deref(), Ok(&*before));
        assert_eq!(unpack(&Packer::default().pack("", None).unwrap(), None).as_deref(), Ok(""));
    }

    #[test]
    fn versions_are_small() {
        let scans: Vec<String> = (0..20)
            .map(|scan| {
                format!(r#"{{"message":"Scan {scan} at hub {}","code":{}}}"#, scan * 7, scan * 31)
            })
            .collect();
        let of = |scans: &[String]| format!(r#"{{"id":"1","checkpoints":[{}]}}"#, scans.join(","));
        let (before, after) = (of(&scans[..19]), of(&scans));
        let packed = Packer::default().pack(&before, Some(&after)).unwrap();
        assert!(packed.len() * 10 < before.len(), "{} of {}", packed.len(), before.len());
    }
}
