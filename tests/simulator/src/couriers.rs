//! A short table of couriers: how their numbers look, what they require, where they show a parcel.

/// The test courier: moves a tracking to Delivered within seconds.
pub(crate) const TEST_COURIER: &str = "testing-courier";

/// The slug of a tracking whose courier is unknown.
pub(crate) const UNRECOGNIZED: &str = "unrecognized";

/// The groups that `slug_group` may name.
///
/// Source: AfterShip API 2026-07, POST /trackings, `slug_group`.
pub(crate) const GROUPS: &[&str] = &[
    "amazon-group",
    "fedex-group",
    "toll-group",
    "taqbin-group",
    "tnt-group",
    "cj-group",
    "hermes-group",
    "dpd-group",
    "gls-group",
    "dhl-group",
    "fastway-group",
    "asendia-group",
];

/// One courier.
#[derive(Debug)]
pub(crate) struct Courier {
    /// `slug`.
    pub(crate) slug: &'static str,
    /// The members that a create must bring, besides number and slug.
    pub(crate) required: &'static [&'static str],
    /// The page that shows a parcel; the number follows.
    pub(crate) link: &'static str,
    recognises: fn(&str) -> bool,
}

/// The couriers that the simulator knows. A slug outside this table is accepted when it is given;
/// the real list has over a thousand.
pub(crate) static COURIERS: &[Courier] = &[
    courier(TEST_COURIER, "", |number| number.starts_with("ITD-")),
    courier("ups", "https://www.ups.com/track?tracknum=", |number| {
        number.len() == 18 && number.starts_with("1Z")
    }),
    courier("fedex", "https://www.fedex.com/apps/fedextrack/?tracknumbers=", |number| {
        digits(number, 12..=12)
    }),
    courier("usps", "https://tools.usps.com/go/TrackConfirmAction?tLabels=", |number| {
        digits(number, 20..=22) || postal(number, "US")
    }),
    courier("dhl", "https://www.dhl.com/en/express/tracking.html?AWB=", |number| {
        digits(number, 10..=10)
    }),
    courier("amazon", "https://track.amazon.com/tracking/", |number| {
        number.strip_prefix("TBA").is_some_and(|rest| digits(rest, 12..=12))
    }),
    courier(
        "royal-mail",
        "https://www.royalmail.com/track-your-item#/tracking-results/",
        |number| postal(number, "GB"),
    ),
    courier("hong-kong-post", "https://www.hongkongpost.hk/en/mail_tracking/?number=", |number| {
        postal(number, "HK")
    }),
    courier("china-ems", "https://www.ems.com.cn/queryList?number=", |number| postal(number, "CN")),
    courier(
        "japan-post",
        "https://trackings.post.japanpost.jp/services/srv/search/?no=",
        |number| postal(number, "JP"),
    ),
    courier("dhl-germany", "https://www.dhl.de/en/privatkunden.html?piececode=", |number| {
        number.strip_prefix("JJD").is_some_and(|rest| digits(rest, 15..=18))
    }),
    Courier {
        required: &["destination_postal_code", "destination_country_region"],
        ..courier("postnl-3s", "https://jouw.postnl.nl/track-and-trace/", |number| {
            number.len() == 13 && number.starts_with("3S")
        })
    },
];

/// The courier of a slug, where the table has it.
pub(crate) fn by_slug(slug: &str) -> Option<&'static Courier> {
    COURIERS.iter().find(|courier| courier.slug == slug)
}

/// The first courier whose numbers look like this one.
pub(crate) fn detect(number: &str) -> Option<&'static Courier> {
    COURIERS.iter().find(|courier| (courier.recognises)(number))
}

/// The first courier of a group (`dhl-group`: `dhl` and `dhl-...`) whose numbers look like this.
pub(crate) fn detect_in_group(number: &str, group: &str) -> Option<&'static Courier> {
    let family = group.strip_suffix("-group").unwrap_or(group);
    COURIERS.iter().find(|courier| {
        courier.slug.split('-').next() == Some(family) && (courier.recognises)(number)
    })
}

const fn courier(slug: &'static str, link: &'static str, recognises: fn(&str) -> bool) -> Courier {
    Courier { slug, required: &[], link, recognises }
}

fn digits(number: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of the Universal Postal Union: two letters, nine digits, the country.
fn postal(number: &str, country: &str) -> bool {
    number.strip_suffix(country).and_then(|rest| rest.split_at_checked(2)).is_some_and(
        |(service, serial)| {
            service.bytes().all(|byte| byte.is_ascii_uppercase()) && digits(serial, 9..=9)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_recognised_by_their_shape() {
        for (number, slug) in [
            ("ITD-0-12345678", Some("testing-courier")),
            ("1Z999AA10123456784", Some("ups")),
            ("123456789012", Some("fedex")),
            ("9400111899223197428490", Some("usps")),
            ("LX123456789US", Some("usps")),
            ("1234567890", Some("dhl")),
            ("TBA123456789012", Some("amazon")),
            ("RA123456789HK", Some("hong-kong-post")),
            ("RA12345678HK", None),
            ("HELLO", None),
        ] {
            assert_eq!(detect(number).map(|courier| courier.slug), slug, "{number}");
        }
    }

    #[test]
    fn a_group_detects_among_its_own() {
        let slug = |number, group| detect_in_group(number, group).map(|courier| courier.slug);
        assert_eq!(slug("1234567890", "dhl-group"), Some("dhl"));
        assert_eq!(slug("JJD000390007851234567", "dhl-group"), Some("dhl-germany"));
        assert_eq!(slug("1234567890", "fedex-group"), None);
    }
}
