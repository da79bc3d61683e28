//! The name that the program was called by.
//!
//! Called `vault` (by a link), it speaks of itself as `vault` and Vault, so that scripts and people
//! that expect Vault find it. Behaviour does not depend on the name.

use std::ffi::OsStr;
use std::path::Path;

/// The version of Vault's API and command line that this program follows. `vault version` shows it,
/// because scripts compare it with the version that introduced what they need.
const VAULT_VERSION: &str = "1.20.0";

/// Who the program says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Program {
    /// Called by a link named `vault`.
    Vault,
    /// Called by a link named `pvault`: the commands of `vouchsafe pvault`.
    Pvault,
    /// Called by any other name.
    #[default]
    Vouchsafe,
}

impl Program {
    /// The name for the first argument of the process.
    pub(crate) fn called_as(argument: Option<&OsStr>) -> Self {
        let stem = argument.map(Path::new).and_then(Path::file_stem);
        match stem.and_then(OsStr::to_str) {
            Some("vault") => Self::Vault,
            Some("pvault") => Self::Pvault,
            Some(_) | None => Self::Vouchsafe,
        }
    }

    /// The command's name, as typed.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Pvault => "pvault",
            Self::Vouchsafe => "vouchsafe",
        }
    }

    /// The product's name, in sentences.
    pub(crate) fn product(self) -> &'static str {
        match self {
            Self::Vault => "Vault",
            Self::Pvault | Self::Vouchsafe => "Vouchsafe",
        }
    }

    /// The prefix of the environment variables to name in messages.
    pub(crate) fn variable(self, name: &str) -> String {
        match self {
            Self::Vault => format!("VAULT_{name}"),
            Self::Pvault | Self::Vouchsafe => format!("VOUCHSAFE_{name}"),
        }
    }

    /// The line that `version` prints.
    pub(crate) fn version_line(self) -> String {
        let own = env!("CARGO_PKG_VERSION");
        match self {
            Self::Vault => format!("Vault v{VAULT_VERSION} (Vouchsafe v{own})"),
            Self::Pvault | Self::Vouchsafe => format!("Vouchsafe v{own}"),
        }
    }

    /// A text that was written with `vouchsafe` in its examples, for the name in use.
    pub(crate) fn speak(self, text: &str) -> String {
        match self {
            Self::Vault => text
                .replace("vouchsafe ", "vault ")
                .replace("VOUCHSAFE_", "VAULT_"),
            Self::Pvault => text.replace("vouchsafe pvault", "pvault"),
            Self::Vouchsafe => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_named_vault_is_vault() {
        assert_eq!(
            Program::called_as(Some(OsStr::new("/usr/bin/vault"))),
            Program::Vault
        );
        assert_eq!(
            Program::called_as(Some(OsStr::new("vouchsafe"))),
            Program::Vouchsafe
        );
        assert_eq!(Program::called_as(None), Program::Vouchsafe);
        assert_eq!(
            Program::called_as(Some(OsStr::new("/usr/bin/pvault"))),
            Program::Pvault
        );
        assert_eq!(
            Program::Pvault.speak("vouchsafe pvault iam get"),
            "pvault iam get"
        );
        assert_eq!(Program::Vault.speak("vouchsafe read x"), "vault read x");
    }
}
