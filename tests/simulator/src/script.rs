//! Answers on demand: what the next matching request gets instead of the true answer.

use bytes::Bytes;

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
    /// How the answer ends.
    pub(crate) ending: Ending,
}

/// Status, headers and body of a scripted answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// HTTP status.
    pub(crate) status: u16,
    /// Headers, besides `date` and `content-length`.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Bytes,
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is sent whole.
    Complete,
    /// So many bytes of its body are sent, then the connection closes.
    Truncated(usize),
    /// The connection closes without an answer.
    Reset,
    /// Nothing is sent and the connection stays open.
    Hang,
}

impl Answer {
    /// This status and body, with no headers but `date` and `content-length`. The request is not
    /// performed.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        let content = Content { status, headers: Vec::new(), body: body.into() };
        Self { content: Some(content), execute: false, ending: Ending::Complete }
    }

    /// The true answer of the request, which is performed; to be combined with
    /// [`truncated`](Self::truncated).
    pub fn real() -> Self {
        Self { content: None, execute: true, ending: Ending::Complete }
    }

    /// The connection is closed without an answer. The request is not performed.
    pub fn reset() -> Self {
        Self { content: None, execute: false, ending: Ending::Reset }
    }

    /// No answer comes; the connection stays open. The request is not performed.
    pub fn hang() -> Self {
        Self { content: None, execute: false, ending: Ending::Hang }
    }

    /// Adds a header. Has no effect on an answer without a status of its own.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(content) = &mut self.content {
            content.headers.push((name.to_owned(), value.to_owned()));
        }
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
        Some(self.0.remove(place).1)
    }

    /// How many answers wait.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
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
        assert_eq!(script.take("GET", "/a/b/c"), Some(Answer::reset()));
        assert_eq!(script.take("GET", "/a/b/c"), Some(Answer::hang()));
        assert_eq!(script.take("GET", "/a"), None);
        assert_eq!(script.take("POST", "/a"), Some(Answer::new(500, "")));
        assert_eq!(script.len(), 0);
    }
}
