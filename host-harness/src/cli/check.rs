//! `check`: may the connection use the objects?
//!
//! | found | exit code |
//! |---|---|
//! | credentials refused at any object, or the grant ended; the rest is not tried | 4 |
//! | every object is usable, or cannot be tried without effect | 0 |
//! | some are forbidden, others usable | 3 |
//! | anything else failed, or all are forbidden | 1 |

use anyhow::Result;
use host_harness::contract::types::ErrorKind;
use host_harness::runtime::CallError;
use host_harness::service::check::{CheckResult, ObjectCheck, check};

use super::context::Context;
use super::errors::{Subject, after_answer};
use super::exit::Exit;
use super::output::printable;
use super::print::{Entry, member};
use super::state::StoredConnection;

/// Makes one cheap request for each object. Actions are named and not tried: to try one is to do
/// it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host check --secret-env api-key=API_KEY
  connector-host check orders --secret-env api-key=API_KEY --output json")]
pub struct CheckArgs {
    /// Only this object
    pub object: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When no connection can be made. What an object answers is no error but a result.
pub async fn run(args: &CheckArgs, context: &Context) -> Result<Exit> {
    let connector = match &args.object {
        Some(object) => context.connector_with(object).await?,
        None => context.connector().await?,
    };
    let kept = StoredConnection::of(context, &connector).await?;
    let (connection, grants) = context.connect_with_grant(&connector, kept).await?;
    let all = connector.manifest().objects.iter();
    let objects: Vec<&String> = match &args.object {
        Some(object) => vec![object],
        None => all.map(|object| &object.name).collect(),
    };
    let objects: Vec<String> = objects.into_iter().cloned().collect();
    let checks = check(&connection, grants.as_ref(), &objects).await?;
    let mut next = None;
    for found in &checks {
        if found.result == CheckResult::NeedsReconnect {
            next = Some("`connect` again; name, settings and everything else stay".to_owned());
        } else if let Some(CallError::Connector(error)) = &found.error
            && error.kind != ErrorKind::Unsupported
        {
            let subject = Subject {
                command: "check".to_owned(),
                object: Some(found.object.clone()),
                id: None,
                secrets: context.repeated.secrets.clone(),
            };
            next = next.or(after_answer(error, &subject));
        }
    }
    let rows = checks.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    context.listing(&["OBJECT", "RESULT", ""], rows)?;
    if let Some(next) = next {
        context.watch.say(&format!("  next: {}", printable(&next)));
    }
    let results: Vec<CheckResult> = checks.iter().map(|found| found.result).collect();
    Ok(exit(&results))
}

fn exit(found: &[CheckResult]) -> Exit {
    let any = |wanted| found.contains(&wanted);
    if any(CheckResult::Unauthenticated) || any(CheckResult::NeedsReconnect) {
        Exit::Unauthenticated
    } else if any(CheckResult::Failed) {
        Exit::Failed
    } else if any(CheckResult::Forbidden) {
        if any(CheckResult::Usable) { Exit::Partly } else { Exit::Failed }
    } else {
        Exit::Done
    }
}

/// A provider may grant actions apart from the object, and none can be tried without being done.
fn entry(found: &ObjectCheck) -> Result<Entry, serde_json::Error> {
    let shown = found.account.as_ref().map(|account| format!("{} ({})", account.title, account.id));
    let actions = &found.untried_actions;
    let untried = (found.result == CheckResult::Usable && !actions.is_empty())
        .then(|| format!("not tried: {}", actions.join(", ")));
    let told = shown.or_else(|| found.message.clone()).into_iter().chain(untried);
    let told: Vec<String> = told.collect();
    let json = serde_json::to_value(found)?;
    let cells =
        vec![found.object.clone(), member(&serde_json::to_value(found.result)?), told.join("; ")];
    Ok(Entry { cells, json })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_all_objects_together() {
        use CheckResult::{Failed, Forbidden, NeedsReconnect, Unauthenticated, Untried, Usable};
        for (found, code) in [
            (vec![], 0),
            (vec![Usable, Untried], 0),
            (vec![Untried], 0),
            (vec![Usable, Forbidden], 3),
            (vec![Forbidden], 1),
            (vec![Untried, Forbidden], 1),
            (vec![Usable, Failed], 1),
            (vec![Usable, Forbidden, Failed], 1),
            (vec![Usable, Unauthenticated], 4),
            (vec![NeedsReconnect], 4),
        ] {
            assert_eq!(exit(&found).code(), code, "{found:?}");
        }
    }
}
