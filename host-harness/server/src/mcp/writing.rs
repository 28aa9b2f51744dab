//! Writes in two steps: what would be sent, and then that.

use std::time::Duration;

use connector_contract::actions::Invocation;
use connector_contract::batches::{Operation, Patch, Removal};
use connector_runtime::retry::first_attempt;
use connector_runtime::secrets::Secret;
use connector_service::documents::{PlannedRequest, hidden};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::arguments::{CarryOut, PlanWrite, Write};
use super::ask::{part, records};
use super::{Answered, Mcp, PATH};
use crate::authorise::{ApiCall, Scope};
use crate::lock;
use crate::problem::Problem;

/// Plans that wait; with more the oldest is forgotten.
const PLANS: usize = 100;
/// For how long a plan can be carried out.
const VALID: Duration = Duration::from_secs(600);

/// A write that was shown.
pub struct Plan {
    confirmation: String,
    caller: Option<HeaderValue>,
    until: Instant,
    method: Method,
    path: String,
    body: Option<Secret>,
    /// The record has to be as it was when it was shown.
    etag: Option<HeaderValue>,
}

#[derive(Serialize)]
struct PlanDocument {
    /// The request to the provider.
    request: PlannedRequest,
    /// The record as the provider has it.
    before: Option<Box<RawValue>>,
    /// Hand it to carry_out.
    confirmation: String,
    /// Seconds within which it counts.
    valid_for: u64,
}

impl Mcp {
    pub(super) async fn plan(
        &self,
        caller: Option<&HeaderValue>,
        asked: Answered<PlanWrite>,
    ) -> Answered<String> {
        let PlanWrite { connection, object, write, id, action, data } = asked?;
        self.may_write(caller, &connection).await?;
        let app = &self.0.app;
        app.check_object(&object)?;
        let wants_id = matches!(write, Write::Update | Write::Delete);
        let wrong = |text: &str| Err(Problem::invalid(text).into());
        match (&id, &action, write) {
            (None, ..) if wants_id => return wrong("id is missing: which record?"),
            (Some(_), _, Write::Create) => return wrong("a new record has no id yet"),
            (_, None, Write::Invoke) => return wrong("action is missing"),
            (_, Some(_), Write::Create | Write::Update | Write::Delete) => {
                return wrong("action is for write=invoke");
            }
            _ => {}
        }
        if write == Write::Delete && !data.is_empty() {
            return wrong("a deletion has no data");
        }
        let base = records(&connection, &object);
        let of_record = id.as_ref().map(|id| format!("{base}/{}", part(id)));
        // Which record is meant is read from the provider, and has to be so still when it is written.
        let (mut before, mut etag) = (None, None);
        if let Some(path) = &of_record {
            let path = format!("{path}?live=true");
            let (headers, text) =
                self.send(caller, Method::GET, &path, None, HeaderMap::new()).await?;
            before = RawValue::from_string(text).ok();
            etag = headers.get(header::ETAG).filter(|_| wants_id).cloned();
        }
        let request = self.request(&connection, &object, write, id, action.clone(), &data).await?;
        let action = action.map(|action| part(&action)).unwrap_or_default();
        let (method, path) = match (write, of_record) {
            (Write::Update, Some(path)) => (Method::PATCH, path),
            (Write::Delete, Some(path)) => (Method::DELETE, path),
            (Write::Invoke, Some(path)) => (Method::POST, format!("{path}/actions/{action}")),
            (Write::Invoke, None) => {
                let object = base.strip_suffix("/records").unwrap_or(&base);
                (Method::POST, format!("{object}/actions/{action}"))
            }
            _ => (Method::POST, base),
        };
        let body = (write != Write::Delete).then(|| Secret::new(Value::Object(data).to_string()));
        let confirmation = first_attempt().map_err(Problem::from)?.key;
        let plan = Plan {
            confirmation: confirmation.clone(),
            caller: caller.cloned(),
            until: Instant::now() + VALID,
            method,
            path,
            body,
            etag,
        };
        let mut plans = lock(&self.0.plans);
        plans.retain(|plan| plan.until > Instant::now());
        if plans.len() >= PLANS {
            plans.remove(0);
        }
        plans.push(plan);
        drop(plans);
        let shown = PlanDocument { request, before, confirmation, valid_for: VALID.as_secs() };
        Ok(serde_json::to_string(&shown).map_err(|why| Problem::invalid(why.to_string()))?)
    }

    pub(super) async fn carry_out(
        &self,
        caller: Option<&HeaderValue>,
        asked: Answered<CarryOut>,
    ) -> Answered<String> {
        let CarryOut { confirmation } = asked?;
        let plan = {
            let mut plans = lock(&self.0.plans);
            plans.retain(|plan| plan.until > Instant::now());
            let at = plans.iter().position(|plan| {
                plan.confirmation == confirmation && plan.caller.as_ref() == caller
            });
            at.map(|at| plans.remove(at))
        };
        let Some(plan) = plan else {
            let text = "this confirms no plan of yours that waits: it was carried out, or is over";
            return Err(Problem::not_found(text).next("plan_write plans it anew").into());
        };
        let mut headers = HeaderMap::new();
        if let Some(etag) = plan.etag {
            headers.insert(header::IF_MATCH, etag);
        }
        if let Ok(key) = HeaderValue::from_str(&plan.confirmation) {
            headers.insert("idempotency-key", key);
        }
        let body = plan.body.map(|body| String::from_utf8_lossy(body.expose()).into_owned());
        let (_, text) = self.send(caller, plan.method, &plan.path, body, headers).await?;
        // A deletion answers nothing.
        Ok(if text.is_empty() { "{\"done\":true}".to_owned() } else { text })
    }

    /// Whether a caller may write, before anything is asked of the provider for it.
    async fn may_write(&self, caller: Option<&HeaderValue>, connection: &str) -> Answered<()> {
        let token = caller.and_then(|caller| caller.to_str().ok()?.split_once(' '));
        let call = ApiCall {
            token: token.map(|(_, token)| token.trim()),
            scope: Scope::Write,
            connection: Some(connection),
            method: &Method::POST,
            route: PATH,
        };
        Ok(self.0.authorizer.authorize(&call).await.map(drop)?)
    }

    /// The request that would be sent to the provider.
    async fn request(
        &self,
        connection: &str,
        object: &str,
        write: Write,
        id: Option<String>,
        action: Option<String>,
        data: &Map<String, Value>,
    ) -> Answered<PlannedRequest> {
        let app = &self.0.app;
        let descriptor = app.connector.describe(object).await.map_err(Problem::from)?;
        let connection = app.open(connection).await?.connection;
        let input = Value::Object(data.clone()).to_string();
        let id = id.unwrap_or_default();
        let (schema, operation) = match write {
            Write::Create => (descriptor.create_schema, Operation::Create(input.clone())),
            Write::Update => {
                let patch = Patch { id, patch: input.clone(), expected: None };
                (descriptor.update_schema, Operation::Update(patch))
            }
            Write::Delete => (None, Operation::Delete(Removal { id, expected: None })),
            Write::Invoke => {
                let action = action.unwrap_or_default();
                let known = descriptor.actions.into_iter().find(|known| known.name == action);
                let Some(known) = known else {
                    let text = format!("{object} has no action \"{action}\"");
                    return Err(Problem::not_found(text)
                        .next("describe_objects tells them")
                        .into());
                };
                let invocation = Invocation {
                    object: object.to_owned(),
                    action,
                    id: Some(id).filter(|id| !id.is_empty()),
                    input: input.clone(),
                    attempt: first_attempt().map_err(Problem::from)?,
                };
                let planned = connection.plan_action(&invocation).await.map_err(Problem::from)?;
                let hidden = hidden::values(Some(&known.input_schema), &input);
                return Ok(PlannedRequest::of(planned, &hidden));
            }
        };
        let planned = Box::pin(connection.plan(object, &operation)).await.map_err(Problem::from)?;
        Ok(PlannedRequest::of(planned, &hidden::values(schema.as_deref(), &input)))
    }
}
