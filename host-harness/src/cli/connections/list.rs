//! `connections list`: which connections are kept.

use anyhow::Result;
use host_harness::store::{ConnectionRow, GrantRow, GrantState, Store as _};
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
    let mut rows = Vec::new();
    if let Some(store) = State::needed(context)?.store().await? {
        for row in store.connections().await? {
            let grant = store.grant(&row.id).await?;
            rows.push((row, grant));
        }
    }
    context.watch.print(|| print(context.form(), &rows))?;
    Ok(Exit::Done)
}

/// Where a connection stands, as far as it is known here: of one without a grant only its provider
/// knows.
fn state(grant: &GrantRow) -> &'static str {
    match grant.state {
        GrantState::Valid | GrantState::Renewing => "connected",
        GrantState::Uncertain => "uncertain",
        GrantState::Ended => "needs-reconnect",
    }
}

fn print(form: Form, rows: &[(ConnectionRow, Option<GrantRow>)]) -> Result<()> {
    if form == Form::Table {
        let rows = rows.iter().map(|(row, grant)| {
            let state = grant.as_ref().map(state).unwrap_or_default().to_owned();
            let (name, connector) = (row.name.clone(), row.connector.clone());
            vec![name, connector, row.scheme.clone(), state, date(row.made_ms)]
        });
        let header = ["NAME", "CONNECTOR", "SCHEME", "STATE", "MADE"];
        return text_block(&section("", &header, rows.collect()));
    }
    let mut out = records(form, &Columns::default());
    for (row, grant) in rows {
        let grant = grant.as_ref();
        let data = json!({
            "id": row.id,
            "name": row.name,
            "connector": row.connector,
            "scheme": row.scheme,
            "state": grant.map(state),
            "scopes": grant.map(|grant| &grant.scopes),
            "expires": grant.and_then(|grant| grant.expires_ms).map(date),
            "settings": row.settings,
            "made": date(row.made_ms),
        });
        out.page(&[Row { id: &row.id, data: &data.to_string() }])?;
    }
    out.end()
}
