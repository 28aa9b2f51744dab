//! `forwards`: to whom changes are handed on.

mod given;
mod parked;

use anyhow::Result;
use host_harness::forward::TargetAddress;
use host_harness::service::documents::ForwardDocument;
use host_harness::state::outbox::ForwardRow;
use serde_json::json;

use self::given::{ChangedForward, NewForward};
use self::parked::{DropParkedArgs, ParkedArgs, RetryParkedArgs, drop, parked, retry};
use super::context::Context;
use super::exit::Exit;
use super::output::printable;
use super::state::{OpenState, StateDirectory, name, names, whose};
use super::usage::{Usage, unknown};
use host_harness::store::Database;

subcommands! {
    /// Hands changes on to services of your own, while `listen` or `serve` runs.
    ForwardsArgs:

    /// Hand changes on to a URL
    Add(AddForwardArgs) by add,
    /// Show the forwards, and how far each is
    List(ListForwardsArgs) by list,
    /// Change a forward
    Change(ChangeForwardArgs) by change,
    /// Let changes wait
    Disable(DisableForwardArgs) by disable,
    /// Hand on what waits, and what comes
    Enable(EnableForwardArgs) by enable,
    /// Remove a forward
    Remove(RemoveForwardArgs) by remove,
    /// Show the changes that a target did not take
    Parked(ParkedArgs) by parked,
    /// Have parked changes tried again
    Retry(RetryParkedArgs) by retry,
    /// Forget parked changes
    Drop(DropParkedArgs) by drop,
}

/// Hands every change from now on, of the connections of this connector or of that of --connection, on
/// to a URL. Messages are Standard Webhooks, signed by a secret that is shown now and never again, or
/// what a template makes of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host forwards add shop https://shop.example.com/events
  connector-host forwards add paid https://shop.example.com/paid --only 'orders.status:->paid'
  connector-host forwards add chat --url-env SLACK_URL --unsigned --template slack.json

--only takes, several meaning any of them:
  OBJECT                    every change of its records, new ones included
  OBJECT.MEMBER=VALUE       changes after which the member has the value, of other members too
  OBJECT.MEMBER:FROM->TO    changes that took the member from FROM to TO; either may be left out for
                            any other value of a record that is there, or be * for new and gone
                            records as well
  OBJECT:RULE               a rule over time being raised or cleared for its records, `rules list`;
                            OBJECT:RULE=raised: only that; * is any rule
Objects that lie inside others are their own: name them too if they are meant, or write *.MEMBER for
every object that has such a member.

A template is JSON whose texts hold pointers into the message:
  {\"text\": \"{{/data/record/number}} is {{/data/record/status}}\"}
docs/forwards.md says more.")]
struct AddForwardArgs {
    #[command(flatten)]
    given: NewForward,
}

/// Shows the forwards: how many changes each is behind, how many wait for another try or are parked,
/// since when, and what went wrong last.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host forwards list
  connector-host forwards list --output ndjson | jq 'select(.parked > 0)'")]
struct ListForwardsArgs {}

/// Changes a forward, which goes on where it is. What is not given stays; filters are replaced.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host forwards change shop --url https://new.example.com/events
  connector-host forwards change shop --only orders --only refunds
  connector-host forwards change shop --new-secret")]
struct ChangeForwardArgs {
    /// Its name, as `forwards list` shows it
    name: String,

    #[command(flatten)]
    given: ChangedForward,
}

/// Lets changes wait until `forwards enable`. They wait for 30 days.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host forwards disable shop")]
struct DisableForwardArgs {
    /// Its name, as `forwards list` shows it
    name: String,
}

/// Hands on what waits, and what comes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host forwards enable shop")]
struct EnableForwardArgs {
    /// Its name, as `forwards list` shows it
    name: String,
}

/// Removes a forward with all that is kept for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host forwards remove shop")]
struct RemoveForwardArgs {
    /// Its name, as `forwards list` shows it
    name: String,
}

async fn add(args: &AddForwardArgs, context: &Context) -> Result<()> {
    let given = &args.given;
    let address = given.address(context)?;
    let template = given.template().await?;
    let connector = context.connector().await?;
    given.check_filters(&connector)?;
    context.document_form()?;
    let state = OpenState::needed(context, &connector, name(context)?).await?;
    let directory = StateDirectory::needed(context)?;
    let mut row = ForwardRow {
        id: host_harness::forward::new_id()?,
        name: given.name.clone(),
        connector: connector.manifest().name.clone(),
        connection: whose(context, &directory, &*state.database).await?,
        origin: String::new(),
        filters: given.only.clone(),
        template,
        is_signed: false,
        sealed: host_harness::store::Sealed(vec![]),
        enabled: true,
        made_ms: state.clock().now_ms(),
    };
    let (secret, is_new) = given.secret()?;
    let shown = secret.clone().filter(|_| is_new);
    address.signed_by(secret).seal(&mut row, &state.vault)?;
    let name = row.name.clone();
    put(&*state.database, row).await?;
    show(context, &name, "hands changes on from now on", shown.as_ref())
}

async fn change(args: &ChangeForwardArgs, context: &Context) -> Result<()> {
    let given = &args.given;
    // What takes long comes first: the row may change meanwhile.
    let connector = match given.only.is_empty() {
        true => None,
        false => Some(context.connector().await?),
    };
    let template = given.template().await?;
    let directory = StateDirectory::needed(context)?;
    let database = directory.database().await?;
    let mut row = named(&*database, &args.name).await?;
    if let Some(connector) = connector {
        if connector.manifest().name != row.connector {
            let text = format!("the forward {} is of the connector {}", row.name, row.connector);
            return Err(Usage::new(text).next("give that one by --component").into());
        }
        given.check_filters(&connector)?;
        row.filters.clone_from(&given.only);
    } else if given.every {
        row.filters.clear();
    }
    if let Some(template) = template {
        row.template = template;
    }
    let mut shown = None;
    if given.is_of_target() {
        let vault = directory.vault(database.clone()).await?;
        let mut address = TargetAddress::open_to_change(&row, &vault)?;
        if let Some(moved) = given.address(context)? {
            address = address.moved_to(moved);
        }
        if let Some((secret, is_new)) = given.secret()? {
            shown = secret.clone().filter(|_| is_new);
            address = address.signed_by(secret);
        }
        address.seal(&mut row, &vault)?;
    }
    if let Some(name) = &given.rename {
        row.name.clone_from(name);
    }
    let name = row.name.clone();
    put(&*database, row).await?;
    show(context, &name, "is changed", shown.as_ref())
}

async fn disable(args: &DisableForwardArgs, context: &Context) -> Result<()> {
    set_enabled(&args.name, false, context).await?;
    context.watch.mention(&format!("changes for {} wait until `forwards enable`", args.name));
    Ok(())
}

async fn enable(args: &EnableForwardArgs, context: &Context) -> Result<()> {
    set_enabled(&args.name, true, context).await?;
    context.watch.mention(&format!("{} hands changes on", args.name));
    Ok(())
}

async fn set_enabled(name: &str, enabled: bool, context: &Context) -> Result<()> {
    let database = StateDirectory::needed(context)?.database().await?;
    let row = named(&*database, name).await?;
    Ok(database.put_forward(ForwardRow { enabled, ..row }).await?)
}

async fn remove(args: &RemoveForwardArgs, context: &Context) -> Result<()> {
    let database = StateDirectory::needed(context)?.database().await?;
    database.remove_forward(&named(&*database, &args.name).await?.id).await?;
    context.watch.mention(&format!("removed {}", args.name));
    Ok(())
}

/// That there is none is no error.
async fn list(_: &ListForwardsArgs, context: &Context) -> Result<()> {
    let mut rows = Vec::new();
    if let Some(database) = StateDirectory::needed(context)?.store().await? {
        let names = names(&*database).await?;
        for row in database.list_forwards().await? {
            let lag = database.measure_forward(&row.id).await?;
            rows.push(serde_json::to_value(ForwardDocument::of(&row, &lag, &names))?);
        }
    }
    let columns = ["name", "target", "enabled", "behind", "waiting", "parked", "since", "error"];
    context.members(&columns, rows)
}

/// Keeps a forward; what is wrong with it is the user's slip.
async fn put(database: &dyn Database, row: ForwardRow) -> Result<()> {
    use host_harness::store::StoreError::{ForwardNameTaken, TooManyForwards};
    match database.put_forward(row).await {
        Err(why @ (ForwardNameTaken(_) | TooManyForwards)) => Err(Usage::new(why.to_string())
            .next("`forwards list` shows those that there are")
            .into()),
        other => Ok(other?),
    }
}

/// The forward of this name.
async fn named(database: &dyn Database, name: &str) -> Result<ForwardRow> {
    let rows = database.list_forwards().await?;
    match rows.iter().find(|row| row.name == name) {
        Some(row) => Ok(row.clone()),
        None => {
            let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
            Err(unknown("forward", name, &names).into())
        }
    }
}

/// Says what was done, and shows a secret that was made.
fn show(
    context: &Context,
    name: &str,
    done: &str,
    secret: Option<&host_harness::vault::Secret>,
) -> Result<()> {
    let Some(secret) = secret else {
        context.watch.mention(&format!("{} {done}", printable(name)));
        return Ok(());
    };
    let secret = String::from_utf8_lossy(secret.expose()).into_owned();
    let text = format!(
        "{} {done}. Its messages are signed with this secret, which is not shown again:\n\n  {secret}\n",
        printable(name)
    );
    context.document(|| text, &json!({ "name": name, "secret": secret }))
}
