//! Whether a manifest makes sense, before anything is built on it.

use std::collections::BTreeSet;

use connector_contract::catalog::Manifest;
use connector_contract::permissions::{Endpoint, Measure, Place, SecretUse};
use connector_contract::setup::{Form, Setter, Setting};

use crate::policy::{header_name, is_framing};
use crate::setting::{AddressSpace, SCHEME, fits};
use crate::template::Template;

/// Entries of one kind; a real connector has a few dozen.
const ENTRIES: usize = 1_000;

/// What is wrong, and the rule that it breaks.
struct Broken {
    rule: &'static str,
    why: String,
}

impl Broken {
    /// The same, said of a part of the manifest.
    fn of(self, what: &str, name: &str) -> Self {
        Self { why: format!("the {what} \"{name}\": {}", self.why), ..self }
    }
}

/// H-3, which most of it is about.
impl From<String> for Broken {
    fn from(why: String) -> Self {
        Self { rule: "H-3", why }
    }
}

/// Checks a manifest against itself.
///
/// # Errors
/// The rule that it breaks and what is wrong, for the connector's author.
pub fn check(manifest: &Manifest) -> Result<(), String> {
    judge(manifest).map_err(|it| format!("{}: {}", it.rule, it.why))
}

fn judge(manifest: &Manifest) -> Result<(), Broken> {
    let uses = names(&manifest.secret_uses, |one| &one.name);
    for (kind, names) in [
        ("scheme", names(&manifest.schemes, |scheme| &scheme.name)),
        ("endpoint", names(&manifest.endpoints, |endpoint| &endpoint.name)),
        ("limit", names(&manifest.limits, |limit| &limit.name)),
        ("secret use", uses.clone()),
        ("setting", names(&manifest.settings, |setting| &setting.name)),
        ("object", names(&manifest.objects, |object| &object.name)),
    ] {
        unique(kind, &names)?;
    }
    if manifest.key_uses.len() > ENTRIES {
        return Err(format!("it declares more than {ENTRIES} key uses").into());
    }
    for scheme in &manifest.schemes {
        unique("secret", &names(&scheme.secrets, |field| &field.name))?;
    }
    if let Some(limit) = manifest.limits.iter().find(|limit| match &limit.measure {
        Measure::Requests(rate) | Measure::Points(rate) => rate.amount == 0 || rate.window_ms == 0,
        Measure::AtOnce(places) => *places == 0,
    }) {
        return Err(format!("the limit \"{}\" allows nothing", limit.name).into());
    }
    for setting in &manifest.settings {
        check_setting(manifest, setting).map_err(|why| why.of("setting", &setting.name))?;
    }
    known("delivery-secrets name", &manifest.delivery_secrets, &uses)?;
    for one in &manifest.secret_uses {
        let checked = match one.place {
            Place::FormField(_) | Place::Path(_)
                if manifest.delivery_secrets.contains(&one.name) =>
            {
                Err("it has no place in a delivery".to_owned())
            }
            _ => check_place(manifest, &one.place),
        };
        checked.map_err(|why| format!("the secret use \"{}\": {why}", one.name))?;
    }
    for endpoint in &manifest.endpoints {
        check_endpoint(manifest, endpoint).map_err(|why| why.of("endpoint", &endpoint.name))?;
    }
    Ok(())
}

fn check_setting(manifest: &Manifest, setting: &Setting) -> Result<(), Broken> {
    if setting.name == SCHEME {
        return Err("the name is reserved for the authentication scheme".to_owned().into());
    }
    let schemes = names(&manifest.schemes, |scheme| &scheme.name);
    known("it is required by", &setting.required_by, &schemes)?;
    match &setting.form {
        Form::IdOf(object) if manifest.objects.iter().all(|known| known.name != *object) => {
            return Err(format!("it is the id of \"{object}\", which is no object").into());
        }
        Form::Choice(choices) if choices.is_empty() => {
            return Err("it has no choice".to_owned().into());
        }
        Form::Url(hosts) if hosts.is_empty() => return Err("it allows no host".to_owned().into()),
        Form::Url(hosts)
            if setting.setter == Setter::Connector && hosts.iter().any(|it| it == "*") =>
        {
            let why = "a connector may learn no URL of any host".to_owned();
            return Err(Broken { rule: "H-7", why });
        }
        _ => {}
    }
    match &setting.default {
        Some(value) => fits(&setting.form, value, AddressSpace::Public)
            .map_err(|why| format!("its default does not fit: {why}").into()),
        None => Ok(()),
    }
}

fn check_place(manifest: &Manifest, place: &Place) -> Result<(), String> {
    match place {
        Place::Header(place) => check_header(&place.name),
        Place::BasicPassword(user) => {
            let user = Template::read(user)?;
            let named: Vec<String> = user.settings().map(str::to_owned).collect();
            let settings = names(&manifest.settings, |setting| &setting.name);
            known("its user name names the setting", &named, &settings)
        }
        Place::BasicUser(_) | Place::Path(_) => Ok(()),
        Place::FormField(name) | Place::Query(name) if name.is_empty() => {
            Err("its place has no name".to_owned())
        }
        Place::FormField(_) | Place::Query(_) => Ok(()),
        Place::Json(pointer) => check_pointer(pointer),
        Place::Other(name) => Err(format!("this host does not know the place \"{name}\"")),
    }
}

fn check_header(name: &str) -> Result<(), String> {
    match header_name(name)? {
        header if is_framing(&header) => Err(format!("the header {name} belongs to the host")),
        _ => Ok(()),
    }
}

fn check_pointer(pointer: &str) -> Result<(), String> {
    match pointer.starts_with('/') {
        true => Ok(()),
        false => Err(format!("\"{pointer}\" is no JSON Pointer to a member (RFC 6901)")),
    }
}

fn check_endpoint(manifest: &Manifest, endpoint: &Endpoint) -> Result<(), Broken> {
    let method = &endpoint.method;
    if method.is_empty() || method.chars().any(|c| !c.is_ascii_uppercase()) {
        return Err("it needs an upper-case method".to_owned().into());
    }
    let limits = names(&manifest.limits, |limit| &limit.name);
    known("it names the limit", &endpoint.limits, &limits)?;
    let uses = names(&manifest.secret_uses, |one| &one.name);
    known("it names the secret use", &endpoint.secret_uses, &uses)?;
    for capture in &endpoint.captures {
        match &capture.place {
            Place::Header(place) => check_header(&place.name)?,
            Place::Json(pointer) => check_pointer(pointer)?,
            _ => return Err("it captures outside json and header".to_owned().into()),
        }
    }
    let origin = Template::read(&endpoint.origin)
        .and_then(|origin| origin.check(&manifest.settings).map(|()| origin))
        .map_err(|why| format!("its origin \"{}\" cannot be used: {why}", endpoint.origin))
        .map_err(|why| Broken { rule: "H-4", why })?;
    let named = |one: &&SecretUse| endpoint.secret_uses.contains(&one.name);
    let uses: Vec<&SecretUse> = manifest.secret_uses.iter().filter(named).collect();
    check_path(endpoint, &origin, &uses)?;
    nothing_of_the_operators(manifest, &origin, &uses).map_err(|why| Broken { rule: "H-8", why })
}

/// A path's placeholders are its secret uses of that place, each once.
fn check_path(endpoint: &Endpoint, origin: &Template, uses: &[&SecretUse]) -> Result<(), String> {
    let path = &endpoint.path;
    if !(path.starts_with('/') || path.is_empty() && origin.as_setting().is_some()) {
        return Err(format!(
            "its path \"{path}\" must begin with /; it may be empty where the origin is the URL in a setting"
        ));
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let odd = segments.iter().enumerate().find(|(place, segment)| {
        let is_last = place + 1 == segments.len();
        let is_braced = segment.starts_with('{') && segment.ends_with('}');
        match **segment {
            "*" => false,
            "**" => !is_last,
            other => other.contains('*') || (other.contains(['{', '}']) && !is_braced),
        }
    });
    if let Some((_, segment)) = odd {
        return Err(format!(
            "the segment \"{segment}\" of its path is neither literal, nor *, a last ** or {{secret use}}"
        ));
    }
    let in_path = uses.iter().filter(|one| matches!(one.place, Place::Path(_)));
    let in_path: Vec<String> = in_path.map(|one| format!("{{{}}}", one.name)).collect();
    for own in &in_path {
        if segments.iter().filter(|segment| *segment == own).count() != 1 {
            return Err(format!("its path holds {own} not exactly once"));
        }
    }
    let is_unknown =
        |segment: &&&str| segment.starts_with('{') && in_path.iter().all(|own| own != **segment);
    match segments.iter().find(is_unknown) {
        Some(segment) => Err(format!("{segment} in its path is none of its secret uses")),
        None => Ok(()),
    }
}

/// Where a customer says any host, the operator's secrets would go to the customer.
fn nothing_of_the_operators(
    manifest: &Manifest,
    origin: &Template,
    uses: &[&SecretUse],
) -> Result<(), String> {
    let Some(name) = origin.as_setting() else { return Ok(()) };
    let is_open = |setting: &Setting| {
        (setting.name == name && setting.setter == Setter::Customer)
            && matches!(&setting.form, Form::Url(hosts) if hosts.iter().any(|host| host == "*"))
    };
    if !manifest.settings.iter().any(is_open) {
        return Ok(());
    }
    let fields = manifest.schemes.iter().flat_map(|scheme| &scheme.secrets);
    let mut operators = fields.filter(|field| field.setter == Setter::Operator);
    match operators.find(|field| uses.iter().any(|one| one.secret == field.name)) {
        Some(field) => Err(format!(
            "the customer says by \"{name}\" where it goes, so the operator's secret \"{}\" may not go there",
            field.name
        )),
        None => Ok(()),
    }
}

fn names<T>(entries: &[T], name: impl Fn(&T) -> &String) -> Vec<&str> {
    entries.iter().map(|entry| name(entry).as_str()).collect()
}

fn unique(kind: &str, names: &[&str]) -> Result<(), String> {
    if names.len() > ENTRIES {
        return Err(format!("it declares more than {ENTRIES} entries of the kind {kind}"));
    }
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| name.is_empty() || !seen.insert(**name)) {
        Some(name) => Err(format!("the {kind} name \"{name}\" is empty or declared twice")),
        None => Ok(()),
    }
}

fn known(what: &str, names: &[String], declared: &[&str]) -> Result<(), String> {
    match names.iter().find(|name| !declared.contains(&name.as_str())) {
        Some(name) => Err(format!("{what} \"{name}\", which is not declared")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
