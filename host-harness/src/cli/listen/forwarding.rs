//! The options of handing changes on.

use std::sync::Arc;

use anyhow::Result;
use host_harness::egress::Origin;
use host_harness::runtime::Connector;
use host_harness::store::Sqlite;
use host_harness::webhooks::{Filter, ForwardTarget, Forwarder, Notes, Signer};

use super::notes::NotePrinter;
use crate::cli::context::Context;
use crate::cli::secret_value::variable;
use crate::cli::state::clock;
use crate::cli::usage::{Usage, unknown};

// (A docstring would become the help text of each command.)
#[derive(Debug, Clone, clap::Args)]
pub struct Forwarding {
    /// Hand every change on to this URL; http and addresses need --allow-private
    #[arg(long, value_name = "URL", requires = "forward_secret_env", help_heading = FORWARDING)]
    pub forward: Option<String>,

    /// Sign with this environment variable: whsec_ and the base64 of 24 to 64 bytes
    #[arg(long, value_name = "VARIABLE", requires = "forward", help_heading = FORWARDING)]
    pub forward_secret_env: Option<String>,

    /// Hand on only these changes (several times)
    #[arg(long, value_name = "FILTER", requires = "forward", help_heading = FORWARDING)]
    pub only: Vec<Filter>,
}

const FORWARDING: &str = "Forwarding";

/// Who hands changes on, if anybody does.
///
/// # Errors
/// [`Usage`] when the URL or the secret cannot be used, or a filter names no object of `connector`.
pub fn forwarder(
    given: &Forwarding,
    context: &Context,
    connector: &Connector,
    database: &Arc<Sqlite>,
    notes: &Arc<NotePrinter>,
) -> Result<Option<Forwarder>> {
    let (Some(url), Some(secret)) = (&given.forward, &given.forward_secret_env) else {
        return Ok(None);
    };
    let objects = connector.manifest().objects.iter();
    let objects: Vec<&str> = objects.map(|object| object.name.as_str()).collect();
    let mut named = given.only.iter().filter_map(Filter::object);
    if let Some(lost) = named.find(|object| !objects.contains(object)) {
        return Err(unknown("object of --only", lost, &objects).into());
    }
    let secret = variable("--forward-secret-env ", secret)?;
    let signer = Signer::read(&secret).map_err(|why| {
        Usage::new(format!("--forward-secret-env: the secret cannot sign: {why}"))
            .next("make one with: printf 'whsec_%s' \"$(head -c 32 /dev/urandom | base64)\"")
    })?;
    let http = Arc::clone(connector.http_client());
    let address = Origin::of_url(url, context.address_space());
    let address = address.map_err(|why| Usage::new(format!("--forward: {why}")))?;
    let target = ForwardTarget::new(address, http, signer);
    let notes = Arc::clone(notes) as Arc<dyn Notes>;
    let outbox = Arc::clone(database) as _;
    let filters = given.only.clone();
    Ok(Some(Forwarder { outbox, clock: clock(), notes, target, filters }))
}
