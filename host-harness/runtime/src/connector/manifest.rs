//! Whether a manifest makes sense, before anything is built on it.

use std::collections::BTreeSet;

use connector_contract::catalog::Manifest;
use connector_contract::permissions::{Endpoint, Measure, Place, SecretUse};
use connector_contract::setup::{Form, Setter, Setting};
use http::header::HeaderName;

use crate::egress::{Template, frames};
use crate::setting::{SCHEME, fits};

/// Entries of one kind; a real connector has a few dozen.
const ENTRIES: usize = 1_000;

/// Checks a manifest against itself.
///
/// # Errors
/// What is wrong, for the connector's author.
pub(super) fn check(manifest: &Manifest) -> Result<(), String> {
    let sizes = [
        ("schemes", manifest.schemes.len()),
        ("endpoints", manifest.endpoints.len()),
        ("limits", manifest.limits.len()),
        ("secret-uses", manifest.secret_uses.len()),
        ("key-uses", manifest.key_uses.len()),
        ("settings", manifest.settings.len()),
        ("objects", manifest.objects.len()),
    ];
    if let Some((kind, count)) = sizes.into_iter().find(|(_, count)| *count > ENTRIES) {
        return Err(format!("{count} {kind} are more than {ENTRIES}"));
    }
    unique("scheme", manifest.schemes.iter().map(|scheme| scheme.name.as_str()))?;
    unique("endpoint", manifest.endpoints.iter().map(|endpoint| endpoint.name.as_str()))?;
    unique("limit", manifest.limits.iter().map(|limit| limit.name.as_str()))?;
    unique("secret use", manifest.secret_uses.iter().map(|one| one.name.as_str()))?;
    unique("setting", manifest.settings.iter().map(|setting| setting.name.as_str()))?;
    unique("object", manifest.objects.iter().map(|object| object.name.as_str()))?;
    for scheme in &manifest.schemes {
        unique("secret", scheme.secrets.iter().map(|field| field.name.as_str()))?;
    }
    manifest.limits.iter().try_for_each(|limit| match &limit.measure {
        Measure::Requests(rate) | Measure::Points(rate)
            if rate.amount == 0 || rate.window_ms == 0 =>
        {
            Err(format!("the limit \"{}\" allows nothing", limit.name))
        }
        Measure::AtOnce(0) => Err(format!("the limit \"{}\" allows nothing", limit.name)),
        _ => Ok(()),
    })?;
    manifest.settings.iter().try_for_each(|setting| {
        check_setting(manifest, setting)
            .map_err(|why| format!("the setting \"{}\": {why}", setting.name))
    })?;
    manifest.secret_uses.iter().try_for_each(|one| {
        check_place(manifest, &one.place)
            .map_err(|why| format!("the secret use \"{}\": {why}", one.name))
    })?;
    let uses = manifest.secret_uses.iter().map(|one| one.name.as_str()).collect();
    known("delivery-secrets name", &manifest.delivery_secrets, &uses)?;
    if let Some(one) = manifest.secret_uses.iter().find(|one| {
        manifest.delivery_secrets.contains(&one.name)
            && matches!(one.place, Place::FormField(_) | Place::Path(_))
    }) {
        return Err(format!("the secret use \"{}\" has no place in a delivery", one.name));
    }
    manifest.endpoints.iter().try_for_each(|endpoint| {
        check_endpoint(manifest, endpoint)
            .map_err(|why| format!("the endpoint \"{}\": {why}", endpoint.name))
    })
}

fn check_setting(manifest: &Manifest, setting: &Setting) -> Result<(), String> {
    if setting.name == SCHEME {
        return Err("the name is reserved for the authentication scheme".to_owned());
    }
    let schemes = manifest.schemes.iter().map(|scheme| scheme.name.as_str()).collect();
    known("it is required by", &setting.required_by, &schemes)?;
    match &setting.form {
        Form::IdOf(object) if manifest.objects.iter().all(|known| known.name != *object) => {
            return Err(format!("it is the id of \"{object}\", which is no object"));
        }
        Form::Choice(choices) if choices.is_empty() => return Err("it has no choice".to_owned()),
        Form::Url(hosts) if hosts.is_empty() => return Err("it allows no host".to_owned()),
        Form::Url(hosts)
            if setting.setter == Setter::Connector && hosts.iter().any(|it| it == "*") =>
        {
            return Err("a connector may learn no URL of any host".to_owned());
        }
        _ => {}
    }
    let default = setting.default.as_deref();
    default
        .map_or(Ok(()), |value| fits(&setting.form, value, false))
        .map_err(|why| format!("its default does not fit: {why}"))
}

fn check_place(manifest: &Manifest, place: &Place) -> Result<(), String> {
    match place {
        Place::Header(place) => check_header(&place.name),
        Place::BasicPassword(user) => {
            let user = Template::read(user)?;
            let names: Vec<String> = user.settings().map(str::to_owned).collect();
            let settings = manifest.settings.iter().map(|setting| setting.name.as_str()).collect();
            known("its user name names the setting", &names, &settings)
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
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(header) if !frames(&header) => Ok(()),
        Ok(_) => Err(format!("the header {name} belongs to the host")),
        Err(_) => Err(format!("\"{name}\" is no header name (RFC 9110 section 5.1)")),
    }
}

fn check_pointer(pointer: &str) -> Result<(), String> {
    match pointer.starts_with('/') {
        true => Ok(()),
        false => Err(format!("\"{pointer}\" is no JSON Pointer to a member (RFC 6901)")),
    }
}

fn check_endpoint(manifest: &Manifest, endpoint: &Endpoint) -> Result<(), String> {
    let method = &endpoint.method;
    if method.is_empty() || method.chars().any(|c| !c.is_ascii_uppercase()) {
        return Err("it needs an upper-case method".to_owned());
    }
    let limits = manifest.limits.iter().map(|limit| limit.name.as_str()).collect();
    known("it names the limit", &endpoint.limits, &limits)?;
    let names = manifest.secret_uses.iter().map(|one| one.name.as_str()).collect();
    known("it names the secret use", &endpoint.secret_uses, &names)?;
    for capture in &endpoint.captures {
        match &capture.place {
            Place::Header(place) => check_header(&place.name)?,
            Place::Json(pointer) => check_pointer(pointer)?,
            _ => return Err("it captures outside json and header".to_owned()),
        }
    }
    let origin = Template::read(&endpoint.origin)
        .and_then(|origin| origin.check(&manifest.settings).map(|()| origin))
        .map_err(|why| format!("its origin \"{}\" cannot be used: {why}", endpoint.origin))?;
    let named = |one: &&SecretUse| endpoint.secret_uses.contains(&one.name);
    let uses: Vec<&SecretUse> = manifest.secret_uses.iter().filter(named).collect();
    check_path(endpoint, &origin, &uses)?;
    nothing_of_the_operators(manifest, &origin, &uses)
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
    let placed = |one: &SecretUse| {
        let own = format!("{{{}}}", one.name);
        segments.iter().filter(|segment| **segment == own).count()
    };
    let in_path = |one: &&&SecretUse| matches!(one.place, Place::Path(_));
    if let Some(one) = uses.iter().filter(in_path).find(|one| placed(one) != 1) {
        return Err(format!("its path holds {{{}}} not exactly once", one.name));
    }
    let braces = segments.iter().filter(|segment| segment.starts_with('{'));
    let mut unknown = braces.filter(|segment| {
        uses.iter().filter(in_path).all(|one| **segment != format!("{{{}}}", one.name))
    });
    match unknown.next() {
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
    let setting = manifest.settings.iter().find(|setting| setting.name == name);
    let is_customers_own = setting.is_some_and(|setting| {
        setting.setter == Setter::Customer
            && matches!(&setting.form, Form::Url(hosts) if hosts.iter().any(|host| host == "*"))
    });
    let fields = manifest.schemes.iter().flat_map(|scheme| &scheme.secrets);
    let operators: BTreeSet<&str> = fields
        .filter(|field| field.setter == Setter::Operator)
        .map(|field| field.name.as_str())
        .collect();
    let secret = uses.iter().map(|one| one.secret.as_str()).find(|it| operators.contains(it));
    match secret.filter(|_| is_customers_own) {
        Some(secret) => Err(format!(
            "the customer says by \"{name}\" where it goes, so the operator's secret \"{secret}\" may not go there"
        )),
        None => Ok(()),
    }
}

fn unique<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || !seen.insert(name) {
            return Err(format!("the {kind} name \"{name}\" is empty or declared twice"));
        }
    }
    Ok(())
}

fn known(what: &str, names: &[String], declared: &BTreeSet<&str>) -> Result<(), String> {
    match names.iter().find(|name| !declared.contains(name.as_str())) {
        Some(name) => Err(format!("{what} \"{name}\", which is not declared")),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
