//! `connections list`: which connections are kept.

use anyhow::Result;
use host_harness::store::ConnectionRow;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::{Columns, Form, Row, date, records, section, text_block};
use crate::cli::state::State;

/// Shows the kept connections of all connectors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host connections list
  connector-host connections list --state /srv/connections --output json")]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// When the state cannot be used. That there is none is no error.
pub async fn run(_: &Args, context: &Context) -> Result<Exit> {
    let rows = match State::needed(context)?.store().await? {
        Some(store) => store.connections().await?,
        None => vec![],
    };
    context.watch.print(|| print(context.form(), &rows))?;
    Ok(Exit::Done)
}

fn print(form: Form, rows: &[ConnectionRow]) -> Result<()> {
    if form == Form::Table {
        let rows = rows.iter().map(|row| {
            vec![row.name.clone(), row.connector.clone(), row.scheme.clone(), date(row.made_ms)]
        });
        return text_block(&section("", &["NAME", "CONNECTOR", "SCHEME", "MADE"], rows.collect()));
    }
    let mut out = records(form, &Columns { columns: None });
    for row in rows {
        let data = json!({
            "id": row.id,
            "name": row.name,
            "connector": row.connector,
            "scheme": row.scheme,
            "settings": row.settings,
            "made": date(row.made_ms),
        });
        out.page(&[Row { id: &row.id, data: &data.to_string() }])?;
    }
    out.end()
}
