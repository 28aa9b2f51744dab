//! Parts that many pages have.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::response::Response;
use http::StatusCode;

use super::marks::Mark;
use super::page::{Button, Page, html};

/// A filter with its count.
#[derive(Debug, Clone, Template)]
#[template(
    source = r#"<a class="chip" href="{{ href }}"{% if is_here %} aria-current="true"{% endif %}>{% if let Some(mark) = mark %}{{ mark }}{% endif %}{{ text }}{% if let Some(count) = count %}<b>{{ crate::console::text::number(**count) }}</b>{% endif %}</a>"#,
    ext = "html"
)]
pub struct Chip {
    /// What it says.
    pub text: String,
    /// The list, filtered by it.
    pub href: String,
    /// How many it would leave.
    pub count: Option<u64>,
    /// What those mean.
    pub mark: Option<Mark>,
    /// The list is filtered by it.
    pub is_here: bool,
}

/// A template, which escapes its texts.
impl HtmlSafe for Chip {}

/// A choice among filters: takes effect when it is made, or by the form's button.
#[derive(Debug, Clone, Template)]
#[template(
    source = r#"<label class="pick">{{ label }} <select name="{{ name }}">{% for (word, text) in options %}<option value="{{ word }}"{% if *word == value %} selected{% endif %}>{{ text }}</option>{% endfor %}</select></label>"#,
    ext = "html"
)]
pub struct Pick {
    /// Its name in the query.
    pub name: &'static str,
    /// For people.
    pub label: String,
    /// What can be chosen: values, and what each says.
    pub options: Vec<(String, String)>,
    /// What is chosen.
    pub value: String,
}

/// A template, which escapes its texts.
impl HtmlSafe for Pick {}

/// What a card says that has nothing to show.
#[derive(Debug, Clone, Template)]
#[template(
    source = r#"<div class="empty">{% if let Some(mark) = mark %}{{ mark }}{% endif %}<h2>{{ title }}</h2><p>{{ text }}</p>{% if !buttons.is_empty() %}<div class="actions">{% for one in buttons %}{{ one }}{% endfor %}</div>{% endif %}</div>"#,
    ext = "html"
)]
pub struct Empty {
    /// Whether that is good.
    pub mark: Option<Mark>,
    /// In a few words.
    pub title: String,
    /// Why, and what would be here.
    pub text: String,
    /// What to do about it.
    pub buttons: Vec<Button>,
}

/// A template, which escapes its texts.
impl HtmlSafe for Empty {}

impl Empty {
    /// Nothing is here, and that is good.
    pub fn good(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { mark: Some(Mark::Good), ..Self::new(title, text) }
    }

    /// Nothing is here.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { mark: None, title: title.into(), text: text.into(), buttons: vec![] }
    }

    /// With a button.
    #[must_use]
    pub fn with(mut self, button: Button) -> Self {
        self.buttons.push(button);
        self
    }
}

/// The end of a list: how much is shown, and where it goes on.
#[derive(Debug, Clone, Template)]
#[template(
    source = r#"<div class="pager"><span>{{ text }}</span>{% if let Some(next) = next %}<a class="button" href="{{ next }}" rel="next">{{ label }}</a>{% endif %}</div>"#,
    ext = "html"
)]
pub struct Pager {
    /// How much is shown.
    pub text: String,
    /// Where it goes on.
    pub next: Option<String>,
    /// What leads there.
    pub label: &'static str,
}

/// A template, which escapes its texts.
impl HtmlSafe for Pager {}

/// A question before something that cannot be taken back, or that is sent to a provider.
#[derive(Template)]
#[template(path = "console/confirm.html")]
pub struct ConfirmPage {
    /// The page; its heading is the question.
    pub page: Page,
    /// What is lost, what is sent, what stays.
    pub says: Vec<String>,
    /// What has to be typed, so that it is meant.
    pub typed: Option<String>,
    /// What was wrong with what was typed.
    pub fault: Option<String>,
    /// Where the form goes.
    pub href: String,
    /// Fields that go with it.
    pub fields: Vec<(String, String)>,
    /// What the button says: the verb and the number.
    pub verb: String,
    /// What leads away, without anything done.
    pub away: (String, String),
}

impl ConfirmPage {
    /// The page.
    pub fn answer(&self) -> Response {
        let status =
            if self.fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        html(status, self)
    }
}

/// An address with other parameters: those without a value are left out.
#[must_use]
pub fn href(path: &str, parameters: &[(&str, &str)]) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let pair = |(name, value): &(&str, &str)| {
        format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
    };
    let query: Vec<String> = given.map(pair).collect();
    match query.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", query.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_what_is_given() {
        assert_eq!(href("/a", &[("q", ""), ("c", "")]), "/a");
        assert_eq!(href("/a", &[("q", "b c&d"), ("after", ""), ("c", "e")]), "/a?q=b%20c%26d&c=e");
    }

    #[test]
    fn parts_escape_what_they_say() {
        let hostile = "<img onerror=x>";
        let chip = Chip {
            text: hostile.to_owned(),
            href: format!("/?q=\"{hostile}"),
            count: Some(1_000),
            mark: Some(Mark::Warn),
            is_here: true,
        };
        let empty = Empty::new(hostile, hostile);
        let pager =
            Pager { text: hostile.to_owned(), next: Some(hostile.to_owned()), label: "more" };
        for text in [chip.to_string(), empty.to_string(), pager.to_string()] {
            assert!(!text.contains("<img"), "{text}");
            assert!(!text.contains("=\"/?q=\""), "{text}");
        }
        assert!(chip.to_string().contains("<b>1,000</b>"));
    }
}
