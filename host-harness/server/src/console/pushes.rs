//! Many records written: runs, their items, what would be sent of them, and conflicts.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use connector_service::documents::{
    ConflictDocument, ItemDocument, PlannedBody, PlannedItemDocument, PushDocument,
};
use connector_state::Word as _;
use connector_state::push::{IntentState, PushRow};
use http::{HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::At;
use super::Console;
use super::act::{Call, Form};
use super::guard::Asker;
use super::marks::{Mark, Status};
use super::page::{Button, Look, Page, Screen};
use super::parts::{Chip, ConfirmPage, Empty, Pager, href};
use super::personal::pretty;
use super::text::{Moment, argument, counted, cut, lines, moment, number, shown};
use super::upload;
use crate::authorise::Scope;
use crate::extract::{Path, Query};
use crate::problem::{Problem, ProblemKind, ProblemSource};
use crate::routes::encoded;
use crate::routes::push_items::{failed_rows, planned};
use crate::routes::pushes::OfRun;
use crate::working::is_working;

/// Runs of a page.
const RUNS: u32 = 50;
/// Items of a page, and those that are looked through for it.
const ITEMS: usize = 100;
const LOOKED_AT: usize = 10_000;
/// Items that are read at a time.
const AT_ONCE: u32 = 1_000;
/// Conflicts of a page.
const CONFLICTS: u32 = 20;
/// Items of which a dry run tells.
const PLANNED: u32 = 20;
/// Characters of a request that a dry run shows.
const REQUEST: usize = 4_000;
/// Seconds after which a page of a run that goes on is read again, without a script.
const AGAIN: &str = "5";

pub fn routes() -> Router<At> {
    Router::new()
        .route("/pushes", get(list))
        .route("/pushes/new", get(upload::ask).post(upload::take))
        .route("/pushes/{run}", get(read))
        .route("/pushes/{run}/plan", get(plan))
        .route("/pushes/{run}/failed.csv", get(failed))
        .route("/pushes/{run}/begin", post(begin))
        .route("/pushes/{run}/discard", post(discard))
        .route("/pushes/{run}/decide", post(decide))
}

#[derive(Deserialize)]
struct Listed {
    c: Option<String>,
    before: Option<String>,
}

#[derive(Serialize)]
struct Run {
    connection: String,
    #[serde(flatten)]
    push: PushDocument,
    /// This host works it off now.
    is_working: bool,
}

#[derive(Serialize)]
struct Data {
    items: Vec<Run>,
    next: Option<String>,
}

/// A run as a list or its page shows it.
struct Row {
    href: String,
    id: String,
    whose: String,
    what: String,
    state: Status,
    made: Option<Moment>,
    items: String,
    done: String,
    failed: String,
    parked: String,
    progress: Progress,
}

/// A bar in parts of a thousand.
struct Progress {
    title: String,
    /// Kind, where it begins, how wide it is.
    parts: Vec<(&'static str, u64, u64)>,
}

#[derive(Template)]
#[template(path = "console/pushes.html")]
struct PushesPage {
    page: Page,
    running: Vec<Row>,
    rows: Vec<Row>,
    empty: Option<Empty>,
    pager: Pager,
}

fn state_of(push: &PushDocument, is_working: bool) -> Status {
    let (mark, word) = match push {
        _ if push.ended.is_some() && push.failed > 0 => (Mark::Warn, "Ended, some failed"),
        _ if push.ended.is_some() => (Mark::Good, "Done"),
        _ if is_working => (Mark::Moving, "Runs"),
        _ if push.parked > 0 && push.open == 0 => (Mark::Warn, "Waits for you"),
        _ if push.done == 0 && push.parked == 0 => (Mark::None, "Not begun"),
        _ => (Mark::Wait, "Goes on when it is asked"),
    };
    Status::new(mark, word)
}

fn row(run: &Run) -> Row {
    let push = &run.push;
    let mut parts = Vec::new();
    let mut at = 0;
    let all = push.items.max(1);
    for (kind, count) in
        [("done", push.done), ("failed", push.failed), ("parked", push.parked), ("open", push.open)]
    {
        let wide = count.saturating_mul(1_000) / all;
        if wide > 0 {
            parts.push((kind, at, wide));
            at += wide;
        }
    }
    let title = format!(
        "{} of {} as wished, {} failed, {} parked",
        number(push.done),
        number(push.items),
        number(push.failed),
        number(push.parked)
    );
    Row {
        href: format!("/pushes/{}", encoded(&push.id)),
        id: push.id.chars().take(8).collect(),
        whose: shown(&run.connection),
        what: format!("{} {}", push.mode, shown(&push.object)),
        state: state_of(push, run.is_working),
        made: moment(&push.made).map(Moment::full),
        items: number(push.items),
        done: number(push.done),
        failed: number(push.failed),
        parked: number(push.parked),
        progress: Progress { title, parts },
    }
}

async fn list(
    State(console): State<At>,
    asker: Asker,
    Query(asked): Query<Listed>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let (whose, names) = (app.whose(asked.c.as_deref()).await?, app.names().await?);
    let before = match asked.before.as_deref().filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => {
            let run = app.database.run(id).await?;
            let run = run.ok_or_else(|| Problem::invalid("The list cannot go on there."))?;
            Some((run.made_ms, run.id))
        }
    };
    let mut rows = app.database.list_newest_pushes(whose.as_deref(), before, RUNS + 1).await?;
    let has_more = rows.len() > RUNS as usize;
    rows.truncate(RUNS as usize);
    let next = rows.last().filter(|_| has_more).map(|last| last.id.clone());
    // Those of other connectors are in between.
    let items =
        rows.iter().filter_map(|row| Some(told(&console, row, names.get(&row.connection)?)));
    let data = Data { items: items.collect(), next };
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Pushes, asked.c.as_deref()).await?;
            let working = data.items.iter().filter(|run| run.is_working);
            let running: Vec<Row> = working.map(row).collect();
            let title = match running.len() as u64 {
                0 => "Pushes".to_owned(),
                some => counted(some, "push runs", "pushes run"),
            };
            let c = asked.c.clone().unwrap_or_default();
            let new = page.asks("New push", href("/pushes/new", &[("c", &c)]), Scope::Write);
            let empty = data.items.is_empty().then(|| {
                Empty::new(
                    "Nothing was pushed",
                    "A push writes the records of a file, each once, whatever is lost or stopped meanwhile. What would \
                     be sent is shown before anything is.",
                )
                .with(new.clone())
            });
            let next = data.next.as_ref();
            let next = next.map(|next| href("/pushes", &[("c", &c), ("before", next)]));
            let text = counted(data.items.len() as u64, "push", "pushes");
            let command = match asked.c.as_deref() {
                Some(name) => format!("connector-host push --list --connection {}", argument(name)),
                None => "connector-host push --list".to_owned(),
            };
            let page = page
                .titled(title)
                .lead("Files whose records are written, each once.")
                .command(command)
                .actions(vec![new.look(Look::Main)]);
            let rows = data.items.iter().map(row).collect();
            Ok(PushesPage { page, running, rows, empty, pager: Pager { text, next, label: "Older" } })
        })
        .await
}

fn told(console: &Console, row: &PushRow, name: &str) -> Run {
    let is_working = is_working(&console.app, &row.id);
    Run { connection: name.to_owned(), push: PushDocument::of(row), is_working }
}

#[derive(Deserialize)]
struct OneRun {
    run: String,
}

#[derive(Deserialize)]
struct Shown {
    state: Option<String>,
    after: Option<u64>,
}

/// A run of one of the connector's connections.
async fn found(console: &Console, run: &str) -> Result<(PushRow, String), Problem> {
    let absent = || Problem::not_found(format!("There is no push {}.", shown(run)));
    let row = console.app.database.run(run).await?.ok_or_else(absent)?;
    let name = console.app.names().await?.remove(&row.connection).ok_or_else(absent)?;
    Ok((row, name))
}

#[derive(Serialize)]
struct RunData {
    #[serde(flatten)]
    run: Run,
    items: Vec<ItemDocument>,
    next: Option<u64>,
    conflicts: Vec<ConflictDocument>,
}

/// A member that differs, as it is decided about.
struct Differs {
    member: String,
    seen: String,
    theirs: String,
    ours: String,
}

/// A conflict as its page shows it.
struct Conflict {
    index: u64,
    theirs: String,
    title: String,
    since: Option<Moment>,
    members: Vec<Differs>,
}

#[derive(Template)]
#[template(path = "console/push.html")]
struct RunPage {
    page: Page,
    one: Row,
    again: Option<&'static str>,
    conflicts: Vec<Conflict>,
    more_conflicts: u64,
    chips: Vec<Chip>,
    items: Vec<(String, String, Status, String)>,
    pager: Pager,
    /// Why nothing can be decided here.
    refused: Option<String>,
    has_failed: bool,
}

/// States of items, as an address says them.
fn item_state(word: Option<&str>) -> Result<Option<IntentState>, Problem> {
    match word.filter(|word| !word.is_empty()) {
        None => Ok(None),
        Some(word) => IntentState::of(word)
            .map(Some)
            .ok_or_else(|| Problem::invalid("There is no such state of an item.")),
    }
}

/// Some items of a run that are in a state, through a bounded number of them.
async fn items(
    console: &Console,
    run: &str,
    state: Option<IntentState>,
    after: u64,
) -> Result<(Vec<ItemDocument>, Option<u64>), Problem> {
    let (mut found, mut from, mut looked_at) = (Vec::new(), after, 0);
    loop {
        let page = console.app.database.intents(run, from, AT_ONCE).await?;
        let is_last = page.len() < AT_ONCE as usize;
        for item in page {
            if found.len() >= ITEMS || looked_at >= LOOKED_AT {
                return Ok((found, Some(item.index)));
            }
            (looked_at, from) = (looked_at + 1, item.index + 1);
            if state.is_none_or(|state| item.state == state) {
                found.push(ItemDocument::of(&item));
            }
        }
        if is_last {
            return Ok((found, None));
        }
    }
}

async fn read(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OneRun>,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    let (row, name) = found(&console, &path.run).await?;
    let state = item_state(asked.state.as_deref())?;
    let (mut items, next) =
        items(&console, &row.id, state, asked.after.unwrap_or_default()).await?;
    let waiting = match row.counts.parked {
        0 => vec![],
        _ => console.app.database.conflicts(&row.id, 0, CONFLICTS).await?,
    };
    let mut conflicts: Vec<ConflictDocument> =
        waiting.iter().map(|item| ConflictDocument::of(&row, item)).collect();
    if asker.hides {
        // Both may quote what a record holds.
        conflicts.iter_mut().for_each(|conflict| conflict.members = None);
        let hide = |item: &mut ItemDocument| {
            item.error = item.error.take().map(|why| connector_service::trouble::shape(&why));
        };
        items.iter_mut().for_each(hide);
    }
    let data = RunData { run: told(&console, &row, &name), items, next, conflicts };
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Pushes, Some(&name)).await?;
            Ok(run_page(page, &asker, &data, &asked))
        })
        .await
}

/// The buttons of a run.
fn actions(page: &Page, run: &Run, has_plan: bool) -> Vec<Button> {
    let push = &run.push;
    let base = format!("/pushes/{}", encoded(&push.id));
    let is_unbegun = push.done + push.parked == 0 && push.ended.is_none() && !run.is_working;
    let mut actions = Vec::new();
    if is_unbegun {
        if !has_plan {
            actions.push(page.link("Dry run", format!("{base}/plan")));
        }
        actions
            .push(page.form("Discard…", format!("{base}/discard"), Scope::Write).look(Look::Bad));
    }
    if push.open > 0 && !run.is_working {
        let label = format!("Write {}", number(push.open));
        actions.push(page.form(label, format!("{base}/begin"), Scope::Write).look(Look::Main));
    } else if push.parked > 0 && !run.is_working {
        actions.push(page.form("Look again", format!("{base}/begin"), Scope::Write));
    }
    actions
}

fn run_page(page: Page, asker: &Asker, data: &RunData, asked: &Shown) -> RunPage {
    let push = &data.run.push;
    let base = format!("/pushes/{}", encoded(&push.id));
    let state = asked.state.clone().unwrap_or_default();
    let chip = |word: &str, text: &str, count: u64, mark| Chip {
        text: text.to_owned(),
        href: href(&base, &[("state", word)]),
        count: Some(count),
        mark,
        is_here: state == word,
    };
    let chips = vec![
        chip("", "All", push.items, None),
        chip("done", "As wished", push.done, Some(Mark::Good)),
        chip("failed", "Failed", push.failed, Some(Mark::Bad)),
        chip("parked", "Parked", push.parked, Some(Mark::Warn)),
        chip("pending", "Not sent", push.open, Some(Mark::None)),
    ];
    let next =
        data.next.map(|next| href(&base, &[("state", &state), ("after", &next.to_string())]));
    let items = data.items.iter().map(|item| {
        let mark = match item.outcome {
            "failed" => Mark::Bad,
            "parked" | "sending" => Mark::Warn,
            "pending" => Mark::None,
            _ => Mark::Good,
        };
        let id = item.id.as_deref().map(shown).unwrap_or_default();
        let why = item.error.as_deref().map(shown).unwrap_or_default();
        (number(item.line), id, Status::new(mark, item.outcome), why)
    });
    let conflicts: Vec<Conflict> = data.conflicts.iter().map(conflict).collect();
    let actions = actions(&page, &data.run, false);
    let title = format!("Push {}", push.id.chars().take(8).collect::<String>());
    let lead = format!(
        "{} {} of {}: {} as wished, {} failed, {} parked, {} not sent.",
        push.mode,
        shown(&push.object),
        shown(&data.run.connection),
        number(push.done),
        number(push.failed),
        number(push.parked),
        number(push.open)
    );
    let command = format!(
        "connector-host push {} --connection {} --resume",
        argument(&push.object),
        argument(&data.run.connection)
    );
    RunPage {
        one: row(&data.run),
        again: data.run.is_working.then_some(AGAIN),
        more_conflicts: push.parked.saturating_sub(conflicts.len() as u64),
        conflicts,
        chips,
        items: items.collect(),
        pager: Pager {
            text: counted(data.items.len() as u64, "item", "items"),
            next,
            label: "More",
        },
        refused: (!asker.may(Scope::Write))
            .then(|| format!("You may {} here, and this needs write.", asker.scope.word())),
        has_failed: push.failed > 0,
        page: page
            .titled(title)
            .lead(lead)
            .crumb("Pushes", Screen::Pushes.href(Some(&data.run.connection)))
            .command(command)
            .actions(actions),
    }
}

fn conflict(one: &ConflictDocument) -> Conflict {
    #[derive(Deserialize)]
    struct Member {
        member: String,
        seen: Option<Box<serde_json::value::RawValue>>,
        theirs: Option<Box<serde_json::value::RawValue>>,
        ours: Option<Box<serde_json::value::RawValue>>,
    }
    let members = one.members.as_ref().map_or("[]", |raw| raw.get());
    let members: Vec<Member> = serde_json::from_str(members).unwrap_or_default();
    let text = |raw: Option<Box<serde_json::value::RawValue>>| {
        raw.map_or("–".to_owned(), |raw| cut(raw.get(), 200))
    };
    let differs = |it: Member| Differs {
        member: shown(&it.member),
        seen: text(it.seen),
        theirs: text(it.theirs),
        ours: text(it.ours),
    };
    Conflict {
        index: one.index,
        theirs: one.theirs.clone().unwrap_or_default(),
        title: one.id.as_deref().map_or(format!("Line {}", one.line), shown),
        since: one.since.as_deref().and_then(moment).map(Moment::full),
        members: members.into_iter().map(differs).collect(),
    }
}

#[derive(Template)]
#[template(path = "console/push_plan.html")]
struct PlanPage {
    page: Page,
    sums: Vec<(String, String)>,
    /// Line, what would be done, the record, the request, why it would fail.
    items: Vec<(String, Status, String, String, String)>,
}

#[derive(Serialize)]
struct PlanData {
    run: PushDocument,
    items: Vec<PlannedItemDocument>,
}

async fn plan(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OneRun>,
) -> Result<Response, Problem> {
    let (row, name) = found(&console, &path.run).await?;
    let of = OfRun { connection: name.clone(), run: row.id.clone() };
    let mut items = planned(&console.app, &of, PLANNED).await?;
    if asker.hides {
        items.iter_mut().for_each(|item| item.request = None);
    }
    let data = PlanData { run: PushDocument::of(&row), items };
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Pushes, Some(&name)).await?;
            Ok(plan_page(page, &told(&console, &row, &name), &data))
        })
        .await
}

fn plan_page(page: Page, run: &Run, data: &PlanData) -> PlanPage {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    let items = data.items.iter().map(|item| {
        let (mark, word) = match (&item.error, item.write) {
            (Some(_), _) => (Mark::Bad, "fails"),
            (None, "none") => (Mark::None, "unchanged"),
            (None, write) => (Mark::Moving, write),
        };
        *sums.entry(word).or_default() += 1;
        let request = item.request.as_ref().map(|request| {
            let body = match &request.body {
                Some(PlannedBody::Json(body)) => pretty(body.get()),
                Some(PlannedBody::Text(text)) => text.clone(),
                None => String::new(),
            };
            lines(&format!("{} {}\n{body}", request.method, request.url), REQUEST)
        });
        (
            number(item.line),
            Status::new(mark, word),
            item.id.as_deref().map(shown).unwrap_or_default(),
            request.unwrap_or_default(),
            item.error.as_deref().map(shown).unwrap_or_default(),
        )
    });
    let items = items.collect::<Vec<_>>();
    let sums = sums.into_iter().map(|(word, count)| (word.to_owned(), number(count))).collect();
    let shown_of = match data.run.items > items.len() as u64 {
        true => {
            format!("the first {} of {}", items.len(), counted(data.run.items, "item", "items"))
        }
        false => counted(data.run.items, "item", "items"),
    };
    let base = format!("/pushes/{}", encoded(&data.run.id));
    let actions = actions(&page, run, true);
    let command = format!(
        "connector-host push {} FILE --connection {} --mode {} --dry-run",
        argument(&data.run.object),
        argument(&run.connection),
        data.run.mode
    );
    let page = page
        .titled(format!("What would be sent of {shown_of}"))
        .lead("Nothing was written. Records were looked for at the provider, as the push will.")
        .crumb("Pushes", Screen::Pushes.href(Some(&run.connection)))
        .crumb("Push", base)
        .command(command)
        .actions(actions);
    PlanPage { page, sums, items }
}

async fn failed(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OneRun>,
) -> Result<Response, Problem> {
    if asker.hides {
        let text = "items hold personal data, which is hidden";
        return Err(Problem::new(ProblemKind::Forbidden, ProblemSource::Request, text));
    }
    let (row, name) = found(&console, &path.run).await?;
    let of = OfRun { connection: name, run: row.id.clone() };
    let mut response = failed_rows(&console.app, &of).await?;
    let kind = if row.header.is_some() { "csv" } else { "ndjson" };
    let short: String = row.id.chars().take(8).collect();
    let name = format!("attachment; filename=\"failed-{short}.{kind}\"");
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

#[derive(Deserialize)]
struct Begin {
    #[serde(default)]
    key: String,
}

async fn begin(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OneRun>,
    Form(form): Form<Begin>,
) -> Result<Response, Problem> {
    let (row, name) = found(&console, &path.run).await?;
    let place = format!(
        "/v1/connections/{}/pushes/{}/resume?on_conflict=park",
        encoded(&name),
        encoded(&row.id)
    );
    let call = Call { method: Method::POST, path: &place, body: None, key: &form.key };
    let outcome = console.call(&asker, call).await;
    let outcome = outcome.map(|_| "It is begun. It goes on when this page is left.".to_owned());
    Ok(console.done(&asker, &format!("/pushes/{}", encoded(&row.id)), outcome))
}

#[derive(Deserialize)]
struct Discard {
    #[serde(default)]
    key: String,
    sure: Option<String>,
}

async fn discard(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OneRun>,
    Form(form): Form<Discard>,
) -> Result<Response, Problem> {
    let (row, name) = found(&console, &path.run).await?;
    let here = format!("/pushes/{}", encoded(&row.id));
    if form.sure.is_none() {
        let page = console.page(&asker, Screen::Pushes, Some(&name)).await?;
        let all = counted(row.counts.all(), "item", "items");
        return Ok(ConfirmPage {
            page: page
                .titled(format!("Discard {all}?"))
                .crumb("Pushes", Screen::Pushes.href(Some(&name)))
                .crumb("Push", here.clone()),
            says: vec!["Nothing of it was sent. The file is forgotten here; to push it again, upload it again.".to_owned()],
            typed: None,
            fault: None,
            href: format!("{here}/discard"),
            fields: vec![("sure".to_owned(), "1".to_owned())],
            verb: format!("Discard {}", number(row.counts.all())),
            away: ("Keep it".to_owned(), here),
        }
        .answer());
    }
    let place = format!("/v1/connections/{}/pushes/{}", encoded(&name), encoded(&row.id));
    let call = Call { method: Method::DELETE, path: &place, body: None, key: &form.key };
    let outcome = console.call(&asker, call).await.map(|_| "It is forgotten.".to_owned());
    let to = if outcome.is_ok() { Screen::Pushes.href(Some(&name)) } else { here };
    Ok(console.done(&asker, &to, outcome))
}

#[derive(Deserialize)]
struct Decide {
    #[serde(default)]
    key: String,
    decision: String,
    index: Option<u64>,
    #[serde(default)]
    theirs: String,
    sure: Option<String>,
}

async fn decide(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OneRun>,
    Form(form): Form<Decide>,
) -> Result<Response, Problem> {
    let (row, name) = found(&console, &path.run).await?;
    let here = format!("/pushes/{}", encoded(&row.id));
    let is_ours = form.decision == "ours";
    let items = form.index.map(|index| json!({"index": index, "theirs": form.theirs}));
    // One is decided as it is seen; all of them are not, so that asks.
    if items.is_none() && form.sure.is_none() {
        let page = console.page(&asker, Screen::Pushes, Some(&name)).await?;
        let all = number(row.counts.parked);
        let (title, says, verb) = match is_ours {
            true => (
                format!("Write mine over all {all}?"),
                "What others wrote to these records is replaced at the provider.",
                format!("Write {all}"),
            ),
            false => (
                format!("Leave all {all} as they are?"),
                "What this push wanted to write to them is given up.",
                format!("Leave {all}"),
            ),
        };
        return Ok(ConfirmPage {
            page: page
                .titled(title)
                .crumb("Pushes", Screen::Pushes.href(Some(&name)))
                .crumb("Push", here.clone()),
            says: vec![says.to_owned()],
            typed: None,
            fault: None,
            href: format!("{here}/decide"),
            fields: vec![
                ("decision".to_owned(), form.decision),
                ("sure".to_owned(), "1".to_owned()),
            ],
            verb,
            away: ("Decide one by one".to_owned(), here),
        }
        .answer());
    }
    let place = format!("/v1/connections/{}/pushes/{}/decide", encoded(&name), encoded(&row.id));
    let items: Vec<Value> = items.into_iter().collect();
    let body = json!({"decision": form.decision, "items": items});
    let call = Call { method: Method::POST, path: &place, body: Some(body), key: &form.key };
    let outcome = console.call(&asker, call).await.map(|told| {
        let count = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
        match (count("decided"), count("passed")) {
            (0, _) => "It met another change meanwhile: look at it again.".to_owned(),
            (decided, 0) => format!("{} decided.", counted(decided, "is", "are")),
            (decided, passed) => format!(
                "{} decided; {} changed meanwhile.",
                counted(decided, "is", "are"),
                number(passed)
            ),
        }
    });
    Ok(console.done(&asker, &here, outcome))
}
