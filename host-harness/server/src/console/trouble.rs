//! What waits for a person, by cause; and what is done about all of a cause at once.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use connector_service::documents::{TroubleDocument, TroubleGroup, TroublesDocument};
use connector_service::trouble::{Treatment, TroubleKind, find, shape};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::At;
use super::act::{Call, Form};
use super::chart::Bars;
use super::guard::Asker;
use super::marks::Mark;
use super::page::{Button, Page, Screen};
use super::parts::{Chip, ConfirmPage, Empty, Pager, href};
use super::text::{Moment, argument, counted, cut, moment, number, shown};
use crate::authorise::Scope;
use crate::extract::{Path, Query};
use crate::problem::Problem;
use crate::routes::encoded;
use crate::routes::troubles::{OpenedGroup, kind, opened, scope};

/// Troubles of a cause that a page shows.
const SHOWN: usize = 200;
/// Characters of a reason in a list.
const REASON: usize = 160;

pub fn routes() -> Router<At> {
    Router::new()
        .route("/trouble", get(list))
        .route("/trouble/{group}", get(open))
        .route("/trouble/{group}/{treatment}", post(treat))
}

#[derive(Deserialize)]
struct Listed {
    kind: Option<String>,
    c: Option<String>,
}

/// A cause as the list shows it.
struct Row {
    href: String,
    reason: String,
    mark: Mark,
    kind: &'static str,
    object: String,
    whose: String,
    count: String,
    bars: Bars,
    first: Option<Moment>,
    last: Option<Moment>,
    button: Option<Button>,
}

#[derive(Template)]
#[template(path = "console/trouble.html")]
struct TroublePage {
    page: Page,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    empty: Option<Empty>,
    is_partial: bool,
}

/// A kind, for people.
fn words(kind: &str) -> (&'static str, Mark) {
    match TroubleKind::of(kind) {
        Some(TroubleKind::DeadLetter) => ("Dead letters", Mark::Bad),
        Some(TroubleKind::UnreadRecord) => ("Unread records", Mark::Warn),
        Some(TroubleKind::Conflict) => ("Conflicts", Mark::Warn),
        Some(TroubleKind::UnknownOutcome) => ("Outcome not known", Mark::Warn),
        Some(TroubleKind::ParkedChange) => ("Not taken by a target", Mark::Bad),
        None => ("Trouble", Mark::Warn),
    }
}

/// What a treatment's button says.
fn verb(treatment: Treatment, kind: &str) -> &'static str {
    match (treatment, TroubleKind::of(kind)) {
        (Treatment::Replay, Some(TroubleKind::UnknownOutcome)) => "Look again",
        (Treatment::Replay, _) => "Apply again",
        (Treatment::Drop, _) => "Drop",
        (Treatment::Ours, _) => "Write mine",
        (Treatment::Theirs, _) => "Leave theirs",
    }
}

/// Reasons may quote what a record holds.
fn hidden(group: &mut TroubleGroup, asker: &Asker) {
    if asker.hides {
        group.reason.clone_from(&group.shape);
    }
}

async fn list(
    State(console): State<At>,
    asker: Asker,
    Query(asked): Query<Listed>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let only = kind(asked.kind.as_deref())?;
    let scope = scope(app, asked.c.as_deref()).await?;
    let found = find(&*app.database, &scope).await?;
    let mut data = TroublesDocument::of(&found, &scope, only, app.clock().now_ms());
    data.groups.iter_mut().for_each(|group| hidden(group, &asker));
    let whose = asked.c.as_deref();
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Trouble, whose).await?;
            let all: u64 = data.counts.values().sum();
            let title = match (all, data.groups.len() as u64) {
                (0, _) => "No trouble".to_owned(),
                (all, causes) => format!(
                    "{} of {}",
                    counted(all, "trouble", "troubles"),
                    counted(causes, "cause", "causes")
                ),
            };
            let command = "connector-host dead-letters list && connector-host push --conflicts";
            let page = page
                .titled(title)
                .lead("What stopped and waits for a person. All of a cause is dealt with at once.")
                .command(with_connection(command, whose));
            let rows = data.groups.iter().map(|group| row(group, &page, whose)).collect();
            let empty = data.groups.is_empty().then(|| {
                Empty::good(
                    "Nothing waits for you",
                    "Deliveries that cannot be applied, items of pushes that are parked, and changes that a \
                     target does not take would be here, grouped by cause.",
                )
            });
            let is_partial = data.is_partial;
            Ok(TroublePage { chips: chips(&data, only, whose), page, rows, empty, is_partial })
        })
        .await
}

/// The command for one connection, where one is chosen.
fn with_connection(command: &str, connection: Option<&str>) -> String {
    match connection {
        Some(name) => {
            let more = format!(" --connection {}", argument(name));
            command.replace(" && ", &format!("{more} && ")) + &more
        }
        None => command.to_owned(),
    }
}

fn chips(data: &TroublesDocument, only: Option<TroubleKind>, whose: Option<&str>) -> Vec<Chip> {
    let c = whose.unwrap_or_default();
    let all = Chip {
        text: "Everything".to_owned(),
        href: href("/trouble", &[("c", c)]),
        count: Some(data.counts.values().sum()),
        mark: None,
        is_here: only.is_none(),
    };
    let of = |kind: TroubleKind| {
        let (text, mark) = words(kind.word());
        let count = data.counts.get(kind.word()).copied();
        let is_here = only == Some(kind);
        (count.is_some() || is_here).then(|| Chip {
            text: text.to_owned(),
            href: href("/trouble", &[("kind", kind.word()), ("c", c)]),
            count: Some(count.unwrap_or_default()),
            mark: Some(mark),
            is_here,
        })
    };
    std::iter::once(all).chain(TroubleKind::ALL.into_iter().filter_map(of)).collect()
}

fn place(key: &str, whose: Option<&str>) -> String {
    href(&format!("/trouble/{}", encoded(key)), &[("c", whose.unwrap_or_default())])
}

fn row(group: &TroubleGroup, page: &Page, whose: Option<&str>) -> Row {
    let (kind, mark) = words(group.kind);
    let more = group.connections.len().saturating_sub(1);
    let one = group.connections.first().map(|name| shown(name)).unwrap_or_default();
    let whose_are = if more == 0 { one } else { format!("{one} and {} more", number(more as u64)) };
    let place = place(&group.key, whose);
    // What changes nothing that cannot be repeated needs no question.
    let button = match Treatment::of(group.can.first().copied().unwrap_or_default()) {
        Some(Treatment::Replay) => {
            let action = format!("/trouble/{}/replay", encoded(&group.key));
            let button = page.form(verb(Treatment::Replay, group.kind), action, Scope::Write);
            Some(button.with("c", whose.unwrap_or_default()))
        }
        Some(Treatment::Ours | Treatment::Theirs) => Some(page.link("Decide", place.clone())),
        _ => None,
    };
    let title = format!(
        "{} over the time that all troubles are of",
        counted(group.count, "trouble", "troubles")
    );
    Row {
        href: place,
        reason: match group.reason.is_empty() {
            true => "No reason is known".to_owned(),
            false => cut(&group.reason, REASON),
        },
        mark,
        kind,
        object: shown(&group.object),
        whose: whose_are,
        count: number(group.count),
        bars: Bars::new(title, &group.bars, None),
        first: moment(&group.first).map(Moment::full),
        last: moment(&group.last).map(Moment::full),
        button,
    }
}

#[derive(Deserialize)]
struct OfGroup {
    group: String,
}

#[derive(Deserialize)]
struct Opened {
    c: Option<String>,
}

/// A trouble as a page shows it.
struct Item {
    number: String,
    what: String,
    whose: String,
    record: Option<(String, String)>,
    at: Option<Moment>,
    reason: String,
    source: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "console/trouble_group.html")]
struct GroupPage {
    page: Page,
    connection: String,
    reason: String,
    says: &'static str,
    items: Vec<Item>,
    /// Address, label and whether it is the usual one.
    treatments: Vec<(String, &'static str, bool)>,
    refused: Option<String>,
    pager: Pager,
}

async fn open(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfGroup>,
    Query(asked): Query<Opened>,
) -> Result<Response, Problem> {
    let whose = asked.c.as_deref();
    let scope = scope(&console.app, whose).await?;
    let mut data = opened(&console.app, &scope, &path.group, SHOWN).await?;
    hidden(&mut data.group, &asker);
    if asker.hides {
        data.items.iter_mut().for_each(|item| item.reason = shape(&item.reason));
    }
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Trouble, whose).await?;
            Ok(group_page(page, &asker, &data, whose))
        })
        .await
}

fn group_page(page: Page, asker: &Asker, data: &OpenedGroup, whose: Option<&str>) -> GroupPage {
    let group = &data.group;
    let (kind, _) = words(group.kind);
    let says = match TroubleKind::of(group.kind) {
        Some(TroubleKind::DeadLetter) => {
            "The host tried again with growing pauses, and gave up. To apply one again changes nothing twice."
        }
        Some(TroubleKind::UnreadRecord) => {
            "A scan brought what could not be read. The next complete scan reads it again; nothing else needs it."
        }
        Some(TroubleKind::Conflict) => {
            "Somebody else changed the record since it was last seen here. Nothing was written."
        }
        Some(TroubleKind::UnknownOutcome) => {
            "The answer to a write was lost. The record is looked for before anything is sent again."
        }
        Some(TroubleKind::ParkedChange) | None => {
            "The target refused the change, or did not take it for seven days. Later changes went on."
        }
    };
    let base = format!("/trouble/{}", encoded(&group.key));
    let treatments = group.can.iter().filter_map(|word| Treatment::of(word)).map(|treatment| {
        let label = verb(treatment, group.kind);
        (format!("{base}/{}", treatment.word()), label, treatment == Treatment::Replay)
    });
    let treatments: Vec<_> = treatments.collect();
    let refused = (!asker.may(Scope::Write))
        .then(|| format!("You may {} here, and this needs write.", asker.scope.word()));
    let rest = group.count.saturating_sub(data.items.len() as u64);
    let text = match rest {
        0 => counted(group.count, "trouble", "troubles"),
        rest => format!(
            "The oldest {} are shown, {} more are meant too",
            data.items.len(),
            number(rest)
        ),
    };
    let pager = Pager { text, next: None, label: "" };
    let page = page
        .titled(format!("{kind}: {} of the same cause", number(group.count)))
        .lead(cut(&group.reason, 300))
        .crumb("Trouble", Screen::Trouble.href(whose))
        .command(command(data));
    GroupPage {
        connection: whose.unwrap_or_default().to_owned(),
        reason: shown(&group.reason),
        says,
        items: data.items.iter().map(item).collect(),
        treatments,
        refused,
        pager,
        page,
    }
}

/// The command that does the same as the first button.
fn command(data: &OpenedGroup) -> String {
    const NAMED: usize = 8;
    let numbers: Vec<&str> = data.items.iter().take(NAMED).map(|it| it.number.as_str()).collect();
    let more = if data.items.len() > NAMED { " …" } else { "" };
    let first = data.items.first();
    match TroubleKind::of(data.group.kind) {
        Some(TroubleKind::DeadLetter) => {
            format!("connector-host dead-letters replay {}{more}", numbers.join(" "))
        }
        Some(TroubleKind::UnreadRecord) => {
            format!("connector-host dead-letters drop {}{more}", numbers.join(" "))
        }
        Some(TroubleKind::Conflict) => {
            let decide = |number: &&str| format!("--decide {number}=ours");
            let all: Vec<String> = numbers.iter().map(decide).collect();
            format!("connector-host push {}{more}", all.join(" "))
        }
        Some(TroubleKind::UnknownOutcome) => {
            format!("connector-host push {} --resume", data.group.object)
        }
        Some(TroubleKind::ParkedChange) => {
            let forward = argument(first.and_then(|it| it.forward.as_deref()).unwrap_or("NAME"));
            let changes = data.items.iter().take(NAMED).filter_map(|it| it.change);
            let changes: Vec<String> = changes.map(|it| it.to_string()).collect();
            format!("connector-host forwards retry {forward} {}{more}", changes.join(" "))
        }
        None => String::new(),
    }
}

fn item(one: &TroubleDocument) -> Item {
    let record = one.record.as_ref().map(|id| {
        let (of, object) = (encoded(&one.connection), encoded(&one.object));
        (shown(id), format!("/c/{of}/records/{object}/{}", encoded(id)))
    });
    let source = match (one.delivery, &one.push, &one.forward) {
        (Some(delivery), ..) => {
            Some((format!("delivery {delivery}"), format!("/deliveries/{delivery}")))
        }
        (_, Some(push), _) => Some(("push".to_owned(), format!("/pushes/{}", encoded(push)))),
        (.., Some(forward)) => {
            let change = one.change.unwrap_or_default();
            Some((format!("{}, change {change}", shown(forward)), String::new()))
        }
        _ => None,
    };
    Item {
        what: shown(&one.number),
        number: one.number.clone(),
        whose: shown(&one.connection),
        record,
        at: moment(&one.at).map(Moment::full),
        reason: cut(&one.reason, REASON),
        source,
    }
}

#[derive(Deserialize)]
struct OfTreatment {
    group: String,
    treatment: String,
}

#[derive(Deserialize)]
struct Treat {
    #[serde(default)]
    key: String,
    #[serde(default)]
    c: String,
    #[serde(default)]
    number: Vec<String>,
    /// What was typed, where a question was asked.
    typed: Option<String>,
    /// The question was answered.
    sure: Option<String>,
}

async fn treat(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfTreatment>,
    Form(form): Form<Treat>,
) -> Result<Response, Problem> {
    let treatment = Treatment::of(&path.treatment)
        .ok_or_else(|| Problem::not_found("There is no such button."))?;
    let whose = Some(form.c.as_str()).filter(|name| !name.is_empty());
    if treatment != Treatment::Replay {
        let scope = scope(&console.app, whose).await?;
        let data = opened(&console.app, &scope, &path.group, 1).await?;
        let meant = match form.number.len() as u64 {
            0 => data.group.count,
            some => some,
        };
        let question = question(treatment, meant);
        let is_sure = match &question.typed {
            Some(word) => form.typed.as_deref().map(str::trim) == Some(word),
            None => form.sure.is_some(),
        };
        if !is_sure {
            let page = console.page(&asker, Screen::Trouble, whose).await?;
            let fields = form.number.iter().map(|it| ("number".to_owned(), it.clone()));
            let fields = fields
                .chain([("c".to_owned(), form.c.clone()), ("sure".to_owned(), "1".to_owned())]);
            return Ok(ConfirmPage {
                page: page
                    .titled(question.title)
                    .lead(shown(&data.group.shape))
                    .crumb("Trouble", Screen::Trouble.href(whose))
                    .crumb(&shown(&path.group), place(&path.group, whose)),
                says: question.says,
                fault: form.typed.as_ref().map(|_| "That is not what is asked for.".to_owned()),
                typed: question.typed,
                href: format!("/trouble/{}/{}", encoded(&path.group), treatment.word()),
                fields: fields.collect(),
                verb: question.verb,
                away: ("Leave it as it is".to_owned(), place(&path.group, whose)),
            }
            .answer());
        }
    }
    let path_of = format!("/v1/troubles/{}/{}", encoded(&path.group), treatment.word());
    let body = json!({"connection": whose, "numbers": form.number});
    let call = Call { method: Method::POST, path: &path_of, body: Some(body), key: &form.key };
    let outcome = console.call(&asker, call).await.map(|told| said(treatment, &told));
    let scope = scope(&console.app, whose).await?;
    let is_left = opened(&console.app, &scope, &path.group, 1).await.is_ok();
    let to = if is_left { place(&path.group, whose) } else { Screen::Trouble.href(whose) };
    Ok(console.done(&asker, &to, outcome))
}

/// What is asked before something that cannot be taken back, or that is written to a provider.
struct Question {
    title: String,
    says: Vec<String>,
    typed: Option<String>,
    verb: String,
}

fn question(treatment: Treatment, meant: u64) -> Question {
    let all = number(meant);
    match treatment {
        Treatment::Ours => Question {
            title: format!("Write mine over {}?", counted(meant, "change", "changes")),
            says: vec![
                "What somebody else wrote to these records is replaced at the provider, where it still is what was \
                 seen. A record that was changed once more waits again."
                    .to_owned(),
            ],
            typed: None,
            verb: format!("Write {all}"),
        },
        Treatment::Theirs => Question {
            title: format!("Leave {} as they are?", counted(meant, "record", "records")),
            says: vec!["What this push wanted to write to them is given up. Nothing is sent.".to_owned()],
            typed: None,
            verb: format!("Leave {all}"),
        },
        _ => Question {
            title: format!("Drop {}?", counted(meant, "trouble", "troubles")),
            says: vec![
                "What came is erased here and cannot be applied again. Records stay as they are; the next complete \
                 scan brings them up to date."
                    .to_owned(),
            ],
            typed: Some(format!("drop {meant}")),
            verb: format!("Drop {all}"),
        },
    }
}

/// What was done, in a sentence.
fn said(treatment: Treatment, told: &Value) -> String {
    let count = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
    let done = count("done");
    let mut text = match treatment {
        Treatment::Replay => format!("{} tried again now.", counted(done, "is", "are")),
        Treatment::Drop => format!("{} dropped.", counted(done, "was", "were")),
        Treatment::Ours => {
            format!("{} written by the push that wanted it.", counted(done, "is", "are"))
        }
        Treatment::Theirs => format!("{} left as they are.", counted(done, "is", "are")),
    };
    if count("passed") > 0 {
        text.push_str(&format!(" {} changed meanwhile and stay.", number(count("passed"))));
    }
    if told.get("more").and_then(Value::as_bool) == Some(true) {
        text.push_str(" There may be more of them: do it again.");
    }
    text
}
