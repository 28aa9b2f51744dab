//! `connections`: which ones are kept.

use anyhow::Result;
use host_harness::service::documents::ConnectionDocument;
use host_harness::state::lists::{ConnectionsQuery, LabelledConnection};
use host_harness::state::moving::MoveStage;
use host_harness::store::Change;
use serde_json::json;

use super::context::Context;
use super::exit::Exit;
use super::input::{connection_name, label};
use super::moving::{
    EraseConnectionArgs, ExportConnectionsArgs, ImportConnectionsArgs, run_erase, run_export,
    run_import,
};
use super::state::StateDirectory;

/// Connections that are read at once.
const AT_ONCE: u32 = 500;

subcommands! {
    /// Shows, names and moves the connections that are kept in the directory of --state.
    ConnectionsArgs:

    /// Show the kept connections
    List(ListConnectionsArgs) by list,
    /// Give a kept connection another name
    Rename(RenameConnectionArgs) by rename,
    /// Move connections out of the state, into a sealed file
    Export(ExportConnectionsArgs) by run_export,
    /// Bring the connections of such a file into the state
    Import(ImportConnectionsArgs) by run_import,
    /// Erase what is left of a connection that was moved
    Erase(EraseConnectionArgs) by run_erase,
}

/// Shows the kept connections of all connectors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host connections list
  connector-host connections list --label tenant=one
  connector-host connections list --state /srv/connections --output json")]
struct ListConnectionsArgs {
    /// Only those with this label; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
}

/// Gives a kept connection another name. Everything that is kept for it stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host connections rename default shop-7
  connector-host connections rename shop-7 shop-8 --state /srv/connections")]
struct RenameConnectionArgs {
    /// Its name, as `connections list` shows it
    old: String,

    /// Its name from now on
    #[arg(value_parser = connection_name)]
    new: String,
}

/// That there is no connection is no error.
async fn list(args: &ListConnectionsArgs, context: &Context) -> Result<()> {
    let mut rows = Vec::new();
    if let Some(store) = StateDirectory::needed(context)?.store().await? {
        let mut asked = ConnectionsQuery {
            labels: args.label.clone(),
            limit: AT_ONCE,
            ..ConnectionsQuery::default()
        };
        loop {
            let page = store.list_connections(asked.clone()).await?;
            let Some(last) = page.last() else { break };
            asked.after.clone_from(&last.row.name);
            for LabelledConnection { row, labels } in page {
                let grant = store.grant(&row.id).await?;
                let shown = ConnectionDocument::of(&row, grant.as_ref()).with_labels(labels);
                rows.push(serde_json::to_value(shown)?);
            }
        }
        // What labels one that is away has is kept with it.
        let moves = if args.label.is_empty() { store.moves().await? } else { vec![] };
        for row in moves {
            let state = match row.stage {
                MoveStage::Leaving => "leaving",
                MoveStage::Gone => "moved",
                MoveStage::Coming => "coming",
            };
            rows.push(json!({ "id": row.connection, "name": row.name, "state": state }));
        }
    }
    context.members(&["name", "connector", "scheme", "state", "made"], rows)
}

async fn rename(args: &RenameConnectionArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let store = state.database().await?;
    let row = state.named(&*store, &args.old).await?;
    let change =
        Change::ChangeConnection { id: row.id, name: Some(args.new.clone()), labels: None };
    store.commit(vec![change]).await?;
    context.watch.mention(&format!("renamed {} to {}", args.old, args.new));
    Ok(())
}
