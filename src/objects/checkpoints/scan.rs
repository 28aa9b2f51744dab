//! One checkpoint inside a tracking, where it lies.

use connector_sdk::{
    bookmark, dates,
    json::{Kind, Malformed, Member, Reader, Writer},
};

/// Members that a record has from us.
const OURS: [&str; 2] = ["id", "tracking_id"];

/// What the courier says of a scan. AfterShip's own reading of it (`tag`, `subtag`, `coordinate`,
/// `events`) may be mended later, so it tells no two scans apart.
const SAID: [&str; 5] = ["checkpoint_time", "slug", "message", "location", "raw_tag"];

/// A checkpoint's members.
pub(super) struct Scan<'a>(Vec<Member<'a>>);

/// Reads the member `checkpoints` of a tracking; null counts as none.
pub(super) fn read<'a>(checkpoints: Option<&Member<'a>>) -> Result<Vec<Scan<'a>>, Malformed> {
    let mut scans = Vec::new();
    let Some(checkpoints) = checkpoints else { return Ok(scans) };
    let mut reader = Reader::new(checkpoints.value);
    if reader.kind()? == Kind::Null {
        return Ok(scans);
    }
    reader.open_list()?;
    while reader.next_item()? {
        scans.push(Scan(reader.members()?));
    }
    Ok(scans)
}

impl Scan<'_> {
    /// What tells it from the other scans of its tracking, equal ones aside: its hash (AfterShip
    /// has given one since 2026-07), else a digest of what the courier says. 64 bits are enough:
    /// a tracking has tens of scans, and two that met by chance would still be kept apart by
    /// their ordinal. A hash that could not stand in an id counts as none.
    pub(super) fn key(&self) -> String {
        let of_word = |hash: &str| hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let hash = self.named("hash").and_then(Member::text).filter(|hash| of_word(hash));
        hash.map_or_else(|| format!("{:016x}", self.digest()), String::from)
    }

    /// When AfterShip saw it, if that is a timestamp.
    pub(super) fn created_at(&self) -> Option<String> {
        let text = self.named("created_at").and_then(Member::text);
        text.filter(|text| dates::parse(text).is_some()).map(String::from)
    }

    /// Adds all its members but those that a record has from us.
    pub(super) fn copy_into(&self, data: &mut Writer) {
        let theirs = |member: &&Member<'_>| !OURS.iter().any(|name| member.name.is(name));
        self.0.iter().filter(theirs).for_each(|member| data.member(member.raw));
    }

    fn digest(&self) -> u64 {
        let said = SAID.map(|name| self.named(name).and_then(Member::text).unwrap_or_default());
        bookmark::digest(said.iter().map(AsRef::as_ref))
    }

    fn named(&self, name: &str) -> Option<&Member<'_>> {
        Member::named(&self.0, name)
    }
}
