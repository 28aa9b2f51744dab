//! Whether a connection may use the objects of its connector: one cheap request for each.

use connector_contract::auth::Account;
use connector_contract::types::ErrorKind;
use connector_runtime::{CallError, Connection};
use connector_state::{GrantRow, GrantState};
use schemars::JsonSchema;
use serde::Serialize;

use crate::grants::{GrantError, Grants};

/// What one object answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// It may be used.
    Usable,
    /// It cannot be tried without effect.
    Untried,
    /// The account has no right to it.
    Forbidden,
    /// The credentials were refused.
    Unauthenticated,
    /// Its grant ended, or it has none yet.
    NeedsReconnect,
    /// Something else.
    Failed,
}

/// Whether an object may be used.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ObjectCheck {
    /// The object.
    pub object: String,
    /// What came of it.
    pub result: CheckResult,
    /// The provider's account, as it was told when it was connected.
    pub account: Option<AccountDocument>,
    /// Why it may not be used.
    pub message: Option<String>,
    /// Actions are named and not tried: to try one is to do it.
    pub untried_actions: Vec<String>,
    /// Why it may not be used, for a next step.
    #[serde(skip)]
    pub error: Option<CallError>,
}

/// An account at a provider.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AccountDocument {
    /// Its identity.
    pub id: String,
    /// For people.
    pub title: String,
}

/// Tries these objects, up to the first that refuses the credentials: the others would too.
///
/// # Errors
/// When an object cannot be described, or the grant not be read. What an object answers is no error but a result.
pub async fn check(
    connection: &Connection,
    grants: Option<&Grants>,
    objects: &[String],
) -> Result<Vec<ObjectCheck>, CallError> {
    let account = match grants {
        Some(grants) => row(grants).await?.and_then(|row| row.learned.account),
        None => None,
    };
    let mut checks = Vec::new();
    for object in objects {
        let answer = connection.check(object).await;
        let mut result = judged(&answer);
        let refused = result == CheckResult::Unauthenticated;
        if refused
            && let Some(grants) = grants
            && row(grants).await?.is_none_or(|row| row.state == GrantState::Ended)
        {
            result = CheckResult::NeedsReconnect;
        }
        let descriptor = connection.connector().describe(object).await?;
        let account = account.as_ref().filter(|_| result == CheckResult::Usable);
        let error = answer.err();
        checks.push(ObjectCheck {
            object: object.clone(),
            result,
            account: account.map(|Account { id, title }| AccountDocument {
                id: id.clone(),
                title: title.clone(),
            }),
            message: error.as_ref().map(ToString::to_string),
            untried_actions: descriptor.actions.into_iter().map(|action| action.name).collect(),
            error,
        });
        if refused {
            break;
        }
    }
    Ok(checks)
}

async fn row(grants: &Grants) -> Result<Option<GrantRow>, CallError> {
    grants.row().await.map_err(|why| CallError::from(GrantError::from(why)))
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
