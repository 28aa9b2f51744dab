//! Collects figures and prints them as a table.

use std::fmt;

/// Rows of figures.
pub struct Report {
    rows: Vec<[String; 3]>,
}

impl Report {
    /// No rows yet.
    pub fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds a figure with what it is compared to.
    pub fn add(&mut self, what: &str, figure: String, compared: String) {
        eprintln!("{what}: {figure} ({compared})");
        self.rows.push([what.to_owned(), figure, compared]);
    }

    /// The report as a page of its own.
    pub fn page(&self) -> String {
        format!(
            "# Benchmarks\n\nWritten by `make bench`; run it to get the figures of your machine. \
             Comparisons are medians of pairs that ran in turn in one process, against the \
             simulator in another. Hosts that share a state are processes of their own; the \
             database and all of them are on one machine.\n\n{self}"
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | figure | compared |\n|---|---|---|")?;
        for [what, figure, compared] in &self.rows {
            writeln!(f, "| {what} | {figure} | {compared} |")?;
        }
        Ok(())
    }
}

/// The middle of `values`.
pub fn median(values: Vec<f64>) -> f64 {
    percentile(values, 0.5)
}

/// The one of `values` that is greater than so large a part of them.
pub fn percentile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN)
}

/// A figure with a digit after the point where it is small.
pub fn rounded(figure: f64) -> String {
    if figure < 100.0 { format!("{figure:.1}") } else { format!("{figure:.0}") }
}
