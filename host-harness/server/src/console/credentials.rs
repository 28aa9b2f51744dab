//! What a connection lives on: its secrets, which are written and never shown, its settings, and what the
//! provider's limits let go.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use connector_contract::clock::unix_ms;
use connector_contract::setup::Setter;
use connector_service::documents::{self, LimitRates, LimitStatus, SecretDocument};
use connector_state::rates::minute;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::At;
use super::act::{Call, Form};
use super::chart::Bars;
use super::connection::Tab;
use super::guard::Asker;
use super::page::{Button, Page};
use super::parts::{ConfirmPage, Empty};
use super::text::{Moment, counted, cut, number};
use crate::authorise::Scope;
use crate::extract::{Path, Query};
use crate::problem::Problem;
use crate::routes::connections::OfConnection;
use crate::routes::encoded;

/// Minutes of an hour, of which each is a bar.
const HOUR: u64 = 60;
/// Minutes of the picture of one limit.
const DAY: u64 = 24 * 60;
/// Characters of a setting's value that are shown.
const VALUE: usize = 200;

pub fn routes() -> Router<At> {
    Router::new()
        .route("/c/{connection}/credentials", get(credentials).post(put))
        .route("/c/{connection}/credentials/remove", get(ask_remove).post(remove))
        .route("/c/{connection}/settings", get(settings))
        .route("/c/{connection}/limits", get(limits))
        .route("/c/{connection}/limits/data", get(limit_data))
}

/// A secret that the scheme knows, and the versions that are kept.
struct SecretView {
    name: String,
    title: String,
    versions: Vec<SecretDocument>,
    remove: Button,
}

#[derive(Template)]
#[template(path = "console/credentials.html")]
struct CredentialsPage {
    page: Page,
    href: String,
    secrets: Vec<SecretView>,
    empty: Option<Empty>,
}

#[derive(Serialize)]
struct Secrets {
    items: Vec<SecretDocument>,
}

async fn credentials(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let row = app.row(&path.connection).await?;
    // Names and versions, as the API tells them: to whoever may set them.
    let rows = if asker.may(Scope::Admin) { app.vault.list(&row).await? } else { vec![] };
    let data = Secrets { items: rows.iter().map(SecretDocument::of).collect() };
    console
        .answer(&asker, &data, async || {
            let page = console.connection_page(&asker, &row, Tab::Credentials).await?;
            let page =
                page.command(format!("connector-host secrets list --connection {}", row.name));
            let here = format!("/c/{}/credentials", encoded(&row.name));
            let schemes = &app.connector.manifest().schemes;
            let scheme = schemes.iter().find(|scheme| scheme.name == row.scheme);
            let mut known: Vec<(String, String)> = scheme
                .into_iter()
                .flat_map(|scheme| &scheme.secrets)
                .map(|field| (field.name.clone(), field.title.clone()))
                .collect();
            for one in &data.items {
                if known.iter().all(|(name, _)| *name != one.name) {
                    known.push((one.name.clone(), one.name.clone()));
                }
            }
            let secret = |(name, title): (String, String)| {
                let versions = data.items.iter().filter(|one| one.name == name).cloned().collect();
                let to = super::parts::href(&format!("{here}/remove"), &[("secret", &name)]);
                let remove = page.asks("Remove…", to, Scope::Admin);
                SecretView { name, title, versions, remove }
            };
            let secrets: Vec<SecretView> = known.into_iter().map(secret).collect();
            let empty = if !asker.may(Scope::Admin) {
                Some(Empty::new(
                    "Read only",
                    "Names and versions of secrets are for the scope admin.",
                ))
            } else if secrets.is_empty() {
                Some(Empty::new("No secrets", "This scheme has none."))
            } else {
                None
            };
            Ok(CredentialsPage { page, href: here, secrets, empty })
        })
        .await
}

#[derive(Deserialize)]
struct NewVersion {
    #[serde(default)]
    key: String,
    secret: String,
    value: String,
    #[serde(default)]
    overlap: u32,
}

async fn put(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
    Form(form): Form<NewVersion>,
) -> Result<Response, Problem> {
    let name = encoded(&path.connection);
    let to = format!("/v1/connections/{name}/secrets/{}", encoded(&form.secret));
    // A browser sends the lines of a key as a form has them.
    let value = form.value.replace("\r\n", "\n");
    let body = Some(json!({"value": value, "overlap_seconds": form.overlap}));
    let call = Call { method: Method::PUT, path: &to, body, key: &form.key };
    let outcome = Box::pin(console.call(&asker, call)).await;
    let outcome =
        outcome.map(|_| format!("{} has a new version. The value is shown nowhere.", form.secret));
    Ok(console.done(&asker, &format!("/c/{name}/credentials"), outcome))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Removing {
    key: String,
    secret: String,
    typed: String,
}

async fn ask_remove(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
    Query(asked): Query<Removing>,
) -> Result<Response, Problem> {
    removing(&console, &asker, &path.connection, &asked, None).await
}

async fn removing(
    console: &super::Console,
    asker: &Asker,
    name: &str,
    asked: &Removing,
    fault: Option<String>,
) -> Result<Response, Problem> {
    let row = console.app.row(name).await?;
    let here = format!("/c/{}/credentials", encoded(&row.name));
    let page = console.connection_page(asker, &row, Tab::Credentials).await?;
    let command =
        format!("connector-host secrets remove {} --connection {}", asked.secret, row.name);
    let page = page.titled(format!("Remove {}?", asked.secret)).command(command);
    let says = vec![
        format!("Every version of {} is erased, and cannot be brought back.", asked.secret),
        "What needs it fails until it is set again. Records stay.".to_owned(),
    ];
    let confirm = ConfirmPage {
        page,
        says,
        typed: Some(asked.secret.clone()),
        fault,
        href: format!("{here}/remove"),
        fields: vec![("secret".to_owned(), asked.secret.clone())],
        verb: format!("Remove {}", asked.secret),
        away: ("Keep it".to_owned(), here),
    };
    Ok(confirm.answer())
}

async fn remove(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
    Form(form): Form<Removing>,
) -> Result<Response, Problem> {
    if form.typed != form.secret {
        let fault = Some(format!("That is not {}. Nothing was done.", form.secret));
        return removing(&console, &asker, &path.connection, &form, fault).await;
    }
    let name = encoded(&path.connection);
    let to = format!("/v1/connections/{name}/secrets/{}", encoded(&form.secret));
    let call = Call { method: Method::DELETE, path: &to, body: None, key: &form.key };
    let outcome = Box::pin(console.call(&asker, call)).await;
    let outcome = outcome.map(|_| format!("{} is removed, every version of it.", form.secret));
    Ok(console.done(&asker, &format!("/c/{name}/credentials"), outcome))
}

#[derive(Serialize)]
struct SettingView {
    name: String,
    title: String,
    value: Option<String>,
    /// Who gives it.
    from: &'static str,
}

#[derive(Template)]
#[template(path = "console/settings.html")]
struct SettingsPage {
    page: Page,
    settings: Vec<SettingView>,
    labels: Vec<(String, String)>,
    id: String,
}

async fn settings(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let document = console.document(&path.connection).await?;
    let row = app.row(&path.connection).await?;
    let known = app.connector.manifest().settings.iter().map(|setting| SettingView {
        name: setting.name.clone(),
        title: setting.title.clone(),
        value: row
            .settings
            .get(&setting.name)
            .or(setting.default.as_ref())
            .map(|it| cut(it, VALUE)),
        from: match (row.settings.contains_key(&setting.name), setting.setter) {
            (true, Setter::Connector) => "learned while connecting",
            (true, _) => "of this connection",
            (false, _) if setting.default.is_some() => "the connector's default",
            (false, _) => "not set",
        },
    });
    let data: Vec<SettingView> = known.collect();
    console
        .answer(&asker, &data, async || {
            let page = console.connection_page(&asker, &row, Tab::Settings).await?;
            let command = format!(
                "connector-host connections list --output json | jq 'select(.name == \"{}\")'",
                row.name
            );
            let mut settings = Vec::new();
            for one in &data {
                settings.push(SettingView {
                    name: one.name.clone(),
                    title: one.title.clone(),
                    value: one.value.clone(),
                    from: one.from,
                });
            }
            let labels = document.labels.clone().into_iter().collect();
            Ok(SettingsPage { page: page.command(command), settings, labels, id: row.id.clone() })
        })
        .await
}

#[derive(Serialize)]
struct Limits {
    used_up: Vec<LimitStatus>,
    rates: Vec<LimitRates>,
}

struct LimitLine {
    name: String,
    bars: Bars,
    sent: String,
    fullest: String,
    waited: String,
    refused: String,
    href: String,
    is_here: bool,
}

#[derive(Template)]
#[template(path = "console/limits.html")]
struct LimitsPage {
    page: Page,
    lines: Vec<LimitLine>,
    used_up: Vec<(String, Moment)>,
    empty: Option<Empty>,
    /// The limit whose day is drawn, and where its numbers are.
    drawn: Option<(String, String)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AskedLimit {
    limit: String,
}

async fn limits(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
    Query(asked): Query<AskedLimit>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let row = app.row(&path.connection).await?;
    let time = app.database.time();
    let since = minute(time).saturating_sub(HOUR - 1);
    let data = Limits {
        used_up: documents::limits(&*app.database, &row, unix_ms(time)).await?,
        rates: documents::limit_rates(&*app.database, &row, since).await?,
    };
    console
        .answer(&asker, &data, async || {
            let page = console.connection_page(&asker, &row, Tab::Limits).await?;
            let command = format!("connector-host status --rates --connection {}", row.name);
            let here = format!("/c/{}/limits", encoded(&row.name));
            let first = data
                .rates
                .iter()
                .max_by_key(|limit| limit.minutes.iter().map(|minute| minute.sent).sum::<u64>());
            let drawn = match asked.limit.as_str() {
                "" => first.map(|limit| limit.limit.clone()),
                given => Some(given.to_owned()),
            };
            let line = |limit: &LimitRates| {
                let to = super::parts::href(&here, &[("limit", &limit.limit)]);
                LimitLine {
                    href: to,
                    is_here: drawn.as_ref() == Some(&limit.limit),
                    ..line(limit, since)
                }
            };
            let lines: Vec<LimitLine> = data.rates.iter().map(line).collect();
            let empty = lines.is_empty().then(|| {
                Empty::new(
                    "No request in the last hour",
                    "What each limit let go comes here, minute by minute.",
                )
            });
            let drawn = drawn.map(|limit| {
                let data = super::parts::href(&format!("{here}/data"), &[("limit", &limit)]);
                (limit, data)
            });
            let used_up = data.used_up.iter();
            let used_up = used_up.map(|one| (one.limit.name.clone(), Moment::second(one.until_ms)));
            let used_up = used_up.collect();
            Ok(LimitsPage { page: page.command(command), lines, used_up, empty, drawn })
        })
        .await
}

fn line(limit: &LimitRates, since: u64) -> LimitLine {
    let minutes = by_minute(limit, since, HOUR);
    let sum = |of: fn(&documents::MinuteRate) -> u64| limit.minutes.iter().map(of).sum::<u64>();
    let sent = sum(|minute| minute.sent);
    let title =
        format!("{}: {} in the last hour", limit.limit, counted(sent, "request", "requests"));
    LimitLine {
        name: limit.limit.clone(),
        bars: Bars::new(title, &minutes, None),
        sent: number(sent),
        fullest: number(minutes.iter().copied().max().unwrap_or_default()),
        waited: number(sum(|minute| minute.waited)),
        refused: number(sum(|minute| minute.refused)),
        href: String::new(),
        is_here: false,
    }
}

/// Requests of each minute from one on.
fn by_minute(limit: &LimitRates, since: u64, count: u64) -> Vec<u64> {
    let at = |minute| connector_service::documents::date(minute * 60_000);
    let mut sent = limit.minutes.iter().peekable();
    let value = |minute| {
        let at = at(minute);
        sent.next_if(|one| one.at == at).map_or(0, |one| one.sent)
    };
    (since..since + count).map(value).collect()
}

/// A day of a limit, as the picture takes it.
#[derive(Serialize)]
struct LimitDay {
    limit: String,
    /// Seconds since 1970 of the first minute.
    begins: u64,
    /// Requests of each minute.
    sent: Vec<u64>,
}

async fn limit_data(
    State(console): State<At>,
    Path(path): Path<OfConnection>,
    Query(asked): Query<AskedLimit>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let row = app.row(&path.connection).await?;
    let since = minute(app.database.time()).saturating_sub(DAY - 1);
    let rates = documents::limit_rates(&*app.database, &row, since).await?;
    let found = rates.iter().find(|limit| limit.limit == asked.limit);
    let sent = found.map(|limit| by_minute(limit, since, DAY)).unwrap_or_default();
    let limit = asked.limit;
    Ok(super::page::json(&LimitDay { limit, begins: since * 60, sent }))
}
