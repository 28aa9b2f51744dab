//! Who a made-up shipment is for, and who is told about it.

use super::tables::CUSTOMERS;
use super::writer::Writer;
use super::{Rngs, pick};

/// Writes the member `customers`: none to three.
pub(super) fn customers(json: &mut Writer, rngs: &mut Rngs) {
    let Rngs { first, second } = rngs;
    let mut list = Vec::new();
    if first.bool() {
        list.push(pick(first, CUSTOMERS));
        let more = [0, 0, 0, 0, 0, 0, 1, 2];
        list.extend((0..pick(second, &more)).map(|_| pick(second, CUSTOMERS)));
    }
    json.raw("customers", &format!("[{}]", list.join(",")));
}

/// Writes the members `subscribed_smses` and `subscribed_emails`, often empty.
pub(super) fn subscriptions(json: &mut Writer, rngs: &mut Rngs) {
    let rng = &mut rngs.second;
    let number = rng.u32(0..1_000_000);
    let (sms, other) = (format!("+1855{number:07}"), format!("+49151{number:07}"));
    let (email, more) =
        (format!("reader{number}@example.com"), format!("\"q\\{number}\"@example.org"));
    json.texts("subscribed_smses", some(rng.u8(0..10), &[&sms, &other]));
    json.texts("subscribed_emails", some(rng.u8(0..10), &[&email, &more]));
}

/// Seven of ten times nothing, twice the first, once both.
fn some<'a>(roll: u8, both: &'a [&'a str; 2]) -> &'a [&'a str] {
    match roll {
        0 => both,
        1 | 2 => both.split_at(1).0,
        _ => &[],
    }
}
