//! Made-up trackings: varied, realistic in size and shape, the same for the same seed, count and
//! time.
//!
//! Among them are the things that trip clients: texts in many scripts, escapes, nulls, times with
//! and without zones, numbers that a double cannot hold.

mod estimates;
mod journey;
mod people;
mod tables;
mod writer;

use fastrand::Rng;

use crate::dates::{self, DAY_MS};
use crate::state::State;
use crate::store::record::{Facts, Record, Words};
use crate::text;
use journey::Journey;
use tables::{CITIES, CUSTOM_FIELDS, City, NOTES, Shape, TAGS, TITLES};
use writer::Writer;

/// The days that trackings are spread over when the retention is off.
const DEFAULT_DAYS: u32 = 120;

/// What keeps the oldest tracking from falling out of the retention while it is being read.
const MARGIN_MS: u64 = 3_600_000;

/// The members of which made-up trackings have nothing: answers of the API show each member, null
/// where it is empty.
const EMPTY: &str = "origin_raw_location destination_raw_location order_id_path order_date shipment_package_count \
    shipment_type delivery_type pickup_location \
    pickup_note courier_tracking_link first_attempted_at courier_redirect_link \
    tracking_account_number tracking_key tracking_ship_date courier_connection_id last_mile \
    first_mile carbon_emissions location_id shipping_method failed_delivery_attempts \
    signature_requirement delivery_location_type aftership_tracking_url \
    aftership_tracking_order_url shipment_dimensions proof_of_delivery multi_piece_info \
    return_shipment forward_shipment";

/// Adds `count` trackings, spread over the retention up to now.
pub(crate) fn fill(state: &mut State, seed: u64, count: usize) {
    let now_ms = state.options.clock.now_ms();
    let days = state.options.retention_days.unwrap_or(DEFAULT_DAYS);
    let span_ms = (u64::from(days) * DAY_MS).saturating_sub(MARGIN_MS).min(now_ms);
    let step_ms = span_ms / (count.max(1) as u64);
    let mut words = std::mem::take(&mut state.store.words);
    let records = (0..count).map(|index| {
        let index = index as u64;
        let mut rngs = Rngs::new(seed, index);
        let start_ms = now_ms - span_ms + index * step_ms;
        let created_ms = start_ms + rngs.first.u64(0..step_ms.max(1));
        tracking(&mut rngs, seed, index, created_ms, now_ms, &mut words)
    });
    if state.store.len() == 0 && state.index.shown().is_none() {
        state.store.fill(records);
    } else {
        let records: Vec<_> = records.collect();
        for record in records {
            // A slug and number that is taken stays with its holder.
            let _ = state.admit(record);
        }
    }
    state.store.words = words;
}

/// Where the chances of one tracking come from.
struct Rngs {
    /// Decides what trackings are known by, and all that was made up from the beginning: drawing
    /// once more from it would change every tracking that a test relies on.
    first: Rng,
    /// Decides what came later.
    second: Rng,
}

impl Rngs {
    fn new(seed: u64, index: u64) -> Self {
        let start = text::scramble(seed) ^ text::scramble(index << 1 | 1);
        Self { first: Rng::with_seed(start), second: Rng::with_seed(text::scramble(start)) }
    }
}

/// One tracking, created at a given time.
fn tracking(
    rngs: &mut Rngs,
    seed: u64,
    index: u64,
    created_ms: u64,
    now_ms: u64,
    words: &mut Words,
) -> Record {
    let rng = &mut rngs.first;
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
    json.raw("shipment_weight", if rng.bool() { weight(rng) } else { "null" });
    people::customers(&mut json, rngs);
    let rng = &mut rngs.first;
    json.text("source", if rng.u8(..) < 200 { "api" } else { "web" });
    json.text("tag", last.tag);
    json.text("subtag", last.subtag);
    json.text("subtag_message", last.subtag_message);
    title(&mut json, rng, &number);
    json.number_or_null("tracked_count", Some(rng.i64(1..60)));
    json.raw("language", if rng.bool() { "\"en\"" } else { "null" });
    journey.write(&mut json, rngs, shape.slug, &to);
    people::subscriptions(&mut json, rngs);
    json.flag("return_to_sender", returned);
    estimates::write(&mut json, rngs, created_ms, transit_time);
    let rng = &mut rngs.first;
    json.raw("order_tags", "[]");
    json.texts("shipment_tags", &tags);
    json.raw("signed_by", if done { "\"J. DOE\"" } else { "null" });
    json.nulls(EMPTY);
    let naive = |ms: u64| transit_time.map(|_| dates::format_naive(ms));
    json.text_or_null("shipment_pickup_date", naive(created_ms).as_deref());
    json.text_or_null("shipment_delivery_date", naive(updated_ms).as_deref());
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

fn title(json: &mut Writer, rng: &mut Rng, number: &str) {
    match rng.bool() {
        true => json.text("title", number),
        false => json.raw("title", pick(rng, TITLES)),
    }
}

impl Shape {
    /// A number of this courier's shape; differs for every index.
    fn number(&self, seed: u64, index: u64) -> String {
        let serial = text::scramble(seed) % self.room / 2 + index;
        format!("{}{serial:0width$}{}", self.prefix, self.suffix, width = self.digits)
    }
}

#[cfg(test)]
mod tests;
