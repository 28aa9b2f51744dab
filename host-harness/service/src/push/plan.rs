//! What a push would do, without doing it.

use connector_contract::batches::{Operation, Patch, Removal};
use connector_runtime::egress::Planned as Request;
use connector_runtime::{CallError, Find as _};
use connector_state::push::{Mode, Sent};
use serde_json::Value;

use super::differences::{Members, patch};
use super::engine::{Inner, Push};
use super::error::PushError;
use super::item::OnConflict;
use super::mapping::Mapping;
use super::shape::id;
use super::wish::{Wish, told};
use crate::source::Items;
use crate::vault::write_only;

/// What would come of one item.
#[derive(Debug)]
pub struct Planned {
    /// Its place among the items, from 0.
    pub index: u64,
    /// Its line in the source.
    pub line: u64,
    /// The write that would be sent; `None`: nothing would, or it would fail.
    pub write: Option<Sent>,
    /// The record that is there.
    pub id: Option<String>,
    /// The request.
    pub request: Option<Request>,
    /// What is secret in it.
    pub hidden: Vec<Value>,
    /// Why it would fail.
    pub error: Option<String>,
}

impl Push {
    /// Tells of each item what would be sent, and answers what a person should know of how the
    /// source was read. Reads at the provider; writes nothing anywhere.
    ///
    /// # Errors
    /// [`PushError`], also that of `tell`'s first item that stops a push.
    pub async fn plan(
        &self,
        mut items: Items,
        mode: Mode,
        mapping: Option<&Mapping>,
        mut tell: impl FnMut(Planned),
    ) -> Result<Vec<String>, PushError> {
        let inner = self.inner(mode, OnConflict::Fail)?;
        self.fits(&items, mapping)?;
        let (mut index, mut skipped) = (0, 0);
        while let Some(item) = items.next_item().map_err(PushError::Source)? {
            let wishes = self.wishes(item, items.form(), mapping);
            skipped += u64::from(wishes.is_empty());
            for wish in wishes {
                tell(inner.plan(index, wish).await);
                index += 1;
            }
        }
        Ok(told(&items, index, skipped))
    }
}

impl Inner {
    async fn plan(&self, index: u64, wish: Wish) -> Planned {
        let Wish { line, input, .. } = wish;
        let mut planned = Planned {
            index,
            line,
            write: None,
            id: None,
            request: None,
            hidden: vec![],
            error: None,
        };
        let input = match input {
            Ok(input) => input,
            Err(why) => {
                planned.error = Some(why);
                return planned;
            }
        };
        let values = self.shape.schemas().iter().map(|schema| write_only::values(schema, &input));
        planned.hidden = values.flatten().flatten().collect();
        if let Err(error) = self.plan_input(&mut planned, &input).await {
            planned.write = None;
            planned.error = Some(self.without_secrets(&error.to_string(), &input));
        }
        planned
    }

    async fn plan_input(&self, planned: &mut Planned, input: &str) -> Result<(), CallError> {
        let members: Members = serde_json::from_str(input).unwrap_or_default();
        let object = self.family.object.as_str();
        let by_id = matches!(self.mode, Mode::Update | Mode::Delete);
        let known = id(&members).filter(|_| by_id);
        let record = match (&known, self.mode) {
            (_, Mode::Create) => None,
            (Some(id), _) => Some(self.client.get(object, id).await?),
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
        let but = (self.mode == Mode::Update).then_some("id");
        let changes = record.as_ref().map(|record| patch(&members, &record.data, &self.shape, but));
        let write = match (self.mode, &record, &changes) {
            (Mode::Create, ..) | (Mode::Upsert, None, _) => {
                planned.write = Some(Sent::Create);
                Operation::Create(input.to_owned())
            }
            (Mode::Update | Mode::Delete, None, _) => {
                planned.error = Some("no record fits this item".to_owned());
                return Ok(());
            }
            (Mode::Delete, Some(record), _) => {
                planned.write = Some(Sent::Delete);
                Operation::Delete(Removal { id: record.id.clone(), expected: None })
            }
            (_, Some(record), Some(Some(patch))) => {
                planned.write = Some(Sent::Update);
                let (id, patch) = (record.id.clone(), patch.clone());
                Operation::Update(Patch { id, patch, expected: None })
            }
            _ => return Ok(()),
        };
        planned.request = Some(self.client.plan(object, &write).await?);
        Ok(())
    }
}
