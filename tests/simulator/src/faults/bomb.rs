//! A gzip bomb.

use std::io::Write as _;
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// 16 KB of gzip that unpack to 16 MiB of spaces.
pub(super) fn bytes() -> Bytes {
    static PACKED: OnceLock<Bytes> = OnceLock::new();
    PACKED.get_or_init(|| pack().unwrap_or_default().into()).clone()
}

fn pack() -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&vec![b' '; 16 * 1024 * 1024])?;
    packer.finish()
}
