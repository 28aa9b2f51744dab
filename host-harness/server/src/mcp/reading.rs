//! Tools that read. What is late or exceptional is told by the connector's view file.

use connector_service::documents::catalog;
use connector_state::views::{Mark, ObjectView};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::arguments::{
    DescribeObjects, FindRecords, ListChanges, ListTroubled, ReadRecord, RecordHistory,
};
use super::ask::{part, records};
use super::{Answered, Mcp, Refused};
use crate::problem::{Problem, ProblemKind, ProblemSource};

type Caller<'c> = Option<&'c HeaderValue>;

/// A page of records.
#[derive(Serialize, Deserialize, Default)]
struct Page {
    items: Vec<Box<RawValue>>,
    /// Where it goes on; null: that was the last of it.
    next: Option<String>,
    /// When the object was last read completely.
    as_of: Option<String>,
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
        let ListTroubled { connection, object, cursor, limit } = asked?;
        let (object, view) = self.object(object.as_deref()).await?;
        let statuses = statuses(view, &[Mark::Bad, Mark::Warn]);
        let limit = limit.unwrap_or(20).clamp(1, 100);
        let base = records(&connection, object);
        written(&self.walk(caller, &base, &statuses, cursor, limit).await?)
    }

    pub(super) async fn late(
        &self,
        caller: Caller<'_>,
        asked: Answered<ListTroubled>,
    ) -> Answered<String> {
        let ListTroubled { connection, object, cursor, limit } = asked?;
        let (object, _) = self.object(object.as_deref()).await?;
        let limit = limit.unwrap_or(20).clamp(1, 100);
        let mut path = format!("{}?rule=late&limit={limit}", records(&connection, object));
        if let Some(cursor) = cursor {
            path.push_str(&format!("&cursor={}", part(&cursor)));
        }
        self.ask(caller, &path).await
    }

    /// Reads the kept records of each status in turn. A cursor is the place of a status, and the cursor within.
    async fn walk(
        &self,
        caller: Caller<'_>,
        base: &str,
        statuses: &[&str],
        cursor: Option<String>,
        limit: u32,
    ) -> Answered<Page> {
        let cursor = cursor.unwrap_or_default();
        let (place, mut within) = match cursor.split_once(':') {
            Some((place, within)) => (place.parse().unwrap_or(0), within.to_owned()),
            None => (0, String::new()),
        };
        let mut found = Page::default();
        for (place, status) in statuses.iter().enumerate().skip(place) {
            loop {
                // No more than there is room for, or what does not fit would be passed over.
                let room = limit.saturating_sub(u32::try_from(found.items.len()).unwrap_or(limit));
                if room == 0 {
                    found.next = Some(format!("{place}:{within}"));
                    return Ok(found);
                }
                let condition = part(&format!("status={status}"));
                let mut path = format!("{base}?limit={room}&where={condition}");
                if !within.is_empty() {
                    path.push_str(&format!("&cursor={}", part(&within)));
                }
                let text = self.ask(caller, &path).await?;
                let read: Page = serde_json::from_str(&text).map_err(|why| internal(&why))?;
                found.as_of = read.as_of.or(found.as_of);
                found.items.extend(read.items);
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
