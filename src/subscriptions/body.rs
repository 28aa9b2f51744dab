//! What the body of a delivery says, read where it lies.
//!
//! AfterShip API 2026-07, "Webhook overview": an object of `event`, `event_id`, `ts` in seconds
//! since 1970, `is_tracking_first_tag` and `msg`, a tracking in the shape of the webhook's version.
//! Every one may be missing or odd: the test delivery's shape is undocumented.

use std::borrow::Cow;

use connector_sdk::{
    dates,
    json::{Kind, Malformed, Reader},
};

/// The last second of year 9999, as far as RFC 3339 reaches.
const LAST_SECOND: i64 = 253_402_300_799;

/// What a delivery says.
///
/// Only what names the tracking decides whether a delivery can be used. Every other member that is
/// not as documented counts as unknown: a delivery is answered once, so one that was refused for a
/// time in another notation would be lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body<'a> {
    /// `event`.
    pub(super) name: Option<Cow<'a, str>>,
    /// `event_id`.
    pub(super) id: Option<Cow<'a, str>>,
    /// `ts`, RFC 3339.
    pub(super) occurred_at: Option<String>,
    /// `msg`; none where it is missing, null or empty.
    pub(super) tracking: Option<Tracking<'a>>,
    /// Members that are there and not as documented.
    pub(super) odd: Vec<&'static str>,
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

/// A member of an object that is read.
#[derive(Clone, Copy)]
enum Found<'a> {
    /// Not there, or null.
    Missing,
    Once(&'a str),
    /// Whoever wrote it meant one, and readers differ in which.
    Twice,
}

/// Reads a body.
///
/// # Errors
/// Says for people what cannot be read.
pub(super) fn read(body: &[u8]) -> Result<Body<'_>, String> {
    let text = std::str::from_utf8(body).map_err(|error| {
        format!("The delivery's body is not UTF-8 from byte {} on.", error.valid_up_to())
    })?;
    // RFC 8259 section 8.1 lets a reader pass over a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let [event, event_id, ts, msg] = members(text, "body", ["event", "event_id", "ts", "msg"])?;
    let mut odd = Vec::new();
    let tracking = match msg {
        Found::Missing => None,
        Found::Once(raw) => tracking(raw, &mut odd)?,
        Found::Twice => return Err("The delivery has `msg` twice.".to_owned()),
    };
    Ok(Body {
        name: text_of(event, "event", &mut odd),
        id: text_of(event_id, "event_id", &mut odd),
        occurred_at: time_of(ts, &mut odd),
        tracking,
        odd,
    })
}

fn tracking<'a>(raw: &'a str, odd: &mut Vec<&'static str>) -> Result<Option<Tracking<'a>>, String> {
    let names = ["id", "tracking_number", "slug", "created_at", "updated_at", "tag", "checkpoints"];
    let found = members(raw, "msg", names)?;
    let [id, number, slug, created_at, updated_at, tag, checkpoints] = found;
    if raw.trim_matches(['{', '}', ' ', '\t', '\r', '\n']).is_empty() {
        return Ok(None);
    }
    let mut read = Tracking {
        raw,
        id: text_of(id, "msg.id", odd),
        number: text_of(number, "msg.tracking_number", odd),
        slug: text_of(slug, "msg.slug", odd),
        times: None,
    };
    let begins = |found, with| matches!(found, Found::Once(raw) if str::starts_with(raw, with));
    let is_whole = [&read.id, &read.number, &read.slug].iter().all(|text| text.is_some())
        && begins(tag, '"')
        && begins(checkpoints, '[');
    if is_whole {
        read.times = moment(created_at).zip(moment(updated_at)).map(<[String; 2]>::from);
    }
    Ok(Some(read))
}

/// These members of an object; `what` is its name.
fn members<'a, const N: usize>(
    object: &'a str,
    what: &str,
    names: [&str; N],
) -> Result<[Found<'a>; N], String> {
    let mut reader = Reader::new(object);
    if reader.kind().map_err(not_json)? != Kind::Object {
        return Err(format!("The delivery's `{what}` is no JSON object."));
    }
    let mut found = [Found::Missing; N];
    reader.open_object().map_err(not_json)?;
    while let Some(name) = reader.next_member().map_err(not_json)? {
        let value = reader.skip().map_err(not_json)?;
        if let Some((slot, _)) = found.iter_mut().zip(names).find(|(_, known)| name.is(known)) {
            *slot = match slot {
                Found::Missing if value == "null" => Found::Missing,
                Found::Missing => Found::Once(value),
                Found::Once(_) | Found::Twice => Found::Twice,
            };
        }
    }
    reader.end().map_err(not_json)?;
    Ok(found)
}

/// A member that is a string; the empty one counts as missing.
fn text_of<'a>(
    found: Found<'a>,
    name: &'static str,
    odd: &mut Vec<&'static str>,
) -> Option<Cow<'a, str>> {
    let text = match found {
        Found::Missing => return None,
        Found::Once(raw) => Reader::new(raw).text_or_skip().ok().flatten(),
        Found::Twice => None,
    };
    if text.is_none() {
        odd.push(name);
    }
    text.filter(|text| !text.is_empty())
}

/// `ts`, in whole seconds since 1970.
fn time_of(found: Found<'_>, odd: &mut Vec<&'static str>) -> Option<String> {
    let seconds = match found {
        Found::Missing => return None,
        Found::Once(raw) => raw.parse().ok(),
        Found::Twice => None,
    };
    let seconds = seconds.filter(|seconds| (0..=LAST_SECOND).contains(seconds));
    if seconds.is_none() {
        odd.push("ts");
    }
    seconds.map(dates::format)
}

/// A member that is a time, as it is written.
fn moment(found: Found<'_>) -> Option<String> {
    let Found::Once(raw) = found else { return None };
    let text = Reader::new(raw).text_or_skip().ok()??;
    dates::parse(&text).map(|_| text.into_owned())
}

fn not_json(Malformed { at, expected }: Malformed) -> String {
    format!("The delivery's body is not JSON: {expected} should stand at byte {at}.")
}
