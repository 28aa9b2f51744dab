//! `records analytics`: what became of records, and how carriers and lanes perform.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use host_harness::mirror::analytics::Analytics;
use host_harness::service::documents::AnalyticsDocument;

use super::super::context::Context;
use super::super::output::{printable, section};
use super::super::state::{DEFAULT, StateDirectory, name};
use super::super::usage::Usage;

/// Groups that a table shows.
const SHOWN: usize = 20;

/// Shows what became of the records that were made in each week, how many entered each status on each day,
/// how each carrier and each lane performs (records, the share in time, days on the way, trouble), and why records
/// are in trouble. What these are, the connector says. The figures move with the records, so this takes no time
/// however many there are.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host records analytics orders --output table
  connector-host records analytics orders --weeks 52 --output json | jq '.carriers[] | select(.p90 > 7)'

`base` counts the records of which it can be told whether they came in time, `in_time` those that did. `low` and
`high` are the shares between which the true one lies with 95 % certainty (Wilson); below 20 records none is told.
`difference` names two carriers where their ranges do not overlap. `p50` and `p90` are days by the nearest rank; `days` is how many took 0, 1, ... and, as the last, 30 days or more.")]
pub struct AnalyticsArgs {
    /// Name of the object
    object: String,

    /// The newest so many weeks
    #[arg(long, value_name = "N", default_value = "12", value_parser = clap::value_parser!(u16).range(1..=520))]
    weeks: u16,

    /// The newest so many days in the table; JSON has all that are kept
    #[arg(long, value_name = "N", default_value = "14", value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
}

/// Runs the command.
///
/// # Errors
/// When nothing is kept of the object, or the output cannot be written.
pub async fn run(args: &AnalyticsArgs, context: &Context) -> Result<()> {
    context.document_form()?;
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = state.named(&*database, name(context)?.unwrap_or(DEFAULT)).await?;
    let mut found = database.analytics(&row.id, &args.object).await?;
    if found.weeks.is_empty() {
        let text = format!("there are no analytics of {} for {}", args.object, row.name);
        let next =
            "`sync` keeps the records; how they are analysed, the connector says (wit/VIEWS.md)";
        return Err(Usage::new(text).next(next).into());
    }
    found.keep_newest(usize::from(args.weeks));
    let document = serde_json::to_value(AnalyticsDocument::of(&found))?;
    context.document(|| text(&found, usize::from(args.days)), &document)
}

/// A table of counts by status, a row for each week or day.
fn by_status<'c>(
    title: &str,
    first: &str,
    rows: impl Iterator<Item = (&'c String, &'c BTreeMap<String, u64>)> + Clone,
) -> String {
    let statuses: BTreeSet<&String> = rows.clone().flat_map(|(_, counts)| counts.keys()).collect();
    let header: Vec<String> =
        statuses.iter().map(|status| printable(status).to_uppercase()).collect();
    let header: Vec<&str> =
        std::iter::once(first).chain(header.iter().map(String::as_str)).collect();
    let rows = rows.map(|(group, counts)| {
        let count = |status: &&String| counts.get(*status).copied().unwrap_or_default().to_string();
        std::iter::once(group.clone()).chain(statuses.iter().map(count)).collect()
    });
    section(title, &header, rows)
}

fn text(found: &Analytics, days: usize) -> String {
    let mut text = by_status("By the week in which they were made", "WEEK", found.weeks.iter());
    let skipped = found.entered.len().saturating_sub(days);
    let days = found.entered.iter().skip(skipped);
    text.push_str(&by_status("Entered a status on a day (UTC)", "DAY", days));
    for (title, first, groups) in
        [("Carriers", "CARRIER", &found.carriers), ("Lanes", "FROM, TO", &found.lanes)]
    {
        let rows = groups.iter().take(SHOWN).map(|group| {
            let share = match group.share_range() {
                None => format!("- of {}", group.base),
                Some((low, high)) => format!(
                    "{} % of {} ({:.0} to {:.0})",
                    group.in_time * 100 / group.base.max(1),
                    group.base,
                    low * 100.0,
                    high * 100.0
                ),
            };
            let days =
                |percent| group.percentile(percent).map_or("-".to_owned(), |it| it.to_string());
            vec![
                printable(&group.group.join(", ")),
                group.records.to_string(),
                share,
                days(50),
                days(90),
                group.trouble.to_string(),
            ]
        });
        text.push_str(&section(
            title,
            &[first, "RECORDS", "IN TIME", "P50", "P90", "TROUBLE"],
            rows,
        ));
    }
    let reasons = found.reasons.iter().take(SHOWN).map(|reason| {
        let most = reason.carriers.iter().max_by_key(|(_, records)| **records);
        let most = most.map_or(String::new(), |(carrier, records)| {
            format!("{}: {records}", printable(carrier))
        });
        let words = reason.words.as_deref().unwrap_or_default();
        vec![printable(&reason.code), printable(words), reason.records.to_string(), most]
    });
    text.push_str(&section("In trouble", &["REASON", "MEANS", "RECORDS", "MOST OF"], reasons));
    text
}
