//! `connect --callback-url`: by a link to the pages of a host that serves the same state.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use host_harness::connect::{CALLBACK_PATH, ConnectError, LIFE_MINUTES, LinkRequest};
use host_harness::runtime::Connector;
use host_harness::store::ConnectionRow;
use tokio::time::{Instant, sleep_until};

use super::send;
use crate::cli::context::Context;
use crate::cli::listen::{pages, public_url};
use crate::cli::state::{LOOK_EVERY, OpenState, StateDirectory};
use crate::cli::usage::Usage;

/// Makes a link, sends a browser there, and waits until its connection is connected.
///
/// # Errors
/// [`Usage`] for an address that is no callback; when there is no link; and when nobody connected in time.
pub async fn connect(
    callback_url: &str,
    print_url: bool,
    context: &Context,
    connector: &Connector,
    request: LinkRequest,
) -> Result<ConnectionRow> {
    let base = callback_url.strip_suffix(CALLBACK_PATH).ok_or_else(|| {
        Usage::new(format!("the callback {callback_url} does not end in {CALLBACK_PATH}"))
            .next("it is the --public-url of `serve`, with that path below it")
    })?;
    let base = public_url(base)?;
    let directory = StateDirectory::somewhere(context)?;
    let database = directory.store_made().await?;
    let vault = Arc::new(directory.vault(Arc::clone(&database)).await?);
    let state = OpenState { database, vault };
    let links = pages::links(context, connector, &state, base, vec![]);
    let link = links.offer(request).await?;
    let before = marks(&state, &link.connection).await?;
    send(context, print_url, &link.url)?;
    // A link that is opened at its end leaves as long at the provider.
    let minutes = 2 * LIFE_MINUTES;
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    loop {
        let next = Instant::now() + LOOK_EVERY;
        tokio::select! {
            () = sleep_until(next) => {}
            () = context.shutdown.requested() => anyhow::bail!("ended before anybody connected; the link stays good for ten minutes"),
        }
        if marks(&state, &link.connection).await? != before {
            return Ok(link.connection);
        }
        if Instant::now() >= end {
            return Err(ConnectError::NobodyCame(minutes).into());
        }
    }
}

/// What changes when a connection is connected: the number of its tokens, and versions of its secrets.
async fn marks(
    state: &OpenState,
    row: &ConnectionRow,
) -> Result<(Option<u64>, Vec<(String, u64)>)> {
    let grant = state.database.grant(&row.id).await?;
    let secrets = state.vault.list(row).await?;
    let versions = secrets.into_iter().map(|secret| (secret.name, secret.made_ms));
    Ok((grant.map(|grant| grant.epoch), versions.collect()))
}
