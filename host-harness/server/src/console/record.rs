//! One record: what it says, and what became of it, as differences.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use connector_contract::clock::unix_ms;
use connector_service::documents::{HistoryEntry, date, differs, history_entry};
use connector_state::ConnectionRow;
use connector_state::mirror::differences::{Difference, differences};
use connector_state::mirror::{ChangeKind, Content, HistoryRow, MirroredRecord, RecordState};
use connector_state::views::ObjectView;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::{Facts, day_number, spoken, status_of, words};
use super::guard::Asker;
use super::marks::{Mark, Status};
use super::overview::object_title;
use super::page::{Page, Screen};
use super::personal::{Mask, brief, pretty};
use super::text::{Moment, counted, cut, lines, shown};
use super::{At, Console};
use crate::extract::{Path, Query};
use crate::problem::Problem;
use crate::routes::encoded;
use crate::routes::records::{OfRecord, RecordDocument, absent, raw};

/// Changes of a record that are shown.
const CHANGES: u32 = 100;
/// Places of a change that are shown.
const PLACES: usize = 30;
/// Derived records of each kind that are shown.
const DERIVED: u32 = 50;
/// Bytes of a record that are shown; the rest is in the file.
const BYTES: usize = 64 * 1024;

pub fn routes() -> Router<At> {
    Router::new()
        .route("/c/{connection}/records/{object}/{id}", get(show))
        .route("/c/{connection}/records/{object}/{id}/raw", get(file))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// Two changes to compare.
    a: Option<u64>,
    b: Option<u64>,
}

#[derive(Serialize)]
struct Data {
    record: Option<RecordDocument>,
    state: &'static str,
    history: Vec<HistoryEntry>,
    /// Between the two changes that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<Vec<Place>>,
}

/// A place that differs, in a few words.
#[derive(Debug, Clone, Serialize)]
struct Place {
    pointer: String,
    before: String,
    after: String,
}

struct Version {
    at: Moment,
    mark: Mark,
    title: String,
    by: String,
    by_href: Option<String>,
    number: u64,
    places: Vec<Place>,
    more: usize,
    /// What is said of it beside.
    note: Option<String>,
    is_back: bool,
}

struct Held {
    title: String,
    items: Vec<HeldRow>,
    count: String,
}

struct HeldRow {
    href: String,
    status: Option<Status>,
    text: String,
    at: String,
}

#[derive(Template)]
#[template(path = "console/record.html")]
struct RecordPage {
    page: Page,
    status: Option<Status>,
    banner: Option<String>,
    versions: Vec<Version>,
    kept: String,
    compared: Option<(u64, u64, Vec<Place>)>,
    facts: Vec<(&'static str, String, bool)>,
    held: Vec<Held>,
    json: String,
    is_cut: bool,
    raw_href: String,
    provider: String,
}

async fn show(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfRecord>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let app = &console.app;
    app.check_object(&path.object)?;
    let row = app.row(&path.connection).await?;
    let view = app.view().await?.and_then(|view| view.objects.get(&path.object));
    let mask = Mask::of(app.view().await?, &path.object, asker.hides);
    let record = app.database.record(&row.id, &path.object, &path.id).await?;
    let rows = app.database.history(&row.id, &path.object, &path.id, CHANGES).await?;
    if record.is_none() && rows.is_empty() {
        return Err(absent(&path));
    }
    let state = record.as_ref().map_or(RecordState::Deleted, |record| record.state);
    let shown = record.clone().filter(|record| record.state != RecordState::Deleted);
    let masked = |difference: Difference| Difference {
        before: difference.before.map(|text| mask.at(&difference.pointer, &text)),
        after: difference.after.map(|text| mask.at(&difference.pointer, &text)),
        pointer: difference.pointer,
    };
    let found: Vec<Option<Vec<Difference>>> =
        rows.iter().map(|row| Some(differs(row)?.into_iter().map(masked).collect())).collect();
    let compared = match (asked.a, asked.b) {
        (Some(a), Some(b)) => Some((a, b, compare(&rows, &mask, a, b)?)),
        _ => None,
    };
    let history = rows.iter().zip(&found).map(|(row, found)| history_entry(row, found.clone()));
    let data = Data {
        record: shown.clone().map(|record| {
            let mut document = RecordDocument::from(record);
            document.data = raw(&mask.text(document.data.get()));
            document
        }),
        state: connector_state::Word::word(state),
        history: history.collect(),
        compared: compared.as_ref().map(|(_, _, places)| places.clone()),
    };
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Records, Some(&row.name)).await?;
            let of = Shown { path: &path, row: &row, view, mask: &mask, record: record.as_ref() };
            record_page(&console, page, &of, &rows, &found, compared).await
        })
        .await
}

/// The record that is shown.
struct Shown<'s> {
    path: &'s OfRecord,
    row: &'s ConnectionRow,
    view: Option<&'s ObjectView>,
    mask: &'s Mask,
    record: Option<&'s MirroredRecord>,
}

async fn record_page(
    console: &Console,
    mut page: Page,
    of: &Shown<'_>,
    rows: &[HistoryRow],
    found: &[Option<Vec<Difference>>],
    compared: Option<(u64, u64, Vec<Place>)>,
) -> Result<RecordPage, Problem> {
    let app = &console.app;
    let (path, row, view) = (of.path, of.row, of.view);
    let (name, object) = (encoded(&row.name), encoded(&path.object));
    let list = format!("/c/{name}/records/{object}");
    let here = format!("{list}/{}", encoded(&path.id));
    let today: i64 = day_number(&date(unix_ms(app.database.time()))).unwrap_or_default();
    // Of one that is gone, what it was last.
    let last = rows.iter().find_map(|row| match (&row.after, &row.before) {
        (Content::Text(text), _) | (_, Content::Text(text)) => Some(text.clone()),
        _ => None,
    });
    let kept = of.record.map(|record| record.data.clone()).filter(|data| !data.is_empty());
    let text = of.mask.text(&kept.or(last).unwrap_or_default());
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let facts = Facts::of(view, &path.id, &value, today);
    page = page.titled(&facts.number).crumb(&row.name, format!("/c/{name}"));
    page = page.crumb(&object_title(app, &path.object), &list).crumb(&cut(&path.id, 40), &here);
    let way = match (facts.from.is_empty(), facts.to.is_empty()) {
        (false, false) => format!("{} → {}", facts.from, facts.to),
        _ => facts.to.clone(),
    };
    let order =
        if facts.order.is_empty() { String::new() } else { format!("order {}", facts.order) };
    let parts = [facts.carrier.clone(), facts.title.clone(), order, way];
    page.lead = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    page.command = format!(
        "connector-host records history {} {} --connection {}",
        path.object, path.id, row.name
    );
    page.here.clone_from(&here);
    let provider = app.connector.manifest().title.clone();
    let banner = match of.record.map(|record| record.state) {
        None | Some(RecordState::Deleted) => Some(
            "It was removed. What was kept of it stays for a while; nothing of it is listed."
                .to_owned(),
        ),
        Some(RecordState::AgedOut) => {
            Some(format!("{provider} no longer lists it, because of its age. It was not removed."))
        }
        Some(RecordState::Live) => None,
    };
    let versions: Vec<Version> =
        rows.iter().zip(found).map(|(row, found)| version(row, found.as_deref(), view)).collect();
    let late = facts.late.map(|days| format!("{}, {days} d late", facts.due));
    let told = [
        ("Due", late.clone().unwrap_or_else(|| facts.due.clone()), late.is_some()),
        ("Delivered", facts.delivered.clone(), false),
        (
            "Changed there",
            of.record.and_then(|it| it.updated_at.as_deref()).map(told_at).unwrap_or_default(),
            false,
        ),
        (
            "Made there",
            of.record.and_then(|it| it.created_at.as_deref()).map(told_at).unwrap_or_default(),
            false,
        ),
        ("Change here", of.record.map(|it| it.change.to_string()).unwrap_or_default(), false),
        ("Id", path.id.clone(), false),
    ];
    let told = told.into_iter().filter(|(_, text, _)| !text.is_empty()).collect();
    let mut held = Vec::new();
    for one in &app.connector.manifest().objects {
        if let Some(found) = held_by(console, of, &one.name, &one.title).await? {
            held.push(found);
        }
    }
    if let Some(holder) = of.record.and_then(|record| record.holder.clone()) {
        let described = app.connector.describe(&path.object).await?;
        if let Some(object) = described.derived_from {
            let href = format!("/c/{name}/records/{}/{}", encoded(&object), encoded(&holder));
            page.actions.push(
                page.link(format!("Its {}", object_title(app, &object).to_lowercase()), href),
            );
        }
    }
    let json = pretty(&text);
    let is_cut = json.len() > BYTES;
    Ok(RecordPage {
        status: facts.status,
        banner,
        kept: counted(versions.len() as u64, "change", "changes"),
        versions,
        compared,
        facts: told,
        held,
        json: lines(&json, BYTES),
        is_cut,
        raw_href: format!("{here}/raw"),
        provider,
        page,
    })
}

/// Records of another object that are derived from this one.
async fn held_by(
    console: &Console,
    of: &Shown<'_>,
    object: &str,
    title: &str,
) -> Result<Option<Held>, Problem> {
    let app = &console.app;
    if app.connector.describe(object).await?.derived_from.as_ref() != Some(&of.path.object) {
        return Ok(None);
    }
    // Ids of derived records begin with their holder's, and are kept in that order.
    let after = format!("{}/", of.path.id);
    let found = app.database.records(&of.row.id, object, Some(&after), DERIVED).await?;
    let view = app.view().await?.and_then(|view| view.objects.get(object));
    let mask = match of.mask {
        Mask::Nothing => Mask::Nothing,
        _ => Mask::of(app.view().await?, object, true),
    };
    let list = format!("/c/{}/records/{}", encoded(&of.row.name), encoded(object));
    let is_of = |record: &&MirroredRecord| record.holder.as_ref() == Some(&of.path.id);
    let mut items: Vec<HeldRow> = found
        .iter()
        .filter(is_of)
        .map(|record| {
            let value: Value = serde_json::from_str(&mask.text(&record.data)).unwrap_or_default();
            let facts = Facts::of(view, &record.id, &value, 0);
            let text = if facts.title.is_empty() { cut(&record.id, 60) } else { facts.title };
            let at = record.created_at.clone().or_else(|| record.updated_at.clone());
            let at = at.as_deref().map(told_at).unwrap_or_default();
            HeldRow {
                href: format!("{list}/{}", encoded(&record.id)),
                status: facts.status,
                text,
                at,
            }
        })
        .collect();
    items.sort_by_cached_key(|one| std::cmp::Reverse(one.at.clone()));
    let count = items.len().to_string();
    Ok((!items.is_empty()).then(|| Held { title: title.to_owned(), items, count }))
}

/// A provider's time, as it wrote it, to the minute.
fn told_at(text: &str) -> String {
    text.chars().take(16).collect::<String>().replace('T', " ")
}

/// What a change means, and where it differs.
fn version(row: &HistoryRow, found: Option<&[Difference]>, view: Option<&ObjectView>) -> Version {
    let change = &row.change;
    let entry = history_entry(row, None);
    let status = view.and_then(|view| view.status.as_ref());
    let places = found.unwrap_or_default();
    let moved = status.and_then(|status| {
        let one = places.iter().find(|place| place.pointer == status.at)?;
        let word = |text: &Option<String>| {
            serde_json::from_str::<String>(text.as_deref().unwrap_or_default()).unwrap_or_default()
        };
        Some((word(&one.before), word(&one.after)))
    });
    let is_over = |word: &str| {
        let mark = status.and_then(|status| status.marks.get(word));
        matches!(
            mark,
            Some(connector_state::views::Mark::Good | connector_state::views::Mark::Ended)
        )
    };
    let mark_of = |word: &str| {
        let mark = status.and_then(|status| status.marks.get(word).copied());
        status_of(mark, word).mark
    };
    let is_back = moved.as_ref().is_some_and(|(before, after)| is_over(before) && !is_over(after));
    let now: Value = match &row.after {
        Content::Text(text) => serde_json::from_str(text).unwrap_or_default(),
        _ => Value::Null,
    };
    let stands = status.and_then(|status| words(&now, &status.at)).map(|word| mark_of(&word));
    let (mark, title) = match (change.kind, &moved) {
        (ChangeKind::Created, _) => (stands.unwrap_or(Mark::None), "First seen".to_owned()),
        (ChangeKind::Deleted, _) => (Mark::Ended, "Removed".to_owned()),
        (ChangeKind::AgedOut, _) => {
            (Mark::Ended, "No longer listed, because of its age".to_owned())
        }
        (_, Some((before, after))) => {
            (mark_of(after), format!("{} → {}", spoken(&shown(before)), spoken(&shown(after))))
        }
        _ => (stands.unwrap_or(Mark::None), changed(places, &change.members)),
    };
    let note = match (change.kind, found) {
        (ChangeKind::Updated, None) => Some(format!(
            "content not kept; changed members: {}",
            cut(&change.members.join(", "), 300)
        )),
        _ => None,
    };
    let by_href = change.delivery.map(|number| format!("/deliveries/{number}"));
    Version {
        at: Moment::full(change.at_ms),
        mark,
        title,
        by: entry.by,
        by_href,
        number: change.number,
        more: places.len().saturating_sub(PLACES),
        places: places.iter().take(PLACES).map(place).collect(),
        note,
        is_back,
    }
}

/// What differs, in a few words.
fn changed(places: &[Difference], members: &[String]) -> String {
    let added = places.iter().filter(|place| place.before.is_none()).count();
    let is_item = |place: &Difference| {
        let last = place.pointer.rsplit('/').next().unwrap_or_default();
        place.before.is_none() && last.parse::<usize>().is_ok()
    };
    if let Some(first) = places.iter().find(|place| is_item(place)) {
        let list = first.pointer.split('/').nth(1).unwrap_or_default();
        let items = places.iter().filter(|place| is_item(place)).count();
        return format!("{} in {}", counted(items as u64, "more item", "more items"), shown(list));
    }
    match members {
        [] => "Changed".to_owned(),
        [only] if added == places.len() && added > 0 => format!("{} set", shown(only)),
        [only] => format!("{} changed", shown(only)),
        [first, others @ ..] => {
            format!(
                "{} and {} changed",
                shown(first),
                counted(others.len() as u64, "other", "others")
            )
        }
    }
}

fn place(difference: &Difference) -> Place {
    let text = |text: &Option<String>| text.as_deref().map_or_else(|| "–".to_owned(), brief);
    Place {
        pointer: shown(difference.pointer.trim_start_matches('/')),
        before: text(&difference.before),
        after: text(&difference.after),
    }
}

/// Where the record differs between two of its changes, after each of them.
fn compare(rows: &[HistoryRow], mask: &Mask, a: u64, b: u64) -> Result<Vec<Place>, Problem> {
    let text = |number: u64| {
        let row = rows.iter().find(|row| row.change.number == number);
        match row.map(|row| &row.after) {
            Some(Content::Text(text)) => Ok(mask.text(text)),
            Some(Content::Absent) => Ok("null".to_owned()),
            _ => Err(Problem::not_found(format!("what change {number} brought is not kept"))),
        }
    };
    let (older, newer) = (text(a.min(b))?, text(a.max(b))?);
    Ok(differences(&older, &newer).iter().take(200).map(place).collect())
}

/// The record as it came, as a file.
async fn file(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfRecord>,
) -> Result<Response, Problem> {
    let app = &console.app;
    app.check_object(&path.object)?;
    let row = app.row(&path.connection).await?;
    let record = app.database.record(&row.id, &path.object, &path.id).await?;
    let record = record.filter(|record| record.state != RecordState::Deleted);
    let record = record.ok_or_else(|| absent(&path))?;
    let mask = Mask::of(app.view().await?, &path.object, asker.hides);
    let text = mask.text(&record.data);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"record.json\""),
        ),
    ];
    Ok((headers, text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(pointer: &str, before: Option<&str>, after: Option<&str>) -> Difference {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Difference { pointer: pointer.to_owned(), before: owned(before), after: owned(after) }
    }

    #[test]
    fn a_change_is_told_in_a_few_words() {
        let more =
            [difference("/scans/4", None, Some("{}")), difference("/n", Some("1"), Some("2"))];
        assert_eq!(changed(&more, &["n".to_owned(), "scans".to_owned()]), "1 more item in scans");
        let set = [difference("/due", None, Some("\"2026\""))];
        assert_eq!(changed(&set, &["due".to_owned()]), "due set");
        let two = [difference("/a", Some("1"), Some("2")), difference("/b", Some("1"), Some("2"))];
        assert_eq!(changed(&two, &["a".to_owned(), "b".to_owned()]), "a and 1 other changed");
        assert_eq!(place(&set[0]).before, "–");
    }
}
