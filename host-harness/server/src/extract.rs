//! What handlers take and answer. Whatever is wrong with a request becomes a [`Problem`].

use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, RequestBody, Response as Described, SchemaObject};
use aide::operation::{ParamLocation, add_parameters, parameters_from_schema, set_body};
use aide::{OperationInput, OperationOutput};
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use crate::problem::Problem;

/// Bytes of a body.
pub const BODY_BYTES: usize = 1024 * 1024;
/// From its head, a body must be whole within this time.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// Media type of JSON.
pub const JSON: &str = "application/json";

/// A JSON document.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON document as it came, digit for digit: what is in it is the connector's business.
#[derive(Debug)]
pub struct JsonText(pub String);

/// Parameters of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// Parameters of the query; one that is not known is refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(why) => {
                Err(Problem::invalid(format!("the path cannot be read: {}", why.body_text()))
                    .with_status(StatusCode::BAD_REQUEST))
            }
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// The parameters that a query string has.
    ///
    /// # Errors
    /// [`Problem`] with status 400 when it cannot be read as these.
    pub fn read(query: &str) -> Result<Self, Problem> {
        serde_html_form::from_str(query).map(Self).map_err(|why| {
            Problem::invalid(format!("the query cannot be read: {why}"))
                .with_status(StatusCode::BAD_REQUEST)
        })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let text = text(request).await?;
        // A value bounds the depth too.
        let value: Value = serde_json::from_str(&text).map_err(|why| no_json(&why))?;
        if !value.is_object() {
            return Err(Problem::invalid("the body has to be a JSON object"));
        }
        let read = serde_json::from_value(value);
        read.map(Self).map_err(|why| Problem::invalid(format!("the body is refused: {why}")))
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonText {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let text = text(request).await?;
        // A value bounds the depth too.
        serde_json::from_str::<Value>(&text).map_err(|why| no_json(&why))?;
        Ok(Self(text))
    }
}

fn no_json(why: &serde_json::Error) -> Problem {
    Problem::invalid(format!("the body is no JSON: {why}")).with_status(StatusCode::BAD_REQUEST)
}

/// The body as text.
async fn text(request: Request) -> Result<String, Problem> {
    check_content(request.headers(), &[JSON])?;
    String::from_utf8(whole(request.into_body()).await?.into())
        .map_err(|_| Problem::invalid("the body is no UTF-8").with_status(StatusCode::BAD_REQUEST))
}

/// A body, whole.
///
/// # Errors
/// [`Problem`] when it is too large, too slow, or cut off.
pub async fn whole(body: Body) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::invalid(format!("the body is larger than {BODY_BYTES} bytes"))
            .with_status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    let least = http_body::Body::size_hint(&body).lower();
    if usize::try_from(least).map_or(true, |least| least > BODY_BYTES) {
        return Err(too_large());
    }
    let body = timeout(BODY_WITHIN, Limited::new(body, BODY_BYTES).collect()).await;
    let body = body.map_err(|_| {
        Problem::invalid("the body did not come in time").with_status(StatusCode::REQUEST_TIMEOUT)
    })?;
    let body = body.map_err(|why| match why.downcast_ref::<LengthLimitError>() {
        Some(_) => too_large(),
        None => Problem::invalid("the body was cut off").with_status(StatusCode::BAD_REQUEST),
    })?;
    Ok(body.to_bytes())
}

/// Whether the body is of one of these media types, as it is.
///
/// # Errors
/// [`Problem`] with status 415.
pub fn check_content(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    let unsupported =
        |text: String| Problem::invalid(text).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !types.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        let types = types.join(" or ");
        return Err(unsupported(format!("the body has to be of the type {types}"))
            .next(format!("send Content-Type: {types}")));
    }
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(unsupported("the body is compressed".to_owned()).next("send it as it is"))
        }
        _ => Ok(()),
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, "no-store")], body)
                .into_response(),
            Err(why) => Problem::new(
                crate::problem::ProblemKind::Internal,
                crate::problem::ProblemSource::Host,
                format!("the answer cannot be written: {why}"),
            )
            .into_response(),
        }
    }
}

fn json_of<T: JsonSchema>(ctx: &mut GenContext) -> MediaType {
    let json_schema = ctx.schema.subschema_for::<T>();
    let schema = Some(SchemaObject { json_schema, external_docs: None, example: None });
    MediaType { schema, ..MediaType::default() }
}

fn json_body<T: JsonSchema>(ctx: &mut GenContext, operation: &mut Operation) {
    let content = [(JSON.to_owned(), json_of::<T>(ctx))].into_iter().collect();
    set_body(ctx, operation, RequestBody { content, required: true, ..RequestBody::default() });
}

impl<T: JsonSchema> OperationInput for Json<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        json_body::<T>(ctx, operation);
    }
}

impl OperationInput for JsonText {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        json_body::<Value>(ctx, operation);
    }
}

impl<T: JsonSchema> OperationInput for Path<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let schema = ctx.schema.subschema_for::<T>();
        let parameters = parameters_from_schema(ctx, schema, ParamLocation::Path);
        add_parameters(ctx, operation, parameters);
    }
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let schema = ctx.schema.subschema_for::<T>();
        let parameters = parameters_from_schema(ctx, schema, ParamLocation::Query);
        add_parameters(ctx, operation, parameters);
    }
}

impl<T: JsonSchema> OperationOutput for Json<T> {
    type Inner = T;

    fn operation_response(ctx: &mut GenContext, _: &mut Operation) -> Option<Described> {
        let content = [(JSON.to_owned(), json_of::<T>(ctx))].into_iter().collect();
        Some(Described { description: "Done.".to_owned(), content, ..Described::default() })
    }

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Described)> {
        Self::operation_response(ctx, operation).map(|one| (Some(200), one)).into_iter().collect()
    }
}
