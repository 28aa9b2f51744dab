//! Calls that are kept, and made again.

use std::sync::Arc;

use super::component::{Connector, Loaded, run_pure};
use super::instance::{Call, call, stop};
use super::tape::{Playback, Tape};
use crate::recording::{CallEnd, Difference, RecordedCall, Recorder};

impl Connector {
    /// Hands every call from now on, of whatever connection, to `recorder`, the first of which asks
    /// for the manifest: it was read before anybody could record. The first recorder that is given
    /// stays.
    pub async fn record(&self, recorder: Arc<dyn Recorder>) {
        let Loaded { runtime, world, .. } = &*self.loaded;
        if world.recorder.set(recorder).is_ok() {
            // A failure is recorded as well, and the connector works by the manifest that it has.
            let _ = run_pure(runtime, world, call!(manifest())).await;
        }
    }

    /// Makes a recorded call again, in a fresh instance whose imports are answered from the
    /// recording, and answers the first difference. Of a call that was cut, what came before is
    /// compared. Of a redacted one, shapes are: a call that goes by a value which is not there any
    /// more goes another way.
    pub async fn replay(&self, call: RecordedCall, is_redacted: bool) -> Option<Difference> {
        let (export, arguments) = (call.export.clone(), call.arguments.clone());
        let playback = Playback::new(call, is_redacted);
        let again: Call<_> = Box::new(move |guest, store| {
            Box::pin(async move {
                store.data_mut().tape = Tape::Replayed(playback);
                let now = match guest.call(store, &export, &arguments).await {
                    Ok(answer) => CallEnd::Answered(answer),
                    Err(why) => CallEnd::Stopped(stop(&why).to_string()),
                };
                match std::mem::take(&mut store.data_mut().tape) {
                    Tape::Replayed(playback) => Ok(playback.finish(&now)),
                    Tape::Live | Tape::Kept(_) => Ok(None),
                }
            })
        });
        let made = run_pure(&self.loaded.runtime, &self.loaded.world, again).await;
        made.unwrap_or_else(|why| {
            let (recorded, now) = ("an instance".to_owned(), why.to_string());
            Some(Difference { place: "begin".to_owned(), recorded, now })
        })
    }
}
