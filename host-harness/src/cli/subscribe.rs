//! `subscribe`: has the provider send events to a URL.

mod secrets;

use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::clock::unix_ms;
use host_harness::contract::setup::SecretField;
use host_harness::contract::subscriptions::{
    Subscription, SubscriptionOutcome, SubscriptionRequest,
};
use host_harness::retry::first_attempt;
use host_harness::runtime::Connection;
use host_harness::webhooks::{HookRow, SubscriptionRow, hook_path, new_token};
use serde_json::{Value, json};

use self::secrets::{SubscriptionSecret, keep};
use super::context::Context;
use super::listen::public_url;
use super::output::{date, printable};
use super::state::{OpenState, StoredConnection};
use host_harness::store::Database;

/// How often it is looked whether the first delivery came.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Subscribes, or shows what a person has to do where the provider has no API for it. For a kept
/// connection the events go to its own path at the URL, where `listen` receives them; the secret
/// that signs them is asked for and kept, and the first delivery that it verifies is waited for.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host subscribe orders --url https://hooks.example.com
  connector-host subscribe orders --url https://hooks.example.com --event order_paid
  connector-host subscribe orders --url https://hooks.example.com --from-env SECRET --no-wait

With --secret-env nothing is kept, and the URL is taken as it is.")]
pub struct SubscribeArgs {
    /// Name of the object, as `objects` shows it
    pub object: String,

    /// Public URL that receives the events
    #[arg(long, value_name = "URL")]
    pub url: String,

    /// Only this event (several times) [default: all of the object]
    #[arg(long = "event", value_name = "EVENT")]
    pub events: Vec<String>,

    #[command(flatten)]
    pub secret: SubscriptionSecret,

    /// Do not wait for the first delivery
    #[arg(long)]
    pub no_wait: bool,
}

/// Runs the command.
///
/// # Errors
/// When the object has no events, or the URL or an event is not taken.
pub async fn run(args: &SubscribeArgs, context: &Context) -> Result<()> {
    let connector = context.connector_with(&args.object).await?;
    context.document_form()?;
    let kept = StoredConnection::of(context, &connector).await?;
    let Some(kept) = kept else {
        let connection = context.connect(&connector).await?;
        let outcome = connection.subscribe(&request(args, args.url.clone(), None)?).await;
        let (text, json) = shown(&outcome.with_context(|| subscribing(args))?);
        context.document(|| text, &json)?;
        return Ok(());
    };
    let (OpenState { database, vault }, row) = (kept.state.clone(), kept.row.clone());
    let connection = context.connect_to(&connector, Some(kept)).await?;
    let hook = hook(&*database, &row.id).await?;
    let url = format!("{}{}", public_url(&args.url)?, hook_path(&hook.token));
    let there = database.subscriptions(Some(&row.id)).await?;
    let renews = there.iter().find(|there| there.object == args.object && there.url == url);
    let renews = renews.and_then(|there| there.id.clone());
    if renews.is_none() {
        end_orphans(context, &connection, &there, &args.object, &url).await;
    }
    let outcome = connection.subscribe(&request(args, url.clone(), renews)?).await;
    let outcome = outcome.with_context(|| subscribing(args))?;
    let (mut id, mut expires_at) = (None, None);
    if let SubscriptionOutcome::Subscribed(subscription) = &outcome {
        id = Some(subscription.id.clone());
        expires_at.clone_from(&subscription.expires_at);
    }
    let subscription = SubscriptionRow {
        connection: row.id.clone(),
        object: args.object.clone(),
        events: args.events.clone(),
        url,
        id,
        expires_at,
        made_ms: unix_ms(database.time()),
        ..SubscriptionRow::default()
    };
    database.put_subscription(subscription).await?;
    let (text, json) = shown(&outcome);
    context.document(|| text, &json)?;
    let fields = match outcome {
        SubscriptionOutcome::Manual(manual) => manual.secrets,
        SubscriptionOutcome::Subscribed(_) => vec![],
    };
    let complete = keep(&args.secret, context, &vault, &row, &fields).await?;
    if complete && !args.no_wait {
        wait(args, context, &*database, &row.id).await?;
    }
    Ok(())
}

fn subscribing(args: &SubscribeArgs) -> String {
    format!("subscribing to {}", args.object)
}

fn request(
    args: &SubscribeArgs,
    target_url: String,
    renews: Option<String>,
) -> Result<SubscriptionRequest> {
    let (object, events) = (args.object.clone(), args.events.clone());
    let attempt = first_attempt()?;
    Ok(SubscriptionRequest { object, events, target_url, renews, attempt })
}

/// Ends subscriptions at the provider that lead to our URL and that nobody knows of: the answers
/// of earlier attempts were lost. Where that cannot be done, the provider goes on delivering twice,
/// and repeats are dropped.
async fn end_orphans(
    context: &Context,
    connection: &Connection,
    known: &[SubscriptionRow],
    object: &str,
    url: &str,
) {
    let Ok(existing) = connection.subscriptions().await else { return };
    let is_known = |id: &String| known.iter().any(|row| row.id.as_ref() == Some(id));
    for orphan in existing.iter().filter(|it| it.target_url == url && !is_known(&it.id)) {
        if let Err(why) = connection.unsubscribe(object, &orphan.id).await {
            let (id, why) = (printable(&orphan.id), printable(&why.to_string()));
            context.watch.say(&format!("note: the subscription {id} of before stays: {why}"));
        }
    }
}

/// The connection's path: made once, and the same for all its subscriptions.
async fn hook(database: &dyn Database, connection: &str) -> Result<HookRow> {
    Ok(database.make_hook(connection, &new_token()?).await?)
}

/// Until the first verified delivery, or Ctrl-C.
async fn wait(
    args: &SubscribeArgs,
    context: &Context,
    database: &dyn Database,
    connection: &str,
) -> Result<()> {
    context.watch.say(
        "waiting for the first delivery, while `connector-host listen` receives; Ctrl-C does not \
         undo the subscription",
    );
    let mut refused = None;
    loop {
        let rows = database.subscriptions(Some(connection)).await?;
        let row = rows.iter().find(|row| row.object == args.object);
        if let Some(at_ms) = row.and_then(|row| row.proven_ms) {
            context.watch.say(&format!("proven: a delivery was verified at {}", date(at_ms)));
            return Ok(());
        }
        let hooks = database.hooks().await?;
        let hook = hooks.iter().find(|hook| hook.connection == connection);
        let now = hook.map(|hook| hook.refused);
        if refused.is_some() && now > refused {
            context.watch.say("a delivery came that is not signed with the secret that is kept");
        }
        refused = now;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// For people and for programs.
fn shown(outcome: &SubscriptionOutcome) -> (String, Value) {
    let manual = match outcome {
        SubscriptionOutcome::Subscribed(Subscription { id, expires_at, .. }) => {
            let until = expires_at.as_deref().map(|at| format!(" until {}", printable(at)));
            let text = format!("subscribed: {}{}\n", printable(id), until.unwrap_or_default());
            return (text, json!({ "subscribed": { "id": id, "expires_at": expires_at } }));
        }
        SubscriptionOutcome::Manual(manual) => manual,
    };
    let mut text = "The provider has no API for this. Do these steps by hand:\n".to_owned();
    for (number, step) in (1..).zip(&manual.steps) {
        text.push_str(&format!("  {number}. {}\n", printable(step)));
    }
    let mut secrets = Vec::new();
    for SecretField { name, title, required, .. } in &manual.secrets {
        let (shown, shown_name) = (printable(title), printable(name));
        text.push_str(&format!("Bring back: {shown} (secret {shown_name})\n"));
        secrets.push(json!({ "name": name, "title": title, "required": required }));
    }
    (text, json!({ "manual": { "steps": manual.steps, "secrets": secrets } }))
}

#[cfg(test)]
mod tests {
    use host_harness::contract::setup::Setter;
    use host_harness::contract::subscriptions::ManualSteps;

    use super::*;

    #[test]
    fn steps_are_numbered_and_ask_for_what_is_needed() {
        let field = SecretField {
            name: "key".to_owned(),
            title: "Signing key".to_owned(),
            required: true,
            setter: Setter::Customer,
        };
        let manual = ManualSteps {
            steps: vec!["Open the page.".to_owned(), "Press\u{7} it.".to_owned()],
            secrets: vec![field],
        };
        let (text, json) = shown(&SubscriptionOutcome::Manual(manual));
        assert!(text.contains("  1. Open the page.\n  2. Press"), "{text}");
        assert!(!text.contains('\u{7}'), "nothing steers the terminal");
        assert!(text.ends_with("Bring back: Signing key (secret key)\n"));
        assert_eq!(json["manual"]["secrets"][0]["name"], "key");
    }

    #[test]
    fn a_subscription_names_its_id_and_end() {
        let expires_at = Some("2026-12-01T00:00:00+00:00".to_owned());
        let (id, target_url) = ("s1".to_owned(), "https://h.example".to_owned());
        let subscription = Subscription { id, target_url, expires_at };
        let (text, json) = shown(&SubscriptionOutcome::Subscribed(subscription));
        assert_eq!(text, "subscribed: s1 until 2026-12-01T00:00:00+00:00\n");
        assert_eq!(json["subscribed"]["id"], "s1");
    }
}
