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
                (courier.link, courier.patterns) = (old.link.clone(), old.patterns);
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
    use super::*;

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
}
