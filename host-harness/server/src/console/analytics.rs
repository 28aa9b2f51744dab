//! What records say together. The figures are kept as records are written, so a page counts nothing.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use connector_service::documents::{AnalyticsDocument, PerformanceDocument, date};
use connector_state::views::{ObjectView, ViewFile};
use serde::{Deserialize, Serialize};

use super::At;
use super::chart::Bars;
use super::guard::{Asker, Wants};
use super::marks::{Mark, Status};
use super::page::{Page, Screen};
use super::parts::{Empty, Pick, href};
use super::picture::{Range, Stack, StackBar};
use super::table::Csv;
use super::text::{argument, counted, number, shown};
use crate::extract::Query;
use crate::problem::Problem;

/// Weeks, where none are asked for, and at most.
const WEEKS: usize = 12;
const MOST_WEEKS: usize = 104;
/// Groups and reasons that a page shows.
const GROUPS: usize = 40;
const REASONS: usize = 20;
/// Carriers of a reason that are named.
const NAMED: usize = 3;

pub fn routes() -> Router<At> {
    Router::new().route("/analytics", get(show))
}

#[derive(Deserialize)]
struct Asked {
    c: Option<String>,
    object: Option<String>,
    by: Option<String>,
    weeks: Option<usize>,
    card: Option<String>,
    /// `csv`, where a header cannot say it.
    r#as: Option<String>,
}

#[derive(Serialize)]
struct Data {
    connection: Option<String>,
    object: Option<String>,
    as_of: String,
    #[serde(flatten)]
    analytics: Option<AnalyticsDocument>,
}

/// A figure with what it is of.
struct Figure {
    title: &'static str,
    value: String,
    base: String,
    why: &'static str,
}

/// A group as the table compares it.
struct Group {
    name: String,
    n: String,
    share: String,
    base: String,
    range: Option<Range>,
    p50: String,
    p90: String,
    days: Option<Bars>,
    trouble: String,
}

struct ReasonRow {
    reason: String,
    code: String,
    n: String,
    bar: Range,
    carriers: String,
}

#[derive(Template)]
#[template(path = "console/analytics.html")]
struct AnalyticsPage {
    page: Page,
    empty: Option<Empty>,
    pickers: Vec<Pick>,
    figures: Vec<Figure>,
    mix: Vec<(Status, String, String)>,
    /// The list of those that are late: the rules' list of them, once there is one.
    late: String,
    weeks: Option<Stack>,
    by: &'static str,
    compared: &'static str,
    groups: Vec<Group>,
    groups_left: u64,
    reasons: Vec<ReasonRow>,
    csv: Vec<(&'static str, String)>,
}

/// The objects whose records are analysed.
fn analysed(view: Option<&ViewFile>) -> Vec<(&str, &ObjectView)> {
    let all = view.into_iter().flat_map(|view| &view.objects);
    let has =
        |view: &ObjectView| view.status.is_some() && view.carrier.is_some() && view.to.is_some();
    all.filter(|(_, view)| has(view)).map(|(name, view)| (name.as_str(), view)).collect()
}

async fn show(
    State(console): State<At>,
    asker: Asker,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let objects = analysed(app.view().await?);
    let mut names: Vec<String> = app.names().await?.into_values().collect();
    names.sort();
    // Of one connection alone it need not be said.
    let whose = match asked.c.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Some(app.row(name).await?),
        None if names.len() == 1 => match names.first() {
            Some(name) => Some(app.row(name).await?),
            None => None,
        },
        None => None,
    };
    let object = match asked.object.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => {
            let words: Vec<&str> = objects.iter().map(|(name, _)| *name).collect();
            let found = objects.iter().find(|(known, _)| *known == name);
            Some(*found.ok_or_else(|| Problem::unknown("object", name, &words))?)
        }
        None => objects.first().copied(),
    };
    let by = match asked.by.as_deref() {
        None | Some("" | "carrier") => "carrier",
        Some("lane") => "lane",
        Some(_) => return Err(Problem::invalid("It can be compared by carrier or by lane.")),
    };
    let weeks = asked.weeks.unwrap_or(WEEKS).clamp(1, MOST_WEEKS);
    let mut found = None;
    if let (Some(row), Some((object, _))) = (&whose, &object) {
        let mut analytics = app.database.analytics(&row.id, object).await?;
        analytics.keep_newest(weeks);
        found = Some(AnalyticsDocument::of(&analytics));
    }
    let name = whose.map(|row| row.name);
    let data = Data {
        connection: name,
        object: object.map(|(name, _)| name.to_owned()),
        as_of: date(app.clock().now_ms()),
        analytics: found,
    };
    if asker.wants == Wants::Csv || asked.r#as.as_deref() == Some("csv") {
        return Ok(csv(&data, asked.card.as_deref().unwrap_or("carriers"))?.answer());
    }
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Analytics, data.connection.as_deref()).await?;
            let view = object.map(|(_, view)| view);
            Ok(analytics_page(page, &data, view, &names, &objects, by, weeks))
        })
        .await
}

fn percent(part: u64, of: u64) -> String {
    match of {
        0 => "–".to_owned(),
        of => format!("{} %", (part * 1_000 / of + 5) / 10),
    }
}

fn days(days: Option<u64>) -> String {
    days.map_or("–".to_owned(), |days| if days >= 30 { "30+".to_owned() } else { days.to_string() })
}

/// The heading: what is surely so, and else how much there is.
fn heading(told: &AnalyticsDocument) -> String {
    match &told.difference {
        _ if told.all.n == 0 => "Nothing is counted yet".to_owned(),
        Some(it) => {
            format!("{} delivers in time more often than {}", shown(&it.better), shown(&it.worse))
        }
        None if told.carriers.iter().filter(|it| it.low.is_some()).count() > 1 => {
            "No carrier is surely better in time".to_owned()
        }
        None => counted(told.all.n, "record", "records"),
    }
}

/// What a status means, by the connector's view file.
fn mark(view: Option<&ObjectView>, status: &str) -> Mark {
    let marks = view.and_then(|view| view.status.as_ref());
    marks.and_then(|it| it.marks.get(status)).map_or(Mark::None, |mark| Mark::from(*mark))
}

#[allow(clippy::too_many_arguments, reason = "one page, in the words of its request")]
fn analytics_page(
    page: Page,
    data: &Data,
    view: Option<&ObjectView>,
    names: &[String],
    objects: &[(&str, &ObjectView)],
    by: &'static str,
    weeks: usize,
) -> AnalyticsPage {
    let connection = data.connection.clone().unwrap_or_default();
    let object = data.object.clone().unwrap_or_default();
    let same = |word: &String| (word.clone(), shown(word));
    let pick = |name: &'static str, label: &str, options: Vec<(String, String)>, value: &str| {
        Pick { name, label: label.to_owned(), options, value: value.to_owned() }
    };
    let mut pickers = Vec::new();
    if names.len() > 1 {
        let mut options = vec![(String::new(), "choose one".to_owned())];
        options.extend(names.iter().take(500).map(same));
        pickers.push(pick("c", "Connection", options, &connection));
    }
    if objects.len() > 1 {
        let options = objects.iter().map(|(name, _)| same(&(*name).to_owned())).collect();
        pickers.push(pick("object", "Of", options, &object));
    }
    let both = [("carrier", "carrier"), ("lane", "lane")];
    let options = both.map(|(word, text)| (word.to_owned(), text.to_owned())).into();
    pickers.push(pick("by", "Compare by", options, by));
    let options = [4, 12, 26, 52].map(|n: usize| (n.to_string(), format!("{n}"))).into();
    pickers.push(pick("weeks", "Weeks", options, &weeks.to_string()));
    let command = format!(
        "connector-host records analytics {} --connection {} --weeks {weeks} --output table",
        argument(if object.is_empty() { "OBJECT" } else { &object }),
        argument(if connection.is_empty() { "NAME" } else { &connection })
    );
    let page = page.command(command);
    let blank = |page: Page, title: &str, empty: Empty| AnalyticsPage {
        page: page.titled(title),
        empty: Some(empty),
        pickers: vec![],
        figures: vec![],
        mix: vec![],
        late: String::new(),
        weeks: None,
        by,
        compared: "",
        groups: vec![],
        groups_left: 0,
        reasons: vec![],
        csv: vec![],
    };
    let Some(told) = &data.analytics else {
        let empty = match (objects.is_empty(), names.is_empty()) {
            (true, _) => Empty::new(
                "Nothing is analysed",
                "This connector does not say which members of its records tell how far they are.",
            ),
            (false, true) => Empty::new(
                "No connection yet",
                "Make one, and its records are counted as they are read.",
            ),
            (false, false) => Empty::new("Of which connection?", "Choose one above."),
        };
        let pickers = pickers.into_iter().filter(|pick| pick.name == "c").collect();
        return AnalyticsPage { pickers, ..blank(page, "Analytics", empty) };
    };
    if told.all.n == 0 && told.statuses.is_empty() {
        let text = "Its records are counted as they are read; sync it first.";
        let pickers = pickers.into_iter().filter(|pick| pick.name == "c").collect();
        let empty = Empty::new("Nothing is counted yet", text);
        return AnalyticsPage { pickers, ..blank(page, "Nothing is counted yet", empty) };
    }
    let at = |more: &[(&str, &str)]| {
        let mut all = vec![("c", connection.as_str()), ("object", object.as_str())];
        all.extend_from_slice(more);
        href("/analytics", &all)
    };
    let partial = if told.is_partial { " Not all records are counted yet." } else { "" };
    let title = heading(told);
    let (groups, compared) = match by {
        "lane" => (&told.lanes, "Lanes compared"),
        _ => (&told.carriers, "Carriers compared"),
    };
    let records = format!(
        "/c/{}/records/{}",
        crate::routes::encoded(&connection),
        crate::routes::encoded(&object)
    );
    let list = |status: &str| href(&records, &[("status", status)]);
    let total: u64 = told.statuses.values().sum();
    let mut mix: Vec<(&String, &u64)> = told.statuses.iter().collect();
    mix.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let mix = mix.into_iter().take(GROUPS).map(|(status, n)| {
        let word = if status.is_empty() { "none".to_owned() } else { shown(status) };
        (
            Status::new(mark(view, status), word),
            format!("{} ({})", number(*n), percent(*n, total)),
            list(status),
        )
    });
    let mix: Vec<_> = mix.collect();
    let rows = groups.iter().take(GROUPS).map(group).collect();
    let most = told.reasons.iter().map(|it| it.n).max().unwrap_or(1);
    let reasons = told.reasons.iter().take(REASONS).map(|it| {
        let mut carriers: Vec<(&String, &u64)> = it.carriers.iter().collect();
        carriers.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
        let named =
            carriers.iter().take(NAMED).map(|(name, n)| format!("{} {}", shown(name), number(**n)));
        let code = it.reason.as_deref().map(shown).unwrap_or_default();
        ReasonRow {
            reason: match it.words.as_deref() {
                Some(words) => shown(words),
                None if code.is_empty() => "No reason is given".to_owned(),
                None => code.clone(),
            },
            code,
            n: number(it.n),
            bar: Range::length(it.n, most),
            carriers: named.collect::<Vec<_>>().join(", "),
        }
    });
    let csv =
        [("carriers", "Carriers"), ("lanes", "Lanes"), ("weeks", "Weeks"), ("reasons", "Reasons")];
    let csv = csv.map(|(card, text)| (text, at(&[("card", card), ("as", "csv")]))).into();
    AnalyticsPage {
        figures: figures(told, view),
        mix,
        late: href(&records, &[("late", "true")]),
        weeks: weeks_of(told, view),
        by,
        compared,
        groups: rows,
        groups_left: (groups.len().saturating_sub(GROUPS)) as u64,
        reasons: reasons.collect(),
        csv,
        empty: None,
        pickers,
        page: page.titled(title).lead(format!(
            "{} of {}, as of {}.{partial}",
            counted(told.all.n, "record", "records"),
            shown(&connection),
            data.as_of
        )),
    }
}

fn figures(told: &AnalyticsDocument, view: Option<&ObjectView>) -> Vec<Figure> {
    let of = |marks: &[Mark]| -> u64 {
        let is_meant = |(status, _): &(&String, &u64)| marks.contains(&mark(view, status));
        told.statuses.iter().filter(is_meant).map(|(_, n)| n).sum()
    };
    let all = &told.all;
    let in_time = match all.low.zip(all.high) {
        Some(_) => percent(all.in_time, all.base),
        None => "–".to_owned(),
    };
    let range = all.low.zip(all.high).map_or("at least 20 are needed".to_owned(), |(low, high)| {
        format!("surely {:.0} to {:.0} %, of {}", low * 100.0, high * 100.0, number(all.base))
    });
    let told_days: u64 = all.days.iter().sum();
    vec![
        Figure {
            title: "Under way",
            value: number(of(&[Mark::Moving, Mark::Out, Mark::PickUp])),
            base: format!("of {}", number(all.n)),
            why: "Records in a status that the connector marks as moving, out or waiting to be fetched.",
        },
        Figure {
            title: "In time",
            value: in_time,
            base: range,
            why: "Delivered not after the promised date, or without one not after the first estimate. The range is \
                  Wilson's, at 95 %.",
        },
        Figure {
            title: "Days on the way",
            value: format!("{} / {}", days(all.p50), days(all.p90)),
            base: format!("half, and nine of ten, of {}", number(told_days)),
            why: "Whole days between pick-up and delivery, by the nearest rank.",
        },
        Figure {
            title: "In trouble",
            value: number(all.trouble),
            base: format!("{} of {}", percent(all.trouble, all.n), number(all.n)),
            why: "Records in a status that the connector marks as one to look at.",
        },
    ]
}

fn group(of: &PerformanceDocument) -> Group {
    let name = of.key.iter().map(|part| match part.is_empty() {
        true => "none".to_owned(),
        false => shown(part),
    });
    let name = name.collect::<Vec<_>>().join(" → ");
    let range = of.low.zip(of.high).map(|(low, high)| {
        let share = of.in_time as f64 / of.base.max(1) as f64;
        let title = format!(
            "{}: {:.0} % of {} in time, surely {:.0} to {:.0} %",
            name,
            share * 100.0,
            number(of.base),
            low * 100.0,
            high * 100.0
        );
        Range::share(title, low, share, high)
    });
    let told: u64 = of.days.iter().sum();
    let bars = (told > 0).then(|| {
        let title = format!(
            "Days on the way of {}: half within {}, nine of ten within {}",
            number(told),
            days(of.p50),
            days(of.p90)
        );
        Bars::new(title, &of.days, None)
    });
    Group {
        n: number(of.n),
        share: if range.is_some() { percent(of.in_time, of.base) } else { "–".to_owned() },
        base: number(of.base),
        range,
        p50: days(of.p50),
        p90: days(of.p90),
        days: bars,
        trouble: match of.trouble {
            0 => "0".to_owned(),
            some => format!("{} ({})", number(some), percent(some, of.n)),
        },
        name,
    }
}

/// What became of each week's records. What needs somebody lies at the base line.
fn weeks_of(told: &AnalyticsDocument, view: Option<&ObjectView>) -> Option<Stack> {
    let kinds = [
        ("trouble", "In trouble"),
        ("way", "Under way"),
        ("pending", "Not begun"),
        ("ended", "Ended"),
        ("good", "Delivered"),
    ];
    let kind = |status: &str| match mark(view, status) {
        Mark::Bad | Mark::Warn => "trouble",
        Mark::Moving | Mark::Out | Mark::PickUp | Mark::Wait => "way",
        Mark::None => "pending",
        Mark::Ended => "ended",
        Mark::Good => "good",
    };
    let weeks: Vec<StackBar> = told
        .weeks
        .iter()
        .filter_map(|week| {
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for (status, n) in &week.counts {
                *counts.entry(kind(status)).or_default() += n;
            }
            let parts = kinds.iter().map(|(kind, _)| counts.get(kind).copied().unwrap_or_default());
            Some(StackBar { label: week.week.clone()?, parts: parts.collect() })
        })
        .collect();
    (!weeks.is_empty()).then(|| {
        let used: BTreeSet<usize> = weeks
            .iter()
            .flat_map(|week| {
                week.parts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(at, _)| at)
            })
            .collect();
        let kinds = kinds.iter().enumerate().filter(|(at, _)| used.contains(at));
        let legend = kinds.map(|(at, (kind, text))| (at, *kind, *text)).collect();
        Stack::new("What became of the records of each week".to_owned(), &weeks, legend)
    })
}

/// A card as a table for spreadsheets.
fn csv(data: &Data, card: &str) -> Result<Csv, Problem> {
    let told = data.analytics.as_ref();
    let told = told.ok_or_else(|| Problem::invalid("Say of which connection: ?c=NAME."))?;
    let text =
        |number: Option<f64>| number.map(|number| format!("{number:.4}")).unwrap_or_default();
    let whole = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let performance = |groups: &[PerformanceDocument], names: &[&str]| {
        let more = ["records", "base", "in_time", "low", "high", "p50", "p90", "trouble"];
        let mut csv = Csv::new(card, names.iter().copied().chain(more));
        for group in groups {
            let mut row = group.key.clone();
            row.extend([group.n, group.base, group.in_time].map(|number| number.to_string()));
            row.extend([text(group.low), text(group.high), whole(group.p50), whole(group.p90)]);
            row.push(group.trouble.to_string());
            csv.row(row);
        }
        csv
    };
    Ok(match card {
        "carriers" => performance(&told.carriers, &["carrier"]),
        "lanes" => performance(&told.lanes, &["from", "to"]),
        "weeks" => {
            let mut csv = Csv::new(card, ["week", "status", "records"]);
            for week in &told.weeks {
                for (status, n) in &week.counts {
                    csv.row(vec![
                        week.week.clone().unwrap_or_default(),
                        status.clone(),
                        n.to_string(),
                    ]);
                }
            }
            csv
        }
        "reasons" => {
            let mut csv = Csv::new(card, ["reason", "means", "carrier", "records"]);
            for reason in &told.reasons {
                for (carrier, n) in &reason.carriers {
                    csv.row(vec![
                        reason.reason.clone().unwrap_or_default(),
                        reason.words.clone().unwrap_or_default(),
                        carrier.clone(),
                        n.to_string(),
                    ]);
                }
            }
            csv
        }
        other => {
            let known = ["carriers", "lanes", "weeks", "reasons"];
            return Err(Problem::unknown("card", other, &known));
        }
    })
}
