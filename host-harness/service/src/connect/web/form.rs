//! What a link asks for, and what was typed in.

use std::collections::BTreeMap;

use connector_contract::catalog::Manifest;
use connector_contract::setup::{Form as Content, SecretField, Setter, Setting};
use connector_runtime::{Connector, Tokens};
use connector_state::ConnectionRow;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use url::form_urlencoded;

use crate::connect::page::{FieldKind, FieldView, shown};
use crate::connect::texts;
use crate::listener::PageRequest;
use crate::vault::Secret;

const FORM: &str = "application/x-www-form-urlencoded";
/// Before the name of a secret, and of a setting, in the form.
const SECRET: &str = "secret.";
const SETTING: &str = "setting.";
/// Bytes of a setting at most.
const SETTING_BYTES: usize = 2_000;

/// What a link asks for.
pub struct Form {
    secrets: Vec<(SecretField, FieldKind)>,
    settings: Vec<Setting>,
    /// Whether the provider's page comes next.
    pub goes_on: bool,
}

/// What was typed in.
#[derive(Default)]
pub struct Filled {
    /// Secrets that are not empty, by their names.
    pub secrets: Tokens,
    /// Settings that are not empty, by their names.
    pub settings: BTreeMap<String, String>,
    /// Ties the form to its browser.
    pub proof: String,
    /// The customer does not want to.
    pub is_cancelled: bool,
}

impl Form {
    /// The form for a connection by its scheme; `None`: the connector has no such scheme any more.
    pub fn of(manifest: &Manifest, connection: &ConnectionRow) -> Option<Self> {
        let scheme = manifest.schemes.iter().find(|scheme| scheme.name == connection.scheme)?;
        let is_key = |name: &str| {
            let mut keys = manifest.key_uses.iter().filter(|rule| rule.secret == name);
            keys.any(|rule| rule.algorithm.starts_with("rsa"))
        };
        let own = scheme.secrets.iter().filter(|field| field.setter == Setter::Customer);
        let secrets = own.map(|field| {
            let kind = if is_key(&field.name) { FieldKind::Key } else { FieldKind::Secret };
            (field.clone(), kind)
        });
        let asked = |setting: &&Setting| {
            setting.setter == Setter::Customer
                && setting.default.is_none()
                && setting.required_by.contains(&scheme.name)
                && !connection.settings.contains_key(&setting.name)
        };
        let settings = manifest.settings.iter().filter(asked).cloned().collect();
        Some(Self { secrets: secrets.collect(), settings, goes_on: scheme.interactive })
    }

    /// The fields, with the settings that were typed in.
    pub fn fields(&self, filled: &Filled) -> Vec<FieldView> {
        let settings = self.settings.iter().map(|setting| FieldView {
            name: format!("{SETTING}{}", setting.name),
            title: shown(&setting.title),
            required: true,
            kind: match &setting.form {
                Content::Choice(all) => FieldKind::Choice(all.clone()),
                _ => FieldKind::Text,
            },
            value: filled.settings.get(&setting.name).cloned().unwrap_or_default(),
        });
        let secrets = self.secrets.iter().map(|(field, kind)| FieldView {
            name: format!("{SECRET}{}", field.name),
            title: shown(&field.title),
            required: field.required,
            kind: match kind {
                FieldKind::Key => FieldKind::Key,
                _ => FieldKind::Secret,
            },
            value: String::new(),
        });
        settings.chain(secrets).collect()
    }

    /// What was typed in; `None`: it is no form of this page.
    pub fn read(&self, request: &PageRequest) -> Option<Filled> {
        let kind = request.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        if !kind.split(';').next()?.trim().eq_ignore_ascii_case(FORM) {
            return None;
        }
        let mut filled = Filled::default();
        for (name, value) in form_urlencoded::parse(&request.body) {
            if value.is_empty() {
                continue;
            }
            // A line break at the end comes of copying.
            let value = value.trim_end_matches(['\r', '\n']);
            if let Some(name) = name.strip_prefix(SECRET) {
                self.secrets.iter().find(|(field, _)| field.name == name)?;
                filled.secrets.insert(name.to_owned(), Secret::new(value));
            } else if let Some(name) = name.strip_prefix(SETTING) {
                self.settings.iter().find(|setting| setting.name == name)?;
                filled.settings.insert(name.to_owned(), value.trim().to_owned());
            } else {
                match &*name {
                    "proof" => filled.proof = value.to_owned(),
                    "do" => filled.is_cancelled = value == "cancel",
                    _ => return None,
                }
            }
        }
        Some(filled)
    }

    /// What is wrong with it, in words.
    pub fn fault(&self, filled: &Filled, connector: &Connector) -> Option<String> {
        for (field, _) in &self.secrets {
            match filled.secrets.get(&field.name) {
                None if field.required => return Some(missing(&field.title)),
                None => {}
                Some(value) => {
                    if let Err(why) = connector.check_secret_value(&field.name, value) {
                        return Some(shown(&why.to_string()));
                    }
                }
            }
        }
        let mut settings = self.settings.iter();
        settings.find_map(|setting| match filled.settings.get(&setting.name) {
            None => Some(missing(&setting.title)),
            Some(value) => (value.len() > SETTING_BYTES).then(|| missing(&setting.title)),
        })
    }
}

fn missing(title: &str) -> String {
    format!("{} {}", shown(title), texts::MISSING)
}

/// What will be possible, in words: the scopes as the connector explains them, else its objects.
pub fn shared(manifest: &Manifest, scopes: &[String]) -> Vec<String> {
    let views = manifest.more.iter().find(|(name, _)| name == "views");
    let views: Value =
        views.and_then(|(_, text)| serde_json::from_str(text).ok()).unwrap_or_default();
    let in_words = |scope: &String| {
        let words = views.get("scopes").and_then(|all| all.get(scope)?.as_str());
        shown(words.unwrap_or(scope))
    };
    if !scopes.is_empty() {
        return scopes.iter().map(in_words).collect();
    }
    let objects = manifest.objects.iter().map(|object| {
        let offers = |words: &[&str]| object.operations.iter().any(|one| words.contains(&&**one));
        let verbs = texts::OPERATIONS.iter().filter(|(words, _)| offers(words));
        let verbs: Vec<&str> = verbs.map(|(_, verb)| *verb).collect();
        shown(&format!("{}: {}", object.title, verbs.join(", ")))
    });
    objects.collect()
}
