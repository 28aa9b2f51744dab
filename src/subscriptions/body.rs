//! What the body of a delivery says, read where it lies.
//!
//! AfterShip API 2026-07, "Webhook overview": an object of `event`, `event_id`, `ts` in seconds
//! since 1970, `is_tracking_first_tag` and `msg`, a tracking in the shape of the webhook's version.
//! Every one may be missing: the test delivery's shape is undocumented.

use std::borrow::Cow;

use crate::api::dates;
use crate::json::{Kind, Malformed, Reader};

/// The last second of year 9999, as far as RFC 3339 reaches.
const LAST_SECOND: i64 = 253_402_300_799;

/// What a delivery says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body<'a> {
    /// `event`.
    pub(super) name: Option<Cow<'a, str>>,
    /// `event_id`.
    pub(super) id: Option<Cow<'a, str>>,
    /// `ts`, RFC 3339.
    pub(super) occurred_at: Option<String>,
    /// `msg`.
    pub(super) tracking: Option<Tracking<'a>>,
}

/// The tracking in a delivery, whole or in part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tracking<'a> {
    /// All of it, token for token.
    pub(super) raw: &'a str,
    /// `id`.
    pub(super) id: Option<Cow<'a, str>>,
    /// `tracking_number`.
    pub(super) number: Option<Cow<'a, str>>,
    /// `slug`.
    pub(super) slug: Option<Cow<'a, str>>,
    /// `created_at` and `updated_at`, when it has all that no whole tracking lacks.
    pub(super) times: Option<[String; 2]>,
}

/// Reads a body.
///
/// # Errors
/// Says for people what cannot be read.
pub(super) fn read(body: &[u8]) -> Result<Body<'_>, String> {
    let text = std::str::from_utf8(body).map_err(|error| {
        format!("The delivery's body is not UTF-8 from byte {} on.", error.valid_up_to())
    })?;
    let [name, id, ts, msg] = members(text, "", ["event", "event_id", "ts", "msg"])?;
    Ok(Body {
        name: read_text(name, "event")?,
        id: read_text(id, "event_id")?,
        occurred_at: time(ts)?,
        tracking: msg.filter(|raw| *raw != "null").map(tracking).transpose()?,
    })
}

fn tracking(raw: &str) -> Result<Tracking<'_>, String> {
    let names = ["id", "tracking_number", "slug", "created_at", "updated_at", "tag", "checkpoints"];
    let [id, number, slug, created_at, updated_at, tag, checkpoints] = members(raw, "msg.", names)?;
    let mut found = Tracking {
        raw,
        id: read_text(id, "msg.id")?,
        number: read_text(number, "msg.tracking_number")?,
        slug: read_text(slug, "msg.slug")?,
        times: None,
    };
    let is_whole = [&found.id, &found.number, &found.slug].iter().all(|text| text.is_some())
        && tag.is_some_and(|raw| raw.starts_with('"'))
        && checkpoints.is_some_and(|raw| raw.starts_with('['));
    if is_whole {
        found.times = moment(created_at).zip(moment(updated_at)).map(<[String; 2]>::from);
    }
    Ok(found)
}

/// The texts of these members of an object. None of them may stand there twice: whoever signed
/// meant one, and readers differ in which.
fn members<'a, const N: usize>(
    object: &'a str,
    within: &str,
    names: [&str; N],
) -> Result<[Option<&'a str>; N], String> {
    let mut reader = Reader::new(object);
    if reader.kind().map_err(not_json)? != Kind::Object {
        let what = within.strip_suffix('.').unwrap_or("body");
        return Err(format!("The delivery's `{what}` is no JSON object."));
    }
    let mut found = [None; N];
    reader.open_object().map_err(not_json)?;
    while let Some(name) = reader.next_member().map_err(not_json)? {
        let value = reader.skip().map_err(not_json)?;
        let known = found.iter_mut().zip(names).find(|(_, known)| name.is(known));
        if let Some((slot, known)) = known
            && slot.replace(value).is_some()
        {
            return Err(format!("The delivery has `{within}{known}` twice."));
        }
    }
    reader.end().map_err(not_json)?;
    Ok(found)
}

/// A member that is a string; null and the empty one count as missing.
fn read_text<'a>(raw: Option<&'a str>, name: &str) -> Result<Option<Cow<'a, str>>, String> {
    let Some(raw) = raw.filter(|raw| *raw != "null") else { return Ok(None) };
    let text = Reader::new(raw).text_or_skip().ok().flatten();
    let text = text.ok_or_else(|| format!("The delivery's `{name}` is no readable text."))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn time(raw: Option<&str>) -> Result<Option<String>, String> {
    let Some(raw) = raw.filter(|raw| *raw != "null") else { return Ok(None) };
    let seconds = raw.parse().ok().filter(|seconds| (0..=LAST_SECOND).contains(seconds));
    seconds
        .map(|seconds| Some(dates::format(seconds)))
        .ok_or_else(|| "The delivery's `ts` is no count of whole seconds since 1970.".to_owned())
}

/// A member that is a time, as it is written.
fn moment(raw: Option<&str>) -> Option<String> {
    let text = Reader::new(raw?).text_or_skip().ok()??;
    dates::parse(&text).map(|_| text.into_owned())
}

fn not_json(Malformed { at, expected }: Malformed) -> String {
    format!("The delivery's body is not JSON: {expected} should stand at byte {at}.")
}
