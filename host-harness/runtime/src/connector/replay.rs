//! Calls that are kept, and made again.

use std::sync::Arc;

use serde_json::json;

use super::component::Connector;
use super::instance::{Call, stop};
use super::tape::{Playback, Tape};
use crate::recording::{Difference, End, RecordedCall, Recorder};

impl Connector {
    /// Hands every call from now on, of whatever connection, to `recorder`. The first one that is
    /// given stays.
    pub fn record(&self, recorder: Arc<dyn Recorder>) {
        let _ = self.loaded.world.recorder.set(recorder);
    }

    /// Makes a recorded call again, in a fresh instance whose imports are answered from the
    /// recording, and answers the first difference. Of a call that was cut, what came before is
    /// compared. Of a redacted one, shapes are: a call that goes by a value which is not there any
    /// more goes another way.
    pub async fn replay(&self, mut call: RecordedCall, is_redacted: bool) -> Option<Difference> {
        let playback = Playback::new(&mut call, is_redacted);
        let RecordedCall { export, arguments, end, .. } = call;
        let again: Call<_> = Box::new(move |guest, store| {
            Box::pin(async move {
                store.data_mut().tape = Tape::Replayed(playback);
                let result = guest.call(store, &export, &arguments).await;
                let result = result.map_err(|why| stop(&why, store.data()).to_string());
                Ok((std::mem::take(&mut store.data_mut().tape), result))
            })
        });
        let stopped = |why: String| json!({ "stopped": why });
        let (mut playback, now) = match self.pure(again).await {
            Ok((Tape::Replayed(playback), now)) => (playback, now),
            Ok(_) => return None,
            Err(why) => {
                let (recorded, now) = ("an instance".to_owned(), why.to_string());
                return Some(Difference { place: "instance".to_owned(), recorded, now });
            }
        };
        let recorded = match end {
            End::Answered(answer) => Some(answer),
            End::Stopped(why) => Some(stopped(why)),
            // It may come further than the recorded one, which was cut by chance.
            End::Cut(_) | End::TooLarge => None,
        };
        if playback.difference.is_none() && !playback.at_cut {
            playback.finish();
            if let Some(recorded) = recorded {
                playback.compare("answer", &recorded, &now.unwrap_or_else(stopped));
            }
        }
        playback.difference
    }
}
