//! `invoke`: runs an action.

use anyhow::{Context as _, Result};
use host_harness::contract::actions::Invocation;
use host_harness::contract::catalog::{Action, Descriptor};
use host_harness::retry::first_attempt;

use super::context::{Context, describe};
use super::output::{Columns, OutputRow, counted, record};
use super::usage::{Usage, unknown};
use super::{input, plan};
use host_harness::service::documents::catalog::embedded;
use host_harness::service::documents::hidden;

/// Runs an action, and prints what it answers.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host invoke orders close --id 1234
  connector-host invoke orders quote --data '{\"country\":\"NL\"}'")]
pub struct InvokeArgs {
    /// Name of the object, as `objects` shows it
    pub object: String,

    /// Name of the action, as `describe` shows it
    pub action: String,

    /// The record, for actions on a record
    #[arg(long)]
    pub id: Option<String>,

    /// JSON: as it is, @FILE, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-", default_value = "{}")]
    pub data: String,

    /// Show the request, and do not send it
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When there is no such action, it failed, or that cannot be told.
pub async fn run(args: &InvokeArgs, context: &Context) -> Result<()> {
    let input = input::read(&args.data).await?;
    let connector = context.connector_with(&args.object).await?;
    let descriptor = describe(&connector, &args.object).await?;
    let action = known(&descriptor, args)?;
    let columns = args.columns.knowing(&embedded(&action.output_schema));
    columns.check()?;
    let (connection, writer) = context.writer(&connector).await?;
    let invocation = Invocation {
        object: args.object.clone(),
        action: args.action.clone(),
        id: args.id.clone(),
        input,
        attempt: first_attempt()?,
    };
    let what = || format!("invoking {} of {}", args.action, args.object);
    if args.dry_run {
        let planned = connection.plan_action(&invocation).await.with_context(what)?;
        let hidden = hidden::values(Some(&action.input_schema), &invocation.input);
        return plan::show(context, planned, &hidden);
    }
    let outcome = Box::pin(writer.invoke(&invocation)).await;
    let outcome = outcome.with_context(what)?;
    let row = OutputRow { id: args.id.as_deref().unwrap_or_default(), data: &outcome.output };
    context.watch.print(|| record(context.form(), &columns, row))?;
    if !outcome.written.is_empty() {
        let records = counted(outcome.written.len() as u64, "record");
        context.watch.mention(&format!("changed {records}"));
    }
    Ok(())
}

/// The action, called as it wants to be.
fn known<'a>(descriptor: &'a Descriptor, args: &InvokeArgs) -> Result<&'a Action, Usage> {
    let actions = &descriptor.actions;
    let Some(action) = actions.iter().find(|action| action.name == args.action) else {
        let names: Vec<&str> = actions.iter().map(|action| action.name.as_str()).collect();
        return Err(unknown("action", &args.action, &names));
    };
    let name = &action.name;
    match (action.on_record, &args.id) {
        (true, None) => Err(Usage::new(format!("the action {name} works on one record"))
            .next("name the record with --id ID")),
        (false, Some(_)) => {
            Err(Usage::new(format!("the action {name} works on no record")).next("leave --id out"))
        }
        (true, Some(_)) | (false, None) => Ok(action),
    }
}
