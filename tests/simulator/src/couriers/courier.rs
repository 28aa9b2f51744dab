//! One courier: its JSON text, and beside it what the simulator reads of it.

use serde::Deserialize;

use crate::body::is_slug;
use crate::members::{Members, quote};

/// Whether a number looks like one of a courier.
pub(super) type Recogniser = fn(&str) -> bool;

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
    pub(crate) link: &'static str,
    /// How its numbers look; `None` where nothing is known.
    pub(super) recognises: Option<Recogniser>,
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
            link: "",
            recognises: None,
            text: text.into(),
        })
    }

    /// Whether a number looks like one of this courier; `None` where nothing is known.
    pub(crate) fn recognises(&self, number: &str) -> Option<bool> {
        self.recognises.map(|recognises| recognises(number))
    }
}

/// The members of a courier, null where there is nothing.
///
/// Source: AfterShip API 2026-07, GET /couriers, answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Profile<'a> {
    pub(super) slug: &'a str,
    pub(super) name: &'a str,
    pub(super) phone: Option<&'a str>,
    pub(super) other_name: Option<&'a str>,
    pub(super) web_url: Option<&'a str>,
    pub(super) required_fields: Option<&'a [&'a str]>,
    pub(super) optional_fields: Option<&'a [&'a str]>,
    pub(super) default_language: Option<&'a str>,
    pub(super) support_languages: Option<&'a [&'a str]>,
    pub(super) service_from_country_regions: Option<&'a [&'a str]>,
    /// Names, and whether they are required.
    pub(super) credentials: Option<&'a [(&'a str, bool)]>,
}

impl Profile<'_> {
    /// The members in the order of the API's examples.
    pub(super) fn members(&self) -> Members<'static> {
        let text = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), quote);
        let list = |list: Option<&[&str]>| match list {
            Some(list) => {
                format!("[{}]", list.iter().map(|text| quote(text)).collect::<Vec<_>>().join(","))
            }
            None => "null".to_owned(),
        };
        let mut members = Members::default();
        for (name, json) in [
            ("slug", quote(self.slug)),
            ("name", quote(self.name)),
            ("phone", text(self.phone)),
            ("other_name", text(self.other_name)),
            ("web_url", text(self.web_url)),
            ("required_fields", list(self.required_fields)),
            ("optional_fields", list(self.optional_fields)),
            ("default_language", text(self.default_language)),
            ("support_languages", list(self.support_languages)),
            ("service_from_country_regions", list(self.service_from_country_regions)),
            ("credentials", self.credentials.map_or_else(|| "null".to_owned(), fields)),
        ] {
            members.set(name, json);
        }
        members
    }
}

fn fields(credentials: &[(&str, bool)]) -> String {
    let field = |(name, required): &(&str, bool)| {
        format!("{{\"name\":{},\"type\":\"string\",\"required\":{required}}}", quote(name))
    };
    let fields: Vec<_> = credentials.iter().map(field).collect();
    format!("{{\"fields\":[{}]}}", fields.join(","))
}
