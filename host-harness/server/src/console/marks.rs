//! States: a shape, a word and a colour, so that one of them is enough.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use connector_state::views;

/// A shape with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// As it should be.
    Good,
    /// On its way.
    Moving,
    /// In its last step.
    Out,
    /// Waits for a person to fetch it.
    PickUp,
    /// Waits for its time.
    Wait,
    /// Something to look at.
    Warn,
    /// Somebody has to act.
    Bad,
    /// Nothing is known yet.
    None,
    /// It ended without a result.
    Ended,
}

impl Mark {
    /// Its name in sheets of style and of shapes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Moving => "moving",
            Self::Out => "out",
            Self::PickUp => "pick-up",
            Self::Wait => "wait",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::None => "none",
            Self::Ended => "ended",
        }
    }
}

impl From<views::Mark> for Mark {
    fn from(mark: views::Mark) -> Self {
        match mark {
            views::Mark::Good => Self::Good,
            views::Mark::Moving => Self::Moving,
            views::Mark::Out => Self::Out,
            views::Mark::PickUp => Self::PickUp,
            views::Mark::Warn => Self::Warn,
            views::Mark::Bad => Self::Bad,
            views::Mark::None => Self::None,
            views::Mark::Ended => Self::Ended,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        write!(f, r##"<svg class="mark {word}" aria-hidden="true"><use href="#m-{word}"/></svg>"##)
    }
}

/// Words of our own.
impl HtmlSafe for Mark {}

/// An icon: names a kind of thing, and means nothing by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icon(pub &'static str);

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r##"<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>"##, self.0)
    }
}

/// Names of our own.
impl HtmlSafe for Icon {}

/// A mark with its word; only what needs somebody colours it.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(
    source = r#"<span class="status {{ mark.word() }}">{{ mark }}<span>{{ word }}</span></span>"#,
    ext = "html"
)]
pub struct Status {
    /// The shape.
    pub mark: Mark,
    /// What it says.
    pub word: String,
}

/// A template, which escapes its word.
impl HtmlSafe for Status {}

impl Status {
    /// A mark with a word.
    pub fn new(mark: Mark, word: impl Into<String>) -> Self {
        Self { mark, word: word.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_others_stays_a_word() {
        let text = Status::new(Mark::None, "<b onclick=x>").to_string();
        assert!(text.contains("&#60;b onclick=x&#62;") && !text.contains("<b "), "{text}");
    }
}
