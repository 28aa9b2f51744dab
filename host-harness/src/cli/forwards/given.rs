//! What is given of a forward that is made or changed.

use std::path::{Path, PathBuf};

use anyhow::Result;
use host_harness::forward::{
    Filter, Signer, TargetAddress, Template, new_secret, unknown_object, unknown_rule,
};
use host_harness::runtime::Connector;
use host_harness::vault::Secret;

use crate::cli::context::Context;
use crate::cli::input::connection_name;
use crate::cli::secret_value::variable;
use crate::cli::usage::{Usage, unknown};

// A forward that is made. (A docstring would become the help text of the command; likewise below.)
#[derive(Debug, clap::Args)]
pub struct NewForward {
    /// A name for it
    #[arg(value_parser = connection_name)]
    pub name: String,

    /// Where changes go; http and addresses need --allow-private
    #[arg(required_unless_present = "url_env")]
    pub url: Option<String>,

    /// Take the URL from this environment variable, where it holds a secret
    #[arg(long, value_name = "VARIABLE", conflicts_with = "url")]
    pub url_env: Option<String>,

    /// Hand on only these changes (several times)
    #[arg(long, value_name = "FILTER", value_parser = filter)]
    pub only: Vec<String>,

    /// Send what this file makes of a message, instead of the message
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,

    /// Sign with this environment variable: whsec_ and the base64 of 24 to 64 bytes [default: a
    /// secret is made and shown]
    #[arg(long, value_name = "VARIABLE", conflicts_with = "unsigned")]
    pub secret_env: Option<String>,

    /// Do not sign, for a target that cannot check
    #[arg(long)]
    pub unsigned: bool,
}

// What is changed of one.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub struct ChangedForward {
    /// Give it another name
    #[arg(long, value_name = "NEW_NAME", value_parser = connection_name)]
    pub rename: Option<String>,

    /// Where changes go from now on
    #[arg(long, value_name = "URL", conflicts_with = "url_env")]
    pub url: Option<String>,

    /// Take that URL from this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub url_env: Option<String>,

    /// Hand on only these changes (several times)
    #[arg(long, value_name = "FILTER", value_parser = filter, conflicts_with = "every")]
    pub only: Vec<String>,

    /// Hand on every change
    #[arg(long)]
    pub every: bool,

    /// Send what this file makes of a message
    #[arg(long, value_name = "FILE", conflicts_with = "no_template")]
    pub template: Option<PathBuf>,

    /// Send Standard Webhooks
    #[arg(long)]
    pub no_template: bool,

    /// Sign with this environment variable
    #[arg(long, value_name = "VARIABLE", conflicts_with_all = ["new_secret", "unsigned"])]
    pub secret_env: Option<String>,

    /// Sign with a new secret, and show it
    #[arg(long, conflicts_with = "unsigned")]
    pub new_secret: bool,

    /// Do not sign
    #[arg(long)]
    pub unsigned: bool,
}

impl NewForward {
    /// Where changes go.
    ///
    /// # Errors
    /// [`Usage`] when that cannot be reached, or not without --allow-private.
    pub fn address(&self, context: &Context) -> Result<TargetAddress> {
        let address = address(self.url.as_deref(), self.url_env.as_deref(), context)?;
        Ok(address.ok_or_else(|| Usage::new("there is no URL").next("give one, or --url-env"))?)
    }

    /// The template, read and checked.
    ///
    /// # Errors
    /// [`Usage`] when it cannot be read or used.
    pub async fn template(&self) -> Result<Option<String>> {
        match &self.template {
            Some(file) => Ok(Some(template(file).await?)),
            None => Ok(None),
        }
    }

    /// What signs, and whether it is a new one.
    ///
    /// # Errors
    /// [`Usage`] when it cannot sign.
    pub fn secret(&self) -> Result<(Option<Secret>, bool)> {
        Ok(match (&self.secret_env, self.unsigned) {
            (Some(given), _) => (Some(signing(given)?), false),
            (None, true) => (None, false),
            (None, false) => (Some(new_secret()?), true),
        })
    }

    /// Whether the filters name objects of the connector.
    ///
    /// # Errors
    /// [`Usage`] names those that there are.
    pub fn check_filters(&self, connector: &Connector) -> Result<(), Usage> {
        check_filters(&self.only, connector)
    }
}

impl ChangedForward {
    /// Whether the URL or what signs is changed.
    pub fn is_of_target(&self) -> bool {
        self.url.is_some()
            || self.url_env.is_some()
            || self.secret_env.is_some()
            || self.new_secret
            || self.unsigned
    }

    /// Where changes go from now on, if that changes.
    ///
    /// # Errors
    /// As [`NewForward::address`].
    pub fn address(&self, context: &Context) -> Result<Option<TargetAddress>> {
        address(self.url.as_deref(), self.url_env.as_deref(), context)
    }

    /// What the template is from now on, if that changes.
    ///
    /// # Errors
    /// As [`NewForward::template`].
    pub async fn template(&self) -> Result<Option<Option<String>>> {
        match &self.template {
            Some(file) => Ok(Some(Some(template(file).await?))),
            None => Ok(self.no_template.then_some(None)),
        }
    }

    /// What signs from now on, if that changes, and whether it is a new one.
    ///
    /// # Errors
    /// As [`NewForward::secret`].
    pub fn secret(&self) -> Result<Option<(Option<Secret>, bool)>> {
        Ok(match &self.secret_env {
            Some(given) => Some((Some(signing(given)?), false)),
            None if self.new_secret => Some((Some(new_secret()?), true)),
            None if self.unsigned => Some((None, false)),
            None => None,
        })
    }

    /// Whether the filters name objects of the connector.
    ///
    /// # Errors
    /// [`Usage`] names those that there are.
    pub fn check_filters(&self, connector: &Connector) -> Result<(), Usage> {
        check_filters(&self.only, connector)
    }
}

fn filter(text: &str) -> Result<String, String> {
    text.parse::<Filter>().map(|_| text.to_owned())
}

fn check_filters(filters: &[String], connector: &Connector) -> Result<(), Usage> {
    let objects = connector.manifest().objects.iter();
    let objects: Vec<&str> = objects.map(|object| object.name.as_str()).collect();
    if let Some(lost) = unknown_object(filters, &objects).map_err(Usage::new)? {
        return Err(unknown("object of --only", &lost, &objects));
    }
    match unknown_rule(filters, &connector.manifest().more) {
        Some((lost, known)) => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            Err(unknown("rule of --only", &lost, &known))
        }
        None => Ok(()),
    }
}

fn address(
    url: Option<&str>,
    url_env: Option<&str>,
    context: &Context,
) -> Result<Option<TargetAddress>> {
    let space = context.address_space();
    if let Some(given) = url_env {
        let url = variable("--url-env ", given)?;
        let url = std::str::from_utf8(url.expose()).unwrap_or_default();
        // The URL is not repeated: it may hold a secret.
        let address = TargetAddress::new(url, space, None).map_err(|_| {
            Usage::new(format!("--url-env {given}: {given} holds no https URL of a public address"))
                .next("--allow-private allows http and other addresses")
        })?;
        return Ok(Some(address));
    }
    let Some(url) = url else { return Ok(None) };
    let address = TargetAddress::new(url, space, None);
    Ok(Some(address.map_err(|why| Usage::new(format!("the target {why}")))?))
}

async fn template(file: &Path) -> Result<String> {
    let shown = file.display();
    let text = tokio::fs::read_to_string(file).await;
    let text = text.map_err(|why| Usage::new(format!("--template: cannot read {shown}: {why}")))?;
    Template::read(&text).map_err(|why| Usage::new(format!("--template {shown}: {why}")))?;
    Ok(text)
}

fn signing(given: &str) -> Result<Secret> {
    let secret = variable("--secret-env ", given)?;
    Signer::read(&secret).map(drop).map_err(|why| {
        Usage::new(format!("--secret-env {given}: the secret cannot sign: {why}"))
            .next("leave the option out, and a secret is made")
    })?;
    Ok(secret)
}
