//! One tracking at rest: its JSON text, and beside it the few members that lookups and filters
//! need.

use std::collections::HashSet;
use std::sync::Arc;

use crate::dates;
use crate::members::Members;

/// One tracking.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The whole tracking as JSON text, without white space between tokens.
    pub(crate) text: Box<str>,
    /// What lookups and filters read.
    pub(crate) facts: Facts,
    /// How often it was retracked.
    pub(crate) retracks: u32,
    /// The next stage of the test courier, if any is to come.
    pub(crate) stage: Option<Stage>,
}

/// A stage of the test courier that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stage {
    /// Which one, from 0.
    pub(crate) index: u8,
    /// When, in milliseconds.
    pub(crate) due_ms: u64,
}

/// The members of a tracking that lookups and filters read. Texts that repeat are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// `id`.
    pub(crate) id: Box<str>,
    /// `legacy_id`.
    pub(crate) legacy_id: Option<Box<str>>,
    /// `tracking_number`.
    pub(crate) tracking_number: Box<str>,
    /// `slug`.
    pub(crate) slug: Arc<str>,
    /// `created_at` in milliseconds. Finer than the text, which shows whole seconds.
    pub(crate) created_ms: u64,
    /// `updated_at` in milliseconds.
    pub(crate) updated_ms: u64,
    /// `tag`.
    pub(crate) tag: Option<Arc<str>>,
    /// `origin_country_region`.
    pub(crate) origin: Option<Arc<str>>,
    /// `destination_country_region`.
    pub(crate) destination: Option<Arc<str>>,
    /// `courier_destination_country_region`.
    pub(crate) courier_destination: Option<Arc<str>>,
    /// `order_id`.
    pub(crate) order_id: Option<Box<str>>,
    /// `transit_time` in days.
    pub(crate) transit_time: Option<i64>,
    /// `shipment_tags`.
    pub(crate) shipment_tags: Box<[Arc<str>]>,
    /// `return_to_sender`.
    pub(crate) return_to_sender: bool,
    /// `active`.
    pub(crate) active: bool,
}

impl Facts {
    /// Reads the facts from a tracking's members; the error names the member that is missing.
    pub(crate) fn read(members: &Members<'_>, words: &mut Words) -> Result<Self, String> {
        let needed = |name: &str| {
            let text = members.text(name).filter(|text| !text.is_empty());
            text.ok_or_else(|| format!("a tracking needs a text `{name}`"))
        };
        let time = |name: &str| {
            let text = needed(name)?;
            let ms = dates::parse_stored(&text);
            ms.ok_or_else(|| format!("`{name}` of a tracking is no time: {text}"))
        };
        let mut word = |name: &str| members.text(name).map(|text| words.share(&text));
        let [tag, origin, destination, courier_destination] = [
            word("tag"),
            word("origin_country_region"),
            word("destination_country_region"),
            word("courier_destination_country_region"),
        ];
        Ok(Self {
            id: needed("id")?.into(),
            legacy_id: members.text("legacy_id").map(Into::into),
            tracking_number: needed("tracking_number")?.into(),
            slug: words.share(&needed("slug")?),
            created_ms: time("created_at")?,
            updated_ms: time("updated_at")?,
            tag,
            origin,
            destination,
            courier_destination,
            order_id: members.text("order_id").map(Into::into),
            transit_time: members.integer("transit_time"),
            shipment_tags: members
                .texts("shipment_tags")
                .iter()
                .map(|tag| words.share(tag))
                .collect(),
            return_to_sender: members.boolean("return_to_sender").unwrap_or(false),
            active: members.boolean("active").unwrap_or(false),
        })
    }
}

impl Record {
    /// A tracking from its text and what is known about it.
    pub(crate) fn new(text: impl Into<Box<str>>, facts: Facts) -> Self {
        Self { text: text.into(), facts, retracks: 0, stage: None }
    }

    /// A tracking from its members.
    pub(crate) fn from_members(members: &Members<'_>, words: &mut Words) -> Result<Self, String> {
        Ok(Self::new(members.render(), Facts::read(members, words)?))
    }

    /// The members, to be read or changed.
    pub(crate) fn members(&self) -> Members<'_> {
        // What is stored was parsed or written by us, so there always is an object.
        Members::parse(&self.text).unwrap_or_default()
    }

    /// The same tracking with other members; its retracks and stage stay, and so do the
    /// milliseconds that the texts of its times do not show.
    pub(crate) fn with_members(
        &self,
        members: &Members<'_>,
        words: &mut Words,
    ) -> Result<Self, String> {
        let mut facts = Facts::read(members, words)?;
        facts.created_ms = keep_millis(self.facts.created_ms, facts.created_ms);
        facts.updated_ms = keep_millis(self.facts.updated_ms, facts.updated_ms);
        let Self { retracks, stage, .. } = *self;
        Ok(Self { text: members.render().into(), facts, retracks, stage })
    }
}

/// The old time where both show the same second.
fn keep_millis(old_ms: u64, new_ms: u64) -> u64 {
    if old_ms / 1000 == new_ms / 1000 { old_ms } else { new_ms }
}

/// Texts that many trackings share: slugs, tags, regions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words(HashSet<Arc<str>>);

impl Words {
    /// The shared copy of a text.
    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let word: Arc<str> = text.into();
        self.0.insert(Arc::clone(&word));
        word
    }
}
