//! A source becomes a run: every item is kept before anything is sent.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use super::differences::Members;
use super::engine::{Push, fresh_id};
use super::error::PushError;
use super::items::{Item, Items};
use super::mapping::Mapping;
use super::rows::{IntentRow, IntentState, Mode, PushRow, Word as _};
use crate::clock::unix_ms;

/// Items that are kept by one commit.
const CHUNK: usize = 500;
/// How long an ended run is remembered.
const REMEMBERED_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

impl Push {
    /// Keeps every item of a source. Answers the run to be worked off: one that asks for the same
    /// and has not ended, else a new one.
    ///
    /// # Errors
    /// [`PushError`]; then nothing of it is ever sent.
    pub async fn read(
        &self,
        items: Items,
        mode: Mode,
        mapping: Option<&Mapping>,
    ) -> Result<String, PushError> {
        self.check(mode)?;
        let made_ms = unix_ms(self.clock.now());
        self.intents.prune(made_ms.saturating_sub(REMEMBERED_MS)).await?;
        let run = fresh_id()?;
        let header = items.header();
        let mut digest = Sha256::new();
        let map = mapping.map(Mapping::text).unwrap_or_default();
        for part in [&self.connection, &self.family.object, mode.word(), map] {
            absorb(&mut digest, part.as_bytes());
        }
        absorb(&mut digest, header.as_deref().unwrap_or_default().as_bytes());
        let connection = self.connection.clone();
        self.intents
            .begin(PushRow {
                id: run.clone(),
                connection,
                object: self.family.object.clone(),
                mode,
                header,
                digest: None,
                made_ms,
                ended_ms: None,
            })
            .await?;
        let mut index = 0;
        let mut items = items;
        loop {
            let chunk;
            (items, chunk) = next_chunk(items).await?;
            if chunk.is_empty() {
                break;
            }
            let mut rows = Vec::with_capacity(chunk.len());
            for item in chunk {
                absorb(&mut digest, &item.raw);
                rows.push(self.intent(&run, index, item, mode, mapping)?);
                index += 1;
            }
            self.intents.add(rows).await?;
        }
        Ok(self.intents.seal(&run, digest.finalize().into()).await?)
    }

    fn intent(
        &self,
        run: &str,
        index: u64,
        item: Item,
        mode: Mode,
        mapping: Option<&Mapping>,
    ) -> Result<IntentRow, PushError> {
        let Item { line, raw, content } = item;
        let mapped = content.and_then(|content| match mapping {
            Some(mapping) => mapping.apply(&content).map_err(|why| format!("line {line}: {why}")),
            None => Ok(content),
        });
        let same = mapped.as_ref().is_ok_and(|input| input.as_bytes() == raw);
        let sealed = if same { None } else { Some(self.sealer.raw(run, index, &raw)?) };
        let mut row = IntentRow {
            run: run.to_owned(),
            index,
            line,
            key: String::new(),
            input: None,
            raw: sealed,
            state: IntentState::Pending,
            sent: None,
            outcome: None,
            id: None,
            error: None,
            attempts: 0,
        };
        match mapped {
            Ok(input) => {
                let members: Members =
                    serde_json::from_str(&input).unwrap_or_else(|_| BTreeMap::new());
                row.key = self.shape.key(mode, &members);
                let sealed = self.sealer.input(run, index, &input);
                row.input = Some(sealed.map_err(|why| PushError::Kept { index, why })?);
            }
            Err(why) => {
                row.state = IntentState::Failed;
                row.error = Some(why);
            }
        }
        Ok(row)
    }
}

/// The next items. Reading may block for long.
async fn next_chunk(mut items: Items) -> Result<(Items, Vec<Item>), PushError> {
    let reading = spawn_blocking(move || {
        let mut chunk = Vec::new();
        while chunk.len() < CHUNK
            && let Some(item) = items.next_item()?
        {
            chunk.push(item);
        }
        Ok((items, chunk))
    });
    let read = reading.await.map_err(std::io::Error::other).and_then(|read| read);
    read.map_err(PushError::Source)
}

/// With its length, so that no two rows of texts give the same bytes.
fn absorb(digest: &mut Sha256, part: &[u8]) {
    digest.update((part.len() as u64).to_be_bytes());
    digest.update(part);
}
