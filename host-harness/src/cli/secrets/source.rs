//! Where the value of a secret comes from. Never from the command line, which others can see.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use host_harness::vault::Secret;
use zeroize::Zeroizing;

use super::typed;
use crate::cli::context::{Context, one_value, variable};
use crate::cli::usage::Usage;

// (A docstring would become the help text of each command.)
#[derive(Debug, clap::Args)]
pub struct Source {
    /// Take it from this environment variable [default: typed in unseen on a terminal, else from
    /// standard input]
    #[arg(long, value_name = "VARIABLE", conflicts_with = "from_file")]
    pub from_env: Option<String>,

    /// Take it from this file; a line break at its end is taken off
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,
}

impl Source {
    /// Reads the value of the secret `name`.
    ///
    /// # Errors
    /// [`Usage`] when there is none, or it is empty.
    pub async fn read(&self, context: &Context, name: &str) -> Result<Secret> {
        if let Some(given) = &self.from_env {
            return Ok(variable("--from-env ", given)?);
        }
        let (bytes, whence) = if let Some(file) = &self.from_file {
            return Ok(content("--from-file", file).await?);
        } else if std::io::stdin().is_terminal() {
            context.watch.clear();
            (typed::line(&format!("{name} (not shown): ")).await?, "what was typed".to_owned())
        } else {
            (standard_input().await?, "standard input".to_owned())
        };
        let value = one_value(bytes);
        value.ok_or_else(|| Usage::new(format!("{whence} is empty, and no secret")).into())
    }
}

/// The secret in a file that `option` names.
///
/// # Errors
/// [`Usage`] when it cannot be read, or is empty.
pub async fn content(option: &str, file: &Path) -> Result<Secret, Usage> {
    let shown = file.display();
    let bytes = tokio::fs::read(file).await;
    let unreadable = |why| Usage::new(format!("{option}: cannot read {shown}: {why}"));
    let value = one_value(Zeroizing::new(bytes.map_err(unreadable)?));
    value.ok_or_else(|| Usage::new(format!("{shown} is empty, and no secret")))
}

async fn standard_input() -> Result<Zeroizing<Vec<u8>>> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut bytes = Zeroizing::new(Vec::new());
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes = reading.await.context("reading standard input")?;
    Ok(bytes.map_err(|why| Usage::new(format!("cannot read standard input: {why}")))?)
}
