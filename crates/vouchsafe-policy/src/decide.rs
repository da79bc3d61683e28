//! The decision: may this operation happen on this path.

use std::time::Duration;

use serde_json::{Map, Value};
use vouchsafe_logical::{Access, Operation};

use crate::acl::{Acl, MergedRule};
use crate::capability::Capability;
use crate::parameter;
use crate::rule::Permissions;

/// What is asked of an ACL.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The request path: no leading slash, no namespace, with the final slash of a LIST.
    pub path: &'a str,
    /// The operation. For writes with an existence check, already `Create` or `Update`.
    pub operation: Operation,
    /// The data of the request, as decoded from JSON; `None` is the same as no members.
    pub parameters: Option<&'a Map<String, Value>>,
    /// The response wrapping TTL that the request asks for.
    pub wrap_ttl: Option<Duration>,
    /// Whether the path has root protection, so that `sudo` is needed as well.
    pub needs_sudo: bool,
}

/// Evidence that an operation on a path was allowed.
///
/// Only this crate makes one. It can't be copied, and it says what it was made for, so that the
/// pipeline can check that it dispatches what was decided.
#[derive(Debug)]
pub struct Permit<'a> {
    path: &'a str,
    operation: Operation,
    grounds: Grounds<'a>,
}

#[derive(Debug)]
enum Grounds<'a> {
    Public,
    Help,
    Root,
    Rule {
        rule: &'a MergedRule,
        capability: Capability,
    },
}

/// The permit of a route whose declaration lets everybody in; `None` for one that asks policies.
///
/// # Security
/// No policy is asked. `access` is the route's own declaration; this is the one place to look for
/// its uses.
#[must_use]
pub const fn permit_public(access: Access, path: &str, operation: Operation) -> Option<Permit<'_>> {
    if access.needs_token() {
        return None;
    }
    Some(Permit {
        path,
        operation,
        grounds: Grounds::Public,
    })
}

impl Permit<'_> {
    /// The path that was asked about.
    #[must_use]
    pub const fn path(&self) -> &str {
        self.path
    }

    /// The operation that was asked about.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Whether the permit was made for this path and operation.
    #[must_use]
    pub fn is_for(&self, path: &str, operation: Operation) -> bool {
        self.path == path && self.operation == operation
    }

    /// Whether the root ACL allowed it.
    #[must_use]
    pub const fn is_root(&self) -> bool {
        matches!(self.grounds, Grounds::Root)
    }

    /// Whether the caller holds `sudo` on this path: the right that some handlers ask for
    /// themselves.
    #[must_use]
    pub fn has_sudo(&self) -> bool {
        match &self.grounds {
            Grounds::Root => true,
            Grounds::Rule { rule, .. } => rule.permissions.capabilities.contains(Capability::Sudo),
            Grounds::Public | Grounds::Help => false,
        }
    }

    /// The policies that grant the operation, for the audit record's `granting_policies`. Empty
    /// for public routes and for help.
    pub fn granting_policies(&self) -> impl Iterator<Item = &str> {
        let (root, rule) = match &self.grounds {
            Grounds::Public | Grounds::Help => (None, None),
            Grounds::Root => (Some("root"), None),
            Grounds::Rule { rule, capability } => (None, Some((rule, *capability))),
        };
        let from_rule = rule.into_iter().flat_map(|(rule, capability)| {
            rule.sources
                .iter()
                .filter(move |(_, granted)| granted.contains(capability))
                .map(|(name, _)| &**name)
        });
        root.into_iter().chain(from_rule)
    }
}

/// Why an operation was refused. For the audit record, the operator's log and hints; the client
/// sees `permission denied`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    path: String,
    operation: Operation,
    missing: Capability,
    rule: Option<String>,
    reason: DenialReason,
}

/// The rule of the language that refused an operation, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenialReason {
    /// No rule matches the path.
    NoRule,
    /// The rule that decides says `deny`.
    Deny,
    /// The rule that decides does not have the capability.
    MissingCapability,
    /// The path has root protection and the rule does not have `sudo`.
    SudoRequired,
    /// The rule wants a wrapped response with a TTL in a range.
    WrappingTtl,
    /// A parameter that the rule requires is missing.
    ParameterRequired {
        /// Its name.
        name: String,
    },
    /// A parameter, or its value, is denied or not allowed.
    ParameterDenied {
        /// Its name.
        name: String,
    },
}

impl Denial {
    /// The path that was asked about.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The operation that was asked about.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// The capability without which the operation can't happen on this path.
    #[must_use]
    pub const fn missing(&self) -> Capability {
        self.missing
    }

    /// The path of the rule that decided, as written with templates resolved; `None` if no rule
    /// matched.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> &DenialReason {
        &self.reason
    }
}

impl Acl {
    /// Decides about one operation.
    ///
    /// # Errors
    /// [`Denial`] unless the most specific rule for the path grants the operation and all its
    /// conditions hold.
    pub fn decide<'a>(&'a self, ask: Ask<'a>) -> Result<Permit<'a>, Denial> {
        let permit = |grounds| Permit {
            path: ask.path,
            operation: ask.operation,
            grounds,
        };
        if self.is_root() {
            return Ok(permit(Grounds::Root));
        }
        let Some(capability) = Capability::of(ask.operation) else {
            return Ok(permit(Grounds::Help));
        };
        let rule = self.find(ask.path, ask.operation == Operation::List);
        let checked = match rule {
            None => Err(DenialReason::NoRule),
            Some(rule) => check(&rule.permissions, capability, &ask).map(|()| rule),
        };
        match checked {
            Ok(rule) => Ok(permit(Grounds::Rule { rule, capability })),
            Err(reason) => Err(Denial {
                path: ask.path.to_owned(),
                operation: ask.operation,
                missing: match reason {
                    DenialReason::SudoRequired => Capability::Sudo,
                    _ => capability,
                },
                rule: rule.map(|rule| rule.path.to_string()),
                reason,
            }),
        }
    }
}

/// The conditions of the rule that decides.
fn check(
    permissions: &Permissions,
    capability: Capability,
    ask: &Ask<'_>,
) -> Result<(), DenialReason> {
    if permissions.capabilities.is_deny() {
        return Err(DenialReason::Deny);
    }
    if !permissions.capabilities.contains(capability) {
        return Err(DenialReason::MissingCapability);
    }
    if ask.needs_sudo && !permissions.capabilities.contains(Capability::Sudo) {
        return Err(DenialReason::SudoRequired);
    }
    // Two merged rules may leave a range that nothing fits: then nothing is allowed.
    let wrapped_within = |ttl: Duration| {
        permissions.min_wrapping_ttl.is_none_or(|min| ttl >= min)
            && permissions.max_wrapping_ttl.is_none_or(|max| ttl <= max)
    };
    let wants_wrapping =
        permissions.min_wrapping_ttl.is_some() || permissions.max_wrapping_ttl.is_some();
    if wants_wrapping && !ask.wrap_ttl.is_some_and(wrapped_within) {
        return Err(DenialReason::WrappingTtl);
    }
    match ask.operation {
        Operation::Create | Operation::Patch | Operation::Read | Operation::Update => {
            check_parameters(permissions, ask.parameters)
        }
        Operation::Delete | Operation::Help | Operation::List => Ok(()),
    }
}

fn check_parameters(
    permissions: &Permissions,
    parameters: Option<&Map<String, Value>>,
) -> Result<(), DenialReason> {
    if let Some(name) = parameter::missing(&permissions.required_parameters, parameters) {
        return Err(DenialReason::ParameterRequired {
            name: name.to_owned(),
        });
    }
    let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) else {
        return Ok(());
    };
    let denied = permissions.denied_parameters.denied(parameters);
    match denied.or_else(|| permissions.allowed_parameters.not_allowed(parameters)) {
        Some(name) => Err(DenialReason::ParameterDenied {
            name: name.to_owned(),
        }),
        None => Ok(()),
    }
}
