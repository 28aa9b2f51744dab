//! How what a call asks of the host is answered: by the host, by the host and kept, or from a
//! recording.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wasmtime::Result;

use crate::error::Stop;
use crate::recording::{
    CALL_BYTES, CallEnd, Difference, RecordedCall, RecordedImport, Recorder, Redaction, difference,
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
            kept.put(arguments(), |call, arguments| call.arguments = arguments);
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
            Self::Live => {}
            Self::Kept(kept) => kept.put(asked(), |call, asked| {
                let (import, answer) = (import.to_owned(), Value::Null);
                call.imports.push(RecordedImport { import, asked, answer, is_answered: false });
            }),
            Self::Replayed(playback) => {
                return Ok(serde_json::from_value(playback.answer(import, &asked())?)?);
            }
        }
        Ok(None)
    }

    /// The host has answered.
    pub fn answer(&mut self, answer: &impl Serialize) {
        if let Self::Kept(kept) = self {
            kept.put(serde_json::to_value(answer).unwrap_or_default(), |call, answer| {
                if let Some(last) = call.imports.last_mut() {
                    (last.answer, last.is_answered) = (answer, true);
                }
            });
        }
    }

    /// The call has answered.
    pub fn answered(&mut self, answer: &impl Serialize) {
        if let Self::Kept(kept) = self {
            let answer = serde_json::to_value(answer).unwrap_or_default();
            kept.put(answer, |call, answer| call.end = CallEnd::Answered(answer));
        }
    }

    /// The call was stopped.
    pub fn stopped(&mut self, why: &Stop) {
        if let Self::Kept(kept) = self {
            let by_chance = matches!(why, Stop::OutOfTime | Stop::NoInstance(_));
            let end = if by_chance { CallEnd::Cut } else { CallEnd::Stopped };
            kept.put(Value::Null, |call, _| call.end = end(why.to_string()));
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
    /// Adds a value, unless the call is too large with it.
    fn put(&mut self, value: Value, add: impl FnOnce(&mut RecordedCall, Value)) {
        self.bytes = self.bytes.saturating_add(value.to_string().len());
        if self.bytes <= CALL_BYTES {
            add(&mut self.call, value);
        } else {
            let export = std::mem::take(&mut self.call.export);
            self.call = RecordedCall { export, end: CallEnd::TooLarge, ..RecordedCall::default() };
        }
    }
}

impl Drop for KeptCall {
    fn drop(&mut self) {
        // Without an export nothing was called: there was no room for an instance, for example.
        if let Some(recorder) = self.recorder.take().filter(|_| !self.call.export.is_empty()) {
            recorder.record(std::mem::take(&mut self.call), self.bytes);
        }
    }
}

/// A recorded call that is made again.
pub struct Playback {
    imports: std::vec::IntoIter<RecordedImport>,
    asked: usize,
    end: CallEnd,
    redaction: Option<Redaction>,
    difference: Option<Difference>,
    /// The recorded call was cut here: what comes now is not known.
    at_cut: bool,
}

impl Playback {
    /// Of `call`; of a redacted one only shapes can be compared.
    pub fn new(call: RecordedCall, is_redacted: bool) -> Self {
        let redaction = is_redacted.then(|| Redaction::of(&call));
        let (imports, end) = (call.imports.into_iter(), call.end);
        Self { imports, asked: 0, end, redaction, difference: None, at_cut: false }
    }

    /// The call has ended so; answers the first difference.
    pub fn finish(mut self, now: &CallEnd) -> Option<Difference> {
        if self.difference.is_none() && !self.at_cut {
            if let Some(missing) = self.imports.next() {
                self.compare(Some(&missing), &json!({ "ends": now }));
            } else if matches!(self.end, CallEnd::Answered(_) | CallEnd::Stopped(_)) {
                self.difference = self.differ("end", &json!(self.end), &json!(now));
            }
        }
        self.difference
    }

    fn answer(&mut self, import: &str, asked: &Value) -> Result<Value> {
        let recorded = self.imports.next();
        let was_cut = matches!(self.end, CallEnd::Cut(_));
        self.at_cut = recorded.as_ref().map_or(was_cut, |it| !it.is_answered);
        if recorded.is_some() || !was_cut {
            self.compare(recorded.as_ref(), &json!({ import: asked }));
        }
        let recorded = recorded.filter(|it| self.difference.is_none() && it.is_answered);
        let missing = || wasmtime::Error::msg("the recording holds no answer to this");
        recorded.map(|it| it.answer).ok_or_else(missing)
    }

    fn compare(&mut self, recorded: Option<&RecordedImport>, now: &Value) {
        self.asked += 1;
        let recorded = recorded.map(|it| json!({ &*it.import: it.asked }));
        let place = format!("import {}", self.asked);
        self.difference = self.differ(&place, &recorded.unwrap_or_default(), now);
    }

    fn differ(&self, place: &str, recorded: &Value, now: &Value) -> Option<Difference> {
        let Some(redaction) = &self.redaction else { return difference(place, recorded, now) };
        let mut now = now.clone();
        redaction.apply(&mut now);
        difference(place, recorded, &now)
    }
}
