//! A denial in words, for an operator who asks why.
//!
//! Names the path, the rule, the capability and a parameter's name; never a parameter's value,
//! which may be a secret. It tells what a policy says, so it is not for clients who were refused.

use std::fmt;

use crate::decide::{Denial, DenialReason};

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operation, path, missing) = (self.operation(), self.path(), self.missing());
        write!(f, "{operation} on `{path}` is denied: ")?;
        let Some(rule) = self.rule() else {
            return write!(
                f,
                "no rule matches the path; it needs capability `{missing}`"
            );
        };
        match self.reason() {
            DenialReason::NoRule => write!(f, "rule `{rule}` does not match"),
            DenialReason::Deny => write!(f, "rule `{rule}` is an explicit deny"),
            DenialReason::MissingCapability => {
                write!(
                    f,
                    "rule `{rule}` decides and does not grant capability `{missing}`"
                )
            }
            DenialReason::SudoRequired => {
                write!(
                    f,
                    "the path is protected and rule `{rule}` does not grant `{missing}`"
                )
            }
            DenialReason::WrappingTtl => write!(
                f,
                "rule `{rule}` wants a wrapped response within its min_wrapping_ttl and \
                 max_wrapping_ttl"
            ),
            DenialReason::ParameterRequired { name } => {
                write!(f, "rule `{rule}` requires parameter `{name}`")
            }
            DenialReason::ParameterDenied { name } => {
                write!(
                    f,
                    "rule `{rule}` does not allow parameter `{name}` with this value"
                )
            }
        }
    }
}

impl std::error::Error for Denial {}
