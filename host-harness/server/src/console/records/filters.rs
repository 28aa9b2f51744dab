//! What a list can be filtered by, with how many that leaves.

use connector_state::mirror::ValueCounts;
use connector_state::views::ObjectView;

use super::Asked;
use crate::console::facts::spoken;
use crate::console::marks::Mark;
use crate::console::parts::{Chip, Pick};
use crate::console::text::number;

/// Filters of a status that are shown.
const CHIPS: usize = 12;

/// Links that filter, and choices.
pub fn filters(
    asked: &Asked,
    here: &str,
    view: Option<&ObjectView>,
    counts: &ValueCounts,
    all: u64,
) -> (Vec<Chip>, Vec<Pick>) {
    let Some(view) = view else { return (vec![], vec![]) };
    let of = |pointer: &str| counts.members.iter().find(|member| member.pointer == pointer);
    let mut chips = vec![Chip {
        text: "All".to_owned(),
        href: {
            let plain = Asked { late: false, ..asked.clone() };
            plain.href(here, "status", "")
        },
        count: Some(all),
        mark: None,
        is_here: asked.status.is_empty() && !asked.late,
    }];
    if !view.due.is_empty() && view.delivered.is_some() {
        let other = Asked { status: String::new(), ..asked.clone() };
        let (text, mark) = ("Late".to_owned(), Some(Mark::Warn));
        chips.push(Chip {
            text,
            href: other.href(here, "late", "true"),
            count: None,
            mark,
            is_here: asked.late,
        });
    }
    if let Some(status) = &view.status {
        let mut values: Vec<(String, u64)> =
            of(&status.at).map(|it| it.values.clone()).unwrap_or_default();
        values.sort_by_key(|(value, _)| status.marks.get_index_of(value).unwrap_or(usize::MAX));
        for (value, records) in
            values.into_iter().filter(|(value, _)| !value.is_empty()).take(CHIPS)
        {
            let other = Asked { late: false, ..asked.clone() };
            let mark = status.marks.get(&value).map_or(Mark::None, |mark| (*mark).into());
            chips.push(Chip {
                text: spoken(&value),
                href: other.href(here, "status", &value),
                count: Some(records),
                mark: Some(mark),
                is_here: asked.status == value,
            });
        }
    }
    let mut picks = Vec::new();
    if let Some(found) = view.carrier.as_deref().and_then(of) {
        let mut values = found.values.clone();
        values.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
        let mut options = vec![(String::new(), "Any".to_owned())];
        let shown = values.into_iter().filter(|(value, _)| !value.is_empty());
        options.extend(shown.map(|(value, records)| {
            let text = format!("{value} ({})", number(records));
            (value, text)
        }));
        picks.push(Pick {
            name: "carrier",
            label: "Carrier".to_owned(),
            options,
            value: asked.carrier.clone(),
        });
    }
    let days = [("", "Any time"), ("1", "1 day"), ("7", "7 days"), ("30", "30 days")];
    let options =
        days.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())).collect();
    let value = asked.days.map(|days| days.to_string()).unwrap_or_default();
    picks.push(Pick { name: "days", label: "Changed".to_owned(), options, value });
    (chips, picks)
}
