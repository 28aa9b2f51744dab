//! The OpenAPI description: what stands beside a route.

use aide::openapi::{
    Contact, HeaderStyle, Info, OpenApi, Parameter, ParameterData, ParameterSchemaOrContent,
    ReferenceOr, SchemaObject, SecurityScheme,
};
use aide::transform::TransformOperation;

use crate::authorise::{EXTENSION, Scope};
use crate::problem::Problem;

/// The header that names a write.
pub const KEY: &str = "Idempotency-Key";

/// What stands beside a route: its id, the scope that it needs, and what it does in a line.
pub fn told(
    id: &'static str,
    scope: Scope,
    summary: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |operation| {
        let mut operation = operation.id(id).summary(summary);
        let inner = operation.inner_mut();
        inner.extensions.insert(EXTENSION.to_owned(), scope.word().into());
        if scope > Scope::Read {
            inner.parameters.push(ReferenceOr::Item(key()));
        }
        if scope == Scope::Open {
            operation
        } else {
            operation.default_response::<Problem>().security_requirement("token")
        }
    }
}

/// The header that every write takes.
fn key() -> Parameter {
    let json_schema = schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
    let schema = SchemaObject { json_schema, external_docs: None, example: None };
    let parameter_data = ParameterData {
        name: KEY.to_owned(),
        description: Some(
            "Any text that no other write of this caller has: the same request under it is answered the same for \
             24 hours, and done once."
                .to_owned(),
        ),
        required: false,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(schema),
        example: None,
        examples: Default::default(),
        explode: None,
        extensions: Default::default(),
    };
    Parameter::Header { parameter_data, style: HeaderStyle::Simple }
}

/// The description without routes.
pub fn blank() -> OpenApi {
    let token = SecurityScheme::Http {
        scheme: "bearer".to_owned(),
        bearer_format: None,
        description: Some("A token; on loopback and a Unix socket none is needed.".to_owned()),
        extensions: Default::default(),
    };
    let mut api = OpenApi {
        info: Info {
            title: "connector-host".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: Some(
                "Connections of a connector: their records, what changes, what is written. Times are \
                 RFC 3339 in UTC. Lists go on by `cursor`, which is `next` of the page before. Errors are \
                 problems (RFC 9457); `kind` says what to do next."
                    .to_owned(),
            ),
            contact: None::<Contact>,
            ..Info::default()
        },
        ..OpenApi::default()
    };
    let components = api.components.get_or_insert_default();
    let scheme = ReferenceOr::Item(token);
    components.security_schemes.insert("token".to_owned(), scheme);
    api
}
