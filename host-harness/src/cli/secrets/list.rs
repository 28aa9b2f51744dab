//! `secrets list`: which secrets are kept.

use anyhow::Result;
use host_harness::vault::Version;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::{Columns, Form, Row, date, records, section, text_block};
use crate::cli::state::Kept;

/// Shows the names and versions of a connection's secrets. Values are shown nowhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets list
  connector-host secrets list --connection shop-7 --output json")]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// When the connection is not there.
pub async fn run(_: &Args, context: &Context) -> Result<Exit> {
    let kept = Kept::chosen(context).await?;
    let versions = kept.vault.list(&kept.row).await?;
    context.watch.print(|| print(context.form(), &versions))?;
    Ok(Exit::Done)
}

fn print(form: Form, versions: &[Version]) -> Result<()> {
    if form == Form::Table {
        let rows = versions.iter().map(|one| {
            let ends = one.ends_ms.map(date).unwrap_or_default();
            vec![one.name.clone(), one.version.to_string(), date(one.made_ms), ends]
        });
        return text_block(&section("", &["NAME", "VERSION", "MADE", "ENDS"], rows.collect()));
    }
    let mut out = records(form, &Columns::default());
    for one in versions {
        let data = json!({
            "name": one.name,
            "version": one.version,
            "made": date(one.made_ms),
            "ends": one.ends_ms.map(date),
        });
        out.page(&[Row { id: &one.name, data: &data.to_string() }])?;
    }
    out.end()
}
