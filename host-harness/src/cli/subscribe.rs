//! `subscribe`: has the provider send events to a URL.

use anyhow::{Context as _, Result};
use host_harness::runtime::bindings::subscriptions::{
    ManualSteps, Subscription, SubscriptionOutcome, SubscriptionRequest,
};
use serde_json::{Value, json};

use super::context::Context;
use super::exit::Exit;
use super::output::{printable, text_or_document};

/// Subscribes, or shows what a person has to do where the provider has no API for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host subscribe orders --url https://hooks.example.com/orders
  connector-host subscribe orders --url https://hooks.example.com/orders --event order_paid")]
pub struct Args {
    /// Name of the object, as `objects` shows it
    pub object: String,

    /// Public URL that receives the events
    #[arg(long, value_name = "URL")]
    pub url: String,

    /// Only this event (several times) [default: all of the object]
    #[arg(long = "event", value_name = "EVENT")]
    pub events: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When the object has no events, or the URL or an event is not taken.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let connector = context.connector_with(&args.object).await?;
    let form = context.document_form()?;
    let caller = context.connect(&connector).await?;
    let request = SubscriptionRequest {
        object: args.object.clone(),
        events: args.events.clone(),
        target_url: args.url.clone(),
    };
    let outcome = caller.connection().subscribe(request).await;
    let outcome = outcome.with_context(|| format!("subscribing to {}", args.object))?;
    let (text, json) = match outcome {
        SubscriptionOutcome::Subscribed(subscription) => made(&subscription),
        SubscriptionOutcome::Manual(manual) => steps(&manual),
    };
    context.watch.print(|| text_or_document(form, &|| text.clone(), &json))?;
    Ok(Exit::Done)
}

fn made(subscription: &Subscription) -> (String, Value) {
    let until = subscription.expires_at.as_deref().map(|at| format!(" until {}", printable(at)));
    let text =
        format!("subscribed: {}{}\n", printable(&subscription.id), until.unwrap_or_default());
    (
        text,
        json!({ "subscribed": { "id": subscription.id, "expires_at": subscription.expires_at } }),
    )
}

fn steps(manual: &ManualSteps) -> (String, Value) {
    let mut text = "The provider has no API for this. Do these steps by hand:\n".to_owned();
    for (number, step) in (1..).zip(&manual.steps) {
        text.push_str(&format!("  {number}. {}\n", printable(step)));
    }
    for secret in &manual.secrets {
        let (title, name) = (printable(&secret.title), printable(&secret.name));
        text.push_str(&format!("Bring back: {title} (secret {name})\n"));
    }
    let secrets = manual.secrets.iter();
    let secrets: Vec<Value> = secrets
        .map(
            |field| json!({ "name": field.name, "title": field.title, "required": field.required }),
        )
        .collect();
    (text, json!({ "manual": { "steps": manual.steps, "secrets": secrets } }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_harness::runtime::bindings::types::SecretField;

    #[test]
    fn steps_are_numbered_and_ask_for_what_is_needed() {
        let field =
            SecretField { name: "key".to_owned(), title: "Signing key".to_owned(), required: true };
        let manual = ManualSteps {
            steps: vec!["Open the page.".to_owned(), "Press\u{7} it.".to_owned()],
            secrets: vec![field],
        };
        let (text, json) = steps(&manual);
        assert!(text.contains("  1. Open the page.\n  2. Press"), "{text}");
        assert!(!text.contains('\u{7}'), "nothing steers the terminal");
        assert!(text.ends_with("Bring back: Signing key (secret key)\n"));
        assert_eq!(json["manual"]["secrets"][0]["name"], "key");
    }

    #[test]
    fn a_subscription_names_its_id_and_end() {
        let expires_at = Some("2026-12-01T00:00:00+00:00".to_owned());
        let (text, json) = made(&Subscription { id: "s1".to_owned(), expires_at });
        assert_eq!(text, "subscribed: s1 until 2026-12-01T00:00:00+00:00\n");
        assert_eq!(json["subscribed"]["id"], "s1");
    }
}
