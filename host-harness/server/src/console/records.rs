//! Records of an object, as they are kept: filtered, sorted, page by page.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use connector_contract::clock::unix_ms;
use connector_service::documents::date;
use connector_state::ConnectionRow;
use connector_state::mirror::ValueCounts;
use connector_state::views::ObjectView;
use futures_util::stream;
use http::{HeaderValue, header};
use serde::Deserialize;
use serde_json::Value;

use super::facts::{Facts, day_number, spoken, words};
use super::guard::{Asker, Wants};
use super::marks::Mark;
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
/// Records that are read at once for a file.
const AT_ONCE: u32 = 1_000;
/// Filters of a status that are shown.
const CHIPS: usize = 12;
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
    let mask = Mask::of(view, asker.hides);
    let now_ms = unix_ms(app.database.time());
    if asker.wants == Wants::Csv || asked.format == "csv" {
        return csv(&console, row, path.object, asked, view.cloned(), mask).await;
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

fn filters(
    asked: &Asked,
    here: &str,
    view: Option<&ObjectView>,
    counts: &ValueCounts,
    all: u64,
) -> (Vec<Chip>, Vec<Pick>) {
    let Some(view) = view else { return (vec![], vec![]) };
    let of = |pointer: &str| counts.members.iter().find(|member| member.pointer == pointer);
    let mut chips = vec![Chip {
        text: "All".to_owned(),
        href: {
            let plain = Asked { late: false, ..asked.clone() };
            plain.href(here, "status", "")
        },
        count: Some(all),
        mark: None,
        is_here: asked.status.is_empty() && !asked.late,
    }];
    if !view.due.is_empty() && view.delivered.is_some() {
        let other = Asked { status: String::new(), ..asked.clone() };
        let (text, mark) = ("Late".to_owned(), Some(Mark::Warn));
        chips.push(Chip {
            text,
            href: other.href(here, "late", "true"),
            count: None,
            mark,
            is_here: asked.late,
        });
    }
    if let Some(status) = &view.status {
        let mut values: Vec<(String, u64)> =
            of(&status.at).map(|it| it.values.clone()).unwrap_or_default();
        values.sort_by_key(|(value, _)| status.marks.get_index_of(value).unwrap_or(usize::MAX));
        for (value, records) in
            values.into_iter().filter(|(value, _)| !value.is_empty()).take(CHIPS)
        {
            let other = Asked { late: false, ..asked.clone() };
            let mark = status.marks.get(&value).map_or(Mark::None, |mark| (*mark).into());
            chips.push(Chip {
                text: spoken(&value),
                href: other.href(here, "status", &value),
                count: Some(records),
                mark: Some(mark),
                is_here: asked.status == value,
            });
        }
    }
    let mut picks = Vec::new();
    if let Some(found) = view.carrier.as_deref().and_then(of) {
        let mut values = found.values.clone();
        values.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
        let mut options = vec![(String::new(), "Any".to_owned())];
        let shown = values.into_iter().filter(|(value, _)| !value.is_empty());
        options.extend(shown.map(|(value, records)| {
            let text = format!("{value} ({})", number(records));
            (value, text)
        }));
        picks.push(Pick {
            name: "carrier",
            label: "Carrier".to_owned(),
            options,
            value: asked.carrier.clone(),
        });
    }
    let days = [("", "Any time"), ("1", "1 day"), ("7", "7 days"), ("30", "30 days")];
    let options =
        days.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())).collect();
    let value = asked.days.map(|days| days.to_string()).unwrap_or_default();
    picks.push(Pick { name: "days", label: "Changed".to_owned(), options, value });
    (chips, picks)
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

/// The list as a file, record by record: nothing of it is held whole.
async fn csv(
    console: &At,
    row: ConnectionRow,
    object: String,
    asked: Asked,
    view: Option<ObjectView>,
    mask: Mask,
) -> Result<Response, Problem> {
    let now_ms = unix_ms(console.app.database.time());
    let (first, by) = list(console, &row, &object, &asked, view.as_ref(), now_ms).await?;
    let columns = columns(view.as_ref(), &first.items);
    let name = format!("attachment; filename=\"{object}.csv\"");
    let head: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let head = line_of(head.into_iter());
    let state = (Arc::clone(console), row, object, asked, columns, Some(first), Some(head), mask);
    let body = stream::try_unfold(state, move |state| async move {
        let (console, row, object, mut asked, columns, page, head, mask) = state;
        let Some(page) = page else { return Ok::<_, Problem>(None) };
        let mut text = head.unwrap_or_default();
        for item in &page.items {
            let data: Value = serde_json::from_str(&mask.text(item.data.get())).unwrap_or_default();
            let id = |pointer: &str| match pointer {
                "" => item.id.clone(),
                pointer => match data.pointer(pointer) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                },
            };
            let cells: Vec<String> = columns.iter().map(|(_, pointer)| id(pointer)).collect();
            text.push_str(&line_of(cells.iter().map(String::as_str)));
        }
        let next = match page.next {
            Some(next) => {
                asked.after = next;
                let mut parameters = asked.parameters(by, now_ms);
                parameters.limit = Some(AT_ONCE);
                Some(kept(&console.app, &row, object.clone(), parameters).await?)
            }
            None => None,
        };
        Ok(Some((Bytes::from(text), (console, row, object, asked, columns, next, None, mask))))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    let body = Body::from_stream(futures_util::TryStreamExt::map_err(body, |why: Problem| {
        why.detail.clone()
    }));
    Ok((headers, body).into_response())
}

/// Columns of a file: their names, and where each is; the empty pointer is the id.
fn columns(view: Option<&ObjectView>, items: &[RecordDocument]) -> Vec<(String, String)> {
    let mut columns = vec![("id".to_owned(), String::new())];
    if let Some(view) = view.filter(|view| view.number.is_some()) {
        let status = view.status.as_ref().map(|status| status.at.clone());
        let all =
            [&view.number, &view.order, &view.title, &status, &view.carrier, &view.from, &view.to];
        let all = all.into_iter().flatten().chain(view.due.first()).chain(&view.delivered);
        columns.extend(
            all.map(|pointer| (pointer.trim_start_matches('/').to_owned(), pointer.clone())),
        );
    } else {
        columns
            .extend(member_names(items).into_iter().map(|name| (name.clone(), format!("/{name}"))));
    }
    columns
}

/// A line of a file that a spreadsheet takes for text, whatever it begins with.
fn line_of<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let cell = |text: &str| {
        let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let text = if risky { format!("'{text}") } else { text.to_owned() };
        match text.contains(['"', ',', '\n', '\r']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text,
        }
    };
    let cells: Vec<String> = cells.map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing() {
        let line = line_of(["=1+1", "-2", "a,\"b\"", "plain"].into_iter());
        assert_eq!(line, "'=1+1,'-2,\"a,\"\"b\"\"\",plain\r\n");
    }

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
