//! Schemas: of the bodies that routes take, of the envelope, and of errors.

use serde_json::{Map, Value, json};
use vouchsafe_logical::Operation;
use vouchsafe_logical::backend::MethodInfo;
use vouchsafe_logical::field::{Field, Kind};

use super::path::{Place, Template};

/// A body's schema.
pub(super) struct Body {
    pub(super) value: Value,
    /// Whether a request without a body is refused.
    pub(super) has_required: bool,
}

/// The fields of a method that the path does not give.
pub(super) fn fields<'a>(
    method: &'a MethodInfo,
    template: &'a Template,
) -> impl Iterator<Item = &'static Field> + 'a {
    let fields = method.fields.iter().copied().flatten();
    fields.filter(|field| !template.captures(field.name) && field.name != Field::ANY)
}

/// The schema of a method's body; `None` where it takes nothing.
pub(super) fn body(method: &MethodInfo, template: &Template) -> Option<Body> {
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    for field in fields(method, template) {
        let mut property = of_kind(field.kind);
        property["description"] = field.help.trim().into();
        let is_new = properties.insert(field.name.to_owned(), property).is_none();
        if field.required && is_new {
            required.push(field.name);
        }
    }
    let mut all = method.fields.iter().copied().flatten();
    let is_open = all.any(|field| field.name == Field::ANY);
    if properties.is_empty() && !is_open {
        return None;
    }
    let has_required = !required.is_empty();
    let mut value = json!({ "type": "object", "properties": properties });
    if has_required {
        value["required"] = json!(required);
    }
    if is_open {
        value["additionalProperties"] = json!(true);
    }
    Some(Body {
        value,
        has_required,
    })
}

/// The schema of a value. Writers may also send what Vault's command line sends for it: a number
/// or a list as text, a pair as `k=v`.
pub(super) fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Duration => json!({ "type": "string", "format": "duration" }),
        Kind::Integer => json!({ "type": "integer", "format": "int64" }),
        Kind::KeyValue => json!({
            "type": "object",
            "format": "kvpairs",
            "additionalProperties": { "type": "string" },
        }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Object => json!({ "type": "object" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Any => json!({}),
    }
}

/// The name of a body's schema: kind, path and operation, run together.
pub(super) fn name(place: &Place, pattern: &str, operation: Operation) -> String {
    let text = format!("{} {pattern} {operation} request", place.kind);
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        })
        .collect()
}

/// The schemas that all operations share.
pub(super) fn shared() -> Map<String, Value> {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "integer", "format": "int64" });
    let flag = || json!({ "type": "boolean" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let pairs = || json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let or_null = |mut schema: Value| {
        schema["nullable"] = json!(true);
        schema
    };
    let auth = json!({
        "type": "object",
        "properties": {
            "client_token": text(), "accessor": text(), "policies": texts(),
            "token_policies": texts(), "identity_policies": texts(),
            "metadata": or_null(pairs()), "lease_duration": number(), "renewable": flag(),
            "entity_id": text(), "token_type": text(), "orphan": flag(),
            "mfa_requirement": { "type": "object", "nullable": true }, "num_uses": number(),
        },
    });
    let wrap_info = json!({
        "type": "object",
        "properties": {
            "token": text(), "accessor": text(), "ttl": number(), "creation_time": text(),
            "creation_path": text(), "wrapped_accessor": text(),
        },
    });
    let envelope = json!({
        "type": "object",
        "required": ["request_id", "lease_id", "renewable", "lease_duration"],
        "properties": {
            "request_id": text(), "lease_id": text(), "renewable": flag(),
            "lease_duration": number(), "data": { "type": "object", "nullable": true },
            "wrap_info": or_null(wrap_info), "warnings": or_null(texts()),
            "auth": or_null(auth), "mount_type": text(),
        },
    });
    let errors = json!({
        "type": "object",
        "required": ["errors"],
        "properties": { "errors": texts(), "data": { "type": "object" } },
    });
    Map::from_iter([
        ("Envelope".to_owned(), envelope),
        ("Errors".to_owned(), errors),
    ])
}
