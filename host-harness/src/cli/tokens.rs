//! `tokens`: which programs may call the API of this state's hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::server::LOCAL;
use host_harness::service::documents::date;
use host_harness::service::tokens::{digest, new_token};
use host_harness::state::access::{AddedToken, NewToken, Scope, TOKENS, TokenRow};
use host_harness::store::Word as _;
use serde_json::{Value, json};

use super::context::Context;
use super::exit::Exit;
use super::input::{connection_name, span};
use super::output::printable;
use super::state::{StateDirectory, names};
use super::usage::Usage;

subcommands! {
    /// Lets programs call the API of this state's hosts (`serve --api`).
    TokensArgs:

    /// Make a token
    Add(AddTokenArgs) by add,
    /// Show the tokens
    List(ListTokensArgs) by list,
    /// End a token
    Revoke(RevokeTokenArgs) by revoke,
    /// Show what was written through the API
    Writes(WritesArgs) by writes,
}

/// Makes a token, which is shown now and never again: the state keeps a digest of it. A program sends it
/// as `Authorization: Bearer TOKEN`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host tokens add shop --scope write --only shop-7 --only shop-8
  connector-host tokens add reports --scope read --expires 365d

Scopes, each with those before it:
  read    what is kept, and what providers have
  write   make, change and remove records; have objects read
  admin   connections, secrets, forwards

A token for some connections reaches the paths below theirs, and lists of all connections not.")]
struct AddTokenArgs {
    /// What people call it
    #[arg(value_parser = connection_name)]
    name: String,

    /// What it may do
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    scope: Scope,

    /// For this connection alone; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// For how long it is good
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = span)]
    expires: Duration,
}

/// Shows the tokens, also those that ended in the last 90 days, and how often each read in the last day.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host tokens list")]
struct ListTokensArgs {}

/// Ends a token. It is refused from the next request on, by all hosts of the state.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host tokens revoke shop")]
struct RevokeTokenArgs {
    /// Its name, as `tokens list` shows it
    name: String,
}

/// Shows who wrote what through the API in the last 90 days, the newest first. An outcome is `ok` or the
/// kind of the error, or `cancelled` where the caller went before the answer; without one the write is under
/// way, or its host ended meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host tokens writes --max 20
  connector-host tokens writes --output ndjson | jq 'select(.caller == \"shop\")'")]
struct WritesArgs {
    /// At most so many
    #[arg(long, value_name = "N", default_value = "100")]
    max: u32,

    /// Those before this number
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::of(word).ok_or_else(|| "it is one of read, write, admin".to_owned())
}

async fn add(args: &AddTokenArgs, context: &Context) -> Result<()> {
    context.document_form()?;
    if args.name == LOCAL {
        let text = format!("\"{LOCAL}\" is who calls without a token");
        return Err(Usage::new(text).next("give it another name").into());
    }
    let directory = StateDirectory::needed(context)?;
    let database = directory.store_made().await?;
    let mut ids = Vec::new();
    for name in &args.only {
        ids.push(directory.named(&*database, name).await?.id);
    }
    let token = new_token().context("drawing a token")?;
    // It is made of letters and digits.
    let text = String::from_utf8_lossy(token.expose()).into_owned();
    let new = NewToken {
        name: args.name.clone(),
        digest: digest(&text),
        scope: args.scope,
        connections: (!ids.is_empty()).then_some(ids),
        for_ms: u64::try_from(args.expires.as_millis()).unwrap_or(u64::MAX),
    };
    match database.add_token(new).await? {
        AddedToken::Added => {
            context.document(|| text.clone(), &json!({ "name": args.name, "token": text }))
        }
        AddedToken::NameTaken => {
            let text = format!("there is a token \"{}\", or was in the last 90 days", args.name);
            Err(Usage::new(text).next("take another name; `tokens list` shows them").into())
        }
        AddedToken::Full => Err(Usage::new(format!("there are {TOKENS} tokens"))
            .next("one that ended is forgotten after 90 days; use one for several programs")
            .into()),
    }
}

async fn list(_: &ListTokensArgs, context: &Context) -> Result<()> {
    let mut rows = Vec::new();
    if let Some(database) = StateDirectory::needed(context)?.store().await? {
        let (names, now) = (names(&*database).await?, database.time());
        let now_ms = host_harness::clock::unix_ms(now);
        let mut reads: BTreeMap<String, u64> = BTreeMap::new();
        for count in database.list_reads((now_ms / 60_000).saturating_sub(24 * 60)).await? {
            *reads.entry(count.caller).or_default() += count.reads;
        }
        for row in database.list_tokens().await? {
            let reads = reads.get(&row.name).copied().unwrap_or_default();
            rows.push(shown(&row, now_ms, reads, |id| names.get(id).cloned()));
        }
    }
    context.members(&["name", "scope", "only", "state", "made", "until", "reads"], rows)
}

fn shown(row: &TokenRow, now_ms: u64, reads: u64, name: impl Fn(&str) -> Option<String>) -> Value {
    let state = match row.revoked_ms {
        Some(_) => "revoked",
        None if row.until_ms <= now_ms => "over",
        None => "good",
    };
    let only = row.connections.as_ref().map(|ids| {
        ids.iter()
            .map(|id| name(id).unwrap_or_else(|| format!("{id} (removed)")))
            .collect::<Vec<_>>()
    });
    json!({
        "name": row.name,
        "scope": row.scope.word(),
        "only": only,
        "state": state,
        "made": date(row.made_ms),
        "until": date(row.until_ms),
        "reads": reads,
    })
}

async fn revoke(args: &RevokeTokenArgs, context: &Context) -> Result<()> {
    let directory = StateDirectory::needed(context)?;
    let database = directory.database().await?;
    if !database.revoke_token(&args.name).await? {
        let text = format!("there is no token \"{}\" that is good", args.name);
        return Err(Usage::new(text).next("`tokens list` shows them").into());
    }
    context.watch.say(&printable(&format!("{} is revoked", args.name)));
    Ok(())
}

async fn writes(args: &WritesArgs, context: &Context) -> Result<()> {
    let mut rows = Vec::new();
    if let Some(database) = StateDirectory::needed(context)?.store().await? {
        let names = names(&*database).await?;
        for row in database.list_writes(args.before, args.max).await? {
            let name = |id: &String| names.get(id).unwrap_or(id).clone();
            rows.push(json!({
                "number": row.number,
                "at": date(row.at_ms),
                "caller": row.caller,
                "action": row.action,
                "connection": row.connection.as_ref().map(name),
                "target": row.target,
                "outcome": row.outcome,
            }));
        }
    }
    let shown = ["number", "at", "caller", "action", "connection", "target", "outcome"];
    context.members(&shown, rows)
}
