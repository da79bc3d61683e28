//! Names of policies, normalised in one place.
//!
//! Two normalisations of one name were the root of several advisories of this field: a check
//! that saw `"root "` and a use that saw `"root"`. A [`PolicyName`] can only be made by
//! [`PolicyName::parse`], so whatever is checked is what is used.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Error;
use crate::path::is_invisible;

/// The longest policy name, in bytes.
pub const POLICY_NAME_BYTES_MAX: usize = 512;

/// A policy name: trimmed, lower-cased, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct PolicyName(String);

impl PolicyName {
    /// Normalises a name; `None` where nothing is left of it.
    ///
    /// # Errors
    /// A control or invisible character, or more than [`POLICY_NAME_BYTES_MAX`] bytes.
    pub fn parse(text: &str) -> Result<Option<Self>, Error> {
        let name = text.trim().to_lowercase();
        let name = name.trim();
        if name.is_empty() {
            return Ok(None);
        }
        if name.len() > POLICY_NAME_BYTES_MAX {
            return Err(Error::invalid(format!(
                "policy name is {} bytes long; at most {POLICY_NAME_BYTES_MAX} are allowed",
                name.len()
            )));
        }
        if name
            .chars()
            .any(|c| c.is_control() || is_invisible(c) || (c.is_whitespace() && c != ' '))
        {
            return Err(Error::invalid(format!(
                "policy name {name:?} contains characters that are not printable"
            )));
        }
        Ok(Some(Self(name.to_owned())))
    }

    /// The policy that may do everything. It is given by the server, never by a client's list.
    #[must_use]
    pub fn root() -> Self {
        Self("root".to_owned())
    }

    /// The policy that every token gets unless it asks not to.
    #[must_use]
    pub fn default_policy() -> Self {
        Self("default".to_owned())
    }

    /// The policy that wrapping tokens show. It grants nothing, and no client can write or assign
    /// it: such a token is good for unwrapping alone.
    #[must_use]
    pub fn response_wrapping() -> Self {
        Self("response-wrapping".to_owned())
    }

    /// Whether this is `root`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "root"
    }

    /// The normalised text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PolicyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Self::parse(&text) {
            Ok(Some(name)) => Ok(name),
            Ok(None) | Err(_) => Err(serde::de::Error::custom("not a policy name")),
        }
    }
}

/// A list of policy names: normalised, sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PolicyNames(Vec<PolicyName>);

impl PolicyNames {
    /// Normalises a list that a client sent.
    ///
    /// # Errors
    /// As [`PolicyName::parse`].
    pub fn parse<S: AsRef<str>>(names: &[S]) -> Result<Self, Error> {
        let mut list = Vec::with_capacity(names.len());
        for name in names {
            list.extend(PolicyName::parse(name.as_ref())?);
        }
        Ok(list.into_iter().collect())
    }

    /// Normalises a list that must not contain `root`.
    ///
    /// # Errors
    /// As [`PolicyName::parse`], and `policies cannot contain root`.
    pub fn parse_without_root<S: AsRef<str>>(names: &[S]) -> Result<Self, Error> {
        let list = Self::parse(names)?;
        if list.contains_root() {
            return Err(Error::invalid_because(
                "policy_root_refused",
                "policies cannot contain root",
            ));
        }
        Ok(list)
    }

    /// Whether `root` is among them.
    #[must_use]
    pub fn contains_root(&self) -> bool {
        self.0.iter().any(PolicyName::is_root)
    }

    /// Whether `name` is among them.
    #[must_use]
    pub fn contains(&self, name: &PolicyName) -> bool {
        self.0.binary_search(name).is_ok()
    }

    /// Adds a name.
    pub fn insert(&mut self, name: PolicyName) {
        if let Err(place) = self.0.binary_search(&name) {
            self.0.insert(place, name);
        }
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyName> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names as strings.
    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(|name| name.0.clone()).collect()
    }
}

impl FromIterator<PolicyName> for PolicyNames {
    fn from_iter<I: IntoIterator<Item = PolicyName>>(names: I) -> Self {
        let mut list: Vec<PolicyName> = names.into_iter().collect();
        list.sort();
        list.dedup();
        Self(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_can_not_hide_behind_a_spelling() {
        for spelling in [
            "root", "Root", " root", "root ", "ROOT", "\troot\n", "rOoT  ",
        ] {
            assert!(
                PolicyNames::parse(&[spelling]).is_ok_and(|names| names.contains_root()),
                "{spelling:?}"
            );
            assert!(
                PolicyNames::parse_without_root(&["a", spelling]).is_err(),
                "{spelling:?}"
            );
        }
        for refused in ["ro\0ot", "a\nb", "a\u{7f}", "ro\u{200b}ot", "\u{202e}toor"] {
            assert!(PolicyName::parse(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn a_list_is_sorted_and_without_doubles() {
        let names = PolicyNames::parse(&["b", "A", "a ", "", " "]).expect("plain names");
        assert_eq!(names.to_strings(), ["a", "b"]);
    }
}
