//! Made-up trackings: varied, realistic in size and shape, the same for the same seed, count and
//! time.
//!
//! Among them are the things that trip clients: texts in many scripts, escapes, nulls and absent
//! members, times with and without zones, numbers that a double cannot hold.

mod journey;
mod tables;
mod writer;

use fastrand::Rng;

use crate::dates::{self, DAY_MS};
use crate::state::State;
use crate::store::record::{Facts, Record, Words};
use crate::text;
use journey::Journey;
use tables::{CITIES, CUSTOM_FIELDS, CUSTOMERS, City, NOTES, Shape, TAGS, TITLES};
use writer::Writer;

/// The days that trackings are spread over when the retention is off.
const DEFAULT_DAYS: u32 = 120;

/// What keeps the oldest tracking from falling out of the retention while it is being read.
const MARGIN_MS: u64 = 3_600_000;

/// Adds `count` trackings, spread over the retention up to now.
pub(crate) fn fill(state: &mut State, seed: u64, count: usize) {
    let now_ms = state.options.clock.now_ms();
    let days = state.options.retention_days.unwrap_or(DEFAULT_DAYS);
    let span_ms = (u64::from(days) * DAY_MS).saturating_sub(MARGIN_MS).min(now_ms);
    let step_ms = span_ms / (count.max(1) as u64);
    let mut words = std::mem::take(&mut state.store.words);
    let records = (0..count).map(|index| {
        let index = index as u64;
        let mut rng = Rng::with_seed(text::scramble(seed) ^ text::scramble(index << 1 | 1));
        let created_ms = now_ms - span_ms + index * step_ms + rng.u64(0..step_ms.max(1));
        tracking(&mut rng, seed, index, created_ms, now_ms, &mut words)
    });
    if state.store.len() == 0 {
        state.store.fill(records);
    } else {
        let records: Vec<_> = records.collect();
        for record in records {
            // A slug and number that is taken stays with its holder.
            let _ = state.store.insert(record);
        }
    }
    state.store.words = words;
}

/// One tracking, created at a given time.
fn tracking(
    rng: &mut Rng,
    seed: u64,
    index: u64,
    created_ms: u64,
    now_ms: u64,
    words: &mut Words,
) -> Record {
    let (id, legacy_id) = (text::hex(32, rng.u64(..)), text::legacy_id(rng.u64(..)));
    let shape = pick(rng, tables::SHAPES);
    let number = shape.number(seed, index);
    let (from, to) = (pick(rng, CITIES), pick(rng, CITIES));
    let journey = Journey::draw(rng, created_ms, now_ms);
    let last = journey.steps.last().copied().unwrap_or(journey::PENDING);
    let updated_ms = journey.updated_ms;
    let order_id = rng.bool().then(|| format!("order-{:08}", index + 1));
    let tags: Vec<_> = TAGS.iter().copied().filter(|_| rng.u8(..) < 40).collect();
    let done = matches!(last.tag, "Delivered" | "Expired");
    let transit_time = (last.tag == "Delivered").then(|| journey.days());
    let returned = matches!(last.subtag, "Exception_010" | "Exception_011");

    let mut json = Writer::new();
    json.text("id", &id);
    json.text("legacy_id", &legacy_id);
    json.text("created_at", &dates::format_utc(created_ms));
    json.text("updated_at", &dates::format_utc(updated_ms));
    json.text("tracking_number", &number);
    json.text("slug", shape.slug);
    json.flag("active", !done);
    json.raw("custom_fields", pick(rng, CUSTOM_FIELDS));
    json.number_or_null("transit_time", transit_time);
    place(&mut json, "origin", &from);
    place(&mut json, "destination", &to);
    json.text("courier_destination_country_region", to.country_region);
    json.raw("note", pick(rng, NOTES));
    json.text_or_null("order_id", order_id.as_deref());
    json.text("order_number", &format!("{}", 100_000 + index));
    if rng.bool() {
        json.raw("shipment_weight", weight(rng));
    }
    customers(&mut json, rng);
    json.text("source", if rng.u8(..) < 200 { "api" } else { "web" });
    json.text("tag", last.tag);
    json.text("subtag", last.subtag);
    json.text("subtag_message", last.subtag_message);
    title(&mut json, rng, &number);
    json.number_or_null("tracked_count", Some(rng.i64(1..60)));
    json.raw("language", if rng.bool() { "\"en\"" } else { "null" });
    journey.write(&mut json, rng, shape.slug, &to);
    json.raw("subscribed_smses", "[]");
    json.raw("subscribed_emails", "[]");
    json.flag("return_to_sender", returned);
    json.raw("order_promised_delivery_date", "null");
    estimate(&mut json, rng, created_ms);
    json.raw("order_tags", "[]");
    json.texts("shipment_tags", &tags);
    json.raw("signed_by", if done { "\"J. DOE\"" } else { "null" });
    json.raw("shipment_direction", if rng.u8(..) < 230 { "\"forward\"" } else { "\"return\"" });

    let mut word = |text: &str| words.share(text);
    let facts = Facts {
        tag: Some(word(last.tag)),
        origin: Some(word(from.country_region)),
        destination: Some(word(to.country_region)),
        courier_destination: Some(word(to.country_region)),
        shipment_tags: tags.iter().map(|tag| word(tag)).collect(),
        slug: word(shape.slug),
        id: id.into(),
        legacy_id: Some(legacy_id.into()),
        tracking_number: number.into(),
        created_ms,
        updated_ms,
        order_id: order_id.map(Into::into),
        transit_time,
        return_to_sender: returned,
        active: !done,
    };
    Record::new(json.finish(), facts)
}

fn pick<T: Copy>(rng: &mut Rng, table: &[T]) -> T {
    // The tables are constants and not empty.
    #[expect(clippy::indexing_slicing, reason = "below the length by construction")]
    table[rng.usize(0..table.len())]
}

fn place(json: &mut Writer, end: &str, city: &City) {
    json.text(&format!("{end}_country_region"), city.country_region);
    json.raw(&format!("{end}_state"), city.state);
    json.raw(&format!("{end}_city"), city.city);
    json.text(&format!("{end}_postal_code"), city.postal_code);
}

fn weight(rng: &mut Rng) -> &'static str {
    match rng.u8(..) {
        0..4 => "{\"unit\":\"g\",\"value\":9007199254740993}",
        4..80 => "{\"unit\":\"kg\",\"value\":1.50}",
        80..160 => "{\"unit\":\"kg\",\"value\":0.30000000000000004}",
        _ => "{\"unit\":\"lb\",\"value\":2}",
    }
}

fn customers(json: &mut Writer, rng: &mut Rng) {
    let count = usize::from(rng.bool());
    let list: Vec<_> = (0..count).map(|_| pick(rng, CUSTOMERS)).collect();
    json.raw("customers", &format!("[{}]", list.join(",")));
}

fn title(json: &mut Writer, rng: &mut Rng, number: &str) {
    match rng.bool() {
        true => json.text("title", number),
        false => json.raw("title", pick(rng, TITLES)),
    }
}

fn estimate(json: &mut Writer, rng: &mut Rng, created_ms: u64) {
    if rng.bool() {
        json.raw("aftership_estimated_delivery_date", "null");
        return;
    }
    let day = |days: u64| dates::format_day(created_ms + days * DAY_MS);
    let days = rng.u64(3..9);
    json.raw(
        "aftership_estimated_delivery_date",
        &format!(
            "{{\"estimated_delivery_date\":\"{}\",\"confidence_code\":10001,\
             \"estimated_delivery_date_min\":\"{}\",\"estimated_delivery_date_max\":\"{}\"}}",
            day(days),
            day(days - 1),
            day(days + 1)
        ),
    );
}

impl Shape {
    /// A number of this courier's shape; differs for every index.
    fn number(&self, seed: u64, index: u64) -> String {
        let serial = text::scramble(seed) % self.room / 2 + index;
        format!("{}{serial:0width$}{}", self.prefix, self.suffix, width = self.digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::clock::ManualClock;
    use crate::members::{Members, compact};
    use std::collections::HashSet;
    use std::sync::Arc;

    const NOW: u64 = 1_795_348_800_000;

    fn filled(seed: u64, count: usize) -> State {
        let clock = Arc::new(ManualClock::new(NOW));
        let mut state = State::new(Options { clock, ..Options::default() });
        fill(&mut state, seed, count);
        state
    }

    fn texts(state: &State) -> Vec<&str> {
        state.store.newest_first(0..state.store.len()).map(|record| &*record.text).collect()
    }

    #[test]
    fn the_same_seed_and_count_give_the_same_trackings() {
        let (one, two, other) = (filled(7, 50), filled(7, 50), filled(8, 50));
        assert_eq!(texts(&one), texts(&two));
        assert_ne!(texts(&one), texts(&other));
    }

    #[test]
    fn what_is_known_of_a_tracking_is_what_its_text_says() {
        let mut state = filled(1, 300);
        let mut words = std::mem::take(&mut state.store.words);
        for record in state.store.newest_first(0..300) {
            let members = record.members();
            let read = Record::new("", record.facts.clone()).with_members(&members, &mut words);
            assert_eq!(read.unwrap().facts, record.facts);
            assert_eq!(compact(&record.text), *record.text);
            assert_eq!(members.render(), *record.text, "no name needs an escape");
        }
    }

    #[test]
    fn trackings_are_of_the_expected_size_and_variety() {
        let state = filled(3, 2_000);
        let texts = texts(&state);
        let mean = texts.iter().map(|text| text.len()).sum::<usize>() / texts.len();
        assert!((2_000..2_600).contains(&mean), "{mean}");
        let member = |name: &str| -> HashSet<_> {
            texts.iter().filter_map(|text| Members::parse(text).unwrap().text(name)).collect()
        };
        assert_eq!(member("id").len(), 2_000);
        assert_eq!(member("legacy_id").len(), 2_000);
        assert_eq!(member("tag").len(), 9);
        assert!(member("slug").len() > 5);
        for odd in ["9007199254740993", "\\ud83d", "\\/", "é", "包", "null", "\\n"] {
            assert!(texts.iter().any(|text| text.contains(odd)), "{odd}");
        }
    }

    #[test]
    fn trackings_lie_within_the_retention_oldest_last() {
        let state = filled(3, 100);
        let ages: Vec<_> =
            state.store.newest_first(0..100).map(|record| NOW - record.facts.created_ms).collect();
        assert!(ages.is_sorted());
        assert!(ages.last().is_some_and(|age| *age < 120 * DAY_MS && *age > 110 * DAY_MS));
        for record in state.store.newest_first(0..100) {
            assert!((record.facts.created_ms..=NOW).contains(&record.facts.updated_ms));
        }
    }
}
