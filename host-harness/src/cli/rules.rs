//! `rules`: rules over time, and what a connection has set of them.

use anyhow::Result;
use clap::value_parser;
use host_harness::mirror::rules::MOST_DAYS;
use host_harness::service::documents::RuleCountDocument;
use host_harness::service::views::views_of;
use host_harness::store::StoreError;

use super::context::Context;
use super::exit::Exit;
use super::state::{DEFAULT, StateDirectory, name};
use super::usage::{Usage, unknown};

subcommands! {
    /// Shows and sets rules over time, such as which records are late. The connector says what they are.
    RulesArgs:

    /// List the rules, with how many records each is raised for
    List(ListRulesArgs) by list,
    /// Set after how many days a rule is due, or switch it off
    Set(SetRuleArgs) by set,
}

/// Lists the rules of each object, after how many days each is due for this connection, and for how many records
/// it is raised.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host rules list
  connector-host rules list --connection shop --output ndjson | jq 'select(.records > 0)'

`records list OBJECT --rule NAME` shows the records, `changes` when a rule was raised and cleared.")]
struct ListRulesArgs {}

/// Sets a rule of a connection. What is due when is found out anew by `sync` or a running `serve`, piece by piece:
/// what holds no longer is cleared.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host rules set stalled --days 5
  connector-host rules set late --off
  connector-host rules set late --default")]
#[command(group(clap::ArgGroup::new("setting").required(true)))]
struct SetRuleArgs {
    /// Name of the rule, as `rules list` shows it
    rule: String,

    /// After so many days
    #[arg(long, value_name = "N", group = "setting", value_parser = value_parser!(u32).range(0..=i64::from(MOST_DAYS)))]
    days: Option<u32>,

    /// Never
    #[arg(long, group = "setting")]
    off: bool,

    /// As the connector says
    #[arg(long, group = "setting")]
    default: bool,
}

/// Lists them.
///
/// # Errors
/// When nothing is kept of an object with rules, or the output cannot be written.
async fn list(_: &ListRulesArgs, context: &Context) -> Result<Exit> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = state.named(&*database, name(context)?.unwrap_or(DEFAULT)).await?;
    let mut known = Vec::new();
    for scan in database.scans(&row.id).await? {
        let counts = match database.value_counts(&row.id, &scan.object).await {
            Err(StoreError::Derived { .. }) => continue,
            counts => counts?,
        };
        known.extend(counts.rules.iter().map(|count| RuleCountDocument::of(&scan.object, count)));
    }
    if known.is_empty() {
        let text = format!("no records with rules over time are kept for {}", row.name);
        let next = "`sync` keeps them; which rules there are, the connector says (wit/VIEWS.md)";
        return Err(Usage::new(text).next(next).into());
    }
    let rows = known.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    context.members(&["object", "rule", "title", "days", "records"], rows)?;
    Ok(Exit::Done)
}

/// Sets one.
///
/// # Errors
/// When there is no such rule, or the state cannot be used.
async fn set(args: &SetRuleArgs, context: &Context) -> Result<Exit> {
    let views = views_of(&context.connector().await?).await?;
    let objects = views.iter().flat_map(|views| views.objects.values());
    let names: Vec<&str> = objects.flat_map(|view| view.rules.keys()).map(String::as_str).collect();
    if !names.contains(&args.rule.as_str()) {
        return Err(unknown("rule", &args.rule, &names).into());
    }
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = state.named(&*database, name(context)?.unwrap_or(DEFAULT)).await?;
    let setting = if args.default { None } else { Some(args.days) };
    database.set_rule(&row.id, &args.rule, setting).await?;
    let how = match setting {
        None => "as the connector says".to_owned(),
        Some(None) => "switched off".to_owned(),
        Some(Some(days)) => format!("due after {days} days"),
    };
    context.watch.mention(&format!("{} of {} is {how}", args.rule, row.name));
    Ok(Exit::Done)
}
