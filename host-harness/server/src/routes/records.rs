//! Records: as they are kept, or as the provider has them now.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use connector_contract::hex;
use connector_contract::records::{ListRequest, Start, Unreadable, View};
use connector_contract::types::DataRecord;
use connector_runtime::CallError;
use connector_service::documents::date;
use connector_state::mirror::{Filter, ListQuery, MirroredRecord, RecordState, hash_of};
use connector_state::{ConnectionRow, StoreError, Word as _};
use http::{HeaderMap, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{App, limited};
use crate::app::Api;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// Records of a page, where no limit is given.
const USUAL: u32 = 100;

/// Which object of which connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OfObject {
    /// Name of the connection.
    pub connection: String,
    /// Name of the object.
    pub object: String,
}

/// Which record.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OfRecord {
    /// Name of the connection.
    pub connection: String,
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub id: String,
}

/// A record. `data` is as it came, digit for digit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordDocument {
    /// Its id.
    pub id: String,
    /// `live` or `aged-out`; missing of one that the provider was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// When the provider says that it last changed.
    pub updated_at: Option<String>,
    /// When the provider says that it was made.
    pub created_at: Option<String>,
    /// What the provider calls this state of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of `data`; in quotes its ETag.
    pub hash: String,
    /// The record that holds it, when its object is derived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Number of the change that made it what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<u64>,
    /// Of a list by a rule over time, when that was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The record.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub data: Box<RawValue>,
}

/// Some records of a list.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct RecordsPage {
    /// The records, in order.
    pub items: Vec<RecordDocument>,
    /// Where it goes on, as `cursor`; null: that was the last of it.
    pub next: Option<String>,
    /// Of kept records: when the object was last read completely; null: never.
    pub as_of: Option<String>,
    /// Every kept record was read for this: the index is being built.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_scanned: bool,
    /// Live: ids that the provider reports as gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<String>,
    /// Live: items that the connector cannot read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableDocument>,
    /// Live: hand it to `since` next time, for what changed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bookmark: Option<String>,
    /// Live: records of the whole list, where the provider tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
    /// Live, with `next`: not sooner than in so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before_ms: Option<u32>,
}

/// An item that the connector cannot read.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnreadableDocument {
    /// Its id.
    id: Option<String>,
    /// As it came.
    raw: String,
    /// Why not.
    reason: String,
}

impl From<Unreadable> for UnreadableDocument {
    fn from(item: Unreadable) -> Self {
        Self { id: item.id, raw: item.raw, reason: item.reason }
    }
}

/// JSON as it came. What is none would be a connector's fault, and is shown as a text.
pub fn raw(text: &str) -> Box<RawValue> {
    let as_text = |_| serde_json::value::to_raw_value(text);
    serde_json::from_str(text).or_else(as_text).unwrap_or_default()
}

impl From<MirroredRecord> for RecordDocument {
    fn from(record: MirroredRecord) -> Self {
        Self {
            id: record.id,
            state: Some(record.state.word()),
            updated_at: record.updated_at,
            created_at: record.created_at,
            version: None,
            hash: hex(&record.hash),
            holder: record.holder,
            change: Some(record.change),
            due: None,
            data: raw(&record.data),
        }
    }
}

impl From<DataRecord> for RecordDocument {
    fn from(record: DataRecord) -> Self {
        Self {
            id: record.id,
            state: None,
            updated_at: record.updated_at,
            created_at: record.created_at,
            version: record.version,
            hash: hex(&hash_of(&record.data)),
            holder: None,
            change: None,
            due: None,
            data: raw(&record.data),
        }
    }
}

impl RecordDocument {
    /// Names this content of it (RFC 9110 section 8.8.3).
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.hash)
    }
}

/// Which records.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct ListParameters {
    /// Goes on after the page whose `next` this is, with the same other parameters.
    pub cursor: Option<String>,
    /// No more than so many, 1 to 1000 [default: 100].
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u32>,
    /// Kept records: a condition, NAME=VALUE (NAME= alone: has none), NAME^=TEXT (begins so), NAME>=VALUE or
    /// NAME<VALUE; may be given several times, and all hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<String>,
    /// Kept records: only those for which this rule over time is raised, the longest due first.
    pub rule: Option<String>,
    /// Kept records: sort by this [default: updated, the newest first].
    pub sort: Option<String>,
    /// Kept records: from the greatest value to the least.
    #[serde(default)]
    pub desc: bool,
    /// Ask the provider, instead of what is kept.
    #[serde(default)]
    pub live: bool,
    /// Live: a JSON object, valid against the object's `filter-schema`.
    pub filter: Option<String>,
    /// Live: a JSON object, valid against the object's `options-schema`.
    pub options: Option<String>,
    /// Live: top-level members of each record, separated by commas; the provider may answer with more.
    pub fields: Option<String>,
    /// Live: only what changed since this bookmark.
    pub since: Option<String>,
}

pub async fn list(
    State(app): State<App>,
    Path(path): Path<OfObject>,
    Query(asked): Query<ListParameters>,
) -> Result<Json<RecordsPage>, Problem> {
    app.check_object(&path.object)?;
    let page = if asked.live {
        live(&app, &path, asked).await?
    } else {
        let row = app.row(&path.connection).await?;
        kept(&app, &row, path.object, asked).await?
    };
    Ok(Json(page))
}

/// Records as they are kept.
///
/// # Errors
/// For what cannot be asked for; and when the state cannot be read.
pub async fn kept(
    app: &Api,
    row: &ConnectionRow,
    object: String,
    asked: ListParameters,
) -> Result<RecordsPage, Problem> {
    let of_live = [&asked.filter, &asked.options, &asked.fields, &asked.since];
    if of_live.iter().any(|given| given.is_some()) {
        let text = "filter, options, fields and since are for live=true";
        return Err(Problem::invalid(text).next("kept records are chosen by where and sort"));
    }
    let limit = limited(asked.limit, USUAL)?;
    let filters = asked.conditions.iter().map(|text| text.parse::<Filter>());
    let filters = filters.collect::<Result<Vec<_>, _>>();
    let filters = filters.map_err(|why| Problem::invalid(format!("where: {why}")))?;
    if asked.rule.is_some() && asked.sort.is_some() {
        return Err(Problem::invalid("what is listed by a rule is sorted by when it was due"));
    }
    let is_plain =
        filters.is_empty() && asked.sort.is_none() && asked.rule.is_none() && !asked.desc;
    let query = ListQuery {
        connection: row.id.clone(),
        object: object.clone(),
        filters,
        descending: asked.desc || (asked.sort.is_none() && asked.rule.is_none()),
        rule: asked.rule,
        sort: asked.sort.unwrap_or_else(|| "updated".to_owned()),
        after: asked.cursor.clone(),
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
    };
    let descriptor = app.connector.describe(&object).await?;
    let read_with = descriptor.derived_from.as_ref().unwrap_or(&object);
    let scans = app.database.scans(&row.id).await?;
    let scan = scans.iter().find(|scan| scan.object == *read_with);
    let as_of = scan.and_then(|scan| scan.completed_ms).map(date);
    match app.database.list(query).await {
        Ok(page) => Ok(RecordsPage {
            items: items(page.records, &page.due_ms),
            next: page.next,
            as_of,
            was_scanned: page.was_scanned,
            ..RecordsPage::default()
        }),
        // What others hold has no index, and an order of its own.
        Err(StoreError::Derived { .. }) if is_plain => {
            let (after, more) = (asked.cursor.as_deref(), u32::try_from(limit + 1));
            let more = more.unwrap_or(u32::MAX);
            let mut records = app.database.records(&row.id, &object, after, more).await?;
            let has_more = records.len() > limit;
            records.truncate(limit);
            let next = records.last().filter(|_| has_more).map(|last| last.id.clone());
            let items = records.into_iter().map(RecordDocument::from).collect();
            Ok(RecordsPage { items, next, as_of, ..RecordsPage::default() })
        }
        Err(why) => Err(why.into()),
    }
}

/// Records, each with when the rule was due, where they are listed by one.
fn items(records: Vec<MirroredRecord>, due_ms: &[u64]) -> Vec<RecordDocument> {
    let due = due_ms.iter().map(|due_ms| Some(date(*due_ms))).chain(std::iter::repeat(None));
    let records = records.into_iter().zip(due);
    records.map(|(record, due)| RecordDocument { due, ..record.into() }).collect()
}

async fn live(app: &Api, path: &OfObject, asked: ListParameters) -> Result<RecordsPage, Problem> {
    if !asked.conditions.is_empty() || asked.rule.is_some() || asked.sort.is_some() || asked.desc {
        let text = "where, rule, sort and desc are for kept records";
        return Err(Problem::invalid(text).next("choose live ones by filter"));
    }
    let limit = limited(asked.limit, USUAL)?;
    let start = match (asked.cursor, asked.since) {
        (Some(cursor), _) => Start::At(cursor),
        (None, Some(since)) => Start::Since(since),
        (None, None) => Start::Beginning,
    };
    let request = ListRequest {
        object: path.object.clone(),
        start,
        page_size: u32::try_from(limit).ok(),
        filter: asked.filter,
        view: view(asked.fields.as_deref(), asked.options),
    };
    let connection = app.open(&path.connection).await?.connection;
    let mut scan = connection.scan(request);
    let page = Box::pin(scan.next()).await?;
    // A scan that has begun has a first page.
    let page = page.ok_or(CallError::TooLarge)?;
    Ok(RecordsPage {
        items: page.records.into_iter().map(RecordDocument::from).collect(),
        next: page.next,
        deleted: page.deleted,
        unreadable: page.unreadable.into_iter().map(UnreadableDocument::from).collect(),
        bookmark: page.bookmark,
        total: page.total,
        not_before_ms: page.not_before_ms,
        ..RecordsPage::default()
    })
}

fn view(fields: Option<&str>, options: Option<String>) -> View {
    let fields = fields.unwrap_or_default().split(',').filter(|field| !field.is_empty());
    View { fields: fields.map(str::to_owned).collect(), options }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct ReadParameters {
    /// Ask the provider, instead of what is kept.
    #[serde(default)]
    live: bool,
    /// Live: a JSON object, valid against the object's `options-schema`.
    options: Option<String>,
    /// Live: top-level members, separated by commas; the provider may answer with more.
    fields: Option<String>,
}

pub async fn read(
    State(app): State<App>,
    Path(path): Path<OfRecord>,
    Query(asked): Query<ReadParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.check_object(&path.object)?;
    let found: RecordDocument = if asked.live {
        let connection = app.open(&path.connection).await?.connection;
        let view = view(asked.fields.as_deref(), asked.options);
        connection.get_view(&path.object, &path.id, &view).await?.into()
    } else {
        let row = app.row(&path.connection).await?;
        let found = app.database.record(&row.id, &path.object, &path.id).await?;
        found
            .filter(|found| found.state != RecordState::Deleted)
            .ok_or_else(|| absent(&path))?
            .into()
    };
    let etag = found.etag();
    // What is read live with a view is another thing under the same name.
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| matches(known, &etag));
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let mut response = Json(found).into_response();
    if let Ok(etag) = etag.parse() {
        response.headers_mut().insert(header::ETAG, etag);
    }
    // Whoever keeps it has to ask whether it is still so.
    let asks = http::HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, asks);
    Ok(response)
}

/// Whether a list of ETags holds this one (RFC 9110 section 13.1.2).
pub fn matches(list: &http::HeaderValue, etag: &str) -> bool {
    let list = list.to_str().unwrap_or_default();
    let weak = |one: &str| one.trim().strip_prefix("W/").unwrap_or(one.trim()) == etag;
    list.trim() == "*" || list.split(',').any(weak)
}

/// The same for a condition on a write: only strong ETags count (RFC 9110 section 13.1.1).
pub fn matches_strongly(list: &http::HeaderValue, etag: &str) -> bool {
    let list = list.to_str().unwrap_or_default();
    list.trim() == "*" || list.split(',').any(|one| one.trim() == etag)
}

pub fn absent(path: &OfRecord) -> Problem {
    let OfRecord { connection, object, id } = path;
    Problem::not_found(format!("{object} {id} is not kept for {connection}"))
        .next("?live=true asks the provider")
}
