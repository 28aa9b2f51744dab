//! `verify`: puts a component to its contract.

use std::path::PathBuf;

use anyhow::Result;
use host_harness::verify::{Options, verify};

use super::cache;
use super::context::Context;
use super::exit::Exit;
use super::input::pairs;
use super::secret_value::variable;
use super::usage::Usage;

/// Runs a component against its own declarations, with lost answers, kills, hostile answers and replays, and says of
/// each rule whether it is kept, by what evidence. Most rules need a fake provider on this machine, your own program
/// or another's: every origin of the connector leads there. Ends with 3 when a rule is broken.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host verify connector.wasm
  connector-host verify connector.wasm --provider http://127.0.0.1:8080 --secret-env api-key=KEY
  connector-host verify connector.wasm --provider http://127.0.0.1:8080 --secret-env api-key=KEY \\
      --create 'orders={\"number\":\"N{number}\"}' --output json")]
pub struct VerifyArgs {
    /// The component [default: that of --component]
    #[arg(value_name = "COMPONENT")]
    file: Option<PathBuf>,
    /// The fake provider, http://HOST:PORT of this machine. Records are made and removed there
    #[arg(long, value_name = "URL")]
    provider: Option<String>,
    /// An input that makes a record of OBJECT, {number} in it for another number each time (several times)
    #[arg(long = "create", value_name = "OBJECT=JSON")]
    samples: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// [`Usage`] for options that cannot be used; what is wrong with the component is in the table.
pub async fn run(args: &VerifyArgs, context: &Context) -> Result<Exit> {
    context.document_form()?;
    let given = args.file.clone().or_else(|| context.options.component.clone().map(PathBuf::from));
    let next = "give its file, or set CONNECTOR_COMPONENT to it";
    let path = given.ok_or_else(|| Usage::new("no component is named").next(next))?;
    let cache = cache::directory(context.options.cache.as_deref(), "compiled");
    let mut options = Options::default().cache(cache);
    if let Some(url) = &args.provider {
        options = options.provider(url).map_err(|why| Usage::new(why.to_string()))?;
    }
    for (name, value) in pairs("--setting", &context.repeated.settings)? {
        options = options.setting(name, value);
    }
    for (name, from) in pairs("--secret-env", &context.repeated.secrets)? {
        options = options.secret(name, variable(&format!("--secret-env {name}="), from)?);
    }
    for (object, input) in pairs("--create", &args.samples)? {
        options = options.sample(object, input);
    }
    context.watch.start();
    let report = verify(&path, &options).await;
    context.document(|| report.table(), &report.json())?;
    Ok(if report.is_kept() { Exit::Done } else { Exit::Partly })
}
