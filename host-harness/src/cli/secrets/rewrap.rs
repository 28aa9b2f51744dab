//! `secrets rewrap`: another master key.

use std::path::PathBuf;

use anyhow::Result;
use host_harness::vault::{MASTER_KEY_VARIABLE, MasterKey};

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::counted;
use crate::cli::state::State;
use crate::cli::usage::Usage;

/// Seals what is kept by another master key. Let no other program of this state run meanwhile,
/// and keep the old key until this is done.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets rewrap --new-key-file /media/key/master.key
  connector-host secrets rewrap --new-key-env NEW_MASTER_KEY")]
#[group(required = true, multiple = false)]
pub struct Args {
    /// The new key: 32 bytes in base64, in this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub new_key_env: Option<String>,

    /// The new key, in this file; it is made if it is not there
    #[arg(long, value_name = "FILE")]
    pub new_key_file: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When one of the two keys cannot be used, or what is kept does not open with the old one.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let state = State::needed(context)?;
    let store = state.store().await?;
    let store = store.ok_or_else(|| Usage::new("nothing is kept yet, so nothing is sealed"))?;
    let vault = state.vault(store).await?;
    let (new, next) = match (&args.new_key_file, &args.new_key_env) {
        (Some(file), _) => {
            let shown = file.display();
            let next = format!(
                "give --master-key {shown} (or CONNECTOR_MASTER_KEY_FILE), or put that file in \
                 the place of the old one"
            );
            (MasterKey::read_or_make(file)?, next)
        }
        (None, variable) => {
            let variable = variable.as_deref().unwrap_or_default();
            let next = format!("set {MASTER_KEY_VARIABLE} to what {variable} holds");
            (MasterKey::from_variable(variable)?, next)
        }
    };
    let done = vault.rewrap(&new).await?;
    let keys = counted(done as u64, "connection");
    context.watch.say(&format!("sealed {keys} by the new key\n  next: from now on, {next}"));
    Ok(Exit::Done)
}
