//! Records of an object, as they are kept: filtered, sorted, page by page.

mod file;
mod filters;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use connector_contract::clock::unix_ms;
use connector_service::documents::date;
use connector_state::ConnectionRow;
use connector_state::mirror::ValueCounts;
use connector_state::views::ObjectView;
use serde::Deserialize;
use serde_json::Value;

use self::filters::filters;
use super::facts::{Facts, day_number, words};
use super::guard::{Asker, Wants};
use super::overview::{main_object, object_title};
use super::page::{Link, Page, Screen};
use super::parts::{Chip, Empty, Pager, Pick, href};
use super::personal::Mask;
use super::text::{cut, number, span};
use super::{At, Console};
use crate::extract::{Path, Query};
use crate::problem::Problem;
use crate::routes::connections::OfConnection;
use crate::routes::encoded;
use crate::routes::records::{ListParameters, OfObject, RecordDocument, RecordsPage, kept, raw};

/// Records of a page.
const PAGE: u32 = 100;
/// Members that are shown where nobody says which matter.
const MEMBERS: usize = 5;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

pub fn routes() -> Router<At> {
    Router::new()
        .route("/records", get(choose))
        .route("/c/{connection}/records", get(first))
        .route("/c/{connection}/records/{object}", get(show))
}

/// What a list is filtered and sorted by.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// What a number or an order begins with.
    q: String,
    status: String,
    carrier: String,
    late: bool,
    /// Changed within so many days.
    days: Option<u32>,
    sort: String,
    after: String,
    format: String,
}

impl Asked {
    /// The same list with another filter, from its beginning.
    fn href(&self, here: &str, name: &str, value: &str) -> String {
        let days = self.days.map(|days| days.to_string()).unwrap_or_default();
        let late = if self.late { "true" } else { "" };
        let mut all = [
            ("q", self.q.as_str()),
            ("status", &self.status),
            ("carrier", &self.carrier),
            ("late", late),
            ("days", &days),
            ("sort", &self.sort),
            ("after", ""),
            ("format", ""),
        ];
        for pair in &mut all {
            if pair.0 == name {
                pair.1 = value;
            }
        }
        href(here, &all)
    }

    fn is_filtered(&self) -> bool {
        !self.q.is_empty()
            || !self.status.is_empty()
            || !self.carrier.is_empty()
            || self.late
            || self.days.is_some()
    }

    /// As the API's list is asked for it.
    fn parameters(&self, by: Option<&str>, now_ms: u64) -> ListParameters {
        let mut conditions = Vec::new();
        if let Some(by) = by {
            conditions.push(format!("{by}^={}", self.q));
        }
        for (name, value) in [("status", &self.status), ("carrier", &self.carrier)] {
            if !value.is_empty() {
                conditions.push(format!("{name}={value}"));
            }
        }
        if self.late {
            let today: String = date(now_ms).chars().take(10).collect();
            conditions.push(format!("due<{today}"));
            conditions.push("delivered=".to_owned());
        }
        if let Some(days) = self.days {
            let since = now_ms.saturating_sub(u64::from(days) * DAY_MS);
            conditions.push(format!("updated>={}", date(since)));
        }
        let (sort, desc) = match self.sort.as_str() {
            "" => (None, false),
            sort => (Some(sort.to_owned()), sort == "updated"),
        };
        let cursor = Some(self.after.clone()).filter(|after| !after.is_empty());
        ListParameters {
            cursor,
            limit: Some(PAGE),
            conditions,
            sort,
            desc,
            ..ListParameters::default()
        }
    }
}

/// The records of a connection: those of its main object.
async fn first(
    State(console): State<At>,
    Path(path): Path<OfConnection>,
) -> Result<Response, Problem> {
    let row = console.app.row(&path.connection).await?;
    let object = main_object(&console.app).await;
    let to = format!("/c/{}/records/{}", encoded(&row.name), encoded(&object));
    Ok(Redirect::to(&to).into_response())
}

struct Choice {
    name: String,
    href: String,
    records: String,
}

#[derive(Template)]
#[template(path = "console/choose.html")]
struct ChoosePage {
    page: Page,
    object: String,
    rows: Vec<Choice>,
    empty: Option<Empty>,
}

/// Whose records: of the only connection there is no question.
async fn choose(State(console): State<At>, asker: Asker) -> Result<Response, Problem> {
    let app = &console.app;
    let rows = app.database.connections().await?;
    let own = rows.into_iter().filter(|row| row.connector == app.connector.manifest().name);
    let own: Vec<ConnectionRow> = own.take(200).collect();
    if let [only] = &own[..] {
        return Ok(Redirect::to(&Screen::Records.href(Some(&only.name))).into_response());
    }
    let object = main_object(app).await;
    let mut choices = Vec::new();
    for row in &own {
        let (live, _, _) = app.database.count(&row.id, &object).await?;
        choices.push((row.name.clone(), live));
    }
    let data: Vec<_> = choices.iter().map(|(name, records)| {
        serde_json::json!({"connection": name, "object": object, "records": records})
    }).collect();
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Records, None).await?;
            let page = page
                .titled("Records")
                .lead("Each connection keeps its own.")
                .command("connector-host status");
            let choice = |(name, records): &(String, u64)| Choice {
                name: name.clone(),
                href: Screen::Records.href(Some(name)),
                records: number(*records),
            };
            let rows: Vec<Choice> = choices.iter().map(choice).collect();
            let empty = rows
                .is_empty()
                .then(|| Empty::new("No connection yet", "Records are kept for connections."));
            Ok(ChoosePage { page, object: object_title(app, &object), rows, empty })
        })
        .await
}

struct Row {
    href: String,
    facts: Facts,
    members: Vec<String>,
    changed: String,
    is_aged: bool,
}

#[derive(Template)]
#[template(path = "console/records.html")]
struct RecordsView {
    page: Page,
    here: String,
    asked: Asked,
    has_view: bool,
    names: Vec<String>,
    rows: Vec<Row>,
    chips: Vec<Chip>,
    picks: Vec<Pick>,
    can_search: bool,
    sorts: Sorts,
    empty: Option<Empty>,
    pager: Pager,
}

/// How a list is sorted.
struct Sorts {
    number: Sort,
    due: Sort,
    updated: Sort,
}

/// What sorts by a column.
struct Sort {
    /// Where that leads; `None`: it cannot be sorted by.
    href: Option<String>,
    is_here: bool,
}

async fn show(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfObject>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let app = &console.app;
    app.check_object(&path.object)?;
    let row = app.row(&path.connection).await?;
    let view = app.view().await?.and_then(|view| view.objects.get(&path.object));
    let mask = Mask::of(app.view().await?, &path.object, asker.hides);
    let now_ms = unix_ms(app.database.time());
    if asker.wants == Wants::Csv || asked.format == "csv" {
        return file::csv(&console, row, path.object, asked, view.cloned(), mask).await;
    }
    let (mut data, _) = list(&console, &row, &path.object, &asked, view, now_ms).await?;
    for item in &mut data.items {
        item.data = raw(&mask.text(item.data.get()));
    }
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Records, Some(&row.name)).await?;
            records_page(&console, page, &row, &path.object, asked.clone(), view, &data).await
        })
        .await
}

/// Records by number, and where none begins so, by order; and by what they were found.
async fn list(
    console: &Console,
    row: &ConnectionRow,
    object: &str,
    asked: &Asked,
    view: Option<&ObjectView>,
    now_ms: u64,
) -> Result<(RecordsPage, Option<&'static str>), Problem> {
    let has =
        |what: fn(&ObjectView) -> &Option<String>| view.is_some_and(|view| what(view).is_some());
    let mut by: Vec<Option<&'static str>> = Vec::new();
    if !asked.q.is_empty() {
        by.extend(has(|view| &view.number).then_some(Some("number")));
        by.extend(has(|view| &view.order).then_some(Some("order")));
        by.push(Some("id"));
    }
    if by.is_empty() {
        by.push(None);
    }
    let mut found = (RecordsPage::default(), None);
    for one in by {
        let parameters = asked.parameters(one, now_ms);
        found = (kept(&console.app, row, object.to_owned(), parameters).await?, one);
        if !found.0.items.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// Lists of its own order, which cannot be chosen from.
async fn is_derived(console: &Console, object: &str) -> bool {
    let described = console.app.connector.describe(object).await;
    described.is_ok_and(|described| described.derived_from.is_some())
}

async fn records_page(
    console: &Console,
    mut page: Page,
    row: &ConnectionRow,
    object: &str,
    asked: Asked,
    view: Option<&ObjectView>,
    data: &RecordsPage,
) -> Result<RecordsView, Problem> {
    let app = &console.app;
    let (name, title) = (encoded(&row.name), object_title(app, object));
    let here = format!("/c/{name}/records/{}", encoded(object));
    let now_ms = unix_ms(app.database.time());
    let today: i64 = day_number(&date(now_ms)).unwrap_or_default();
    let (live, aged, _) = app.database.count(&row.id, object).await?;
    let derived = is_derived(console, object).await;
    // What others hold has no index.
    let counts = match derived {
        true => ValueCounts::default(),
        false => app.database.value_counts(&row.id, object).await?,
    };
    page = page.titled(&title).crumb(&row.name, format!("/c/{name}")).crumb("Records", &here);
    let behind = data.as_of.as_deref().map_or("never read completely".to_owned(), |at| {
        let done = day_ms(at).unwrap_or(now_ms);
        format!("{} behind", span(now_ms.saturating_sub(done) / 1_000))
    });
    let building = if data.was_scanned {
        " Every record was read for this: the index is being built."
    } else {
        ""
    };
    page.lead = format!(
        "{} kept of {}. Read from the mirror, {behind}; no request is made.{building}",
        number(live + aged),
        row.name
    );
    page.actions.push(page.link("Export CSV", asked.href(&here, "format", "csv")));
    for one in &app.connector.manifest().objects {
        let to = format!("/c/{name}/records/{}", encoded(&one.name));
        page.tabs.push(Link::new(one.title.clone(), to).here_if(one.name == object));
    }
    page.command = format!("connector-host export {object} --connection {} --output csv", row.name);
    let (chips, picks) =
        if derived { (vec![], vec![]) } else { filters(&asked, &here, view, &counts, live + aged) };
    let names = if view.is_some_and(|view| view.number.is_some()) {
        vec![]
    } else {
        member_names(&data.items)
    };
    let rows: Vec<Row> =
        data.items.iter().map(|item| line(item, &here, view, &names, today, now_ms)).collect();
    let is_empty = rows.is_empty();
    let empty = is_empty.then(|| match asked.is_filtered() {
        true => Empty::new(
            format!("None of {} {} is like that", number(live + aged), title.to_lowercase()),
            "Leave out a filter to see more.",
        )
        .with(page.link("Clear all", here.clone())),
        false => Empty::new(
            format!("No {} yet", title.to_lowercase()),
            "What a sync or a delivery brings comes here.",
        ),
    });
    let next = data.next.as_deref().map(|next| asked.href(&here, "after", next));
    let from = if asked.after.is_empty() { "The first" } else { "The next" };
    let pager =
        Pager { text: format!("{from} {}", number(rows.len() as u64)), next, label: "100 more" };
    let sort = |by: &str, there: bool| {
        let is_usual = by == "updated";
        let to = asked.href(&here, "sort", if is_usual { "" } else { by });
        Sort {
            href: (there && !derived).then_some(to),
            is_here: asked.sort == by || (is_usual && asked.sort.is_empty() && !derived),
        }
    };
    let sorts = Sorts {
        number: sort("number", view.is_some_and(|view| view.number.is_some())),
        due: sort("due", view.is_some_and(|view| !view.due.is_empty())),
        updated: sort("updated", true),
    };
    let has_view = view.is_some_and(|view| view.number.is_some());
    Ok(RecordsView {
        page,
        here,
        asked,
        has_view,
        names,
        rows,
        chips,
        picks,
        can_search: !derived,
        sorts,
        empty,
        pager,
    })
}

/// Milliseconds of a date that a document holds.
fn day_ms(at: &str) -> Option<u64> {
    let part = |from: usize, to: usize| at.get(from..to)?.parse::<i64>().ok();
    let seconds =
        day_number(at)? * 86_400 + part(11, 13)? * 3_600 + part(14, 16)? * 60 + part(17, 19)?;
    u64::try_from(seconds * 1_000).ok()
}

/// The first members of records that nobody says more of.
fn member_names(items: &[RecordDocument]) -> Vec<String> {
    let first = items.first().and_then(|item| serde_json::from_str::<Value>(item.data.get()).ok());
    let members = first.as_ref().and_then(Value::as_object);
    let plain = members
        .into_iter()
        .flatten()
        .filter(|(name, value)| *name != "id" && !value.is_object() && !value.is_array());
    plain.take(MEMBERS).map(|(name, _)| name.clone()).collect()
}

fn line(
    item: &RecordDocument,
    here: &str,
    view: Option<&ObjectView>,
    names: &[String],
    today: i64,
    now_ms: u64,
) -> Row {
    let data: Value = serde_json::from_str(item.data.get()).unwrap_or_default();
    let updated = item.updated_at.as_deref().and_then(day_ms);
    let member =
        |name: &String| words(&data, &format!("/{}", name.replace('~', "~0").replace('/', "~1")));
    Row {
        href: format!("{here}/{}", encoded(&item.id)),
        facts: Facts::of(view, &item.id, &data, today),
        members: names
            .iter()
            .map(|name| member(name).map_or_else(|| "–".to_owned(), |it| cut(&it, 60)))
            .collect(),
        changed: updated
            .map_or_else(|| "–".to_owned(), |at| span(now_ms.saturating_sub(at) / 1_000)),
        is_aged: item.state == Some("aged-out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_keeps_the_others() {
        let asked = Asked {
            q: "a b".to_owned(),
            status: "x".to_owned(),
            after: "7".to_owned(),
            ..Asked::default()
        };
        assert_eq!(asked.href("/r", "status", "y"), "/r?q=a%20b&status=y");
        assert_eq!(asked.href("/r", "status", ""), "/r?q=a%20b");
        let late = Asked { late: true, ..Asked::default() }.parameters(None, 1_795_812_594_000);
        assert_eq!(late.conditions, ["due<2026-11-27", "delivered="]);
    }

    #[test]
    fn dates_of_documents_are_read() {
        assert_eq!(day_ms("2026-11-27T20:49:54Z"), Some(1_795_812_594_000));
        assert_eq!(day_ms("never"), None);
    }
}
