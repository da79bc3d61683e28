//! The OpenAPI document of the API, made from route tables (OpenAPI Specification 3.0.3).
//!
//! Nothing is described twice: paths, parameters, bodies and summaries are those by which requests
//! are routed and parsed, so the document can't say what the server does not do. A listing is a
//! `GET` of the path with a slash at its end and `list=true`, as in Vault's own document.

mod operation;
mod path;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use vouchsafe_logical::backend::{MethodInfo, RouteInfo};
use vouchsafe_logical::{Data, Operation};

pub(crate) use path::Place;
use path::Template;

/// The version of the specification: the newest that generators of clients for Vault read.
const SPECIFICATION: &str = "3.0.3";

/// A document under construction.
pub(crate) struct Document {
    context: String,
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
    operation_ids: BTreeSet<String>,
}

impl Document {
    /// An empty document. `context` is what each operation's id ends with, as clients may ask for.
    pub(crate) fn new(context: &str) -> Self {
        Self {
            context: context.to_owned(),
            paths: Map::new(),
            schemas: schema::shared(),
            operation_ids: BTreeSet::new(),
        }
    }

    /// Describes a route of a mount.
    pub(crate) fn add(&mut self, place: &Place, route: &RouteInfo, methods: &[MethodInfo]) {
        for template in path::templates(place, route.pattern, methods) {
            for method in methods {
                if template.serves(method) {
                    self.add_operation(place, route, method, &template);
                }
            }
        }
    }

    fn add_operation(
        &mut self,
        place: &Place,
        route: &RouteInfo,
        method: &MethodInfo,
        template: &Template,
    ) {
        let id = self.operation_id(place, method.operation, template);
        let body = operation::takes_body(method.operation)
            .then(|| schema::body(method, template))
            .flatten()
            .map(|schema| {
                let name = schema::name(place, route.pattern, method.operation);
                (self.intern(name, schema.value), schema.has_required)
            });
        let described = operation::describe(&operation::Described {
            id: &id,
            place,
            route,
            method,
            template,
            body,
        });
        let item = self.paths.entry(template.path.clone());
        let item = item.or_insert_with(|| path::item(route, template));
        if let Some(item) = item.as_object_mut() {
            // Routes are tried in order, so the first that has a path serves it.
            let verb = operation::verb(method.operation).to_owned();
            item.entry(verb).or_insert(described);
        }
    }

    /// A name for a schema: the one that is wished for, unless another schema has it.
    fn intern(&mut self, wished: String, schema: Value) -> String {
        let mut name = wished.clone();
        let mut tried = 1;
        loop {
            match self.schemas.get(&name) {
                None => {
                    self.schemas.insert(name.clone(), schema);
                    return name;
                }
                Some(taken) if *taken == schema => return name,
                Some(_) => {
                    tried += 1;
                    name = format!("{wished}{tried}");
                }
            }
        }
    }

    fn operation_id(&mut self, place: &Place, operation: Operation, template: &Template) -> String {
        let words = [place.slug(), operation.as_str().to_owned(), template.slug()];
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let mut id = words.join("-");
        if !self.context.is_empty() {
            id = format!("{id}-{}", self.context);
        }
        let (wished, mut tried) = (id.clone(), 1);
        while !self.operation_ids.insert(id.clone()) {
            tried += 1;
            id = format!("{wished}-{tried}");
        }
        id
    }

    /// The whole document.
    pub(crate) fn finish(mut self) -> Data {
        self.paths.sort_keys();
        self.schemas.sort_keys();
        let document = json!({
            "openapi": SPECIFICATION,
            "info": {
                "title": "Vouchsafe API",
                "description": "Vault's HTTP API as Vouchsafe serves it. What is shown are the \
                                mounts that the calling token may know of.",
                "version": env!("CARGO_PKG_VERSION"),
                "license": {
                    "name": "Apache-2.0",
                    "url": "https://www.apache.org/licenses/LICENSE-2.0",
                },
            },
            "servers": [{ "url": "/v1" }],
            "security": [{ "token": [] }, { "bearer": [] }],
            "paths": self.paths,
            "components": {
                "schemas": self.schemas,
                "responses": operation::shared_responses(),
                "securitySchemes": {
                    "token": { "type": "apiKey", "in": "header", "name": "X-Vault-Token" },
                    "bearer": { "type": "http", "scheme": "bearer" },
                },
            },
        });
        match document {
            Value::Object(document) => document,
            _ => Data::new(),
        }
    }
}
