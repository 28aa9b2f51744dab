//! Pictures of figures, drawn here. Each has a sentence, and its numbers stand in a table.

use askama::Template;
use askama::filters::HtmlSafe;

use super::text::number;

/// A share with the range in which it surely lies, or a length, on an axis of 120.
#[derive(Debug, Clone, Template)]
#[template(path = "console/range.html")]
pub struct Range {
    title: String,
    from: u64,
    wide: u64,
    dot: Option<u64>,
}

/// A template, which escapes its title.
impl HtmlSafe for Range {}

const AXIS: f64 = 120.0;

impl Range {
    /// Of shares between 0 and 1.
    pub fn share(title: String, low: f64, share: f64, high: f64) -> Self {
        // A share of an axis of 120 fits.
        let at = |share: f64| (share.clamp(0.0, 1.0) * AXIS).round() as u64;
        let (from, to) = (at(low), at(high));
        Self { title, from, wide: to.saturating_sub(from).max(1), dot: Some(at(share)) }
    }

    /// How many of the most.
    pub fn length(count: u64, most: u64) -> Self {
        let wide = (count * 120).div_ceil(most.max(1)).min(120);
        Self { title: number(count), from: 0, wide, dot: None }
    }
}

/// A bar of parts.
#[derive(Debug, Clone)]
pub struct StackBar {
    /// What it is of.
    pub label: String,
    /// Its parts, from below.
    pub parts: Vec<u64>,
}

struct Column {
    title: String,
    x: u64,
    /// Kind, where it begins, how high it is.
    parts: Vec<(&'static str, u64, u64)>,
}

/// Bars of parts, beside each other on one scale.
#[derive(Template)]
#[template(path = "console/stack.html")]
pub struct Stack {
    title: String,
    width: u64,
    columns: Vec<Column>,
    /// Place among the parts, kind, what it says.
    legend: Vec<(usize, &'static str, &'static str)>,
    rows: Vec<(String, Vec<String>)>,
}

/// A template, which escapes its texts.
impl HtmlSafe for Stack {}

const HIGH: u64 = 140;
const STEP: u64 = 24;

impl Stack {
    /// Of bars; `legend` says what their parts are.
    pub fn new(
        title: String,
        bars: &[StackBar],
        legend: Vec<(usize, &'static str, &'static str)>,
    ) -> Self {
        let sum = |bar: &StackBar| bar.parts.iter().sum::<u64>();
        let most = bars.iter().map(sum).max().unwrap_or_default().max(1);
        let column = |(at, bar): (usize, &StackBar)| {
            let (mut below, mut parts, mut says) = (0, Vec::new(), Vec::new());
            for (part, kind, text) in &legend {
                let count = bar.parts.get(*part).copied().unwrap_or_default();
                if count == 0 {
                    continue;
                }
                // By where each ends, so that rounding does not add up.
                let (from, to) = (below * HIGH / most, (below + count) * HIGH / most);
                below += count;
                parts.push((*kind, HIGH - to, (to - from).max(1)));
                says.push(format!("{} {}", number(count), text.to_lowercase()));
            }
            let title = format!("Week of {}: {}", bar.label, says.join(", "));
            Column { title, x: at as u64 * STEP, parts }
        };
        let columns = bars.iter().enumerate().map(column).collect();
        let row = |bar: &StackBar| {
            let cells =
                legend.iter().map(|(part, ..)| bar.parts.get(*part).copied().unwrap_or_default());
            (bar.label.clone(), cells.map(number).collect())
        };
        let rows = bars.iter().map(row).collect();
        Self { title, width: bars.len() as u64 * STEP, columns, legend, rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_lies_within_its_axis() {
        let range = Range::share("t".to_owned(), 0.5, 0.75, 1.0);
        assert_eq!((range.from, range.wide, range.dot), (60, 60, Some(90)));
        let none = Range::share("t".to_owned(), 0.0, 0.0, 0.0);
        assert_eq!((none.from, none.wide), (0, 1));
        assert_eq!(Range::length(1, 1_000).wide, 1);
    }

    #[test]
    fn parts_of_a_bar_fill_it() {
        let bar = |parts: &[u64]| StackBar { label: "w".to_owned(), parts: parts.to_vec() };
        let legend = vec![(0, "trouble", "In trouble"), (1, "good", "Delivered")];
        let stack = Stack::new("t".to_owned(), &[bar(&[1, 3]), bar(&[0, 2])], legend);
        assert_eq!(stack.columns[0].parts, [("trouble", 105, 35), ("good", 0, 105)]);
        assert_eq!(stack.columns[1].parts, [("good", 70, 70)]);
        assert!(stack.columns[0].title.contains("1 in trouble, 3 delivered"));
    }
}
