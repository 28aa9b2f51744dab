//! What a push would do, without doing it.

use connector_contract::batches::{Operation, Patch, Removal};
use connector_runtime::egress::UnsentRequest;
use connector_runtime::{CallError, Find as _};
use connector_state::push::{Mode, Sent};
use serde_json::Value;

use super::differences::{InputMembers, patch};
use super::engine::{Push, PushRun};
use super::error::PushError;
use super::item::OnConflict;
use super::items::Mapper;
use super::mapping::Mapping;
use super::shape::id;
use crate::source::{Items, SourceItem};
use crate::vault::write_only;

/// What would come of one item.
#[derive(Debug, Default)]
pub struct PlannedItem {
    /// Its place among the items, from 0.
    pub index: u64,
    /// Its line in the source.
    pub line: u64,
    /// The write that would be sent; `None`: nothing would, or it would fail.
    pub write: Option<Sent>,
    /// The record that is there.
    pub id: Option<String>,
    /// The request.
    pub request: Option<UnsentRequest>,
    /// What is secret in it.
    pub hidden: Vec<Value>,
    /// Why it would fail.
    pub error: Option<String>,
}

impl Push {
    /// Tells of each item what would be sent, and returns what a person should know of how the
    /// source was read. Reads at the provider; writes nothing anywhere.
    ///
    /// # Errors
    /// [`PushError`], also that of `tell`'s first item that stops a push.
    pub async fn plan(
        &self,
        mut items: Items,
        mode: Mode,
        mapping: Option<&Mapping>,
        mut tell: impl FnMut(PlannedItem),
    ) -> Result<Vec<String>, PushError> {
        let mut mapper = Mapper::new(self, &items, mode, mapping)?;
        let work = self.begin_work(mode, OnConflict::Fail)?;
        while let Some(item) = items.next_item().map_err(PushError::Source)? {
            for (index, item) in mapper.map(item) {
                tell(work.plan(index, item).await);
            }
        }
        Ok(mapper.notes(&items))
    }
}

impl PushRun {
    pub(super) async fn plan(&self, index: u64, item: SourceItem) -> PlannedItem {
        let mut planned = PlannedItem { index, line: item.line, ..PlannedItem::default() };
        let input = match item.content {
            Ok(input) => input,
            Err(why) => return PlannedItem { error: Some(why), ..planned },
        };
        let texts = self.push.schema.texts().iter();
        let values = texts.map(|schema| write_only::values(schema, &input));
        planned.hidden = values.flatten().flatten().collect();
        if let Err(error) = self.plan_input(&mut planned, &input).await {
            planned.write = None;
            planned.error = Some(self.push.without_secrets(&error.to_string(), &input));
        }
        planned
    }

    async fn plan_input(&self, planned: &mut PlannedItem, input: &str) -> Result<(), CallError> {
        let members: InputMembers = serde_json::from_str(input).unwrap_or_default();
        let (client, object) = (&self.push.client, self.push.object.as_str());
        let by_id = matches!(self.mode, Mode::Update | Mode::Delete);
        let known = id(&members).filter(|_| by_id);
        let record = match (&known, self.mode) {
            (_, Mode::Create) => None,
            (Some(id), _) => Some(client.get(object, id).await?),
            (None, _) => {
                let mut found = self.finder.find(object, input).await?;
                if found.len() > 1 {
                    planned.error = Some("several records fit; name more members".to_owned());
                    return Ok(());
                }
                found.pop()
            }
        };
        planned.id = record.as_ref().map(|record| record.id.clone());
        let (sent, operation) = match (self.mode, record) {
            (Mode::Create, _) | (Mode::Upsert, None) => {
                (Sent::Create, Operation::Create(input.to_owned()))
            }
            (Mode::Update | Mode::Delete, None) => {
                planned.error = Some("no record fits this item".to_owned());
                return Ok(());
            }
            (Mode::Delete, Some(record)) => {
                (Sent::Delete, Operation::Delete(Removal { id: record.id, expected: None }))
            }
            (Mode::Update | Mode::Upsert, Some(record)) => {
                let but = (self.mode == Mode::Update).then_some("id");
                let patch = patch(&members, &record.data, &self.push.schema, but);
                let Some(patch) = patch else { return Ok(()) };
                (Sent::Update, Operation::Update(Patch { id: record.id, patch, expected: None }))
            }
        };
        planned.write = Some(sent);
        planned.request = Some(client.plan(object, &operation).await?);
        Ok(())
    }
}
