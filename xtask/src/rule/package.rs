//! Which packages may be linked, and what ours may be called.

use std::collections::BTreeSet;

use super::Fault;
use crate::tree::Member;

/// Faults: `name`, a pure crate, links something of the list of (package, reason).
pub(crate) fn check_pure(
    name: &str,
    impure: &[(&str, &str)],
    linked: &BTreeSet<String>,
) -> Vec<Fault> {
    let found = impure
        .iter()
        .filter(|(package, _)| linked.contains(*package));
    found
        .map(|(package, reason)| {
            Fault::new(
                name,
                format!("is pure and may not link `{package}`: {reason}"),
            )
        })
        .collect()
}

/// Faults: something of the list of (package, reason) is linked at all.
pub(crate) fn check_banned(banned: &[(&str, &str)], linked: &BTreeSet<String>) -> Vec<Fault> {
    let found = banned
        .iter()
        .filter(|(package, _)| linked.contains(*package));
    found
        .map(|(package, reason)| {
            let ask = format!("cargo tree --workspace --target all -i {package}");
            Fault::new(
                *package,
                format!("is banned: {reason} (who brings it: {ask})"),
            )
        })
        .collect()
}

/// Faults: a crate of ours with an empty word in its name.
pub(crate) fn check_names(empty: &[&str], members: &[Member]) -> Vec<Fault> {
    let has_empty_word = |name: &str| name.split('-').any(|word| empty.contains(&word));
    members
        .iter()
        .filter(|member| has_empty_word(&member.name))
        .map(|member| Fault::new(&member.name, "is a name that says nothing; use a noun"))
        .collect()
}
