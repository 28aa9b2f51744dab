//! `connect`: makes a connection, or makes one anew, and keeps it.

mod fields;
mod link;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::connect::callback::Callback;
use host_harness::connect::{
    Begun, ConnectError, ConnectFlow, ConnectRequest, LIFE_MINUTES, LinkRequest, browser,
};
use host_harness::contract::setup::Scheme;
use host_harness::runtime::Connector;
use host_harness::state::lists::{Labels, check_labels};
use host_harness::store::{Change, ConnectionRow};
use url::form_urlencoded;

use self::fields::SecretFiles;
use super::connecting::{named_scheme, new_connection};
use super::context::{Context, with_row};
use super::input::{connection_name, label};
use super::output::printable;
use super::state::{DEFAULT, StateDirectory, belongs, name};
use super::usage::Usage;

/// Callbacks that are no answer to us and are told; more say nothing new.
const FOREIGN: u32 = 5;

/// Makes a connection and keeps it, sealed. One that is there is made anew: it keeps its name, its
/// settings and everything else.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host connect
  connector-host connect api-key --secret-env api-key=API_KEY --connection shop-7
  connector-host connect oauth2 --setting client-id=ID --scope orders:read
  connector-host connect oauth2 --print-url --port 8765

Where an app must have an https address as its redirect URL: a host on the same state that runs
`serve --public-url https://hooks.example.com` serves it, at /connect/callback:
  connector-host connect oauth2 --callback-url https://hooks.example.com/connect/callback

Without a browser on this machine: --print-url prints the address to open elsewhere. The answer
comes to 127.0.0.1 of this machine; `ssh -L 8765:127.0.0.1:8765 HOST` leads it here.")]
pub struct ConnectArgs {
    /// Authentication scheme, as `inspect` shows it [default: the connection's, else the
    /// connector's first]
    pub scheme: Option<String>,

    #[command(flatten)]
    files: SecretFiles,

    /// Ask for this scope (several times) [default: all that the connector knows]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,

    /// Give it this label (several times); those that it has are replaced
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,

    /// Wait for the browser at this port of 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// Have the browser connect at the pages of a host that serves this state, and the provider send it back
    /// there: ends in /connect/callback
    #[arg(long, value_name = "URL", conflicts_with = "port")]
    pub callback_url: Option<String>,

    /// Open no browser; print the address that one must be sent to
    #[arg(long)]
    pub print_url: bool,
}

/// Runs the command.
///
/// # Errors
/// When nothing was kept.
pub async fn run(args: &ConnectArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::somewhere(context)?;
    let whose = connection_name(name(context)?.unwrap_or(DEFAULT)).map_err(Usage::new)?;
    let connector = context.connector().await?;
    let there = state.connection(&whose).await?;
    let (scheme, settings, kept) = match &there {
        Some(row) => {
            belongs(row, &connector)?;
            if !context.repeated.settings.is_empty() {
                let text =
                    format!("the connection \"{whose}\" is there already, with its settings");
                return Err(Usage::new(text)
                    .next("leave --setting out, or `disconnect` it first")
                    .into());
            }
            let chosen = args.scheme.as_deref().unwrap_or(&row.scheme);
            let scheme = named_scheme(&connector.manifest().schemes, Some(chosen))?.clone();
            let kept = state.vault(state.database().await?).await?.list(row).await?;
            (scheme, BTreeMap::new(), kept.into_iter().map(|version| version.name).collect())
        }
        None => {
            let chosen = args.scheme.as_deref();
            let (scheme, settings) = new_connection(context, &connector, chosen, "connect")?;
            (scheme, settings, vec![])
        }
    };
    let anew = there.is_some();
    if let Some(url) = &args.callback_url {
        let request = LinkRequest {
            name: whose,
            scheme: Some(scheme.name.clone()),
            settings,
            scopes: args.scopes.clone(),
            caller: context.actor(),
            secrets: args.files.given(context, &connector, &scheme).await?,
            ..LinkRequest::default()
        };
        let row = link::connect(url, args.print_url, context, &connector, request).await?;
        if !context.options.quiet {
            context.watch.say(&told(&row, anew, &state));
        }
        return Ok(());
    }
    let secrets = args.files.fields(context, &connector, &scheme, &kept).await?;
    // Nothing is made on the disk before all is there.
    let labels: Labels = args.labels.iter().cloned().collect();
    check_labels(&labels).map_err(Usage::new)?;
    let database = state.store_made().await?;
    let vault = state.vault(database.clone()).await?;
    let connection = match there {
        Some(row) => ConnectionRow { scheme: scheme.name.clone(), ..row },
        None => vault.new_connection(&whose, &connector.manifest().name, &scheme.name, settings)?,
    };
    let request = ConnectRequest {
        connection,
        secrets,
        callback_url: String::new(),
        scopes: args.scopes.clone(),
    };
    let row =
        make(args, context, &connector, &scheme, &ConnectFlow { vault: vault.into() }, request)
            .await?;
    if !labels.is_empty() {
        let (id, labels) = (row.id.clone(), Some(labels));
        database.commit(vec![Change::ChangeConnection { id, name: None, labels }]).await?;
    }
    if !context.options.quiet {
        context.watch.say(&told(&row, anew, &state));
    }
    Ok(())
}

/// What was done, and what is next.
fn told(row: &ConnectionRow, anew: bool, state: &StateDirectory) -> String {
    let ConnectionRow { name, scheme, .. } = row;
    let how = if anew { "connected anew" } else { "connected" };
    let place = state.place();
    let whose = if name == DEFAULT { String::new() } else { format!(" --connection {name}") };
    format!("{how}: {name}, by {scheme}; kept, sealed, in {place}\n  next: `check{whose}` tries it")
}

/// What the terminal says of a callback that is no answer to us. Whoever sent it may have done so
/// by mistake: a page that is loaded again, or an earlier try that is still open.
fn refused(why: &ConnectError, query: &str) -> String {
    let mut values = form_urlencoded::parse(query.as_bytes());
    let error = values.find(|(name, _)| name == "error");
    let error = error.map(|(_, word)| format!(" (it says \"{}\")", printable(&word)));
    let error = error.unwrap_or_default();
    format!(
        "a browser came back and was refused: {why}{error}\n  still waiting for the right answer; \
         end this with Ctrl-C to begin anew"
    )
}

/// Opens a browser at `url`, or prints it.
fn send(context: &Context, print_url: bool, url: &str) -> Result<()> {
    if print_url {
        return context.text(&format!("{url}\n"));
    }
    let how = match browser::open(url) {
        Ok(()) => "a browser was opened; if none is to be seen, open this yourself".to_owned(),
        Err(why) => why.to_string(),
    };
    context.watch.say(&format!("{how}:\n{url}"));
    Ok(())
}

async fn make(
    args: &ConnectArgs,
    context: &Context,
    connector: &Connector,
    scheme: &Scheme,
    flow: &ConnectFlow,
    request: ConnectRequest,
) -> Result<ConnectionRow> {
    let connection = with_row(context.surroundings(connector), &request.connection).build().await?;
    let authority = connection.authority();
    let callback = match scheme.interactive {
        true => Some(Callback::listen(args.port).await?),
        false => None,
    };
    let callback_url = callback.as_ref().map(Callback::url).unwrap_or_default();
    let url = match flow.begin(&authority, ConnectRequest { callback_url, ..request }).await? {
        Begun::Ready(row) => return Ok(row),
        Begun::Redirect { url, .. } => url,
    };
    let callback =
        callback.context("the connector sends to a browser, and its scheme does not say so")?;
    send(context, args.print_url, &url)?;
    let within = Duration::from_secs(LIFE_MINUTES * 60);
    let mut foreign = 0_u32;
    let take = |query: String| -> host_harness::egress::Pending<'_, _> {
        let authority = &authority;
        foreign += 1;
        let told = foreign <= FOREIGN;
        Box::pin(async move {
            // On loopback nobody else can come.
            let ended = flow.complete_on_loopback(authority, &query).await;
            if let Err(why) = &ended
                && why.is_foreign()
                && told
            {
                context.watch.say(&refused(why, &query));
            }
            ended
        })
    };
    Ok(callback.wait(within, take).await?)
}
