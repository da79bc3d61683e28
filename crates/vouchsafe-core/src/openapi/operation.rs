//! One operation of the document.

use serde_json::{Map, Value, json};
use vouchsafe_logical::Operation;
use vouchsafe_logical::backend::{Form, MethodInfo, RouteInfo};

use super::path::{Place, Template};
use super::schema;

/// The HTTP method, as the document spells it.
pub(super) const fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Read | Operation::List | Operation::Help => "get",
        Operation::Create | Operation::Update => "post",
        Operation::Patch => "patch",
        Operation::Delete => "delete",
    }
}

/// Whether fields come in the body. Those of other operations come in the query.
pub(super) const fn takes_body(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Create | Operation::Update | Operation::Patch
    )
}

/// What an operation is described from.
pub(super) struct Described<'a> {
    pub(super) id: &'a str,
    pub(super) place: &'a Place,
    pub(super) route: &'a RouteInfo,
    pub(super) method: &'a MethodInfo,
    pub(super) template: &'a Template,
    /// The name of the body's schema, and whether there has to be a body.
    pub(super) body: Option<(String, bool)>,
}

/// The operation object.
pub(super) fn describe(operation: &Described<'_>) -> Value {
    let mut object = Map::new();
    object.insert("operationId".to_owned(), operation.id.into());
    object.insert("summary".to_owned(), summary(operation).into());
    object.insert("tags".to_owned(), json!([operation.place.tag]));
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        object.insert("parameters".to_owned(), parameters.into());
    }
    if let Some((name, required)) = &operation.body {
        let media_type = match operation.method.operation {
            Operation::Patch => "application/merge-patch+json",
            _ => "application/json",
        };
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        let body = json!({
            "required": required,
            "content": { media_type: { "schema": schema } },
        });
        object.insert("requestBody".to_owned(), body);
    }
    object.insert("responses".to_owned(), responses(operation.method));
    if !operation.route.access.needs_token() {
        object.insert("security".to_owned(), json!([]));
    }
    Value::Object(object)
}

/// The route's help, after the word for what is done where the route does more than one thing.
fn summary(operation: &Described<'_>) -> String {
    let word = match operation.method.operation {
        Operation::Read | Operation::Help => "Read",
        Operation::List => "List",
        Operation::Create | Operation::Update => "Write",
        Operation::Patch => "Patch",
        Operation::Delete => "Delete",
    };
    format!("{word}: {}", operation.route.help)
}

fn parameters(operation: &Described<'_>) -> Vec<Value> {
    let mut parameters = Vec::new();
    if operation.method.operation == Operation::List {
        parameters.push(json!({
            "name": "list",
            "in": "query",
            "required": true,
            "description": "Asks for the listing; the method LIST does so without it.",
            "schema": { "type": "string", "enum": ["true"] },
        }));
    }
    if takes_body(operation.method.operation) {
        return parameters;
    }
    for field in schema::fields(operation.method, operation.template) {
        parameters.push(json!({
            "name": field.name,
            "in": "query",
            "required": field.required,
            "description": field.help.trim(),
            "schema": schema::of_kind(field.kind),
        }));
    }
    parameters
}

fn responses(method: &MethodInfo) -> Value {
    let shared = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    let mut responses = Map::new();
    match method.form {
        Form::Document => {
            responses.insert("200".to_owned(), shared("Document"));
            if method.operation == Operation::Delete {
                responses.insert("204".to_owned(), shared("Nothing"));
            }
        }
        Form::Envelope => {
            responses.insert("200".to_owned(), shared("Envelope"));
            if takes_body(method.operation) || method.operation == Operation::Delete {
                responses.insert("202".to_owned(), shared("Envelope"));
                responses.insert("204".to_owned(), shared("Nothing"));
            }
            responses.insert("404".to_owned(), shared("Absent"));
        }
    }
    responses.insert("default".to_owned(), shared("Errors"));
    Value::Object(responses)
}

/// The responses that operations refer to.
pub(super) fn shared_responses() -> Value {
    let content = |schema: Value| json!({ "application/json": { "schema": schema } });
    let named = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    json!({
        "Absent": {
            "description": "There is nothing, or nothing any more; what is still known is in `data`.",
            "content": content(json!({ "anyOf": [named("Errors"), named("Envelope")] })),
        },
        "Document": {
            "description": "A document outside the envelope.",
            "content": {
                "application/json": { "schema": { "type": "object" } },
                "application/octet-stream": { "schema": { "type": "string", "format": "binary" } },
                "text/plain": { "schema": { "type": "string" } },
            },
        },
        "Envelope": {
            "description": "The answer in the envelope.",
            "content": content(named("Envelope")),
        },
        "Errors": {
            "description": "Why it was refused or failed.",
            "content": content(named("Errors")),
        },
        "Nothing": { "description": "Done; there is nothing to say." },
    })
}
