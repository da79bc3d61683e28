//! A policy as it is kept in memory: its rules, checked, with paths not yet resolved.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::capability::CapabilitySet;
use crate::parameter::ParameterLists;
use crate::template::PathTemplate;

/// The most rules in one policy. Bounds what one token's ACL can cost.
pub const RULES_MAX: usize = 10_000;
/// The longest path of a rule, in bytes. No request path is longer than a storage key.
pub const PATH_BYTES_MAX: usize = 2_048;

/// A parsed and checked policy. Immutable; share it in an [`Arc`].
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub(crate) name: Arc<str>,
    pub(crate) rules: Vec<PathRule>,
    pub(crate) warnings: Vec<String>,
}

/// One `path` block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PathRule {
    pub(crate) path: PathTemplate,
    pub(crate) permissions: Arc<Permissions>,
}

/// What a rule grants and on which conditions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Permissions {
    pub(crate) capabilities: CapabilitySet,
    pub(crate) allowed_parameters: ParameterLists,
    pub(crate) denied_parameters: ParameterLists,
    /// In lower case.
    pub(crate) required_parameters: BTreeSet<String>,
    pub(crate) min_wrapping_ttl: Option<Duration>,
    pub(crate) max_wrapping_ttl: Option<Duration>,
}

impl Policy {
    /// The name that the policy was parsed for. A `name` in the text is ignored.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a path has a template, so that the ACL depends on the subject. An ACL of policies
    /// that are not templated is the same for every token that has them.
    #[must_use]
    pub fn is_templated(&self) -> bool {
        self.rules.iter().any(|rule| rule.path.is_templated())
    }

    /// How many rules the policy has.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// What is accepted but has no effect here, for the writer of the policy.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Permissions {
    /// Adds what another rule of the same path says. The result does not depend on the order.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.capabilities = self.capabilities.union(other.capabilities);
        self.allowed_parameters.merge(&other.allowed_parameters);
        self.denied_parameters.merge(&other.denied_parameters);
        self.required_parameters
            .extend(other.required_parameters.iter().cloned());
        self.min_wrapping_ttl = smaller(self.min_wrapping_ttl, other.min_wrapping_ttl);
        self.max_wrapping_ttl = smaller(self.max_wrapping_ttl, other.max_wrapping_ttl);
    }
}

fn smaller(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
