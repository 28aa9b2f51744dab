//! One courier: its JSON text, and beside it what the simulator reads of it.

use serde::Deserialize;

use super::numbers::fits;
use crate::body::is_slug;
use crate::members::Members;

/// One courier.
#[derive(Debug, Clone)]
pub(crate) struct Courier {
    /// `slug`.
    pub(crate) slug: Box<str>,
    /// The whole courier as JSON text, without white space between tokens.
    pub(crate) text: Box<str>,
    /// `required_fields`: the members that a create must bring, besides number and slug.
    pub(crate) required: Box<[String]>,
    /// `credentials.fields`: what a connection holds; `None` where there are no connections.
    pub(crate) credentials: Option<Box<[Credential]>>,
    /// The page that shows a parcel, where the number follows; empty where it is not known.
    pub(crate) link: String,
    /// How its numbers look; `None` where nothing is known.
    pub(super) patterns: Option<&'static str>,
}

/// One element of `credentials.fields`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Credential {
    /// `name`.
    pub(crate) name: String,
    /// `required`.
    #[serde(default)]
    pub(crate) required: bool,
}

#[derive(Deserialize)]
struct Credentials {
    fields: Vec<Credential>,
}

impl Courier {
    /// Reads a courier from compact JSON text; the error names the member that is wrong.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let members = Members::parse(text).ok_or("not a JSON object")?;
        let slug = members.text("slug").filter(|slug| is_slug(slug));
        let present = |name: &str| members.raw(name).filter(|raw| *raw != "null");
        let required = match present("required_fields") {
            None => Vec::new(),
            Some(raw) => serde_json::from_str(raw)
                .map_err(|_| "`required_fields` of a courier are no texts")?,
        };
        let credentials = present("credentials").map(serde_json::from_str::<Credentials>);
        let credentials = credentials
            .transpose()
            .map_err(|_| "`credentials` of a courier hold no `fields` with names")?;
        Ok(Self {
            slug: slug.ok_or("a courier needs a `slug` of a-z, 0-9 and -")?.into(),
            required: required.into(),
            credentials: credentials.map(|credentials| credentials.fields.into()),
            link: String::new(),
            patterns: None,
            text: text.into(),
        })
    }

    /// Whether a number looks like one of this courier; `None` where nothing is known.
    pub(crate) fn recognises(&self, number: &str) -> Option<bool> {
        self.patterns.map(|patterns| fits(patterns, number))
    }
}
