//! `records`: what is kept of records.

mod analytics;
mod counts;
mod history;
mod list;

use super::context::Context;
use super::exit::Exit;

subcommands! {
    /// Shows what is kept of records. Nothing is asked of the provider.
    RecordsArgs:

    /// Print kept records, filtered and sorted
    List(list::ListRecordsArgs) by list::run,
    /// Count kept records by status, or whatever else the connector names
    Counts(counts::CountsArgs) by counts::run,
    /// Show what became of records by week, and how carriers and lanes perform
    Analytics(analytics::AnalyticsArgs) by analytics::run,
    /// Show what became of a record, newest change first
    History(history::HistoryArgs) by history::run,
}
