//! Whether records lie in the window that a scan asked for: a provider may not honour its filter.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::runtime::bindings::records::{Page, Window};

/// How many records of a page lie outside its window. One without a time lies inside.
pub fn outside(page: &Page) -> u64 {
    let Some(window) = &page.window else { return 0 };
    let (since, until) = (instant(window.since.as_deref()), instant(window.until.as_deref()));
    let is_outside = |at: OffsetDateTime| {
        since.is_some_and(|since| at < since) || until.is_some_and(|until| at > until)
    };
    let times = page.records.iter().filter_map(|record| instant(record.updated_at.as_deref()));
    times.filter(|at| is_outside(*at)).count() as u64
}

/// The bounds of a window in which nothing can lie.
pub fn crossed(window: Option<&Window>) -> Option<(&str, &str)> {
    let window = window?;
    let (since, until) = (window.since.as_deref()?, window.until.as_deref()?);
    (instant(Some(since))? > instant(Some(until))?).then_some((since, until))
}

/// A time, if it can be read.
pub fn instant(text: Option<&str>) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text?, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::bindings::types::DataRecord;

    fn page(since: &str, until: &str, times: &[Option<&str>]) -> Page {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let record = |at: &Option<&str>| DataRecord {
            id: "1".to_owned(),
            updated_at: at.map(str::to_owned),
            created_at: None,
            data: "{}".to_owned(),
        };
        Page {
            records: times.iter().map(record).collect(),
            deleted: vec![],
            unreadable: vec![],
            window: Some(Window { since: text(since), until: text(until) }),
            next: None,
            bookmark: None,
            total: None,
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
        assert_eq!(outside(&Page { window: None, ..page(from, to, &times) }), 0);
        assert_eq!(crossed(page(to, from, &[]).window.as_ref()), Some((to, from)));
        assert_eq!(crossed(page(from, from, &[]).window.as_ref()), None);
        assert_eq!(crossed(page(from, "", &[]).window.as_ref()), None);
    }
}
