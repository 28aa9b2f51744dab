//! What a setting may hold, and who may give it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use connector_contract::catalog::Manifest;
use connector_contract::setup::{Form, Setter, Setting};
use thiserror::Error;
use url::{Host, Url};

use crate::lock;

/// Name of the setting that holds the authentication scheme, in every connector; the host's own.
pub const SCHEME: &str = "scheme";

/// Where a URL may lead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AddressSpace {
    /// To public addresses, by https, by name and on the usual port.
    #[default]
    Public,
    /// To private addresses too, also by http, as a literal and on any port: only an operator may
    /// allow this, for simulators and proxies of their own.
    Private,
}

/// A value that a setting cannot have.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadSetting {
    /// It has not the form that the manifest says.
    #[error("the setting \"{name}\" cannot be \"{value}\": {why}")]
    Form {
        /// Which setting.
        name: String,
        /// As given.
        value: String,
        /// What it should be.
        why: String,
    },
    /// It is not for them to say.
    #[error("the setting \"{name}\" is given by the {by}, and not by the {from}")]
    Setter {
        /// Which setting.
        name: String,
        /// Who gives it.
        by: &'static str,
        /// Who tried.
        from: &'static str,
    },
}

/// The settings of one connection, each with who gave it: given, declared as default, or learned
/// while connecting.
#[derive(Debug, Default)]
pub struct Settings(Mutex<BTreeMap<String, (String, Setter)>>);

impl Settings {
    /// These values, each with who gave it.
    pub fn new(given: BTreeMap<String, (String, Setter)>) -> Self {
        Self(Mutex::new(given))
    }

    /// The value of a setting.
    pub fn get(&self, name: &str) -> Option<String> {
        lock(&self.0).get(name).map(|(value, _)| value.clone())
    }

    /// Whether the operator answers for the value, who may open what customers may not.
    pub fn is_operators(&self, name: &str) -> bool {
        matches!(lock(&self.0).get(name), Some((_, Setter::Operator)))
    }

    /// Takes what the connector learned, checked by [`learned`]. What is left out stays.
    pub fn learn(&self, values: &BTreeMap<String, String>) {
        let values = values.clone().into_iter();
        lock(&self.0).extend(values.map(|(name, value)| (name, (value, Setter::Connector))));
    }
}

/// Checks a value that `from` gives. The operator may give a customer's settings too, and URLs in
/// `space`; those of others are in the public one.
///
/// # Errors
/// [`BadSetting`].
pub fn check(
    setting: &Setting,
    value: &str,
    from: Setter,
    space: AddressSpace,
) -> Result<(), BadSetting> {
    let name = setting.name.clone();
    if from != setting.setter && (from, setting.setter) != (Setter::Operator, Setter::Customer) {
        return Err(BadSetting::Setter { name, by: called(setting.setter), from: called(from) });
    }
    let space = if from == Setter::Operator { space } else { AddressSpace::Public };
    let fits = fits(&setting.form, value, space);
    fits.map_err(|why| BadSetting::Form { name, value: value.to_owned(), why })
}

/// Those of the values that a connector learned which its manifest declares; others are ignored,
/// so that later versions may give names a meaning.
///
/// # Errors
/// [`BadSetting`] of the first that may not be kept.
pub fn learned(
    manifest: &Manifest,
    told: Vec<(String, String)>,
) -> Result<BTreeMap<String, String>, BadSetting> {
    let declared = |name: &str| manifest.settings.iter().find(|setting| setting.name == name);
    let kept = told.into_iter().filter_map(|(name, value)| Some((declared(&name)?, name, value)));
    kept.map(|(setting, name, value)| {
        check(setting, &value, Setter::Connector, AddressSpace::Public).map(|()| (name, value))
    })
    .collect()
}

/// Whether `value` has this form.
///
/// # Errors
/// What it should be.
pub fn fits(form: &Form, value: &str, space: AddressSpace) -> Result<(), String> {
    match form {
        Form::Text | Form::IdOf(_) if value.chars().any(char::is_control) => {
            Err("it holds a control character".to_owned())
        }
        Form::IdOf(object) if value.is_empty() => Err(format!("it is the id of one of {object}")),
        Form::Text | Form::IdOf(_) => Ok(()),
        Form::Label if is_label(value) => Ok(()),
        Form::Label => {
            Err("it is one label of a host name: letters, digits and hyphens, no dot (RFC 1123)"
                .to_owned())
        }
        Form::Choice(choices) if choices.iter().any(|choice| choice == value) => Ok(()),
        Form::Choice(choices) => Err(format!("it is one of {}", choices.join(", "))),
        Form::Url(hosts) => fits_url(hosts, value, space),
    }
}

/// One label of a host name (RFC 1123 section 2.1).
pub fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Reads the URL of a server.
///
/// # Errors
/// What is wrong, as the rest of a sentence about it.
pub fn read_url(text: &str, space: AddressSpace) -> Result<Url, &'static str> {
    // Parsing would take some of them away, and whoever reads the setting would not.
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("holds a space or a line break: take it out");
    }
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("is neither https nor http");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("holds a query or a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name");
    }
    let is_public = space == AddressSpace::Public;
    if url.scheme() == "http" && is_public {
        return Err("is not https; --allow-private allows http");
    }
    if matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))) && is_public {
        return Err("is an address; --allow-private allows them");
    }
    Ok(url)
}

fn fits_url(hosts: &[String], value: &str, space: AddressSpace) -> Result<(), String> {
    let url = read_url(value, space).map_err(|why| format!("it {why}"))?;
    if url.port().is_some() && space == AddressSpace::Public {
        return Err("it names a port; --allow-private allows that".to_owned());
    }
    let fits = hosts.iter().any(|pattern| match url.host() {
        Some(Host::Domain(name)) => covers(pattern, name.strip_suffix('.').unwrap_or(name)),
        _ => pattern == "*",
    });
    if fits { Ok(()) } else { Err(format!("its host is one of {}", hosts.join(", "))) }
}

/// Whether `host`, in lower case and punycode, is one that `pattern` means.
fn covers(pattern: &str, host: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let name = pattern.strip_prefix("*.");
    let Ok(Host::Domain(parsed)) = Host::parse(name.unwrap_or(pattern)) else { return false };
    let before = host.strip_suffix(&parsed);
    before.is_some_and(|before| match name {
        Some(_) => before.len() > 1 && before.ends_with('.'),
        None => before.is_empty(),
    })
}

/// As people call them.
fn called(setter: Setter) -> &'static str {
    match setter {
        Setter::Operator => "operator",
        Setter::Customer => "customer",
        Setter::Connector => "connector",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(form: &Form, value: &str) -> bool {
        fits(form, value, AddressSpace::Public).is_ok()
    }

    #[test]
    fn a_label_is_one_part_of_a_host_name() {
        for good in ["acme", "a", "acme-2", "Xn--bcher-kva", &"a".repeat(63)] {
            assert!(fit(&Form::Label, good), "{good}");
        }
        for bad in [
            "",
            ".",
            "a.b",
            "acme.evil.com/",
            "a@b",
            "a:443",
            "a/b",
            "a?b",
            "a#b",
            "a b",
            "-a",
            "a-",
            "a_b",
            "bücher",
            "a\r\nb",
            "%61",
            &"a".repeat(64),
        ] {
            assert!(!fit(&Form::Label, bad), "{bad}");
        }
    }

    #[test]
    fn a_url_stays_within_its_hosts() {
        let form = Form::Url(vec!["*.salesforce.com".to_owned(), "login.example.com".to_owned()]);
        for good in [
            "https://eu1.salesforce.com",
            "https://a.b.SALESFORCE.com/x",
            "https://login.example.com/",
        ] {
            assert!(fit(&form, good), "{good}");
        }
        for bad in [
            "https://salesforce.com",
            "https://evilsalesforce.com",
            "https://x.salesforce.com.evil.com",
            "https://x.login.example.com",
            "https://u@eu1.salesforce.com",
            "https://eu1.salesforce.com?x",
            "https://eu1.salesforce.com#x",
            "https://eu1.salesforce.com:8443",
            "http://eu1.salesforce.com",
            "https://127.0.0.1",
            "https://evil.com\\.salesforce.com",
            "eu1.salesforce.com",
            "",
        ] {
            assert!(!fit(&form, bad), "{bad}");
        }
        assert!(
            fits(&form, "https://127.0.0.1:1", AddressSpace::Private).is_err(),
            "no operator opens the list"
        );
        let any = Form::Url(vec!["*".to_owned()]);
        assert!(fit(&any, "https://proxy.example.com") && !fit(&any, "http://127.0.0.1:8080"));
        assert!(fits(&any, "http://127.0.0.1:8080", AddressSpace::Private).is_ok());
    }

    #[test]
    fn a_setting_is_taken_from_its_setter() {
        use Setter::{Connector, Customer, Operator};
        for (setter, from, allowed) in [
            (Operator, Operator, true),
            (Operator, Customer, false),
            (Operator, Connector, false),
            (Customer, Operator, true),
            (Customer, Customer, true),
            (Customer, Connector, false),
            (Connector, Operator, false),
            (Connector, Customer, false),
            (Connector, Connector, true),
        ] {
            let setting = Setting {
                name: "shop".to_owned(),
                title: String::new(),
                default: None,
                setter,
                form: Form::Label,
                required_by: vec![],
            };
            assert_eq!(
                check(&setting, "acme", from, AddressSpace::Private).is_ok(),
                allowed,
                "{setter:?} {from:?}"
            );
        }
    }
}
