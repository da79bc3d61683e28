//! Policy language, compiled ACL and the decision.
//!
//! A [`Policy`] is parsed and checked when it is written ([`Policy::parse`]). The policies of a
//! token are compiled into an [`Acl`], with the templates in their paths resolved for its entity
//! ([`Subject`]); [`Acl::decide`] then answers every request of that token with a [`Permit`] or a
//! [`Denial`]. The rules are Vault's.
//!
//! This crate sees a path, an operation, parameters and an ACL: never a token, a request or a
//! mount. It does no I/O and knows no clock and no randomness.
//!
//! Invariants:
//! - Nothing is allowed without a rule: no match is a denial, and so is `deny` in the rule that
//!   matches, whatever other policies say about the same path.
//! - A [`Permit`] exists only where a decision was made for its path and operation.
//! - A value that is substituted into a path is one literal segment, or the rule does not exist.
//! - A denial costs about what a permission costs; neither depends on the size of other rules.
#![warn(missing_docs)]

mod acl;
mod capability;
mod decide;
mod error;
mod explain;
pub mod hcl;
mod index;
mod parameter;
mod parse;
mod pattern;
mod rule;
mod template;

#[cfg(test)]
mod tests;

pub use acl::{Acl, Listed, ListedKind};
pub use capability::{Capability, CapabilitySet};
pub use decide::{Ask, Denial, DenialReason, Permit, permit_public};
pub use error::{InvalidKey, ParseError, RuleFault};
pub use rule::{PATH_BYTES_MAX, Policy, RULES_MAX};
pub use template::{NoSubject, Subject};
