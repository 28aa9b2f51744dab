//! A new connection, or one anew. The form is the manifest's; what is done is the API's.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use connector_contract::catalog::Manifest;
use connector_contract::setup::{Form as SettingForm, Scheme, Setter, Setting};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::act::{Call, Form, told};
use super::guard::Asker;
use super::page::{Page, Screen, html};
use super::parts::href;
use super::{At, Console};
use crate::authorise::Scope;
use crate::extract::Query;
use crate::problem::Problem;
use crate::routes::encoded;

pub fn routes() -> Router<At> {
    Router::new().route("/connect", get(show).post(make))
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// Name of a connection that is made anew.
    c: String,
    scheme: String,
}

struct SchemeView {
    title: String,
    text: String,
    href: String,
    is_here: bool,
}

/// A field of the form.
struct Field {
    /// Its name in the form.
    name: String,
    title: String,
    hint: String,
    kind: Kind,
    required: bool,
    value: String,
}

enum Kind {
    Secret,
    Key,
    Text,
    Choice(Vec<String>),
}

#[derive(Template)]
#[template(path = "console/connect.html")]
struct ConnectPage {
    page: Page,
    name: String,
    is_anew: bool,
    scheme: String,
    schemes: Vec<SchemeView>,
    secrets: Vec<Field>,
    settings: Vec<Field>,
    operator: Vec<Field>,
    fault: Option<String>,
    verb: &'static str,
    provider: String,
    may: Vec<(&'static str, String)>,
    next: Vec<(&'static str, String)>,
    refused: bool,
}

async fn show(
    State(console): State<At>,
    asker: Asker,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let page = page(&console, &asker, &asked, &BTreeMap::new(), None).await?;
    Ok(html(StatusCode::OK, &page))
}

fn scheme<'m>(manifest: &'m Manifest, name: &str) -> Result<&'m Scheme, Problem> {
    let mut all = manifest.schemes.iter();
    let found = if name.is_empty() { all.next() } else { all.find(|scheme| scheme.name == name) };
    found.ok_or_else(|| {
        let names: Vec<&str> = manifest.schemes.iter().map(|scheme| scheme.name.as_str()).collect();
        Problem::unknown("scheme", name, &names).of_input()
    })
}

/// The form; `given`: what was typed before, but for secrets.
async fn page(
    console: &Console,
    asker: &Asker,
    asked: &Asked,
    given: &BTreeMap<String, String>,
    fault: Option<String>,
) -> Result<ConnectPage, Problem> {
    let manifest = console.app.connector.manifest();
    let before = match asked.c.as_str() {
        "" => None,
        name => Some(console.app.row(name).await?),
    };
    let wanted = match (&asked.scheme, &before) {
        (scheme, Some(row)) if scheme.is_empty() => row.scheme.clone(),
        (scheme, _) => scheme.clone(),
    };
    let scheme = scheme(manifest, &wanted)?;
    let name = given.get("name").cloned().unwrap_or_else(|| asked.c.clone());
    let is_anew = before.is_some();
    let page =
        console.page(asker, Screen::Connect, before.as_ref().map(|row| row.name.as_str())).await?;
    let shown = if name.is_empty() { "NAME" } else { &name };
    let title = if is_anew { format!("Connect {name} anew") } else { "New connection".to_owned() };
    let lead = format!(
        "A connection is one account at {}. What you type is sealed before it is kept, and is shown to \
         nobody again, you included.",
        manifest.title
    );
    let command = format!("connector-host connect {} --connection {shown}", scheme.name);
    let page = page.titled(title).lead(lead).command(command);
    let schemes = manifest.schemes.iter().map(|one| SchemeView {
        title: one.title.clone(),
        text: if one.interactive {
            format!("By a page of {}, which asks for consent and comes back.", manifest.title)
        } else {
            let fields: Vec<&str> = one.secrets.iter().map(|field| field.title.as_str()).collect();
            format!("You give: {}.", fields.join(", "))
        },
        href: href("/connect", &[("c", &asked.c), ("scheme", &one.name)]),
        is_here: one.name == scheme.name,
    });
    let is_key = |name: &str| {
        let mut keys = manifest.key_uses.iter().filter(|key| key.secret == name);
        keys.any(|key| key.algorithm.starts_with("rsa"))
    };
    // By a link, customers give their own.
    let by_link = scheme.interactive || is_anew;
    let given_here = scheme.secrets.iter();
    let given_here = given_here.filter(|field| !by_link || field.setter == Setter::Operator);
    let secrets = given_here.map(|field| Field {
        name: format!("secret.{}", field.name),
        title: field.title.clone(),
        hint: match field.setter {
            Setter::Operator => "Given by whoever runs this host.".to_owned(),
            _ => String::new(),
        },
        kind: if is_key(&field.name) { Kind::Key } else { Kind::Secret },
        required: field.required,
        value: String::new(),
    });
    let fields = manifest.settings.iter().filter(|setting| setting.setter != Setter::Connector);
    let fields = fields.map(|setting| field(setting, scheme, given));
    // What has a value of its own, or is not needed, is folded.
    let (settings, operator) = fields.partition(|field| field.required);
    let verb = match (scheme.interactive, is_anew) {
        (true, _) | (_, true) => "Go on",
        (false, false) => "Keep and read",
    };
    let may = vec![
        ("Connector", format!("{} {}", manifest.title, manifest.version)),
        ("Endpoints", manifest.endpoints.len().to_string()),
        ("Limits", manifest.limits.len().to_string()),
        ("Sees your secrets", "never".to_owned()),
    ];
    let next = vec![
        ("It is kept.", "A secret that cannot be one is refused, and nothing is kept.".to_owned()),
        (
            "Everything is read.",
            "As fast as the provider's limits allow; the overview says how far it is.".to_owned(),
        ),
        (
            "Events are subscribed to.",
            format!("At a terminal: connector-host subscribe --connection {shown}"),
        ),
    ];
    Ok(ConnectPage {
        page,
        name,
        is_anew,
        scheme: scheme.name.clone(),
        schemes: schemes.collect(),
        secrets: secrets.collect(),
        settings,
        operator,
        fault,
        verb,
        provider: manifest.title.clone(),
        may,
        next,
        refused: !asker.may(Scope::Admin),
    })
}

fn field(setting: &Setting, scheme: &Scheme, given: &BTreeMap<String, String>) -> Field {
    let name = format!("setting.{}", setting.name);
    let value = given.get(&name).cloned();
    let hint = match (&setting.default, &setting.form) {
        (Some(default), _) => format!("Without one: {default}"),
        (None, SettingForm::Url(_)) => "An https address.".to_owned(),
        (None, _) => String::new(),
    };
    Field {
        title: setting.title.clone(),
        hint,
        kind: match &setting.form {
            SettingForm::Choice(all) => Kind::Choice(all.clone()),
            _ => Kind::Text,
        },
        required: setting.default.is_none() && setting.required_by.contains(&scheme.name),
        value: value.unwrap_or_default(),
        name,
    }
}

async fn make(
    State(console): State<At>,
    asker: Asker,
    Form(mut given): Form<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let mut take = |name: &str| given.remove(name).unwrap_or_default();
    let (key, anew, wanted) = (take("key"), take("c"), take("scheme"));
    let name = if anew.is_empty() { take("name").trim().to_owned() } else { anew.clone() };
    let scheme = scheme(console.app.connector.manifest(), &wanted)?;
    let part = |prefix: &str| -> BTreeMap<String, String> {
        let of = given.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)));
        let of = of.filter(|(_, value)| !value.is_empty());
        // A browser sends the lines of a key as a form has them.
        of.map(|(name, value)| (name.to_owned(), value.replace("\r\n", "\n"))).collect()
    };
    let (secrets, settings) = (part("secret."), part("setting."));
    let own = encoded(&name);
    let (method, path, body) = if scheme.interactive || !anew.is_empty() {
        let path = format!("/v1/connections/{own}/connect");
        let settings = if anew.is_empty() { settings } else { BTreeMap::new() };
        (
            Method::POST,
            path,
            json!({"scheme": scheme.name, "settings": settings, "secrets": secrets}),
        )
    } else {
        let body =
            json!({"name": name, "scheme": scheme.name, "settings": settings, "secrets": secrets});
        (Method::POST, "/v1/connections".to_owned(), body)
    };
    let call = Call { method, path: &path, body: Some(body), key: &key };
    match Box::pin(console.call(&asker, call)).await {
        Ok(answer) if scheme.interactive || !anew.is_empty() => {
            let url = answer.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
            let page = console.page(&asker, Screen::Connect, None).await?;
            let page = page.titled(format!("Connect {name}"));
            let is_link = url.starts_with("https://") || url.starts_with("http://");
            let url = if is_link { url } else { String::new() };
            Ok(html(StatusCode::OK, &LinkPage { page, url }))
        }
        Ok(_) => {
            let begun = console.begin_sync(&asker, &name, &key);
            let text = match begun {
                Ok(_) => format!("{name} is kept, and is being read for the first time."),
                Err(why) => format!("{name} is kept. {}", told(&why)),
            };
            Ok(console.done(&asker, &format!("/c/{own}"), Ok(text)))
        }
        Err(why) => {
            given.retain(|field, _| !field.starts_with("secret."));
            given.insert("name".to_owned(), name);
            let asked = Asked { c: anew, scheme: wanted };
            let page = page(&console, &asker, &asked, &given, Some(told(&why))).await?;
            let status =
                StatusCode::from_u16(why.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            Ok(html(status, &page))
        }
    }
}

/// Where the customer goes on, in this browser or another.
#[derive(Template)]
#[template(path = "console/link.html")]
struct LinkPage {
    page: Page,
    url: String,
}
