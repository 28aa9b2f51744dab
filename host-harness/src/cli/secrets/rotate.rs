//! `secrets rotate`: a new version beside the one before.

use std::time::Duration;

use anyhow::Result;
use host_harness::vault::OVERLAP;

use super::{Source, must_be_kept};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::state::Kept;

/// Keeps a new version of a secret, and uses it from now on. What others signed with the one
/// before is accepted until the overlap ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host secrets rotate webhook-secret
  connector-host secrets rotate webhook-secret --overlap 30m --from-env NEW_SECRET")]
pub struct Args {
    /// Name of the secret, as `secrets list` shows it
    pub name: String,

    #[command(flatten)]
    pub source: Source,

    /// How long the version before serves: 72h, 30m, 90s, 7d, or 0 [default: 72h]
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub overlap: Option<Duration>,
}

/// Runs the command.
///
/// # Errors
/// When there is none to rotate, or the new one was not kept.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let kept = Kept::chosen(context).await?;
    must_be_kept(&args.name, &kept.vault.list(&kept.row).await?)?;
    let value = args.source.read(context, &args.name).await?;
    let overlap = args.overlap.unwrap_or(OVERLAP);
    let version = kept.vault.put(&kept.row, &args.name, &value, overlap).await?;
    let (name, whose) = (&args.name, &kept.row.name);
    context.watch.mention(&format!("kept {name}, version {version}, for the connection {whose}"));
    Ok(Exit::Done)
}

/// A whole number and its unit.
fn span(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(at).unwrap_or_default();
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "" if number == "0" => 0,
        _ => return Err("write a whole number and s, m, h or d, such as 72h".to_owned()),
    };
    let number: Option<u64> = number.parse().ok();
    let all = number.and_then(|number| number.checked_mul(seconds));
    all.map(Duration::from_secs).ok_or_else(|| "it is no such number, or too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        for (text, seconds) in
            [("72h", 259_200), ("30m", 1_800), ("90s", 90), ("7d", 604_800), ("0", 0), ("0h", 0)]
        {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "72", "h", "1.5h", "-1h", "1 h", "1w", "99999999999999999999d", "é"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
