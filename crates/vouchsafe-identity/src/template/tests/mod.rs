//! Tests of claim templates and selectors.

mod claims;
mod fault;
mod go;
mod guide;
mod hostile;
mod injection;
mod vault;

use serde_json::{Map, Value};

use super::{ClaimTemplate, Metadata, RenderError, TemplateAlias, TemplateGroup, TemplateSubject};

/// 2026-03-01T12:00:00Z.
const NOW: i64 = 1_772_366_400;

/// An entity that owns its data, from which a borrowed subject is made.
#[derive(Clone, Debug, Default)]
struct Entity {
    name: String,
    metadata: Metadata,
    aliases: Vec<Alias>,
    groups: Vec<Group>,
    policies: Vec<String>,
    token_claims: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Clone, Debug, Default)]
struct Alias {
    name: String,
    mount_accessor: String,
    mount_type: String,
    metadata: Metadata,
    custom_metadata: Metadata,
}

#[derive(Clone, Debug, Default)]
struct Group {
    id: String,
    name: String,
    metadata: Metadata,
}

fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// The workload of guide 000.
fn payment_api() -> Entity {
    Entity {
        name: "my-app-entity".to_owned(),
        metadata: metadata(&[
            ("environment", "production"),
            ("service", "payment-api"),
            ("team", "platform"),
        ]),
        aliases: vec![Alias {
            name: "payments/api".to_owned(),
            mount_accessor: "auth_kubernetes_1".to_owned(),
            mount_type: "kubernetes".to_owned(),
            metadata: metadata(&[("service_account_name", "api")]),
            custom_metadata: metadata(&[("cost.center", "42")]),
        }],
        groups: vec![
            Group {
                id: "group-id-1".to_owned(),
                name: "developers".to_owned(),
                metadata: metadata(&[("tier", "1")]),
            },
            Group {
                id: "group-id-2".to_owned(),
                name: "payment-team".to_owned(),
                metadata: Metadata::new(),
            },
        ],
        policies: vec!["default".to_owned(), "payments".to_owned()],
        token_claims: None,
    }
}

/// An entity with an id and a name, and nothing else.
fn sparse() -> Entity {
    Entity {
        name: "entity_ff5e0892".to_owned(),
        ..Entity::default()
    }
}

impl Entity {
    fn subject(&self) -> TemplateSubject<'_> {
        TemplateSubject {
            id: "entity-id-12345",
            name: &self.name,
            metadata: &self.metadata,
            aliases: self
                .aliases
                .iter()
                .map(|alias| TemplateAlias {
                    id: "alias-id-1",
                    name: &alias.name,
                    mount_accessor: &alias.mount_accessor,
                    mount_type: &alias.mount_type,
                    metadata: &alias.metadata,
                    custom_metadata: &alias.custom_metadata,
                })
                .collect(),
            groups: self
                .groups
                .iter()
                .map(|group| TemplateGroup {
                    id: &group.id,
                    name: &group.name,
                    metadata: &group.metadata,
                })
                .collect(),
            policies: &self.policies,
            token_claims: self.token_claims.as_ref(),
        }
    }
}

#[track_caller]
fn parse(source: &str) -> ClaimTemplate {
    match ClaimTemplate::parse(source) {
        Ok(template) => template,
        Err(error) => panic!("{error}\n{source}"),
    }
}

fn try_render(source: &str, entity: &Entity) -> Result<Map<String, Value>, RenderError> {
    parse(source).render(&entity.subject(), NOW)
}

/// Checks the claims as JSON text, with their order.
#[track_caller]
fn check(source: &str, entity: &Entity, expected: &str) {
    let template = parse(source);
    match template.render(&entity.subject(), NOW) {
        Ok(claims) => assert_eq!(Value::Object(claims).to_string(), expected, "{source}"),
        Err(error) => panic!("{error}\n{source}"),
    }
}

/// Checks the text of the error with which a template is refused when it is written.
#[track_caller]
fn refuse(source: &str, expected: &str) {
    match ClaimTemplate::parse(source) {
        Ok(_) => panic!("accepted: {source}"),
        Err(error) => assert_eq!(error.to_string(), expected, "{source}"),
    }
}
