//! A source becomes a run: every item is kept before anything is sent. [`Push::read`] reads the
//! source to its end first; [`Push::stream`] works items off while they come.

use std::io;
use std::sync::Arc;

use connector_runtime::digest::Digest;
use connector_state::Word as _;
use connector_state::push::{IntentCounts, IntentRow, IntentState, Mode, PushRow};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::differences::InputMembers;
use super::engine::{Push, Summary};
use super::error::PushError;
use super::item::OnConflict;
use super::items::Mapper;
use super::mapping::Mapping;
use crate::source::{Items, SourceItem};
use crate::vault::{fill, random_id};

/// Items that are kept by one commit; as many more may have been read meanwhile.
const CHUNK: usize = 500;

/// A source that has been read to its end and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// The run to be worked off.
    pub run: String,
    /// What a person should know of how the source was read.
    pub notes: Vec<String>,
}

/// Reads a source where that may block for long. The items come in a bounded queue; reading ends
/// where nobody takes them any more.
struct Reading {
    coming: mpsc::Receiver<SourceItem>,
    reader: tokio::task::JoinHandle<(Items, io::Result<()>)>,
}

impl Reading {
    fn of(mut items: Items) -> Self {
        let (sender, coming) = mpsc::channel(CHUNK);
        let read = move || {
            let read = loop {
                let item = match items.next_item() {
                    Ok(Some(item)) => item,
                    end => break end.map(drop),
                };
                // Whoever takes them has stopped.
                if sender.blocking_send(item).is_err() {
                    break Ok(());
                }
            };
            (items, read)
        };
        Self { coming, reader: spawn_blocking(read) }
    }

    /// The next items: those that have come, or a whole chunk; none at the end.
    async fn chunk(&mut self, whole: bool) -> Vec<SourceItem> {
        let (mut chunk, mut room) = (Vec::new(), CHUNK);
        while self.coming.recv_many(&mut chunk, room).await > 0 && whole {
            room = CHUNK - chunk.len();
        }
        chunk
    }

    /// The source, if all of it could be read.
    async fn end(self) -> Result<Items, PushError> {
        let read = self.reader.await.map_err(io::Error::other);
        let (items, read) = read.map_err(PushError::Source)?;
        read.map(|()| items).map_err(PushError::Source)
    }
}

impl Push {
    /// Keeps every item of a source. Returns the run to be worked off: one that asks for the same
    /// and has not ended, else a new one.
    ///
    /// # Errors
    /// [`PushError`]; then nothing of it is ever sent.
    pub async fn read(
        &self,
        items: Items,
        mode: Mode,
        mapping: Option<&Mapping>,
    ) -> Result<StoredRun, PushError> {
        self.read_as(random_id()?, items, mode, mapping).await
    }

    /// As [`Push::read`]; a new run has this id, 128 bits in hex that were never used.
    ///
    /// # Errors
    /// As [`Push::read`].
    pub async fn read_as(
        &self,
        id: String,
        items: Items,
        mode: Mode,
        mapping: Option<&Mapping>,
    ) -> Result<StoredRun, PushError> {
        let mut mapper = Mapper::new(self, &items, mode, mapping)?;
        let run = self.begin(id, mode, items.header()).await?;
        let mut digest = Digest::default();
        let map = mapping.map(Mapping::text).unwrap_or_default();
        for part in [&self.connection, &self.object, mode.word(), map] {
            digest.add(part.as_bytes());
        }
        digest.add(items.header().unwrap_or_default().as_bytes());
        let kept = async {
            let mut reading = Reading::of(items);
            loop {
                let chunk = reading.chunk(true).await;
                if chunk.is_empty() {
                    break;
                }
                let mut rows = Vec::with_capacity(chunk.len());
                for (index, item) in chunk.into_iter().flat_map(|item| mapper.map(item)) {
                    digest.add(&item.raw);
                    if let Ok(input) = &item.content
                        && input.as_bytes() != item.raw
                    {
                        digest.add(input.as_bytes());
                    }
                    rows.push(self.intent(&run, index, item, mode)?);
                }
                self.intents.add(rows).await?;
            }
            let notes = mapper.notes(&reading.end().await?);
            let run = self.intents.seal(&run, digest.end()).await?;
            Ok(StoredRun { run, notes })
        };
        let kept = kept.await;
        if kept.is_err() {
            // What was read of it is of no use.
            self.intents.forget(&run).await?;
        }
        kept
    }

    /// The run of this id, where a source was kept under it to its end.
    ///
    /// # Errors
    /// [`PushError::Store`].
    pub async fn stored(&self, id: &str) -> Result<Option<StoredRun>, PushError> {
        let row = self.intents.run(id).await?;
        let is_it = |row: &PushRow| row.connection == self.connection && row.digest.is_some();
        Ok(row.filter(is_it).map(|row| StoredRun { run: row.id, notes: vec![] }))
    }

    /// Keeps items as they come, and works them off. What the source has after a place that cannot
    /// be read is lost; what came before has been sent. The same source is no longer the same run.
    /// Returns what a person should know of how it was read.
    ///
    /// # Errors
    /// [`PushError`]; what has ended is kept, and what was kept can be gone on with.
    pub async fn stream(
        &self,
        items: Items,
        mode: Mode,
        mapping: Option<&Mapping>,
        on_conflict: OnConflict,
        mut tell: impl FnMut(IntentRow),
    ) -> Result<(Summary, Vec<String>), PushError> {
        let mut mapper = Mapper::new(self, &items, mode, mapping)?;
        let work = Arc::new(self.begin_work(mode, on_conflict)?);
        let run = self.begin(random_id()?, mode, items.header()).await?;
        let mut digest = [0; 32];
        fill(&mut digest)?;
        let run = self.intents.seal(&run, digest).await?;
        let mut reading = Reading::of(items);
        let (mut sum, mut first) = (Summary::default(), 0);
        loop {
            let chunk = reading.chunk(false).await;
            if chunk.is_empty() {
                break;
            }
            let mapped = chunk.into_iter().flat_map(|item| mapper.map(item));
            let rows = mapped.map(|(index, item)| self.intent(&run, index, item, mode));
            let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
            let next = first + rows.len() as u64;
            self.intents.add(rows).await?;
            sum.add(&work.work(&run, first, &mut tell).await?);
            first = next;
        }
        Ok((sum, mapper.notes(&reading.end().await?)))
    }

    /// Makes a run without items.
    async fn begin(
        &self,
        id: String,
        mode: Mode,
        header: Option<String>,
    ) -> Result<String, PushError> {
        let made_ms = self.clock.now_ms();
        let (connection, object) = (self.connection.clone(), self.object.clone());
        let (run, counts) = (id.clone(), IntentCounts::default());
        let (digest, ended_ms) = (None, None);
        let row =
            PushRow { id, connection, object, mode, header, digest, made_ms, ended_ms, counts };
        self.intents.begin(row).await?;
        Ok(run)
    }

    fn intent(
        &self,
        run: &str,
        index: u64,
        item: SourceItem,
        mode: Mode,
    ) -> Result<IntentRow, PushError> {
        let SourceItem { line, raw, content: input } = item;
        let same = input.as_ref().is_ok_and(|input| input.as_bytes() == raw);
        let sealed = if same { None } else { Some(self.seal_raw(run, index, &raw)?) };
        let run_id = run.to_owned();
        let mut row = IntentRow { run: run_id, index, line, raw: sealed, ..IntentRow::default() };
        match input {
            Ok(input) => {
                let members: InputMembers = serde_json::from_str(&input).unwrap_or_default();
                row.key = self.schema.key(mode, &members);
                let sealed = self.seal_input(run, index, &input);
                row.input = Some(sealed.map_err(|why| PushError::Kept { index, why })?);
            }
            Err(why) => (row.state, row.error) = (IntentState::Failed, Some(why)),
        }
        Ok(row)
    }
}
