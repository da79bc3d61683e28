//! What a template may read: a borrowed picture of one subject.
//!
//! It is built for each token that is issued, from records that the caller holds in its cache, so
//! it owns nothing but two short lists of references.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Metadata as Vault keeps it: text by key, in key order.
pub type Metadata = BTreeMap<String, String>;

static NO_METADATA: Metadata = Metadata::new();

/// The entity for which a token is issued or a policy path is resolved, with its groups.
#[derive(Clone, Debug)]
pub struct TemplateSubject<'a> {
    /// Entity id.
    pub id: &'a str,
    /// Entity name.
    pub name: &'a str,
    /// The entity's own metadata.
    pub metadata: &'a Metadata,
    /// The entity's aliases; at most one of each mount.
    pub aliases: Vec<TemplateAlias<'a>>,
    /// Direct groups, then inherited ones.
    pub groups: Vec<TemplateGroup<'a>>,
    /// Names of the policies that the entity has, as the caller resolved them.
    pub policies: &'a [String],
    /// Claims of the login that made the caller's token, as they were then; empty where it had none.
    pub token_claims: Option<&'a Map<String, Value>>,
}

/// An alias of the entity.
#[derive(Clone, Copy, Debug)]
pub struct TemplateAlias<'a> {
    /// Alias id.
    pub id: &'a str,
    /// The name that the auth method gave.
    pub name: &'a str,
    /// Accessor of the auth method's mount.
    pub mount_accessor: &'a str,
    /// Kind of the auth method, such as `kubernetes`.
    pub mount_type: &'a str,
    /// Metadata that the auth method wrote at login.
    pub metadata: &'a Metadata,
    /// Metadata that an operator wrote.
    pub custom_metadata: &'a Metadata,
}

/// A group that the entity is in, directly or through another group.
#[derive(Clone, Copy, Debug)]
pub struct TemplateGroup<'a> {
    /// Group id.
    pub id: &'a str,
    /// Group name.
    pub name: &'a str,
    /// The group's metadata.
    pub metadata: &'a Metadata,
}

impl Default for TemplateSubject<'_> {
    fn default() -> Self {
        Self {
            id: "",
            name: "",
            metadata: &NO_METADATA,
            aliases: Vec::new(),
            groups: Vec::new(),
            policies: &[],
            token_claims: None,
        }
    }
}

impl Default for TemplateAlias<'_> {
    fn default() -> Self {
        Self {
            id: "",
            name: "",
            mount_accessor: "",
            mount_type: "",
            metadata: &NO_METADATA,
            custom_metadata: &NO_METADATA,
        }
    }
}

impl Default for TemplateGroup<'_> {
    fn default() -> Self {
        Self {
            id: "",
            name: "",
            metadata: &NO_METADATA,
        }
    }
}
