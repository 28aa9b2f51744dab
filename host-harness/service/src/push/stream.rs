//! A source that is worked off while it comes: nothing of it waits for its end.

use std::sync::Arc;

use connector_state::push::Mode;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::engine::{Ended, Push, Summary};
use super::error::PushError;
use super::item::OnConflict;
use super::mapping::Mapping;
use super::wish::told;
use crate::source::Items;
use crate::vault::fill;

/// Items that are kept by one commit, and as many that wait meanwhile.
const CHUNK: usize = 500;

impl Push {
    /// Keeps items as they come, and works them off. What the source has after a place that cannot
    /// be read is lost; what came before has been sent. The same source is no longer the same run.
    /// Answers what a person should know of how it was read.
    ///
    /// # Errors
    /// [`PushError`]; what has ended is kept, and what was kept can be gone on with.
    pub async fn stream(
        &self,
        mut items: Items,
        mode: Mode,
        mapping: Option<&Mapping>,
        on_conflict: OnConflict,
        mut tell: impl FnMut(Ended),
    ) -> Result<(Summary, Vec<String>), PushError> {
        let inner = Arc::new(self.inner(mode, on_conflict)?);
        self.fits(&items, mapping)?;
        let run = self.begin(mode, items.header()).await?;
        let mut digest = [0; 32];
        fill(&mut digest)?;
        let run = self.intents.seal(&run, digest).await?;
        let form = items.form();
        let (sender, mut coming) = mpsc::channel(CHUNK);
        let reading = spawn_blocking(move || {
            let read = loop {
                match items.next_item() {
                    Ok(Some(item)) => {
                        // The push has stopped.
                        if sender.blocking_send(item).is_err() {
                            break Ok(());
                        }
                    }
                    Ok(None) => break Ok(()),
                    Err(why) => break Err(why),
                }
            };
            (items, read)
        });
        let (mut sum, mut index, mut skipped) = (Summary::default(), 0, 0);
        let mut chunk = Vec::new();
        while coming.recv_many(&mut chunk, CHUNK).await > 0 {
            let (first, mut rows) = (index, Vec::with_capacity(chunk.len()));
            for item in chunk.drain(..) {
                let wishes = self.wishes(item, form, mapping);
                skipped += u64::from(wishes.is_empty());
                for wish in wishes {
                    rows.push(self.intent(&run, index, wish, mode)?);
                    index += 1;
                }
            }
            self.intents.add(rows).await?;
            sum.add(&self.work(&inner, &run, first, &mut tell).await?);
        }
        let (items, read) =
            reading.await.map_err(|why| PushError::Source(std::io::Error::other(why)))?;
        read.map_err(PushError::Source)?;
        Ok((sum, told(&items, index, skipped)))
    }
}
