//! Small bars, drawn here: a picture needs no script, and its numbers stand beside it or in its title.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;

/// Height of a row of bars.
const HIGH: u64 = 20;
/// Width of a bar with its gap.
const STEP: u64 = 2;

/// Bars on one scale, in a line of a table.
#[derive(Debug, Clone, Template)]
#[template(path = "console/bars.html")]
pub struct Bars {
    /// What is seen, in a sentence.
    title: String,
    width: u64,
    calm: String,
    loud: String,
    /// Where a line of a limit lies.
    limit: Option<u64>,
}

/// A template of numbers, which escapes its title.
impl HtmlSafe for Bars {}

impl Bars {
    /// Bars of these values. `full`: what the scale ends at, else the greatest of them; from `loud` of it on
    /// they are amber, in hundredths.
    #[must_use]
    pub fn new(title: String, values: &[u64], full: Option<u64>) -> Self {
        let most = values.iter().copied().max().unwrap_or_default().max(1);
        let scale = full.unwrap_or(most).max(most);
        let (mut calm, mut loud) = (String::new(), String::new());
        for (at, value) in values.iter().enumerate() {
            // One that is there is seen.
            let high = (value * HIGH).div_ceil(scale).min(HIGH);
            let is_loud = full.is_some_and(|full| value * 100 >= full * 93);
            let path = if is_loud { &mut loud } else { &mut calm };
            if high > 0 {
                let x = at as u64 * STEP;
                // A text takes all.
                let _ = write!(path, "M{x} {HIGH}v-{high}h1.4v{high}z");
            }
        }
        let width = values.len() as u64 * STEP;
        let limit = full.map(|full| HIGH - (full * HIGH / scale));
        Self { title, width, calm, loud, limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_that_is_there_is_seen() {
        let bars = Bars::new("t".to_owned(), &[0, 1, 1_000], None);
        assert_eq!(bars.calm.matches('M').count(), 2);
        assert!(bars.calm.contains("v-1h") && bars.calm.contains("v-20h"));
        let near = Bars::new("t".to_owned(), &[5, 10], Some(10));
        assert_eq!((near.calm.matches('M').count(), near.loud.matches('M').count()), (1, 1));
    }
}
