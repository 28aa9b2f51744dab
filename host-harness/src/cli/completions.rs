//! `completions`: what a shell needs to complete our commands.

use std::io::Write as _;

use anyhow::Result;
use clap_complete::{Shell, generate};

use super::context::Context;

/// Prints a script for the shell to read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host completions bash > ~/.local/share/bash-completion/completions/connector-host
  connector-host completions zsh > ~/.zfunc/_connector-host")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Runs the command.
///
/// # Errors
/// When stdout cannot be written.
pub async fn run(args: &CompletionsArgs, _: &Context) -> Result<()> {
    let (mut command, mut script) = (super::grammar(), Vec::new());
    let name = command.get_name().to_owned();
    generate(args.shell, &mut command, name, &mut script);
    let mut out = std::io::stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(())
}
