//! `check`: may the connection use the objects?
//!
//! | found | exit code |
//! |---|---|
//! | credentials refused at any object, or the grant ended; the rest is not tried | 4 |
//! | every object is usable, or cannot be tried without effect | 0 |
//! | some are forbidden, others usable | 3 |
//! | anything else failed, or all are forbidden | 1 |

use anyhow::Result;
use host_harness::contract::auth::Account;
use host_harness::contract::types::ErrorKind;
use host_harness::runtime::CallError;
use host_harness::store::GrantState;
use serde::Serialize;
use serde_json::json;

use super::context::{Context, describe};
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

/// What one object answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum CheckResult {
    Usable,
    Untried,
    Forbidden,
    Unauthenticated,
    /// Its grant ended, or it has none yet.
    NeedsReconnect,
    Failed,
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
    // The provider's account, as it was told when it was connected.
    let account = match &grants {
        Some(grants) => grants.row().await?.and_then(|row| row.learned.account),
        None => None,
    };
    let (mut rows, mut results, mut next) = (Vec::new(), Vec::new(), None);
    for object in objects {
        let answer = connection.check(object).await;
        if let Err(CallError::Connector(error)) = &answer
            && error.kind != ErrorKind::Unsupported
        {
            let subject = Subject {
                command: "check".to_owned(),
                object: Some(object.clone()),
                id: None,
                secrets: context.repeated.secrets.clone(),
            };
            next = next.or(after_answer(error, &subject));
        }
        let mut found = judged(&answer);
        let descriptor = describe(&connector, object).await?;
        let refused = found == CheckResult::Unauthenticated;
        if refused
            && let Some(grants) = &grants
            && grants.row().await?.is_none_or(|row| row.state == GrantState::Ended)
        {
            found = CheckResult::NeedsReconnect;
            next = Some("`connect` again; name, settings and everything else stay".to_owned());
        }
        results.push(found);
        let actions: Vec<String> =
            descriptor.actions.into_iter().map(|action| action.name).collect();
        rows.push(entry(object, found, account.as_ref(), answer, &actions));
        if refused {
            break;
        }
    }
    context.listing(&["OBJECT", "RESULT", ""], rows)?;
    if let Some(next) = next {
        context.watch.say(&format!("  next: {}", printable(&next)));
    }
    Ok(exit(&results))
}

fn judged(answer: &Result<(), CallError>) -> CheckResult {
    let Err(error) = answer else { return CheckResult::Usable };
    match error.error().map(|error| &error.kind) {
        Some(ErrorKind::Unsupported) => CheckResult::Untried,
        Some(ErrorKind::Forbidden) => CheckResult::Forbidden,
        Some(ErrorKind::Unauthenticated) => CheckResult::Unauthenticated,
        _ => CheckResult::Failed,
    }
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

/// `actions`: a provider may grant them apart from the object, and none can be tried without being
/// done.
fn entry(
    object: &str,
    found: CheckResult,
    account: Option<&Account>,
    answer: Result<(), CallError>,
    actions: &[String],
) -> Entry {
    let account = account.filter(|_| found == CheckResult::Usable);
    let message = answer.err().map(|error| error.to_string());
    let shown = account.map(|account| format!("{} ({})", account.title, account.id));
    let untried = (found == CheckResult::Usable && !actions.is_empty())
        .then(|| format!("not tried: {}", actions.join(", ")));
    let told: Vec<String> = shown.or_else(|| message.clone()).into_iter().chain(untried).collect();
    let result = json!(found);
    let cells = vec![object.to_owned(), member(&result), told.join("; ")];
    let json = json!({
        "object": object,
        "result": result,
        "account": account.map(|account| json!({ "id": account.id, "title": account.title })),
        "message": message,
        "untried_actions": actions,
    });
    Entry { cells, json }
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
