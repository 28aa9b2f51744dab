//! How what a call asks of the host is answered: by the host, by the host and kept, or from a
//! recording.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wasmtime::Result;

use crate::error::Stop;
use crate::recording::{
    CALL_BYTES, Difference, End, RecordedCall, RecordedImport, Recorder, Redaction, difference,
};

/// Where the answers of one call come from.
#[derive(Default)]
pub enum Tape {
    /// The host.
    #[default]
    Live,
    /// The host; they are kept.
    Kept(KeptCall),
    /// A recording.
    Replayed(Playback),
}

impl Tape {
    /// For a call that was suspended so often before.
    pub fn new(recorder: Option<&Arc<dyn Recorder>>, suspended: u32) -> Self {
        let Some(recorder) = recorder else { return Self::Live };
        let call = RecordedCall { suspended, ..RecordedCall::default() };
        Self::Kept(KeptCall { recorder: Some(Arc::clone(recorder)), call, bytes: 0 })
    }

    /// The call begins.
    pub fn begin(&mut self, export: &str, arguments: impl FnOnce() -> Value) {
        if let Self::Kept(kept) = self {
            kept.call.export = export.to_owned();
            kept.call.arguments = arguments();
            kept.count(weight(&kept.call.arguments));
        }
    }

    /// The call asks something of the host; `None`: the host answers.
    ///
    /// # Errors
    /// When the recording holds no answer to this.
    pub fn ask<A: DeserializeOwned>(
        &mut self,
        import: &str,
        asked: impl FnOnce() -> Value,
    ) -> Result<Option<A>> {
        match self {
            Self::Live => Ok(None),
            Self::Kept(kept) => {
                kept.ask(import, asked());
                Ok(None)
            }
            Self::Replayed(playback) => {
                let answer = playback.answer(import, &asked())?;
                Ok(Some(serde_json::from_value(answer)?))
            }
        }
    }

    /// The host has answered.
    pub fn answer(&mut self, answer: &impl Serialize) {
        let Self::Kept(kept) = self else { return };
        if let Some(last) = kept.call.imports.last_mut() {
            last.answer = serde_json::to_value(answer).unwrap_or_default();
            last.is_answered = true;
            let weight = weight(&last.answer);
            kept.count(weight);
        }
    }

    /// The call has answered.
    pub fn answered(&mut self, answer: &impl Serialize) {
        if let Self::Kept(kept) = self {
            let answer = serde_json::to_value(answer).unwrap_or_default();
            let weight = weight(&answer);
            kept.end(End::Answered(answer));
            kept.count(weight);
        }
    }

    /// The call was stopped.
    pub fn stopped(&mut self, why: &Stop) {
        if let Self::Kept(kept) = self {
            let text = why.to_string();
            let by_chance = matches!(why, Stop::OutOfTime | Stop::NoInstance(_));
            kept.end(if by_chance { End::Cut(text) } else { End::Stopped(text) });
        }
    }

    /// Forgets what was kept: the call is begun anew and asks the same again.
    pub fn discard(self) {
        if let Self::Kept(mut kept) = self {
            kept.recorder = None;
        }
    }
}

/// A call that is kept; handed over when it is dropped.
pub struct KeptCall {
    recorder: Option<Arc<dyn Recorder>>,
    call: RecordedCall,
    bytes: usize,
}

impl KeptCall {
    fn ask(&mut self, import: &str, asked: Value) {
        if self.call.end == End::TooLarge {
            return;
        }
        self.count(weight(&asked));
        let import = import.to_owned();
        self.call.imports.push(RecordedImport {
            import,
            asked,
            answer: Value::Null,
            is_answered: false,
        });
    }

    fn end(&mut self, end: End) {
        if self.call.end != End::TooLarge {
            self.call.end = end;
        }
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > CALL_BYTES {
            let export = std::mem::take(&mut self.call.export);
            self.call = RecordedCall { export, end: End::TooLarge, ..RecordedCall::default() };
        }
    }
}

impl Drop for KeptCall {
    fn drop(&mut self) {
        // Without an export nothing was called: there was no room for an instance, for example.
        if let Some(recorder) = self.recorder.take().filter(|_| !self.call.export.is_empty()) {
            recorder.record(std::mem::take(&mut self.call));
        }
    }
}

/// About the bytes of a value.
fn weight(value: &Value) -> usize {
    let own = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, it)| name.len() + weight(it)).sum(),
        _ => 0,
    };
    own + 16
}

/// A recorded call whose imports are asked for again.
pub struct Playback {
    imports: std::vec::IntoIter<RecordedImport>,
    asked: usize,
    is_cut: bool,
    redaction: Option<Redaction>,
    /// Where the call went another way.
    pub difference: Option<Difference>,
    /// All that was recorded has come; the recorded call was cut here.
    pub at_cut: bool,
}

impl Playback {
    /// Of `call`; of a redacted one only shapes can be compared.
    pub fn new(call: &mut RecordedCall, is_redacted: bool) -> Self {
        let redaction = is_redacted.then(|| Redaction::of(call));
        let is_cut = !matches!(call.end, End::Answered(_));
        let imports = std::mem::take(&mut call.imports).into_iter();
        Self { imports, asked: 0, is_cut, redaction, difference: None, at_cut: false }
    }

    /// Notes the first difference.
    pub fn compare(&mut self, place: &str, recorded: &Value, now: &Value) -> bool {
        let mut now = now.clone();
        if let Some(redaction) = &self.redaction {
            redaction.apply(&mut now);
        }
        let found = difference(place, recorded, &now);
        let is_same = found.is_none();
        self.difference = self.difference.take().or(found);
        is_same
    }

    /// Notes that an import was recorded and is not asked for now.
    pub fn finish(&mut self) {
        if let Some(missing) = self.imports.next() {
            let recorded = serde_json::json!({ missing.import: missing.asked });
            self.compare(&format!("import {}", self.asked + 1), &recorded, &Value::Null);
        }
    }

    fn answer(&mut self, import: &str, asked: &Value) -> Result<Value> {
        self.asked += 1;
        let place = format!("import {}", self.asked);
        let Some(recorded) = self.imports.next() else {
            self.at_cut = self.is_cut;
            if !self.is_cut {
                let now = serde_json::json!({ import: asked });
                self.compare(&place, &Value::Null, &now);
            }
            return Err(wasmtime::Error::msg("the recording ends here"));
        };
        let is_same = if recorded.import == import {
            self.compare(&format!("{place} ({import})"), &recorded.asked, asked)
        } else {
            let recorded = serde_json::json!({ recorded.import: recorded.asked });
            self.compare(&place, &recorded, &serde_json::json!({ import: asked }))
        };
        self.at_cut = is_same && !recorded.is_answered;
        if is_same && recorded.is_answered {
            return Ok(recorded.answer);
        }
        Err(wasmtime::Error::msg("the recording holds no answer to this"))
    }
}
