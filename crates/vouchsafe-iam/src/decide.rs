//! Which role the claims of a verified token have.
//!
//! The claims are those that the provider's key signed. `extra_claims` of the provider stand in for
//! claims that the token does not have, where the role is looked for; they never stand in for what
//! `bound_claims` ask of the token.

use std::sync::Arc;

use serde_json::{Map, Value};
use vouchsafe_logical::path::is_invisible;

use crate::config::{IamConfig, Role};
use crate::limits::SUBJECT_BYTES_MAX;
use crate::provider::Provider;

/// The claim with the role, unless the provider says otherwise.
const ROLES_CLAIM: &str = "roles";
/// What the names of namespaced claims begin with.
const NAMESPACE: &str = "https://app.piiano.io/";
/// The namespaced claim with the role.
const NAMESPACED_ROLE: &str = "https://app.piiano.io/role";
/// What restrictions to single objects begin with, below [`NAMESPACE`].
const RESTRICTION: &str = "prop/";

/// Who calls, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The token's `sub`.
    pub subject: String,
    /// The role.
    pub role: Arc<Role>,
}

/// Why a verified token is no credential here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `sub` is missing, empty, too long or not printable.
    Subject,
    /// A bound claim is not there.
    BoundClaimMissing(String),
    /// A bound claim has another value.
    BoundClaimMismatch(String),
    /// The claim with the role is not there.
    RoleMissing(String),
    /// The claim with the role is neither a string nor a list of one string.
    RoleNotOne(String),
    /// The value has no entry in `roles_map`.
    RoleNotMapped(String),
    /// There is no role of this name.
    RoleUnknown(String),
    /// The provider's tokens may not have this role.
    RoleNotAllowed(String),
    /// The claim that the namespaced claims should be in is no object.
    Namespace(String),
    /// The token restricts what its bearer may reach in a way that can't be enforced here.
    Restricted(String),
}

impl Refusal {
    /// The stable code, for audit entries.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Subject => "subject_invalid",
            Self::BoundClaimMissing(_) => "bound_claim_missing",
            Self::BoundClaimMismatch(_) => "bound_claim_mismatch",
            Self::RoleMissing(_) => "role_claim_missing",
            Self::RoleNotOne(_) => "role_claim_not_one",
            Self::RoleNotMapped(_) => "role_not_mapped",
            Self::RoleUnknown(_) => "role_unknown",
            Self::RoleNotAllowed(_) => "role_not_allowed",
            Self::Namespace(_) => "namespace_claim_invalid",
            Self::Restricted(_) => "restriction_not_enforceable",
        }
    }

    /// What the operator's log says. It names claims and roles, and no value of a claim but a role.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Subject => {
                format!("`sub` must be a printable string of 1 to {SUBJECT_BYTES_MAX} bytes")
            }
            Self::BoundClaimMissing(claim) => format!("the token has no claim `{claim}`"),
            Self::BoundClaimMismatch(claim) => {
                format!("the claim `{claim}` has none of the values that are bound")
            }
            Self::RoleMissing(claim) => format!("the token has no claim `{claim}` with its role"),
            Self::RoleNotOne(claim) => {
                format!("the claim `{claim}` is neither a string nor a list of exactly one string")
            }
            Self::RoleNotMapped(claim) => {
                format!("the value of the claim `{claim}` is not in `roles_map`")
            }
            Self::RoleUnknown(role) => format!("there is no role {role:?}"),
            Self::RoleNotAllowed(role) => format!("the role {role:?} is not in `allowed_roles`"),
            Self::Namespace(claim) => format!("the claim `{claim}` is not an object"),
            Self::Restricted(claim) => {
                format!(
                    "the restriction `{claim}` is about data objects, which are not served here"
                )
            }
        }
    }
}

impl Provider {
    /// The subject and the role of a token of this provider.
    ///
    /// # Errors
    /// The first rule that the claims break.
    pub fn decide(
        &self,
        config: &IamConfig,
        claims: &Map<String, Value>,
    ) -> Result<Decision, Refusal> {
        let subject = subject(claims)?;
        self.check_bound_claims(claims)?;
        let namespace = self.namespace(claims)?;
        check_restrictions(claims)?;
        if let Some(namespace) = namespace {
            check_restrictions(namespace)?;
        }
        let (claim, value) = self.role_claim(claims, namespace)?;
        let named = one_string(value).ok_or_else(|| Refusal::RoleNotOne(claim.to_owned()))?;
        let name = match &self.roles_map {
            None => named,
            Some(map) => map
                .get(named)
                .ok_or_else(|| Refusal::RoleNotMapped(claim.to_owned()))?,
        };
        let role = config
            .role(name)
            .ok_or_else(|| Refusal::RoleUnknown(name.to_owned()))?;
        match &self.allowed_roles {
            Some(allowed) if !allowed.contains(name) => {
                Err(Refusal::RoleNotAllowed(name.to_owned()))
            }
            Some(_) | None => Ok(Decision {
                subject: subject.to_owned(),
                role: Arc::clone(role),
            }),
        }
    }

    fn check_bound_claims(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        for (name, bound) in &self.bound_claims {
            let found =
                claim(claims, name).ok_or_else(|| Refusal::BoundClaimMissing(name.clone()))?;
            let is_one = |candidate: &Value| match found {
                Value::Array(several) => several.contains(candidate),
                one => one == candidate,
            };
            let fits = match bound {
                Value::Array(any_of) => any_of.iter().any(is_one),
                one => is_one(one),
            };
            if !fits {
                return Err(Refusal::BoundClaimMismatch(name.clone()));
            }
        }
        Ok(())
    }

    /// The object that namespaced claims are in: the token itself, or one claim of it, if it is there.
    fn namespace<'c>(
        &self,
        claims: &'c Map<String, Value>,
    ) -> Result<Option<&'c Map<String, Value>>, Refusal> {
        let Some(top) = &self.namespace_top_claim else {
            return Ok(Some(claims));
        };
        match claims.get(top) {
            None => Ok(None),
            Some(Value::Object(nested)) => Ok(Some(nested)),
            Some(_) => Err(Refusal::Namespace(top.clone())),
        }
    }

    /// The claim that says the role, and its name. A token's own claims come before `extra_claims`.
    fn role_claim<'c>(
        &'c self,
        claims: &'c Map<String, Value>,
        namespace: Option<&'c Map<String, Value>>,
    ) -> Result<(&'c str, &'c Value), Refusal> {
        if let Some(name) = &self.roles_claim {
            let found = claim(claims, name).or_else(|| claim(&self.extra_claims, name));
            return match found {
                Some(value) => Ok((name, value)),
                None => Err(Refusal::RoleMissing(name.clone())),
            };
        }
        let own = claims.get(ROLES_CLAIM);
        let namespaced = namespace.and_then(|namespace| namespace.get(NAMESPACED_ROLE));
        let candidates = [
            (ROLES_CLAIM, own),
            (NAMESPACED_ROLE, namespaced),
            (ROLES_CLAIM, self.extra_claims.get(ROLES_CLAIM)),
            (NAMESPACED_ROLE, self.extra_claims.get(NAMESPACED_ROLE)),
        ];
        let found = candidates
            .into_iter()
            .find_map(|(name, value)| Some((name, value?)));
        found.ok_or_else(|| Refusal::RoleMissing(ROLES_CLAIM.to_owned()))
    }
}

fn subject(claims: &Map<String, Value>) -> Result<&str, Refusal> {
    match claims.get("sub") {
        Some(Value::String(subject))
            if !subject.is_empty()
                && subject.len() <= SUBJECT_BYTES_MAX
                && !subject.chars().any(|c| c.is_control() || is_invisible(c)) =>
        {
            Ok(subject)
        }
        Some(_) | None => Err(Refusal::Subject),
    }
}

/// Object-level restrictions say less than the role may do. Whoever can't enforce them must not
/// grant the role without them.
fn check_restrictions(claims: &Map<String, Value>) -> Result<(), Refusal> {
    let restriction = claims.keys().find(|name| {
        name.strip_prefix(NAMESPACE)
            .is_some_and(|rest| rest.starts_with(RESTRICTION))
    });
    match restriction {
        Some(name) => Err(Refusal::Restricted(name.clone())),
        None => Ok(()),
    }
}

/// A claim by its name; a name that begins with `/` is a JSON pointer (RFC 6901) into the claims.
fn claim<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    let Some(pointer) = name.strip_prefix('/') else {
        return claims.get(name);
    };
    let unescaped = |token: &str| token.replace("~1", "/").replace("~0", "~");
    match pointer.split_once('/') {
        None => claims.get(&unescaped(pointer)),
        Some((first, rest)) => claims.get(&unescaped(first))?.pointer(&format!("/{rest}")),
    }
}

fn one_string(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(elements) => match elements.as_slice() {
            [Value::String(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}
