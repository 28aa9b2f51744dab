//! `journal`: what happened to a connection.

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use host_harness::journal::{JournalKind, JournalRow};
use host_harness::service::documents::JournalDocument;
use host_harness::store::Word as _;

use super::context::Context;
use super::output::printable;
use super::print::{Entry, member};
use super::state::{DEFAULT, StateDirectory, name};

/// Entries that are read at once.
const PAGE: u32 = 500;

/// Shows what happened to a connection, newest first: reads and what they changed, deliveries that may
/// be missing, pushes, secrets and settings with who set them, and what became of its grant.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host journal
  connector-host journal --connection shop-7 --kind sync-failed --kind gap-opened
  connector-host journal --connection shop-7 --output ndjson | jq 'select(.by != null)'

Entries are kept for 90 days. Reads of what changed that met no trouble become one row for each day and
object: those that changed nothing at once, others after a day.")]
pub struct JournalArgs {
    /// Only entries of this kind; may be repeated
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    kind: Vec<JournalKind>,

    /// No more than so many
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..))]
    max: u32,

    /// Only entries with a lower number
    #[arg(long, value_name = "N")]
    before: Option<u64>,
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = JournalKind> {
    let words = JournalKind::ALL.iter().map(|kind| kind.word());
    let kind = |word: String| JournalKind::of(&word).ok_or("not a kind of entry");
    PossibleValuesParser::new(words.collect::<Vec<_>>()).try_map(kind)
}

/// Runs the command.
///
/// # Errors
/// When the state cannot be used, or the output not written.
pub async fn run(args: &JournalArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = state.named(&*database, name(context)?.unwrap_or(DEFAULT)).await?;
    let (mut rows, mut before) = (Vec::new(), args.before);
    while let Some(left) = args.max.checked_sub(u32::try_from(rows.len())?).filter(|left| *left > 0)
    {
        let some = database.journal(&row.id, args.kind.clone(), before, left.min(PAGE)).await?;
        let Some(last) = some.last() else { break };
        before = Some(last.number);
        rows.extend(some);
    }
    let header = ["NUMBER", "AT", "WHAT", "OBJECT", "BY", "MORE"];
    context.listing(&header, rows.iter().map(entry))
}

fn entry(row: &JournalRow) -> Entry {
    let document = JournalDocument::of(row);
    let more = document.data.iter();
    let more = more.map(|(name, value)| format!("{name} {}", printable(&member(value))));
    Entry {
        cells: vec![
            row.number.to_string(),
            document.at.clone(),
            document.kind.to_owned(),
            row.object.clone().unwrap_or_default(),
            printable(row.by.as_deref().unwrap_or_default()),
            more.collect::<Vec<_>>().join(", "),
        ],
        // Texts and numbers: nothing of it can fail.
        json: serde_json::to_value(&document).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_tells_times_as_dates() {
        let data = [("since_ms".to_owned(), json!(1_000)), ("name".to_owned(), json!("a\u{1b}"))];
        let row = JournalRow {
            number: 7,
            connection: "c".to_owned(),
            at_ms: 0,
            kind: JournalKind::GapOpened,
            object: None,
            by: Some("serve".to_owned()),
            data: data.into(),
        };
        let Entry { cells, json } = entry(&row);
        assert_eq!(cells[5], "name a\\u{1b}, since 1970-01-01T00:00:01Z");
        assert_eq!((&*cells[2], &*cells[4]), ("gap-opened", "serve"));
        assert_eq!(json["data"]["since"], "1970-01-01T00:00:01Z");
    }
}
