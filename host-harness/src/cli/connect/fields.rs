//! The secrets that a scheme asks of people: from the environment, from files, or typed in unseen.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::Result;
use host_harness::contract::setup::Scheme;
use host_harness::runtime::{Connector, Tokens};
use host_harness::vault::Secret;

use crate::cli::context::Context;
use crate::cli::input::pair;
use crate::cli::output::printable;
use crate::cli::secret_value::{content, one_value, typed, variable};
use crate::cli::usage::{Usage, unknown};

// `--secret-file`, beside the `--secret-env` of every command. (A docstring would become the help
// text.)
#[derive(Debug, clap::Args)]
pub struct SecretFiles {
    /// Take a secret from this file; a line break at its end is taken off (several times)
    #[arg(long = "secret-file", value_name = "NAME=FILE")]
    pub secret_files: Vec<String>,
}

impl SecretFiles {
    /// The secrets of `scheme`, by their names. `kept`: those that are there already, and stay
    /// when nothing else is given.
    ///
    /// # Errors
    /// [`Usage`] when one is missing, or is given and not the scheme's.
    pub async fn fields(
        &self,
        context: &Context,
        connector: &Connector,
        scheme: &Scheme,
        kept: &[String],
    ) -> Result<Tokens> {
        let mut given = self.given(context, connector, scheme).await?;
        for field in &scheme.secrets {
            let (name, there) = (&field.name, kept.contains(&field.name));
            if given.contains_key(name) {
                continue;
            }
            if std::io::stdin().is_terminal() {
                let optional = match (there, field.required) {
                    (true, _) => "; empty: as before",
                    (false, false) => "; may be empty",
                    (false, true) => "",
                };
                let value =
                    ask(context, &format!("{} (not shown{optional}): ", field.title)).await?;
                match value {
                    Some(value) => drop(given.insert(name.clone(), value)),
                    None if there || !field.required => {}
                    None => return Err(missing(name, &field.title)),
                }
            } else if field.required && !there {
                return Err(missing(name, &field.title));
            }
        }
        for (name, value) in &given {
            connector.check_secret_value(name, value)?;
        }
        Ok(given)
    }

    /// Those of the command line alone.
    ///
    /// # Errors
    /// [`Usage`] for one that is not the connector's.
    pub async fn given(
        &self,
        context: &Context,
        connector: &Connector,
        scheme: &Scheme,
    ) -> Result<Tokens> {
        let mut given = Tokens::new();
        for one in &context.repeated.secrets {
            let (name, from) = pair("--secret-env", "NAME=VARIABLE", one)?;
            given.insert(name.to_owned(), variable(&format!("--secret-env {name}="), from)?);
        }
        for one in &self.secret_files {
            let (name, file) = pair("--secret-file", "NAME=FILE", one)?;
            let value = content("--secret-file", &PathBuf::from(file)).await?;
            given.insert(name.to_owned(), value);
        }
        let names: Vec<&str> = scheme.secrets.iter().map(|field| field.name.as_str()).collect();
        for name in given.keys() {
            // Some serve beside the scheme: a key that verifies, for example.
            if connector.check_secret(name).is_err() {
                return Err(unknown("secret", name, &names).into());
            }
        }
        Ok(given)
    }
}

async fn ask(context: &Context, prompt: &str) -> Result<Option<Secret>> {
    context.watch.clear();
    Ok(one_value(typed(&printable(prompt)).await?))
}

fn missing(name: &str, title: &str) -> anyhow::Error {
    let text = format!("the secret \"{name}\" ({title}) is needed and was not given");
    let next = format!(
        "run this on a terminal and type it in, or give --secret-env {name}=VARIABLE or \
         --secret-file {name}=FILE"
    );
    Usage::new(text).next(next).into()
}
