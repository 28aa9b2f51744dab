//! Whether records lie in the window that a scan asked for: a provider may not honour its filter.

use connector_contract::records::Page;
use connector_state::mirror::version::instant;
use serde::Deserialize;
use time::OffsetDateTime;

/// Name of the window among what a page tells more.
const WINDOW: &str = "window";

/// Change times that a scan asked its provider for, as the connector tells them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Window {
    since: Option<String>,
    until: Option<String>,
}

impl Window {
    /// The window of a page; `None` when it tells none that can be read.
    pub fn of(page: &Page) -> Option<Self> {
        let (_, json) = page.more.iter().find(|(name, _)| name == WINDOW)?;
        serde_json::from_str(json).ok()
    }

    /// The bounds of a window in which nothing can lie.
    pub fn crossed(&self) -> Option<(String, String)> {
        let (since, until) = (self.since.as_deref()?, self.until.as_deref()?);
        let is_crossed = instant(Some(since))? > instant(Some(until))?;
        is_crossed.then(|| (since.to_owned(), until.to_owned()))
    }
}

/// How many records of a page lie outside its window. One without a time lies inside.
pub fn outside(page: &Page) -> u64 {
    let Some(window) = Window::of(page) else { return 0 };
    let (since, until) = (instant(window.since.as_deref()), instant(window.until.as_deref()));
    let is_outside = |at: OffsetDateTime| {
        since.is_some_and(|since| at < since) || until.is_some_and(|until| at > until)
    };
    let times = page.records.iter().filter_map(|record| instant(record.updated_at.as_deref()));
    times.filter(|at| is_outside(*at)).count() as u64
}

#[cfg(test)]
mod tests {
    use connector_contract::types::DataRecord;

    use super::*;

    fn page(since: &str, until: &str, times: &[Option<&str>]) -> Page {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let window = serde_json::json!({ "since": text(since), "until": text(until) });
        let record = |at: &Option<&str>| DataRecord {
            id: "1".to_owned(),
            updated_at: at.map(str::to_owned),
            created_at: None,
            version: None,
            data: "{}".to_owned(),
        };
        Page {
            records: times.iter().map(record).collect(),
            deleted: vec![],
            unreadable: vec![],
            next: None,
            not_before_ms: None,
            bookmark: None,
            total: None,
            more: vec![
                ("icon".to_owned(), "1".to_owned()),
                (WINDOW.to_owned(), window.to_string()),
            ],
        }
    }

    #[test]
    fn both_ends_belong_to_a_window() {
        let times = [
            Some("2026-11-22T09:59:59Z"),
            Some("2026-11-22T10:00:00+00:00"),
            Some("2026-11-22T12:00:00+01:00"),
            Some("2026-11-22T11:00:01Z"),
            Some("soon"),
            None,
        ];
        let (from, to) = ("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z");
        assert_eq!(outside(&page(from, to, &times)), 2);
        assert_eq!(outside(&page(from, "", &times)), 1);
        assert_eq!(outside(&page("", "", &times)), 0);
        assert_eq!(outside(&Page { more: vec![], ..page(from, to, &times) }), 0);
        let crossed = |from, to| Window::of(&page(from, to, &[])).unwrap().crossed();
        assert_eq!(crossed(to, from), Some((to.to_owned(), from.to_owned())));
        assert_eq!(crossed(from, from), None);
        assert_eq!(crossed(from, ""), None);
    }
}
