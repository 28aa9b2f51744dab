//! What a record says, by the view file of its connector.

use connector_state::views::{Mark as ViewMark, ObjectView};
use serde_json::Value;

use super::marks::{Mark, Status};
use super::text::{cut, shown};

/// What a person wants to know of a record.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// By which it is known; else its id.
    pub number: String,
    /// What it is called.
    pub title: String,
    /// The order that it belongs to.
    pub order: String,
    /// How far it is.
    pub status: Option<Status>,
    /// Who carries it.
    pub carrier: String,
    /// Where it comes from.
    pub from: String,
    /// Where it goes.
    pub to: String,
    /// The day on which it is due.
    pub due: String,
    /// The day on which it was delivered.
    pub delivered: String,
    /// So many days it is late.
    pub late: Option<i64>,
}

impl Facts {
    /// Of a record; `today`: days as [`day_number`] counts them.
    #[must_use]
    pub fn of(view: Option<&ObjectView>, id: &str, data: &Value, today: i64) -> Self {
        let Some(view) = view else { return Self { number: shown(id), ..Self::default() } };
        let text = |pointer: &Option<String>| {
            pointer.as_deref().and_then(|it| words(data, it)).unwrap_or_default()
        };
        let number = text(&view.number);
        let status = view.status.as_ref().and_then(|status| {
            let word = words(data, &status.at)?;
            Some((status.marks.get(&word).copied(), word))
        });
        let due = view.due.iter().find_map(|pointer| words(data, pointer));
        let due: String = due.unwrap_or_default().chars().take(10).collect();
        let delivered: String = text(&view.delivered).chars().take(10).collect();
        let is_over = status
            .as_ref()
            .is_some_and(|(mark, _)| matches!(mark, Some(ViewMark::Good | ViewMark::Ended)));
        let late = day_number(&due).map(|due| today - due);
        let late = late.filter(|days| *days > 0 && delivered.is_empty() && !is_over);
        Self {
            number: if number.is_empty() { shown(id) } else { number },
            title: text(&view.title),
            order: text(&view.order),
            status: status.map(|(mark, word)| status_of(mark, &word)),
            carrier: text(&view.carrier),
            from: text(&view.from),
            to: text(&view.to),
            due,
            delivered,
            late,
        }
    }

    /// Order and title, as they stand below the number.
    #[must_use]
    pub fn below(&self) -> String {
        let order = if self.order.is_empty() { String::new() } else { format!("#{}", self.order) };
        let all = [order, cut(&self.title, 60)];
        all.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" · ")
    }
}

/// A state with its mark; one that nobody here knows is shown as it came.
#[must_use]
pub fn status_of(mark: Option<ViewMark>, word: &str) -> Status {
    match mark {
        Some(mark) => Status::new(mark.into(), spoken(word)),
        None => Status::new(Mark::None, word),
    }
}

/// The value of a member in words; none of what is null.
#[must_use]
pub fn words(data: &Value, pointer: &str) -> Option<String> {
    match data.pointer(pointer)? {
        Value::Null => None,
        Value::String(text) => Some(shown(text)),
        other => Some(shown(&other.to_string())),
    }
}

/// `InTransit` as it is spoken: `In transit`.
#[must_use]
pub fn spoken(word: &str) -> String {
    let mut spoken = String::new();
    for (at, c) in word.chars().enumerate() {
        if at > 0 && c.is_ascii_uppercase() {
            spoken.push(' ');
            spoken.push(c.to_ascii_lowercase());
        } else if c == '_' {
            spoken.push(' ');
        } else {
            spoken.push(c);
        }
    }
    spoken
}

/// The day that a date begins with, counted from 1970-01-01 as one.
#[must_use]
pub fn day_number(date: &str) -> Option<i64> {
    let part = |from: usize, to: usize| date.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March, so that a leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(days + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use connector_state::views::StatusView;
    use serde_json::json;

    use super::*;

    #[test]
    fn days_are_counted_through_leap_years() {
        for (date, days) in
            [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-11-27T20:49:54Z", 20_784)]
        {
            assert_eq!(day_number(date), Some(days), "{date}");
        }
        assert_eq!(day_number("tomorrow"), None);
        assert_eq!(day_number("2026-13-01"), None);
    }

    #[test]
    fn what_is_over_is_not_late() {
        let marks = [("Gone".to_owned(), ViewMark::Good), ("OnWay".to_owned(), ViewMark::Moving)];
        let view = ObjectView {
            number: Some("/no".to_owned()),
            status: Some(StatusView { at: "/tag".to_owned(), marks: marks.into_iter().collect() }),
            due: vec!["/due2".to_owned(), "/due".to_owned()],
            ..ObjectView::default()
        };
        let of = |tag: &str| {
            let data = json!({"no": "A\u{202e}1", "tag": tag, "due": "1970-01-03T00:00:00Z"});
            Facts::of(Some(&view), "id", &data, 5)
        };
        assert_eq!(of("OnWay").late, Some(3));
        assert_eq!(of("Gone").late, None);
        assert_eq!(of("OnWay").number, "A\u{fffd}1");
        assert_eq!(of("OnWay").status.map(|it| it.word), Some("On way".to_owned()));
        // Nobody here knows it.
        assert_eq!(of("New_State").status, Some(Status::new(Mark::None, "New_State")));
    }
}
