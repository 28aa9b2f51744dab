//! `records history`: what became of a record.

use anyhow::Result;
use host_harness::mirror::differences::Difference;
use host_harness::mirror::{ChangeKind, HistoryRow};
use host_harness::service::documents::{differs, history_entry};
use host_harness::store::Word as _;

use super::super::context::Context;
use super::super::output::{Columns, OutputFormat, OutputRow, date, printable};
use super::super::state::{DEFAULT, StateDirectory, name};
use super::super::usage::Usage;

/// Characters of a value that are shown to people.
const SHOWN: usize = 120;

/// Shows each change of a record: its number, when it was noticed, what happened, what brought it, and
/// the members that differ. Nothing is asked of the provider.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host records history orders 1234
  connector-host records history orders 1234 --connection shop-7 --max 5
  connector-host records history orders 1234 --output json | jq -r '.differences[].pointer'

What a record was is kept for 30 days at most, of its newest 20 to 29 changes; of a record that was removed
for 7 days at most. Of older changes, the names of the members that differed are shown as long as the
change itself is kept. What a record holds has no versions of its own: the history of its holder
shows them.")]
pub struct HistoryArgs {
    /// Name of the object
    object: String,

    /// The record
    id: String,

    /// No more than so many changes
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max: u32,
}

/// Runs the command.
///
/// # Errors
/// When nothing is kept of the record, or the state cannot be used.
pub async fn run(args: &HistoryArgs, context: &Context) -> Result<()> {
    let HistoryArgs { object, id, max } = args;
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = state.named(&*database, name(context)?.unwrap_or(DEFAULT)).await?;
    let rows = database.history(&row.id, object, id, *max).await?;
    if rows.is_empty() && database.record(&row.id, object, id).await?.is_some() {
        context.watch.say(&format!(
            "{object} {} has not changed for longer than changes are kept",
            printable(id)
        ));
        return Ok(());
    }
    if rows.is_empty() {
        let text = format!("nothing is kept of {object} {id} for {}", row.name);
        return Err(Usage::new(text).next(format!("`export {object}` shows what is kept")).into());
    }
    let found = rows.iter().map(|row| (row, differs(row)));
    if context.form() == OutputFormat::Table {
        let texts: Vec<String> = found.map(|(row, found)| text(row, found.as_deref())).collect();
        context.text(&texts.concat())?;
    } else {
        let texts: Result<Vec<String>, _> = found.map(|(row, found)| json(row, found)).collect();
        let mut out = context.output(&Columns::default());
        out.rows(texts?.iter().map(|data| OutputRow { id: "", data }))?;
        out.end()?;
    }
    let kept = database.record(&row.id, object, id).await?;
    if let Some(holder) = kept.and_then(|kept| kept.holder) {
        context.watch.mention(&format!(
            "{object} {} lies in {}: the history of that shows what it was",
            printable(id),
            printable(&holder)
        ));
    }
    Ok(())
}

fn text(row: &HistoryRow, found: Option<&[Difference]>) -> String {
    let change = &row.change;
    let (at, kind) = (date(change.at_ms), change.kind.word());
    let by = history_entry(row, None).by;
    let mut text = format!("{}  {at}  {kind}  {by}\n", change.number);
    let known = match found {
        Some(found) => found,
        // A record that is new or gone differs as a whole.
        None if matches!(change.kind, ChangeKind::Created | ChangeKind::Deleted) => &[],
        None => {
            let members = change.members.join(", ");
            text.push_str(&format!(
                "    content not kept; changed members: {}\n",
                printable(&members)
            ));
            &[]
        }
    };
    for Difference { pointer, before, after } in known {
        let (before, after) = (shown(before.as_deref()), shown(after.as_deref()));
        text.push_str(&format!("    {}: {before} -> {after}\n", printable(pointer)));
    }
    text
}

/// A value in one line, cut where it is long; `-` for none.
fn shown(value: Option<&str>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let mut cut: String = value.chars().take(SHOWN).collect();
    if cut.len() < value.len() {
        cut.push('…');
    }
    printable(&cut)
}

fn json(row: &HistoryRow, found: Option<Vec<Difference>>) -> Result<String, serde_json::Error> {
    serde_json::to_string(&history_entry(row, found))
}

#[cfg(test)]
mod tests {
    use host_harness::mirror::{ChangeRow, Content, Source};

    use super::*;

    fn row(before: Content, after: Content) -> HistoryRow {
        let change = ChangeRow {
            number: 7,
            connection: "c".to_owned(),
            object: "orders".to_owned(),
            id: "1".to_owned(),
            kind: ChangeKind::Updated,
            ours: false,
            source: Some(Source::Delivery),
            delivery: Some(123),
            at_ms: 0,
            updated_at: None,
            previous: Some([1; 32]),
            hash: Some([2; 32]),
            members: vec!["a".to_owned(), "n".to_owned()],
            rule: None,
        };
        HistoryRow { change, before, after }
    }

    #[test]
    fn a_change_is_told_in_lines_and_as_json() {
        let content = |text: &str| Content::Text(text.to_owned());
        let before = content(r#"{"n":12345678901234567890,"l":[1],"x":1}"#);
        let after = content("{\"n\":0.70,\"l\":[1,\"\\u001b\u{9b}\"],\"x\":1}");
        let row = row(before, after);
        assert_eq!(
            text(&row, differs(&row).as_deref()),
            "7  1970-01-01T00:00:00Z  updated  delivery 123\n    \
             /l/1: - -> \"\\u001b\\u{9b}\"\n    /n: 12345678901234567890 -> 0.70\n"
        );
        let json = json(&row, differs(&row)).unwrap();
        let of_n = r#"{"pointer":"/n","before":12345678901234567890,"after":0.70}"#;
        assert!(json.contains(of_n), "{json}");
        assert!(json.contains(r#""kept":true"#) && !json.contains("/x"), "{json}");
    }

    #[test]
    fn what_is_not_kept_is_said() {
        let row = row(Content::NotKept, Content::Text("[]".to_owned()));
        let text = text(&row, differs(&row).as_deref());
        assert!(text.ends_with("\n    content not kept; changed members: a, n\n"), "{text}");
        assert!(json(&row, differs(&row)).unwrap().contains(r#""kept":false"#));
    }
}
