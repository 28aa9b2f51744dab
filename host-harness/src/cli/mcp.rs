//! `mcp`: tools for an agent that runs this program itself.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use host_harness::server::{ApiBounds, ApiOpenings, ApiServer, TokenNeed, Tokens};
use host_harness::service::jobs::Supervisor;

use super::api::api;
use super::context::Context;
use super::state::{OpenState, name};

/// Serves tools for an agent (Model Context Protocol) over stdin and stdout: to find, read and follow
/// records as they are kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host mcp
  connector-host mcp --allow-writes

An agent starts it, and ends it by closing its stdin. It reads what `sync` or `serve` keeps. A write is
shown as a plan first, and done when its confirmation is handed back; both are in `journal`.

`serve --api` offers the same tools at /mcp, to callers with tokens.")]
pub struct McpArgs {
    /// Let the agent write
    #[arg(long)]
    allow_writes: bool,
}

/// Runs the command.
///
/// # Errors
/// When nothing is kept, or the other side speaks another protocol.
pub async fn run(args: &McpArgs, context: &Context) -> Result<()> {
    let connector = context.connector().await?;
    let state = OpenState::needed(context, &connector, name(context)?).await?;
    let supervisor = Supervisor::new(context.shutdown.clone());
    let api = api(context, &state, supervisor.jobs(), None).await?;
    // Whoever starts this program may do what the program may.
    let tokens = Tokens::new(Arc::clone(&state.database) as _, TokenNeed::Never);
    let open = ApiOpenings { writes_by_agents: args.allow_writes, ..ApiOpenings::default() };
    let hosts = vec!["localhost".to_owned()];
    let server = ApiServer::new(api, ApiBounds::default(), Arc::new(tokens), &hosts, None, open);
    server.mcp().serve_stdio(&context.shutdown).await.context("speaking to the agent")
}
