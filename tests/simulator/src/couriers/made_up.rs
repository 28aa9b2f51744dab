//! The couriers that nobody knows by name: the real list has over a thousand of them. They are
//! always the same.

use serde_json::{Value, json};

use super::courier::Courier;
use crate::text::{digest, scramble};

/// How many there are; with those that are known by name, about as many as the real list has.
const COUNT: usize = 1_170;

const NAMES: &str = "Alder Amberline Arcadia Baltica Bluebird Boreal Caravel Cobalt Condor Coral \
    Dorado Eastgate Falcon Fjord Gazelle Harbour Ibis Juniper Kestrel Lagoon Lynx Meridian Monsoon \
    Nordwind Osprey Pelican Pioneer Quartz Riverside Saffron Sirocco Tundra Ursa Vega Waratah \
    Westbound Yarrow Zenith Zephyr";

const KINDS: &str = "Express Post Logistics Parcel Cargo Courier Delivery Freight Same-Day \
    Fulfilment Road Air Economy Returns Home Locker Global Domestic Priority Lines Direct Transport \
    Mail Dispatch Supply Network Connect Distribution Trade Premium";

/// Region, calling code, language.
const REGIONS: [[&str; 3]; 10] = [
    ["USA", "+1 800", "en"],
    ["CHN", "+86 400", "zh-Hans"],
    ["DEU", "+49 30", "de"],
    ["FRA", "+33 1", "fr"],
    ["BRA", "+55 11", "pt"],
    ["JPN", "+81 3", "ja"],
    ["IND", "+91 22", "en"],
    ["ESP", "+34 91", "es"],
    ["POL", "+48 22", "pl"],
    ["THA", "+66 2", "th"],
];

/// What a courier may ask of a tracking.
///
/// Source: AfterShip API 2026-07, Courier, `required_fields`.
const FIELDS: &[&str] = &[
    "tracking_account_number",
    "destination_postal_code",
    "destination_state",
    "tracking_key",
    "origin_country_region",
    "destination_country_region",
    "tracking_ship_date",
];

const OTHER_NAMES: &[&str] =
    &["Formerly Överland & Söner", "快递", "ООО «Доставка»", "3PL \"Gold\""];

/// Patterns of numbers, of couriers that are known by name too: detection finds many for one number.
const PATTERNS: [Option<&str>; 8] = [Some("#10"), Some("#12"), None, None, None, None, None, None];

/// All of them.
pub(super) fn couriers() -> impl Iterator<Item = Courier> {
    let names = || NAMES.split(' ').filter(|name| !name.is_empty());
    let pairs = KINDS.split(' ').flat_map(move |kind| names().map(move |name| (name, kind)));
    pairs.take(COUNT).filter_map(|(name, kind)| courier(&format!("{name} {kind}")))
}

fn courier(name: &str) -> Option<Courier> {
    let slug = name.to_lowercase().replace(' ', "-");
    let dice = Dice(digest(&slug));
    let [region, calling_code, language] = *dice.pick(0, &REGIONS)?;
    let mut regions = vec![region, dice.pick(2, &REGIONS)?[0]];
    let mut languages = vec![language, "en"];
    let mut fields = vec![*dice.pick(3, FIELDS)?, *dice.pick(4, FIELDS)?];
    for list in [&mut regions, &mut languages, &mut fields] {
        list.dedup();
    }
    let key =
        |name: &str, required: bool| json!({"name": name, "type": "string", "required": required});
    let mut courier = json!({
        "slug": slug,
        "name": name,
        "phone": dice.chance(5, 60).then(|| format!("{calling_code} {:07}", dice.roll(1, 10_000_000))),
        "other_name": match dice.roll(6, 4) {
            0 => None,
            1 => dice.pick(7, OTHER_NAMES).copied(),
            _ => Some(""),
        },
        "web_url": dice.chance(8, 95).then(|| format!("https://www.{slug}.example")),
        "required_fields": match dice.roll(9, 20) {
            0 => json!(fields),
            1 => Value::Null,
            _ => json!([]),
        },
        "optional_fields": match dice.roll(10, 10) {
            0 => json!([fields.first()]),
            1 => json!(fields),
            2 => Value::Null,
            _ => json!([]),
        },
        "default_language": dice.chance(11, 90).then_some(language),
        "support_languages": match dice.roll(12, 10) {
            0 => Value::Null,
            1 => json!([]),
            _ => json!(languages),
        },
        "service_from_country_regions": match dice.roll(13, 6) {
            0 => Value::Null,
            1 => json!([]),
            2 => json!(regions),
            _ => json!([region]),
        },
        "credentials": match dice.roll(14, 25) {
            0 => json!({"fields": [key("api_key", true)]}),
            1 => json!({"fields": [key("username", true), key("password", true), key("region", false)]}),
            _ => Value::Null,
        },
    });
    // Members without a value come as null, or do not come.
    if dice.chance(15, 40) {
        courier.as_object_mut()?.retain(|_, value| !value.is_null());
    }
    let courier = Courier::read(&courier.to_string()).ok()?;
    Some(Courier { patterns: *dice.pick(16, &PATTERNS)?, ..courier })
}

/// Chances that depend on a number and on which throw it is, on nothing else.
struct Dice(u64);

impl Dice {
    fn roll(&self, throw: u64, sides: u64) -> u64 {
        scramble(self.0 ^ scramble(throw)) % sides
    }

    fn chance(&self, throw: u64, percent: u64) -> bool {
        self.roll(throw, 100) < percent
    }

    fn pick<'a, T>(&self, throw: u64, table: &'a [T]) -> Option<&'a T> {
        let place = self.roll(throw, table.len().max(1) as u64);
        table.get(usize::try_from(place).ok()?)
    }
}
