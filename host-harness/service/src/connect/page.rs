//! What browsers see. Pages load nothing and run nothing: one style, known to the browser by its digest.

use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use sha2::{Digest as _, Sha256};

use super::texts;
use crate::listener::Page;

const STYLE: &str = include_str!("style.css");
/// Characters of a text of strangers that are shown.
const LONGEST: usize = 300;

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What may be loaded: the style alone. Forms go to ourselves; browsers hold what a form is sent on to against
/// this too, and where a provider's page is, is known only then.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = BASE64.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; form-action 'self' https: http:; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// A field of the form.
pub struct FieldView {
    /// Its name in the form.
    pub name: String,
    /// For people.
    pub title: String,
    /// Whether it has to be filled.
    pub required: bool,
    /// What it is filled with.
    pub kind: FieldKind,
    /// What it holds; never a secret.
    pub value: String,
}

/// What a field is filled with.
pub enum FieldKind {
    /// A secret of one line.
    Secret,
    /// A secret of several lines: a key in PEM.
    Key,
    /// Text.
    Text,
    /// One of these.
    Choice(Vec<String>),
}

/// The page of a link.
#[derive(Template)]
#[template(path = "connect.html")]
pub struct LinkPage {
    /// The connector's title.
    pub provider: String,
    /// Whoever asks.
    pub label: Option<String>,
    /// What will be possible, in words.
    pub shared: Vec<String>,
    /// What is asked for.
    pub fields: Vec<FieldView>,
    /// What was wrong.
    pub fault: Option<String>,
    /// Whether the provider's page comes next.
    pub goes_on: bool,
    /// Ties the form to the browser that was shown it.
    pub proof: String,
}

/// How it went.
#[derive(Template)]
#[template(path = "outcome.html")]
struct OutcomePage<'a> {
    title: &'a str,
    text: &'a str,
}

impl LinkPage {
    /// The page, with this status.
    pub fn page(&self, status: StatusCode) -> Page {
        html(status, self.render())
    }

    fn style(&self) -> &'static str {
        STYLE
    }
}

impl OutcomePage<'_> {
    fn style(&self) -> &'static str {
        STYLE
    }
}

/// A page that says how it went.
pub fn outcome(status: StatusCode, title: &str, text: &str) -> Page {
    let (title, text) = (shown(title), shown(text));
    html(status, OutcomePage { title: &title, text: &text }.render())
}

fn html(status: StatusCode, rendered: askama::Result<String>) -> Page {
    // Writing into a text does not fail.
    let mut page = Response::new(Full::new(Bytes::from(rendered.unwrap_or_default())));
    *page.status_mut() = status;
    for (name, value) in HEADERS {
        page.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    page
}

/// A text of somebody else as it may be shown: bounded, without what is not seen or turns others around.
pub fn shown(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let clean = |c: char| if is_hidden(c) { ' ' } else { c };
    let mut shown: String = text.chars().take(LONGEST).map(clean).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn hostile_text_stays_text() {
        let hostile = "<script>alert('x')</script>&\"\u{0}\u{1b}[2J\u{202e}";
        let page = LinkPage {
            provider: shown(hostile),
            label: Some(shown(hostile)),
            shared: vec![shown(hostile)],
            fields: vec![FieldView {
                name: format!("secret.{hostile}"),
                title: shown(hostile),
                required: true,
                kind: FieldKind::Choice(vec![hostile.to_owned()]),
                value: hostile.to_owned(),
            }],
            fault: Some(shown(hostile)),
            goes_on: false,
            proof: "p".to_owned(),
        };
        for page in [page.page(StatusCode::OK), outcome(StatusCode::OK, hostile, hostile)] {
            let body = page.into_body().collect().await.unwrap().to_bytes();
            let html = String::from_utf8(body.to_vec()).unwrap();
            assert!(
                !html.contains("<script") && !html.contains("\u{202e}[") && !html.contains("='x'")
            );
            assert!(html.contains("&#60;script&#62;alert(&#39;x&#39;)"), "{html}");
        }
    }

    #[test]
    fn templates_escape_everything_but_the_style() {
        for template in [
            include_str!("../../templates/connect.html"),
            include_str!("../../templates/outcome.html"),
        ] {
            assert_eq!(template.matches("|safe").count(), 1, "{template}");
            assert!(template.contains("{{ self.style()|safe }}"));
            assert!(!template.contains("<script") && !template.contains(" style="));
        }
    }
}
