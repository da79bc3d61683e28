//! Words that do not belong into the tree.

use super::Fault;
use crate::tree::Tree;

/// Faults: a word of `unfinished` in a Rust file, comments included.
pub(crate) fn check_unfinished(
    unfinished: &[&str],
    exempt: &[(&str, &str)],
    tree: &Tree,
) -> Vec<Fault> {
    let files = tree.rust().filter(|(path, _)| !is_exempt(exempt, path));
    each_line(files, |line| {
        let word = unfinished.iter().find(|word| has_word(line, word))?;
        Some(format!(
            "`{word}`: finish it or file it, the tree holds no notes to self"
        ))
    })
}

/// Faults: a folder of one machine, or the host of a package registry.
pub(crate) fn check_places(
    machine_paths: &[&str],
    registry_hosts: &[&str],
    exempt: &[(&str, &str)],
    tree: &Tree,
) -> Vec<Fault> {
    let files = tree.texts().filter(|(path, _)| !is_exempt(exempt, path));
    each_line(files, |line| {
        if let Some(path) = machine_paths.iter().find(|path| begins_path(line, path)) {
            return Some(format!(
                "`{path}` exists on one machine only; use a relative path"
            ));
        }
        let host = registry_hosts.iter().find(|host| has_word(line, host))?;
        Some(format!(
            "`{host}`: name the package, not the host it comes from"
        ))
    })
}

/// Faults: a Rust file, tests apart, that does not say in its first line what it is for.
pub(crate) fn check_openings(tree: &Tree) -> Vec<Fault> {
    let is_test = |path: &str| path.ends_with("tests.rs") || path.contains("/tests/");
    tree.rust()
        .filter(|(path, text)| !is_test(path) && !text.starts_with("//! "))
        .map(|(path, _)| Fault::new(path, "does not begin with `//!` and what it is for"))
        .collect()
}

fn each_line<'a>(
    files: impl Iterator<Item = (&'a str, &'a str)>,
    complaint: impl Fn(&str) -> Option<String>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in files {
        for (number, line) in text.lines().enumerate() {
            if let Some(complaint) = complaint(line) {
                faults.push(Fault::new(format!("{path}:{}", number + 1), complaint));
            }
        }
    }
    faults
}

/// Whether `path` is one of the exempt paths, or lies deeper under the same name.
fn is_exempt(exempt: &[(&str, &str)], path: &str) -> bool {
    exempt.iter().any(|(exempt, _reason)| {
        let above = path.strip_suffix(exempt);
        above.is_some_and(|above| above.is_empty() || above.ends_with('/'))
    })
}

/// Whether `word` stands in `line` without a letter or digit before it, and without one after it
/// if it ends in one itself.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let cut = joined(before) || (word.ends_with(char::is_alphanumeric) && joined(after));
        !cut
    })
}

/// Whether an absolute path with this beginning stands in `line`: a route such as
/// `auth/token/root/` has something before the slash.
fn begins_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | '.' | '}' | '*'))
    })
}
