//! What a person brings back from the provider's pages.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use host_harness::contract::setup::SecretField;
use host_harness::store::ConnectionRow;
use host_harness::vault::{Secret, Vault, fill};
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::output::printable;
use crate::cli::secret_value::SecretSource;
use crate::cli::usage::Usage;

/// Bytes of randomness in a secret that is made.
const BYTES: usize = 32;

// (A docstring would become the help text of the command.)
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub struct SubscriptionSecret {
    /// Take the secret from this environment variable [default: typed in unseen on a terminal]
    #[arg(long, value_name = "VARIABLE")]
    pub from_env: Option<String>,

    /// Take it from this file; a line break at its end is taken off
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,

    /// Make one and show it once, for a provider that takes yours
    #[arg(long)]
    pub make_secret: bool,
}

impl SubscriptionSecret {
    fn is_given(&self) -> bool {
        self.from_env.is_some() || self.from_file.is_some() || self.make_secret
    }
}

/// Keeps the secrets that are missing. Answers whether all that are required are there.
///
/// # Errors
/// [`Usage`] when what is given fits none or several of them.
pub async fn keep(
    asked: &SubscriptionSecret,
    context: &Context,
    vault: &Vault,
    row: &ConnectionRow,
    fields: &[SecretField],
) -> Result<bool> {
    let kept = vault.list(row).await?;
    let is_kept = |field: &SecretField| kept.iter().any(|version| version.name == field.name);
    for field in fields.iter().filter(|field| is_kept(field) && !asked.is_given()) {
        let name = printable(&field.name);
        context.watch.mention(&format!(
            "{name} is kept already; `secrets rotate {name}` takes another one over"
        ));
    }
    let missing: Vec<&SecretField> =
        fields.iter().filter(|field| !is_kept(field) || asked.is_given()).collect();
    if asked.is_given() && missing.len() != 1 {
        return Err(Usage::new(format!(
            "one secret is given, and {} are asked for",
            missing.len()
        ))
        .next("keep them with `secrets set NAME`")
        .into());
    }
    let mut complete = true;
    for field in missing {
        if !asked.is_given() && !std::io::stdin().is_terminal() {
            complete &= !field.required;
            let name = printable(&field.name);
            context.watch.say(&format!("next: keep {name} with `secrets set {name}`"));
            continue;
        }
        let value = match asked.make_secret {
            true => made(context, &field.name)?,
            false => {
                let (from_env, from_file) = (asked.from_env.clone(), asked.from_file.clone());
                SecretSource { from_env, from_file }.read(context, &field.name).await?
            }
        };
        // Deliveries that are on their way were signed with the one before.
        let version = vault.put(row, &field.name, &value, host_harness::vault::OVERLAP).await?;
        let name = printable(&field.name);
        context.watch.mention(&format!("kept {name}, version {version}"));
    }
    Ok(complete)
}

fn made(context: &Context, name: &str) -> Result<Secret> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    fill(&mut *bytes)?;
    let text = Zeroizing::new(BASE64URL.encode(*bytes));
    let shown = format!("{}, shown this once: {}", printable(name), *text);
    context.watch.say(&shown);
    Ok(Secret::new(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_at_most_brings_the_secret() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            asked: SubscriptionSecret,
        }
        let given = |line: &[&str]| {
            <Line as clap::Parser>::try_parse_from(line).map(|line| line.asked.is_given())
        };
        assert!(!given(&["x"]).unwrap());
        assert!(given(&["x", "--from-env", "A"]).unwrap());
        assert!(given(&["x", "--make-secret"]).unwrap());
        assert!(given(&["x", "--make-secret", "--from-env", "A"]).is_err());
    }
}
