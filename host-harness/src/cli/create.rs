//! `create`: makes a record, once.

use anyhow::{Context as _, Result, anyhow};
use host_harness::retry::Created;
use host_harness::runtime::Write;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::context::Context;
use super::exit::Exit;
use super::input::Data;
use super::output::{Columns, Row, record};
use super::{columns, hidden, plan};

/// Makes a record, and prints it. An answer that is lost is looked for before anything
/// is sent again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host create orders --data '{\"number\":\"1001\"}'
  connector-host create orders --data @order.json --dry-run
  generate-order | connector-host create orders --data -")]
pub struct Args {
    /// Name of the object, as `objects` shows it
    pub object: String,

    #[command(flatten)]
    pub data: Data,

    /// Show the request, and do not send it
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When it was not made, or that cannot be told.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let input = args.data.read().await?;
    let connector = context.connector_with(&args.object).await?;
    let descriptor = connector.describe(&args.object).await;
    let descriptor = descriptor.with_context(|| format!("describing {}", args.object))?;
    let columns = columns::before_writing(&args.columns, &connector, &args.object).await?;
    let caller = context.connect(&connector).await?;
    let what = || format!("creating a record of {}", args.object);
    if args.dry_run {
        let write = Write::Create { object: &args.object, input: &input };
        let planned = caller.connection().plan(write).await.with_context(what)?;
        let hidden = hidden::values(descriptor.create_schema.as_deref(), &input);
        return plan::show(context, planned, &hidden);
    }
    let key = fresh_key()?;
    let repeatable = descriptor.create_repeatable;
    let created = Box::pin(caller.create(&args.object, &input, &key, repeatable)).await;
    let created = created.with_context(what)?;
    if matches!(created, Created::Found(_)) {
        context
            .watch
            .say("note: the provider's answer was lost; the record was looked for, and is there");
    }
    let item = created.into_item();
    let row = Row { id: &item.id, data: &item.data };
    context.watch.print(|| record(context.form(), &columns, row))?;
    Ok(Exit::Done)
}

/// Names one wish: 128 random bits in hex.
///
/// # Errors
/// When the machine has no randomness.
pub fn fresh_key() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow!("the machine gives no random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wish_has_its_own_key() {
        let key = fresh_key().unwrap();
        assert_eq!(key.len(), 32);
        assert!(key.chars().all(|c| c.is_ascii_hexdigit()));
        assert_ne!(key, fresh_key().unwrap());
    }
}
