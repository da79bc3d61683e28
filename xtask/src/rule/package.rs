//! Which packages may be linked, and what ours may be called.

use std::collections::BTreeSet;

use super::Fault;
use crate::tree::{Member, Tree};

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

/// Faults: `deny.toml` and the list of (package, reason) do not ban the same for the same reasons.
pub(crate) fn check_agreement(banned: &[(&str, &str)], tree: &Tree) -> Vec<Fault> {
    let file = tree
        .files
        .get("deny.toml")
        .and_then(|file| file.text.as_deref());
    let lines = file.unwrap_or_default().lines().map(str::trim);
    let deny: BTreeSet<&str> = lines
        .skip_while(|line| *line != "deny = [")
        .skip(1)
        .take_while(|line| *line != "]")
        .filter(|line| line.starts_with('{'))
        .collect();
    let table: BTreeSet<String> = banned
        .iter()
        .map(|(package, reason)| format!("{{ crate = \"{package}\", reason = \"{reason}\" }},"))
        .collect();
    let table: BTreeSet<&str> = table.iter().map(String::as_str).collect();
    table
        .symmetric_difference(&deny)
        .map(|line| {
            Fault::new(
                "deny.toml",
                format!("differs from xtask/src/tidy.rs: {line}"),
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
