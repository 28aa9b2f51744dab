//! A source becomes a run: every item is kept before anything is sent.

use std::collections::BTreeMap;

use connector_contract::clock::unix_ms;
use connector_state::Word as _;
use connector_state::push::{IntentRow, IntentState, Mode, PushRow};
use tokio::task::spawn_blocking;

use super::differences::Members;
use super::engine::Push;
use super::error::PushError;
use super::mapping::Mapping;
use super::wish::{Wish, told};
use crate::digest::Digest;
use crate::source::{Item, Items};
use crate::vault::random_id;

/// Items that are kept by one commit.
const CHUNK: usize = 500;
/// How long an ended run is remembered.
const REMEMBERED_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// A source that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The run to be worked off.
    pub run: String,
    /// What a person should know of how the source was read.
    pub notes: Vec<String>,
}

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
    ) -> Result<Kept, PushError> {
        self.check(mode)?;
        self.fits(&items, mapping)?;
        let run = self.begin(mode, items.header()).await?;
        let kept = self.keep(&run, items, mode, mapping).await;
        if kept.is_err() {
            // What was read of it is of no use.
            self.intents.forget(&run).await?;
        }
        kept
    }

    async fn keep(
        &self,
        run: &str,
        mut items: Items,
        mode: Mode,
        mapping: Option<&Mapping>,
    ) -> Result<Kept, PushError> {
        let mut digest = Digest::default();
        let map = mapping.map(Mapping::text).unwrap_or_default();
        for part in [&self.connection, &self.family.object, mode.word(), map] {
            digest.add(part.as_bytes());
        }
        digest.add(items.header().unwrap_or_default().as_bytes());
        let (mut index, mut skipped) = (0, 0);
        loop {
            let chunk;
            (items, chunk) = next_chunk(items).await?;
            if chunk.is_empty() {
                break;
            }
            let mut rows = Vec::with_capacity(chunk.len());
            for item in chunk {
                let wishes = self.wishes(item, items.form(), mapping);
                skipped += u64::from(wishes.is_empty());
                for wish in wishes {
                    digest.add(&wish.raw);
                    if let Ok(input) = &wish.input
                        && input.as_bytes() != wish.raw
                    {
                        digest.add(input.as_bytes());
                    }
                    rows.push(self.intent(run, index, wish, mode)?);
                    index += 1;
                }
            }
            self.intents.add(rows).await?;
        }
        let notes = told(&items, index, skipped);
        let run = self.intents.seal(run, digest.end()).await?;
        Ok(Kept { run, notes })
    }

    /// Makes a run without items, and forgets those of long ago.
    pub(super) async fn begin(
        &self,
        mode: Mode,
        header: Option<String>,
    ) -> Result<String, PushError> {
        let made_ms = unix_ms(self.clock.now());
        self.intents.prune(made_ms.saturating_sub(REMEMBERED_MS)).await?;
        let (id, connection) = (random_id()?, self.connection.clone());
        let object = self.family.object.clone();
        let (digest, ended_ms) = (None, None);
        let row = PushRow { id, connection, object, mode, header, digest, made_ms, ended_ms };
        let id = row.id.clone();
        self.intents.begin(row).await?;
        Ok(id)
    }

    pub(super) fn intent(
        &self,
        run: &str,
        index: u64,
        wish: Wish,
        mode: Mode,
    ) -> Result<IntentRow, PushError> {
        let Wish { line, raw, input } = wish;
        let same = input.as_ref().is_ok_and(|input| input.as_bytes() == raw);
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
        match input {
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
