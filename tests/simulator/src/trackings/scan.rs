//! A carrier's scan of a shipment, made by hand instead of by a courier.

use super::checkpoint::Checkpoint;
use crate::dates;
use crate::members::Members;
use crate::store::record::Record;

/// The members of a tracking after one more checkpoint with this tag.
pub(crate) fn scanned<'a>(
    record: &'a Record,
    tag: &str,
    message: &str,
    now_ms: u64,
) -> Members<'a> {
    let (time, naive) = (dates::format_utc(now_ms), dates::format_naive(now_ms));
    let mut members = record.members();
    let checkpoint = Checkpoint {
        slug: &record.facts.slug,
        checkpoint_time: &naive,
        message,
        tag,
        subtag: &format!("{tag}_001"),
        subtag_message: &spaced(tag),
        source: "carrier",
    };
    checkpoint.add_to(&mut members, &time);
    members.set_text("updated_at", &time);
    if tag == "Delivered" {
        members.set_text("shipment_delivery_date", &naive);
        members.set("active", "false");
    }
    members
}

/// `InTransit` as `In Transit`.
fn spaced(tag: &str) -> String {
    let mut words = String::new();
    for letter in tag.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter);
    }
    words
}
