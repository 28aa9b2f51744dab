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
use host_harness::grants::Grants;
use host_harness::runtime::CallError;
use host_harness::store::GrantState;
use serde_json::json;

use super::context::{Context, describe};
use super::errors::{Subject, after_answer};
use super::exit::Exit;
use super::output::printable;
use super::print::Entry;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckResult {
    Usable,
    Untried,
    Forbidden,
    Unauthenticated,
    /// Its grant ended, or it has none yet.
    NeedsReconnect,
    Failed,
}

struct ObjectCheck {
    object: String,
    found: CheckResult,
    /// Its actions. A provider may grant them apart from the object, and none can be tried without
    /// being done.
    actions: Vec<String>,
    account: Option<Account>,
    message: Option<String>,
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
    let mut checked = Vec::new();
    let mut next = None;
    let account = account(grants.as_ref()).await?;
    for object in objects {
        let result = connection.check(object).await;
        if let Err(CallError::Connector(error)) = &result {
            let subject = Subject {
                command: "check".to_owned(),
                object: Some(object.clone()),
                id: None,
                secrets: context.repeated.secrets.clone(),
            };
            let unsupported = matches!(error.kind, ErrorKind::Unsupported);
            next = next.or(after_answer(error, &subject).filter(|_| !unsupported));
        }
        let mut one = judged(object, result, account.as_ref());
        let descriptor = describe(&connector, object).await?;
        one.actions = descriptor.actions.into_iter().map(|action| action.name).collect();
        let refused = one.found == CheckResult::Unauthenticated;
        if refused && has_no_grant(grants.as_ref()).await? {
            one.found = CheckResult::NeedsReconnect;
            next = Some("`connect` again; name, settings and everything else stay".to_owned());
        }
        checked.push(one);
        if refused {
            break;
        }
    }
    context.listing(&["OBJECT", "RESULT", ""], checked.iter().map(entry))?;
    if let Some(next) = next {
        context.watch.say(&format!("  next: {}", printable(&next)));
    }
    Ok(exit(&checked.iter().map(|one| one.found).collect::<Vec<_>>()))
}

/// Whether the connection lives on a grant, and has none that the provider honours.
async fn has_no_grant(grants: Option<&Grants>) -> Result<bool> {
    match grants {
        Some(grants) => Ok(grants.row().await?.is_none_or(|row| row.state == GrantState::Ended)),
        None => Ok(false),
    }
}

/// The provider's account, as it was told when it was connected.
async fn account(grants: Option<&Grants>) -> Result<Option<Account>> {
    match grants {
        Some(grants) => Ok(grants.row().await?.and_then(|row| row.learned.account)),
        None => Ok(None),
    }
}

fn judged(object: &str, result: Result<(), CallError>, account: Option<&Account>) -> ObjectCheck {
    let (found, account, message) = match result {
        Ok(()) => (CheckResult::Usable, account.cloned(), None),
        Err(error) => {
            let found = match error.error().map(|error| &error.kind) {
                Some(ErrorKind::Unsupported) => CheckResult::Untried,
                Some(ErrorKind::Forbidden) => CheckResult::Forbidden,
                Some(ErrorKind::Unauthenticated) => CheckResult::Unauthenticated,
                _ => CheckResult::Failed,
            };
            (found, None, Some(error.to_string()))
        }
    };
    ObjectCheck { object: object.to_owned(), found, actions: vec![], account, message }
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

fn entry(one: &ObjectCheck) -> Entry {
    let account = one.account.as_ref();
    let shown = account.map(|account| format!("{} ({})", account.title, account.id));
    let told: Vec<String> =
        shown.or_else(|| one.message.clone()).into_iter().chain(untried(one)).collect();
    Entry {
        id: one.object.clone(),
        cells: vec![one.object.clone(), word(one.found).to_owned(), told.join("; ")],
        json: json!({
            "object": one.object,
            "result": word(one.found),
            "account": account.map(|account| json!({ "id": account.id, "title": account.title })),
            "message": one.message,
            "untried_actions": one.actions,
        }),
    }
}

fn untried(one: &ObjectCheck) -> Option<String> {
    let actions = one.actions.join(", ");
    (one.found == CheckResult::Usable && !actions.is_empty())
        .then(|| format!("not tried: {actions}"))
}

fn word(found: CheckResult) -> &'static str {
    match found {
        CheckResult::Usable => "usable",
        CheckResult::Untried => "untried",
        CheckResult::Forbidden => "forbidden",
        CheckResult::Unauthenticated => "unauthenticated",
        CheckResult::NeedsReconnect => "needs-reconnect",
        CheckResult::Failed => "failed",
    }
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
