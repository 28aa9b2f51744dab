//! Tools that read. What is late or exceptional is told by the connector's view file.

use connector_contract::clock::unix_ms;
use connector_service::documents::{catalog, date};
use connector_state::views::{Mark, ObjectView};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::arguments::{
    DescribeObjects, FindRecords, ListChanges, ListTroubled, ReadRecord, RecordHistory,
};
use super::ask::{part, records};
use super::{Answered, Mcp, Refused};
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Records of a page that are looked through for late ones.
const PAGE: u32 = 200;
/// Pages of them in one call.
const PAGES: u32 = 10;

type Caller<'c> = Option<&'c HeaderValue>;

/// A page of records.
#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
    as_of: Option<String>,
}

/// Some records of several lists.
#[derive(Serialize, Default)]
struct Found {
    items: Vec<Item>,
    /// Where it goes on; null: that was the last of it.
    next: Option<String>,
    /// When the object was last read completely.
    as_of: Option<String>,
}

#[derive(Serialize)]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    record: Box<RawValue>,
}

fn internal(why: &serde_json::Error) -> Refused {
    let text = format!("the answer is not what it should be: {why}");
    Problem::new(ProblemKind::Internal, ProblemSource::Host, text).into()
}

fn written(value: &impl Serialize) -> Answered<String> {
    serde_json::to_string(value).map_err(|why| internal(&why))
}

impl Mcp {
    pub(super) async fn describe(
        &self,
        caller: Caller<'_>,
        asked: Answered<DescribeObjects>,
    ) -> Answered<String> {
        let manifest = self.0.app.connector.manifest();
        let connector = part(&manifest.name);
        if let Some(object) = asked?.object {
            let path = format!("/v1/connectors/{connector}/objects/{}", part(&object));
            return self.ask(caller, &path).await;
        }
        // Whether the caller may is decided there.
        self.ask(caller, &format!("/v1/connectors/{connector}")).await?;
        let view = manifest.more.iter().find(|(name, _)| name == "views");
        let view = view.map(|(_, text)| catalog::embedded(text));
        written(&serde_json::json!({
            "connector": manifest.name,
            "title": manifest.title,
            "objects": catalog::value(&manifest.objects),
            "views": view.and_then(|view| view.get("objects").cloned()),
        }))
    }

    pub(super) async fn find(
        &self,
        caller: Caller<'_>,
        asked: Answered<FindRecords>,
    ) -> Answered<String> {
        let FindRecords { connection, object, number, order } = asked?;
        let (object, _) = self.object(object.as_deref()).await?;
        let (role, value) = match (number, order) {
            (Some(number), None) => ("number", number),
            (None, Some(order)) => ("order", order),
            _ => return Err(Problem::invalid("give number or order, one of them").into()),
        };
        let condition = part(&format!("{role}={value}"));
        self.ask(caller, &format!("{}?limit=20&where={condition}", records(&connection, object)))
            .await
    }

    pub(super) async fn read(
        &self,
        caller: Caller<'_>,
        asked: Answered<ReadRecord>,
    ) -> Answered<String> {
        let ReadRecord { connection, object, id, live } = asked?;
        let object = self.named(object).await?;
        let path = format!("{}/{}?live={live}", records(&connection, &object), part(&id));
        self.ask(caller, &path).await
    }

    pub(super) async fn history(
        &self,
        caller: Caller<'_>,
        asked: Answered<RecordHistory>,
    ) -> Answered<String> {
        let RecordHistory { connection, object, id, limit } = asked?;
        let object = self.named(object).await?;
        let limit = limit.unwrap_or(20).clamp(1, 100);
        let record = format!("{}/{}", records(&connection, &object), part(&id));
        self.ask(caller, &format!("{record}/history?limit={limit}")).await
    }

    pub(super) async fn changes(
        &self,
        caller: Caller<'_>,
        asked: Answered<ListChanges>,
    ) -> Answered<String> {
        let ListChanges { connection, object, after, limit } = asked?;
        let limit = limit.unwrap_or(50).clamp(1, 100);
        let connection = part(&connection);
        let mut path = format!("/v1/changes?connection={connection}&after={after}&limit={limit}");
        if let Some(object) = object {
            path.push_str(&format!("&object={}", part(&object)));
        }
        self.ask(caller, &path).await
    }

    pub(super) async fn exceptional(
        &self,
        caller: Caller<'_>,
        asked: Answered<ListTroubled>,
    ) -> Answered<String> {
        let asked = asked?;
        let (object, view) = self.object(asked.object.as_deref()).await?;
        let statuses = statuses(view, &[Mark::Bad, Mark::Warn]);
        let limit = asked.limit.unwrap_or(20).clamp(1, 100);
        let take = |record: Box<RawValue>| Some(Item { due: None, record });
        let base = records(&asked.connection, object);
        written(&self.walk(caller, &base, &statuses, asked.cursor, limit, limit, take).await?)
    }

    pub(super) async fn late(
        &self,
        caller: Caller<'_>,
        asked: Answered<ListTroubled>,
    ) -> Answered<String> {
        let asked = asked?;
        let (object, view) = self.object(asked.object.as_deref()).await?;
        let under_way = [Mark::Moving, Mark::Out, Mark::PickUp, Mark::Warn, Mark::Bad, Mark::None];
        let statuses = statuses(view, &under_way);
        let limit = asked.limit.unwrap_or(20).clamp(1, 100);
        let today = date(unix_ms(self.0.app.database.time()));
        let today = today.get(..10).unwrap_or_default();
        let take = |record: Box<RawValue>| {
            let due = due(view, &record).filter(|due| due.as_str() < today)?;
            Some(Item { due: Some(due), record })
        };
        let base = records(&asked.connection, object);
        written(&self.walk(caller, &base, &statuses, asked.cursor, limit, PAGE, take).await?)
    }

    /// Reads the kept records of each status in turn, and of them what `take` takes. A cursor is the
    /// place of a status, and the cursor within.
    #[allow(clippy::too_many_arguments, reason = "one list, in the words of its request")]
    async fn walk(
        &self,
        caller: Caller<'_>,
        base: &str,
        statuses: &[&str],
        cursor: Option<String>,
        limit: u32,
        page: u32,
        take: impl Fn(Box<RawValue>) -> Option<Item>,
    ) -> Answered<Found> {
        let cursor = cursor.unwrap_or_default();
        let (place, mut within) = match cursor.split_once(':') {
            Some((place, within)) => (place.parse().unwrap_or(0), within.to_owned()),
            None => (0, String::new()),
        };
        let (mut found, mut pages) = (Found::default(), 0);
        for (place, status) in statuses.iter().enumerate().skip(place) {
            loop {
                if found.items.len() >= limit as usize || pages >= PAGES {
                    found.next = Some(format!("{place}:{within}"));
                    return Ok(found);
                }
                // No more than there is room for, or what does not fit would be passed over.
                let room = limit.saturating_sub(u32::try_from(found.items.len()).unwrap_or(limit));
                let (size, condition) = (page.min(room.max(1)), part(&format!("status={status}")));
                let mut path = format!("{base}?limit={size}&where={condition}");
                if !within.is_empty() {
                    path.push_str(&format!("&cursor={}", part(&within)));
                }
                let text = self.ask(caller, &path).await?;
                let read: Page = serde_json::from_str(&text).map_err(|why| internal(&why))?;
                found.as_of = read.as_of.or(found.as_of);
                found.items.extend(read.items.into_iter().filter_map(&take));
                pages += 1;
                within = read.next.unwrap_or_default();
                if within.is_empty() {
                    break;
                }
            }
        }
        Ok(found)
    }

    async fn named(&self, object: Option<String>) -> Answered<String> {
        match object {
            Some(object) => Ok(object),
            None => Ok(self.object(None).await?.0.to_owned()),
        }
    }
}

/// The statuses that mean one of these.
fn statuses<'v>(view: &'v ObjectView, marks: &[Mark]) -> Vec<&'v str> {
    let all = view.status.iter().flat_map(|status| &status.marks);
    all.filter(|(_, mark)| marks.contains(mark)).map(|(status, _)| status.as_str()).collect()
}

/// The day on which a record is due, where it has not been delivered.
fn due(view: &ObjectView, item: &RawValue) -> Option<String> {
    let item: Value = serde_json::from_str(item.get()).ok()?;
    let data = item.get("data")?;
    let text = |pointer: &String| data.pointer(pointer).and_then(Value::as_str);
    if view.delivered.as_ref().and_then(text).is_some() {
        return None;
    }
    let due = view.due.iter().find_map(text)?;
    due.get(..10).map(str::to_owned)
}
