//! All couriers, found by slug and by number.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::courier::Courier;
use super::{known, made_up};

/// The couriers of an account; shared between accounts until one changes them.
#[derive(Debug, Clone)]
pub(crate) struct Catalogue(Arc<Couriers>);

/// In the order of lists, and of how likely a number is theirs.
#[derive(Debug, Clone)]
struct Couriers {
    list: Vec<Courier>,
    places: HashMap<Box<str>, usize>,
}

impl Default for Catalogue {
    fn default() -> Self {
        static ALL: LazyLock<Arc<Couriers>> = LazyLock::new(|| {
            let list: Vec<_> = known::couriers().chain(made_up::couriers()).collect();
            let slugs = list.iter().map(|courier| courier.slug.clone());
            let places = slugs.zip(0..).collect();
            Arc::new(Couriers { list, places })
        });
        Self(Arc::clone(&ALL))
    }
}

impl Catalogue {
    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Courier> {
        self.0.list.iter()
    }

    /// The courier of a slug.
    pub(crate) fn find(&self, slug: &str) -> Option<&Courier> {
        self.0.list.get(*self.0.places.get(slug)?)
    }

    /// Every courier whose numbers look like this one, the most likely first.
    pub(crate) fn detect<'a>(&'a self, number: &'a str) -> impl Iterator<Item = &'a Courier> {
        self.iter().filter(move |courier| courier.recognises(number) == Some(true))
    }

    /// Puts in a courier, in the place of one with the same slug, whose numbers and page it keeps.
    pub(super) fn insert(&mut self, mut courier: Courier) {
        let Couriers { list, places } = Arc::make_mut(&mut self.0);
        let place = places.get(&courier.slug).copied();
        match place.and_then(|place| list.get_mut(place)) {
            Some(old) => {
                (courier.link, courier.recognises) = (old.link, old.recognises);
                *old = courier;
            }
            None => {
                places.insert(courier.slug.clone(), list.len());
                list.push(courier);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::couriers::{ACTIVATED, is_of_group};
    use crate::members::Members;

    fn first(number: &str) -> Option<String> {
        Catalogue::default().detect(number).next().map(|courier| courier.slug.to_string())
    }

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
            ("JJD000390007851234567", Some("dhl-germany")),
            ("RA12345678HK", None),
            ("HELLO", None),
        ] {
            assert_eq!(first(number).as_deref(), slug, "{number}");
        }
    }

    #[test]
    fn the_list_is_as_long_and_as_varied_as_the_real_one() {
        let all = Catalogue::default();
        let slugs: HashSet<_> = all.iter().map(|courier| &courier.slug).collect();
        assert_eq!(slugs.len(), all.iter().count());
        assert!((1_150..1_250).contains(&slugs.len()), "{}", slugs.len());
        for slug in ACTIVATED {
            assert!(all.find(slug).is_some(), "{slug}");
        }
        // Source: AfterShip API 2026-07, POST /trackings, `slug_group`.
        for family in
            "amazon fedex toll taqbin tnt cj hermes dpd gls dhl fastway asendia".split(' ')
        {
            let group = format!("{family}-group");
            assert!(all.iter().any(|courier| is_of_group(&courier.slug, &group)), "{group}");
        }
        let members: Vec<_> =
            all.iter().map(|courier| Members::parse(&courier.text).unwrap()).collect();
        for name in ["phone", "other_name", "web_url", "default_language", "credentials"] {
            for raw in [None, Some("null")] {
                assert!(members.iter().any(|courier| courier.raw(name) == raw), "{name} {raw:?}");
            }
        }
        for name in [
            "required_fields",
            "optional_fields",
            "support_languages",
            "service_from_country_regions",
        ] {
            for raw in [None, Some("null"), Some("[]")] {
                assert!(members.iter().any(|courier| courier.raw(name) == raw), "{name} {raw:?}");
            }
            assert!(members.iter().any(|courier| courier.texts(name).len() == 2), "{name}");
        }
        assert!(members.iter().any(|courier| courier.raw("other_name") == Some("\"\"")));
    }
}
