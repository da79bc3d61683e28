//! The process's environment, read once.
//!
//! Every setting has two names: `VOUCHSAFE_X` is looked at first, then `VAULT_X`, so that a shell
//! that is set up for Vault works unchanged (vault-core.md §18). An empty value counts as unset.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::failure::Failure;

/// The prefixes of our settings, the first one winning.
const PREFIXES: [&str; 2] = ["VOUCHSAFE_", "VAULT_"];

/// A snapshot of the environment.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 are left out.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables }
    }

    /// A setting by its name without prefix, such as `ADDR`.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.setting_with_name(name).map(|(_, value)| value)
    }

    /// A setting, with the name of the variable that it came from.
    pub(crate) fn setting_with_name(&self, name: &str) -> Option<(String, &str)> {
        PREFIXES.into_iter().find_map(|prefix| {
            let variable = format!("{prefix}{name}");
            let value = self
                .variables
                .get(&variable)
                .filter(|value| !value.is_empty())?;
            Some((variable, value.as_str()))
        })
    }

    /// A variable by its whole name; an empty one counts as unset.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).filter(|value| !value.is_empty())?;
        Some(value.as_str())
    }

    /// A setting that is on or off; off when it is not set.
    pub(crate) fn switch(&self, name: &str) -> Result<bool, Failure> {
        match self.setting_with_name(name) {
            None | Some((_, "0" | "f" | "F" | "false" | "FALSE" | "False")) => Ok(false),
            Some((_, "1" | "t" | "T" | "true" | "TRUE" | "True")) => Ok(true),
            Some((variable, value)) => {
                let text = format!("{variable} is `{value}`; expected `true` or `false`");
                Err(Failure::usage(text))
            }
        }
    }

    /// The user's home directory.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        let home = self.variables.get("HOME").filter(|home| !home.is_empty())?;
        Some(PathBuf::from(home))
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            variables: owned.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_name_wins_over_vaults() {
        let both = Environment::from([("VAULT_ADDR", "http://a"), ("VOUCHSAFE_ADDR", "http://b")]);
        assert_eq!(both.setting("ADDR"), Some("http://b"));
        let vault = Environment::from([("VAULT_ADDR", "http://a"), ("VOUCHSAFE_ADDR", "")]);
        assert_eq!(
            vault.setting_with_name("ADDR"),
            Some(("VAULT_ADDR".to_owned(), "http://a"))
        );
    }
}
