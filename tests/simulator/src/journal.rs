//! The journal: every request that came in, and what was answered.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::io::Write;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::body::Object;

/// One request and the outcome of it. Where it is printed or written to a file, the credentials of
/// a courier connection are left out of the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Counts from 1; never reused, not even after clearing.
    pub seq: u64,
    /// When it came, in milliseconds since 1970 on the simulator's clock.
    pub at_ms: u64,
    /// The method, upper case.
    pub method: String,
    /// The path as it came, not decoded.
    pub path: String,
    /// The query as it came, without the question mark. Under `/oauth/`, `hidden` stands for the
    /// values that are secret, here and in the body.
    pub query: Option<String>,
    /// Header names in lower case, in the order of arrival. The value of `as-api-key` reads
    /// `valid` (it is known, signed well or not) or `invalid`; of `authorization` and
    /// `aftership-api-key`, `present`.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// The status of the answer; `None` where none was sent.
    pub status: Option<u16>,
    /// How many bytes of the answer's body were sent.
    pub bytes_out: u64,
    /// The fault on demand that the request met, `(performed)` where it could have been either.
    pub fault: Option<String>,
}

/// An entry as it is printed or written.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    seq: u64,
    at_ms: u64,
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a [(String, String)],
    body: Cow<'a, str>,
    status: Option<u16>,
    bytes_out: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
}

impl Entry {
    /// The value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn shown(&self) -> Shown<'_> {
        let secret = self.path.contains("courier-connections") && !self.body.is_empty();
        Shown {
            seq: self.seq,
            at_ms: self.at_ms,
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
            body: if secret { veiled(&self.body).into() } else { self.body.as_str().into() },
            status: self.status,
            bytes_out: self.bytes_out,
            fault: self.fault.as_deref(),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(formatter)
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

/// The body of a connection: its names stay, and of its values the slug alone.
fn veiled(body: &str) -> String {
    let Ok(mut object) = serde_json::from_str::<Object>(body) else {
        return format!("{} bytes", body.len());
    };
    for (name, value) in &mut object {
        match value {
            Value::Object(credentials) => credentials.values_mut().for_each(veil),
            Value::String(_) if name == "courier_slug" => {}
            other => veil(other),
        }
    }
    Value::Object(object).to_string()
}

fn veil(value: &mut Value) {
    *value = Value::from("***");
}

/// Where entries go.
#[derive(Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    capacity: Option<usize>,
    sink: Option<Box<dyn Write + Send>>,
}

impl Journal {
    /// A journal that keeps the latest `capacity` entries, or all.
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// Writes every further entry as one line of JSON as well.
    pub(crate) fn write_to(&mut self, sink: Box<dyn Write + Send>) {
        self.sink = Some(sink);
    }

    /// Takes in an entry. A sink that fails is dropped with a word on stderr.
    pub(crate) fn record(&mut self, entry: Entry) {
        if let Some(sink) = &mut self.sink
            && let Err(error) = write_line(sink, &entry)
        {
            eprintln!("the journal file is given up: {error}");
            self.sink = None;
        }
        self.entries.push_back(entry);
        if self.capacity.is_some_and(|capacity| self.entries.len() > capacity) {
            self.entries.pop_front();
        }
    }

    /// The entries, oldest first.
    pub(crate) fn entries(&self) -> &VecDeque<Entry> {
        &self.entries
    }

    /// Forgets all entries.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

fn write_line(sink: &mut dyn Write, entry: &Entry) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    sink.write_all(&line)?;
    sink.flush()
}
