//! Answers on demand: what the next matching request gets instead of the true answer.

use std::time::Duration;

use bytes::Bytes;

use crate::dates;
use crate::faults::{Change, Fault};

/// Which requests an answer is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matcher {
    method: Option<String>,
    path_prefix: String,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests with this method (`GET`, ...) whose path, without the query, begins like this.
    pub fn new(method: &str, path_prefix: &str) -> Self {
        Self { method: Some(method.to_owned()), path_prefix: path_prefix.to_owned() }
    }

    /// Requests of any method whose path begins like this.
    pub fn path(path_prefix: &str) -> Self {
        Self { method: None, path_prefix: path_prefix.to_owned() }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted == method)
            && path.starts_with(&self.path_prefix)
    }
}

/// What one request gets instead of the true answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The answer in the place of the true one; `None` keeps the true one.
    pub(crate) content: Option<Content>,
    /// Whether the request is performed first, as if the true answer were lost.
    pub(crate) execute: bool,
    /// How the answer's body is changed.
    pub(crate) change: Option<Change>,
    /// The members of the body's JSON object that are replaced by JSON text, or left out.
    pub(crate) members: Vec<(String, Option<String>)>,
    /// Headers, in the place of those of the same names.
    pub(crate) headers: Vec<(String, HeaderText)>,
    /// Whether it is given again and again.
    pub(crate) lasting: bool,
    /// How long the request waits before it is performed.
    pub(crate) wait: Duration,
    /// How long the answer is held back.
    pub(crate) delay: Duration,
    /// How the answer ends.
    pub(crate) ending: Ending,
    /// The fault on demand that it is.
    pub(crate) fault: Option<Fault>,
}

/// Status and body of a scripted answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Bytes,
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderText {
    /// This text.
    Text(String),
    /// The date so many seconds from now, as HTTP writes it.
    Date(i64),
    /// The time so many seconds from now, in seconds since 1970.
    Unix(u64),
}

impl HeaderText {
    /// As it is sent now.
    pub(crate) fn at(&self, now_ms: u64) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Date(seconds) => {
                let off_ms = seconds.saturating_mul(1000);
                dates::format_http(now_ms.saturating_add_signed(off_ms))
            }
            Self::Unix(seconds) => (now_ms / 1000).saturating_add(*seconds).to_string(),
        }
    }
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is sent whole.
    Complete,
    /// So many bytes of its body are sent, then the connection closes.
    Truncated(usize),
    /// It is sent under a `content-length` that is so many bytes off; when more bytes are announced
    /// than come, the connection then closes.
    LengthOff(i64),
    /// So many bytes of its body are sent in a second.
    Slow(usize),
    /// The connection closes without an answer.
    Reset,
    /// Nothing is sent and the connection stays open.
    Hang,
}

impl Answer {
    /// This status and body, with no headers but `date` and `content-length`. The request is not
    /// performed.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self::of(Content { status, body: body.into() })
    }

    /// The true answer of the request, which is performed; to be combined with what changes an
    /// answer, such as [`truncated`](Self::truncated) or [`member`](Self::member).
    pub fn real() -> Self {
        Self { content: None, execute: true, ..Self::without_content(Ending::Complete) }
    }

    /// The connection is closed without an answer. The request is not performed.
    pub fn reset() -> Self {
        Self::without_content(Ending::Reset)
    }

    /// No answer comes; the connection stays open. The request is not performed.
    pub fn hang() -> Self {
        Self::without_content(Ending::Hang)
    }

    /// Adds a header, in the place of what the true answer has under this name.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_text(name, HeaderText::Text(value.to_owned()))
    }

    /// Adds a header that is the date so many seconds after the answer, by the simulator's clock,
    /// as HTTP writes it; below zero, before it.
    #[must_use]
    pub fn header_date(self, name: &str, seconds: i64) -> Self {
        self.header_text(name, HeaderText::Date(seconds))
    }

    /// Every request that matches gets it, until the answers that wait are forgotten.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// The request is performed first, and its true answer is lost.
    #[must_use]
    pub fn executed(mut self) -> Self {
        self.execute = true;
        self
    }

    /// Only the first `keep` bytes of the body are sent under the `content-length` of the whole,
    /// then the connection closes.
    #[must_use]
    pub fn truncated(mut self, keep: usize) -> Self {
        self.ending = Ending::Truncated(keep);
        self
    }

    /// A member of the JSON object in the answer's body is this JSON text, new or not. Has no
    /// effect on a body of another kind.
    #[must_use]
    pub fn member(mut self, name: &str, json: &str) -> Self {
        self.members.push((name.to_owned(), Some(json.to_owned())));
        self
    }

    /// The JSON object in the answer's body comes without this member.
    #[must_use]
    pub fn without_member(mut self, name: &str) -> Self {
        self.members.push((name.to_owned(), None));
        self
    }

    /// The request waits so long before anything is done, in the time of the runtime.
    #[must_use]
    pub fn held(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The answer is held back so long, in the time of the runtime.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// At most so many bytes of the body are sent in a second of the runtime's time.
    #[must_use]
    pub fn slow(self, bytes_per_second: usize) -> Self {
        self.ending(Ending::Slow(bytes_per_second.max(1)))
    }

    /// Adds a header.
    pub(crate) fn header_text(mut self, name: &str, value: HeaderText) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }

    /// With content of its own.
    pub(crate) fn of(content: Content) -> Self {
        Self { content: Some(content), ..Self::without_content(Ending::Complete) }
    }

    /// Ends so.
    pub(crate) fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    /// Changes the body on its way.
    pub(crate) fn changed(self, change: Change) -> Self {
        Self { change: Some(change), ..self }
    }

    /// Is this fault, for the journal.
    pub(crate) fn called(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// What the journal says of it.
    pub(crate) fn fault_name(&self) -> Option<String> {
        let fault = self.fault?;
        let performed = if self.execute && fault.leaves_open() { " (performed)" } else { "" };
        Some(format!("{fault:?}{performed}"))
    }

    fn without_content(ending: Ending) -> Self {
        let (wait, delay) = (Duration::ZERO, Duration::ZERO);
        let (members, headers) = (Vec::new(), Vec::new());
        let (content, execute, change, lasting, fault) = (None, false, None, false, None);
        Self { content, execute, change, members, headers, lasting, wait, delay, ending, fault }
    }
}

/// The answers that wait for their requests.
#[derive(Debug, Default)]
pub(crate) struct Script(Vec<(Matcher, Answer)>);

impl Script {
    /// Puts an answer behind those that wait.
    pub(crate) fn push(&mut self, matcher: Matcher, answer: Answer) {
        self.0.push((matcher, answer));
    }

    /// Takes the first answer that is for this request.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Answer> {
        let place = self.0.iter().position(|(matcher, _)| matcher.matches(method, path))?;
        match self.0.get(place) {
            Some((_, answer)) if answer.lasting => Some(answer.clone()),
            _ => Some(self.0.remove(place).1),
        }
    }

    /// Forgets all answers that wait.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_to_the_first_request_that_matches_each_once() {
        let mut script = Script::default();
        script.push(Matcher::new("POST", "/a"), Answer::new(500, ""));
        script.push(Matcher::path("/a/b"), Answer::reset());
        script.push(Matcher::any(), Answer::hang());
        script.push(Matcher::path("/always"), Answer::new(403, "").lasting());
        assert_eq!(script.take("GET", "/a/b/c"), Some(Answer::reset()));
        assert_eq!(script.take("GET", "/a/b/c"), Some(Answer::hang()));
        assert_eq!(script.take("GET", "/a"), None);
        assert_eq!(script.take("POST", "/a"), Some(Answer::new(500, "")));
        for _ in 0..2 {
            assert_eq!(script.take("GET", "/always"), Some(Answer::new(403, "").lasting()));
        }
        script.clear();
        assert_eq!(script.take("GET", "/always"), None);
    }
}
