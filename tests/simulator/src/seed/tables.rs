//! What made-up trackings are made of. Texts marked as JSON keep their escapes as they stand here.

/// How a courier's numbers look: prefix, digits, suffix.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// `slug`.
    pub(super) slug: &'static str,
    /// What comes before the digits.
    pub(super) prefix: &'static str,
    /// How many digits.
    pub(super) digits: usize,
    /// What comes after the digits.
    pub(super) suffix: &'static str,
    /// How many different numbers the digits can be, within 64 bits.
    pub(super) room: u64,
}

/// The couriers of made-up trackings.
pub(super) const SHAPES: &[Shape] = &[
    shape("ups", "1Z999AA1", 10, ""),
    shape("fedex", "", 12, ""),
    shape("usps", "9400", 18, ""),
    shape("dhl", "", 10, ""),
    shape("royal-mail", "LX", 9, "GB"),
    shape("hong-kong-post", "RA", 9, "HK"),
    shape("china-ems", "EA", 9, "CN"),
    shape("dhl-germany", "JJD", 18, ""),
];

/// An end of a shipment.
#[derive(Clone, Copy)]
pub(super) struct City {
    /// `*_country_region`.
    pub(super) country_region: &'static str,
    /// `*_state`, as JSON.
    pub(super) state: &'static str,
    /// `*_city`, as JSON.
    pub(super) city: &'static str,
    /// `*_postal_code`.
    pub(super) postal_code: &'static str,
}

/// The ends of made-up shipments.
pub(super) const CITIES: &[City] = &[
    city("USA", "\"New York\"", "\"New York City\"", "10001"),
    city("USA", "\"California\"", "\"Los Angeles\"", "90001"),
    city("CHN", "\"广东\"", "\"深圳市\"", "518000"),
    city("DEU", "null", "\"München\"", "80331"),
    city("FRA", "null", "\"Saint-\\u00c9tienne\"", "42000"),
    city("GBR", "\"England\"", "\"London\"", "SW1A 1AA"),
    city("JPN", "\"東京都\"", "\"渋谷区\"", "150-0002"),
    city("BRA", "\"SP\"", "\"S\\u00e3o Paulo\"", "01000-000"),
    city("HKG", "null", "\"Hong Kong\"", ""),
];

/// Values of `note`, as JSON.
pub(super) const NOTES: &[&str] = &[
    "null",
    "null",
    "\"\"",
    "\"Ring twice.\\nThen leave at the \\\"blue\\\" door\"",
    "\"ça va \\/ gift \\ud83c\\udf81\"",
];

/// Values of `title`, as JSON.
pub(super) const TITLES: &[&str] = &[
    "\"Running shoes, size 42\"",
    "\"Kaffeemühle \\\"Größe 2\\\"\"",
    "\"包裹 #1024 \\ud83d\\udce6\"",
    "\"Back\\\\slash \\u0026 tab\\there\"",
];

/// Values of `custom_fields`, as JSON.
pub(super) const CUSTOM_FIELDS: &[&str] = &[
    "null",
    "{\"store_name\":\"my-store\"}",
    "{\"store_name\":\"Boutique d'été\",\"sku\":\"000123\",\"amount\":\"19.90\"}",
    "{\"weird \\\"key\\\"\":\"\\u4f60\\u597d\"}",
];

/// Values of `shipment_tags`.
pub(super) const TAGS: &[&str] = &["vip", "fragile", "Returned", "b2b"];

/// Elements of `customers`, as JSON.
pub(super) const CUSTOMERS: &[&str] = &[
    "{\"role\":\"buyer\",\"name\":\"Steve Young\",\"phone_number\":\"+18555072501\",\"email\":\"steve@example.com\",\"language\":\"en\",\"id\":\"cust_12345\"}",
    "{\"role\":\"buyer\",\"name\":\"Zo\\u00eb Müller\",\"phone_number\":null,\"email\":\"zoe@example.org\",\"language\":\"de\",\"id\":null}",
    "{\"role\":\"buyer\",\"name\":\"王小明\",\"phone_number\":\"+8613800138000\",\"email\":null,\"language\":null,\"id\":null}",
];

const fn shape(
    slug: &'static str,
    prefix: &'static str,
    digits: usize,
    suffix: &'static str,
) -> Shape {
    Shape { slug, prefix, digits, suffix, room: 10_u64.pow(digits as u32) }
}

const fn city(
    country_region: &'static str,
    state: &'static str,
    city: &'static str,
    postal_code: &'static str,
) -> City {
    City { country_region, state, city, postal_code }
}
