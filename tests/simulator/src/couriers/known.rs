//! The couriers that are known by name, most likely first: how their numbers look, what they
//! require, where they show a parcel. Several have numbers that look alike.

use super::TEST_COURIER;
use super::courier::{Courier, Profile, Recogniser};
use super::numbers::{digits, postal, prefixed};

/// The couriers that an account has activated by default.
pub(crate) const ACTIVATED: &[&str] = &[
    TEST_COURIER,
    "ups",
    "fedex",
    "usps",
    "dhl",
    "amazon",
    "royal-mail",
    "hong-kong-post",
    "china-ems",
    "japan-post",
    "dhl-germany",
    "postnl-3s",
    "ups-api",
    "dhl-api",
];

struct Known {
    profile: Profile<'static>,
    link: &'static str,
    recognises: Recogniser,
}

static KNOWN: &[Known] = &[
    named(TEST_COURIER, "Testing Courier", |number| number.starts_with("ITD-")),
    named("ups", "UPS", |number| number.len() == 18 && number.starts_with("1Z"))
        .site("https://www.ups.com", "https://www.ups.com/track?tracknum=")
        .phone("+1 800 742 5877"),
    named("fedex", "FedEx", |number| digits(number, 12..=12))
        .site("https://www.fedex.com", "https://www.fedex.com/apps/fedextrack/?tracknumbers=")
        .phone("+1 800 463 3339"),
    named("usps", "USPS", |number| digits(number, 20..=22) || postal(number, "US"))
        .site("https://www.usps.com", "https://tools.usps.com/go/TrackConfirmAction?tLabels=")
        .phone("+1 800 275 8777")
        .also("United States Postal Service")
        .from(&["USA"]),
    named("dhl", "DHL Express", |number| digits(number, 10..=10))
        .site("https://www.dhl.com", "https://www.dhl.com/en/express/tracking.html?AWB=")
        .also("DHL International")
        .speaks("en", &["en", "de", "fr", "es", "zh-Hans"]),
    named("amazon", "Amazon Logistics", |number| prefixed(number, "TBA", 12..=12))
        .site("https://track.amazon.com", "https://track.amazon.com/tracking/"),
    named("royal-mail", "Royal Mail", |number| postal(number, "GB"))
        .site(
            "https://www.royalmail.com",
            "https://www.royalmail.com/track-your-item#/tracking-results/",
        )
        .phone("+44 3457 740740")
        .from(&["GBR"]),
    named("hong-kong-post", "Hong Kong Post", |number| postal(number, "HK"))
        .site(
            "https://www.hongkongpost.hk",
            "https://www.hongkongpost.hk/en/mail_tracking/?number=",
        )
        .also("香港郵政")
        .speaks("en", &["en", "zh-Hant"])
        .from(&["HKG"]),
    named("china-ems", "China EMS (ePacket)", |number| postal(number, "CN"))
        .site("https://www.ems.com.cn", "https://www.ems.com.cn/queryList?number=")
        .also("中国邮政速递物流")
        .speaks("zh-Hans", &["zh-Hans", "en"])
        .from(&["CHN"]),
    named("japan-post", "Japan Post", |number| postal(number, "JP"))
        .site(
            "https://www.post.japanpost.jp",
            "https://trackings.post.japanpost.jp/services/srv/search/?no=",
        )
        .also("日本郵便")
        .from(&["JPN"]),
    named("dhl-germany", "Deutsche Post DHL", |number| prefixed(number, "JJD", 15..=18))
        .site("https://www.dhl.de", "https://www.dhl.de/en/privatkunden.html?piececode=")
        .speaks("de", &["de", "en"])
        .from(&["DEU"]),
    named("postnl-3s", "PostNL International 3S", |number| {
        number.len() == 13 && number.starts_with("3S")
    })
    .site("https://jouw.postnl.nl", "https://jouw.postnl.nl/track-and-trace/")
    .requires(&["destination_postal_code", "destination_country_region"])
    .from(&["NLD"]),
    named("ups-api", "UPS (API)", |number| number.len() == 18 && number.starts_with("1Z"))
        .site("https://www.ups.com", "https://www.ups.com/track?tracknum=")
        .connects(&[("client_id", true), ("client_secret", true), ("account_number", false)]),
    named("dhl-api", "DHL (API)", |number| digits(number, 10..=10))
        .site("https://www.dhl.com", "https://www.dhl.com/en/express/tracking.html?AWB=")
        .connects(&[("api_key", true)]),
    named("fedex-api", "FedEx (API)", |number| digits(number, 12..=12) || digits(number, 15..=15))
        .site("https://www.fedex.com", "")
        .connects(&[("key", true), ("password", true), ("account_number", true)]),
    named("fedex-freight", "FedEx Freight", |number| digits(number, 9..=9))
        .site("https://www.fedex.com", "")
        .from(&["USA", "CAN", "MEX"]),
    named("sf-express", "S.F. Express", |number| {
        digits(number, 12..=12) || prefixed(number, "SF", 13..=13)
    })
    .site("https://www.sf-express.com", "")
    .also("顺丰速运")
    .requires(&["customers[x].phone_number"])
    .optional(&["tracking_key"]),
    named("taqbin-jp", "Yamato Japan", |number| digits(number, 12..=12))
        .site("https://www.kuronekoyamato.co.jp", "")
        .also("ヤマト運輸, TA-Q-BIN")
        .from(&["JPN"]),
    named("sagawa", "Sagawa", |number| digits(number, 12..=12))
        .site("https://www.sagawa-exp.co.jp", "")
        .also("佐川急便")
        .from(&["JPN"]),
    named("toll-ipec", "Toll IPEC", |number| digits(number, 10..=12))
        .site("https://www.tollgroup.com", "")
        .from(&["AUS"]),
    named("gls", "GLS", |number| digits(number, 11..=12))
        .site("https://gls-group.eu", "")
        .optional(&["destination_postal_code"]),
    named("dpd", "DPD", |number| digits(number, 14..=14)).site("https://www.dpd.com", ""),
    named("dpd-uk", "DPD UK", |number| digits(number, 10..=10) || digits(number, 14..=14))
        .site("https://www.dpd.co.uk", "")
        .requires(&["destination_postal_code"])
        .from(&["GBR"]),
    named("tnt", "TNT", |number| digits(number, 9..=9)).site("https://www.tnt.com", ""),
    named("hermes-uk", "Evri", |number| digits(number, 16..=16))
        .site("https://www.evri.com", "")
        .also("Hermes UK")
        .from(&["GBR"]),
    named("canada-post", "Canada Post", |number| digits(number, 16..=16) || postal(number, "CA"))
        .site("https://www.canadapost-postescanada.ca", "")
        .also("Postes Canada")
        .speaks("en", &["en", "fr-CA"])
        .from(&["CAN"])
        .connects(&[("username", true), ("password", true)]),
    named("cj-korea", "CJ Logistics", |number| digits(number, 10..=10) || digits(number, 12..=12))
        .site("https://www.cjlogistics.com", "")
        .also("CJ대한통운")
        .from(&["KOR"]),
    named("fastway-au", "Aramex Australia", |number| {
        number.split_at_checked(2).is_some_and(|(line, rest)| {
            line.bytes().all(|byte| byte.is_ascii_uppercase()) && digits(rest, 10..=10)
        })
    })
    .site("https://www.aramex.com.au", "")
    .also("Fastway Couriers")
    .from(&["AUS"]),
    named("asendia-usa", "Asendia USA", |number| digits(number, 20..=22))
        .site("https://www.asendiausa.com", "")
        .from(&["USA"]),
    named("yodel", "Yodel Domestic", |number| prefixed(number, "JD", 16..=16))
        .site("https://www.yodel.co.uk", "")
        .optional(&["destination_postal_code"])
        .from(&["GBR"]),
    named("arrowxl", "ArrowXL", |number| digits(number, 8..=8))
        .site("https://www.arrowxl.co.uk", "")
        .requires(&["destination_postal_code"])
        .from(&["GBR"]),
    named("geodis-espace", "GEODIS - Distribution & Express", |number| digits(number, 8..=9))
        .site("https://espace-client.geodis.com", "")
        .requires(&["tracking_ship_date", "destination_postal_code"])
        .from(&["FRA"]),
];

/// All of them.
pub(super) fn couriers() -> impl Iterator<Item = Courier> {
    KNOWN.iter().filter_map(|known| {
        let courier = Courier::read(&known.profile.members().render()).ok()?;
        Some(Courier { link: known.link, recognises: Some(known.recognises), ..courier })
    })
}

const fn named(slug: &'static str, name: &'static str, recognises: Recogniser) -> Known {
    let profile = Profile {
        slug,
        name,
        phone: None,
        other_name: None,
        web_url: None,
        required_fields: Some(&[]),
        optional_fields: Some(&[]),
        default_language: Some("en"),
        support_languages: Some(&["en"]),
        service_from_country_regions: Some(&[]),
        credentials: None,
    };
    Known { profile, link: "", recognises }
}

impl Known {
    const fn site(mut self, web_url: &'static str, link: &'static str) -> Self {
        self.profile.web_url = Some(web_url);
        self.link = link;
        self
    }

    const fn phone(mut self, phone: &'static str) -> Self {
        self.profile.phone = Some(phone);
        self
    }

    const fn also(mut self, other_name: &'static str) -> Self {
        self.profile.other_name = Some(other_name);
        self
    }

    const fn requires(mut self, fields: &'static [&'static str]) -> Self {
        self.profile.required_fields = Some(fields);
        self
    }

    const fn optional(mut self, fields: &'static [&'static str]) -> Self {
        self.profile.optional_fields = Some(fields);
        self
    }

    const fn speaks(mut self, first: &'static str, all: &'static [&'static str]) -> Self {
        self.profile.default_language = Some(first);
        self.profile.support_languages = Some(all);
        self
    }

    const fn from(mut self, regions: &'static [&'static str]) -> Self {
        self.profile.service_from_country_regions = Some(regions);
        self
    }

    const fn connects(mut self, credentials: &'static [(&'static str, bool)]) -> Self {
        self.profile.credentials = Some(credentials);
        self
    }
}
