//! Origins of a manifest, in which settings of a connection stand.

use connector_contract::setup::{Form, Setting};

use crate::setting::Settings;

/// Origins that the choices of one template make; more than anybody needs.
const CHOICES: usize = 1_000;

/// A text in which settings of a connection stand as `{name}`: an origin of a manifest, which is
/// `https://host[:port]` with settings in its host, or one setting alone; a user name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<TemplatePart>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePart {
    /// Stands for itself.
    Text(String),
    /// Stands for the value of the setting of this name.
    Setting(String),
}

impl Template {
    /// Reads a text of a manifest.
    ///
    /// # Errors
    /// When its braces do not match.
    pub fn read(text: &str) -> Result<Self, String> {
        let odd = || "its braces do not match".to_owned();
        let mut parts = Vec::new();
        for (index, part) in text.split('{').enumerate() {
            let (name, text) = match (index, part.split_once('}')) {
                (0, None) => (None, part),
                (0, Some(_)) | (_, None | Some(("", _))) => return Err(odd()),
                (_, Some((name, text))) => (Some(name), text),
            };
            if text.contains('}') {
                return Err(odd());
            }
            parts.extend(name.map(|name| TemplatePart::Setting(name.to_owned())));
            let text = Some(text).filter(|text| !text.is_empty());
            parts.extend(text.map(|text| TemplatePart::Text(text.to_owned())));
        }
        Ok(Self(parts))
    }

    /// The setting that is all of it.
    pub fn as_setting(&self) -> Option<&str> {
        match &self.0[..] {
            [TemplatePart::Setting(name)] => Some(name),
            _ => None,
        }
    }

    /// The settings in it.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            TemplatePart::Setting(name) => Some(name.as_str()),
            TemplatePart::Text(_) => None,
        })
    }

    /// The text with the values of `settings`.
    ///
    /// # Errors
    /// The name of a setting without a value.
    pub fn fill(&self, settings: &Settings) -> Result<String, String> {
        let value = |part: &TemplatePart| match part {
            TemplatePart::Text(text) => Ok(text.clone()),
            TemplatePart::Setting(name) => settings.get(name).ok_or_else(|| name.clone()),
        };
        self.0.iter().map(value).collect()
    }

    /// Whether the origin is safe to declare: whatever is set, requests go to a domain that the
    /// manifest names, or to a URL of the form that it says.
    ///
    /// # Errors
    /// What is wrong, for the connector's author.
    pub fn check(&self, settings: &[Setting]) -> Result<(), String> {
        if let Some(name) = self.as_setting() {
            return match form(settings, name)? {
                Form::Url(_) => Ok(()),
                _ => Err(format!("the setting \"{name}\" is all of it, so it must be of form url")),
            };
        }
        let mut texts = vec![String::new()];
        for part in &self.0 {
            let values = match part {
                TemplatePart::Text(text) => vec![text.clone()],
                TemplatePart::Setting(name) => match form(settings, name)? {
                    // No label holds this, so it marks where one stands.
                    Form::Label => vec![LABEL.to_owned()],
                    Form::Choice(choices) if !choices.is_empty() => choices.clone(),
                    _ => {
                        return Err(format!(
                            "the setting \"{name}\" is a part of it, so it must be of form label or choice"
                        ));
                    }
                },
            };
            texts = texts
                .iter()
                .flat_map(|text| values.iter().map(move |value| format!("{text}{value}")))
                .collect();
            if texts.len() > CHOICES {
                return Err(format!("its choices make more than {CHOICES} origins"));
            }
        }
        texts.iter().try_for_each(|text| check_literal(text))
    }
}

/// Stands for any label while an origin is judged.
const LABEL: &str = "_";

fn check_literal(text: &str) -> Result<(), String> {
    let Some(authority) = text.strip_prefix("https://") else {
        return Err("it must begin with https://".to_owned());
    };
    let (host, port) =
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    if port.is_some_and(|port| port.parse::<u16>().is_err() || port.starts_with('0')) {
        return Err("its port is no number from 1 to 65535".to_owned());
    }
    let marked = host.replace(LABEL, "x");
    let is_name = marked.split('.').all(crate::setting::is_label)
        && !host.is_empty()
        && host == host.to_ascii_lowercase()
        && url::Host::parse(&marked).is_ok_and(|host| matches!(host, url::Host::Domain(_)));
    if !is_name {
        return Err("its host must be a name in lower case, without user, path or query".to_owned());
    }
    let Some((_, after)) = host.rsplit_once(LABEL) else { return Ok(()) };
    // What follows the label within its own part of the name is its, too.
    let domain = after.split_once('.').map_or("", |(_, domain)| domain);
    if is_one_owners(domain) {
        return Ok(());
    }
    Err(format!(
        "a customer would choose the domain and not only a part of it: \"{domain}\" is nobody's own"
    ))
}

/// Whether everything below this name belongs to one owner, so far as the Public Suffix List
/// tells: a registrable domain, or a suffix that a private owner has listed.
#[cfg(feature = "public-suffixes")]
fn is_one_owners(domain: &str) -> bool {
    let Some(suffix) = psl::suffix(domain.as_bytes()) else { return false };
    suffix.typ() == Some(psl::Type::Private) || domain.len() > suffix.as_bytes().len()
}

/// Without that list: two labels at least, and the one before the last is longer than those under which a
/// country sells domains (`co.uk`, `com.au`).
#[cfg(not(feature = "public-suffixes"))]
fn is_one_owners(domain: &str) -> bool {
    domain.rsplit('.').nth(1).is_some_and(|label| label.len() > 3)
}

fn form<'a>(settings: &'a [Setting], name: &str) -> Result<&'a Form, String> {
    let found = settings.iter().find(|setting| setting.name == name);
    found
        .map(|setting| &setting.form)
        .ok_or_else(|| format!("the setting \"{name}\" is not declared"))
}

#[cfg(test)]
mod tests {
    use connector_contract::setup::Setter;

    use super::*;

    fn settings() -> Vec<Setting> {
        let forms = [
            ("shop", Form::Label),
            ("region", Form::Choice(vec!["eu".to_owned(), "us".to_owned()])),
            ("odd", Form::Choice(vec!["eu".to_owned(), "a@b".to_owned()])),
            ("tld", Form::Choice(vec!["com".to_owned(), "co.uk".to_owned()])),
            ("url", Form::Url(vec!["*".to_owned()])),
            ("note", Form::Text),
        ];
        let setting = |(name, form): (&str, Form)| Setting {
            name: name.to_owned(),
            title: String::new(),
            default: None,
            setter: Setter::Customer,
            form,
            required_by: vec![],
        };
        forms.map(setting).into()
    }

    #[test]
    fn a_customer_chooses_a_part_of_a_domain_and_never_the_domain() {
        for (origin, allowed) in [
            ("https://api.example.com", true),
            ("https://api.example.com:8443", true),
            ("https://{shop}.shops.example", true),
            ("https://{shop}.api.example.co.uk", true),
            ("https://{shop}-admin.example.com", true),
            ("https://{region}.api.example.com", true),
            ("https://accounts.example.{tld}", true),
            ("https://{shop}.{region}.example.com", true),
            ("{url}", true),
            ("https://{shop}.com", false),
            ("https://{shop}.co.uk", false),
            ("https://{shop}example.com", false),
            ("https://example.{shop}", false),
            ("https://{shop}", false),
            ("https://{shop}.{tld}", false),
            ("https://{odd}.example.com", false),
            ("https://{note}.example.com", false),
            ("https://{url}.example.com", false),
            ("https://{none}.example.com", false),
            ("{shop}", false),
            ("{note}", false),
            ("{none}", false),
            ("http://api.example.com", false),
            ("https://10.0.0.1", false),
            ("https://API.example.com", false),
            ("https://u@api.example.com", false),
            ("https://api.example.com/", false),
            ("https://api.example.com:0", false),
            ("https://api.example.com:{shop}", false),
            ("https://api..example.com", false),
            ("https://{shop.example.com", false),
            ("https://shop}.example.com", false),
            ("", false),
        ] {
            let checked = Template::read(origin).and_then(|origin| origin.check(&settings()));
            assert_eq!(checked.is_ok(), allowed, "{origin}: {checked:?}");
        }
    }

    #[test]
    fn a_template_needs_its_settings() {
        let template = Template::read("https://{shop}.example.com").unwrap();
        assert_eq!(template.fill(&Settings::default()), Err("shop".to_owned()));
        let given = [("shop".to_owned(), ("acme".to_owned(), Setter::Customer))];
        let settings = Settings::new(given.into());
        assert_eq!(template.fill(&settings), Ok("https://acme.example.com".to_owned()));
    }
}
