//! The module graph: every Rust file is reached from the root of a target, and no module has a
//! name that says nothing.
//!
//! A file that no `mod` reaches is compiled by nobody, so it rots unseen. The scanner reads just
//! enough Rust to find `mod` items: it skips comments, strings and characters, and follows inline
//! modules and `#[path = "..."]`. It does not expand macros; a module declared inside one is
//! reported as unreached, which is also how a reader sees it.

use std::collections::BTreeSet;

use super::Fault;
use crate::tree::Tree;

/// Faults: a Rust file outside the graph that starts at `roots`; a module with an empty name.
pub(crate) fn check(empty: &[&str], tree: &Tree, roots: &[String]) -> Vec<Fault> {
    let reached = reach(tree, roots);
    let mut faults = Vec::new();
    for (path, text) in tree.rust() {
        if !reached.contains(path) {
            faults.push(Fault::new(path, "is reached by no `mod` of any target"));
        }
        for module in modules(text) {
            if module
                .names
                .last()
                .is_some_and(|name| empty.contains(&name.as_str()))
            {
                let name = module.names.join("::");
                let complaint = format!("module `{name}` has a name that says nothing; use a noun");
                faults.push(Fault::new(path, complaint));
            }
        }
    }
    faults
}

/// Faults: a module whose file lies beside its folder. Folders have a `mod.rs`, so that a module is
/// in one place; only its tests may lie in a folder that holds nothing else.
pub(crate) fn check_folders(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, _) in tree.rust() {
        let folder = path.trim_end_matches(".rs");
        let inside = |other: &str| {
            let rest = other
                .strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| rest != "tests.rs" && !rest.starts_with("tests/"))
        };
        if tree.rust().any(|(other, _)| inside(other)) {
            faults.push(Fault::new(
                path,
                format!("belongs into its folder, as {folder}/mod.rs"),
            ));
        }
    }
    faults
}

/// Paths of all files reached from `roots`, the roots included.
fn reach(tree: &Tree, roots: &[String]) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<(String, bool)> = roots.iter().map(|path| (path.clone(), true)).collect();
    while let Some((path, is_root)) = waiting.pop() {
        let Some(text) = tree.files.get(&path).and_then(|file| file.text.as_deref()) else {
            continue;
        };
        for module in modules(text).into_iter().filter(|module| !module.inline) {
            let candidates = module.files(&path, is_root);
            waiting.extend(candidates.into_iter().map(|candidate| (candidate, false)));
        }
        reached.insert(path);
    }
    reached
}

/// One `mod` item.
#[derive(Debug, PartialEq, Eq)]
struct Module {
    /// The inline modules around it, outermost first, and then its own name.
    names: Vec<String>,
    /// `mod name { .. }`, as opposed to `mod name;`.
    inline: bool,
    /// The value of `#[path = "..."]` on it.
    path: Option<String>,
}

impl Module {
    /// Where its file may lie when it is declared in `file`.
    fn files(&self, file: &str, is_root: bool) -> Vec<String> {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let owns_folder = is_root || name == "mod.rs";
        if let Some(path) = &self.path {
            return vec![join(folder, path)];
        }
        let mut base = folder.to_owned();
        if !owns_folder {
            base = join(&base, name.trim_end_matches(".rs"));
        }
        let place = join(&base, &self.names.join("/"));
        vec![format!("{place}.rs"), format!("{place}/mod.rs")]
    }
}

/// `folder/path` with `..` resolved.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The `mod` items of a file, in order.
fn modules(text: &str) -> Vec<Module> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    // One entry per open brace: the inline module that it opened, if it opened one.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut path = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = |distance: usize| tokens.get(at + distance);
        match (token, next(1), next(2)) {
            (Token::Word(word), Some(Token::Word(name)), Some(Token::Mark(end @ (';' | '{'))))
                if word == "mod" =>
            {
                let around = open.iter().flatten().cloned();
                let names = around.chain([name.clone()]).collect();
                found.push(Module {
                    names,
                    inline: *end == '{',
                    path: path.take(),
                });
                if *end == '{' {
                    open.push(Some(name.clone()));
                }
                at += 3;
                continue;
            }
            (Token::Word(word), Some(Token::Mark('=')), Some(Token::Text(value)))
                if word == "path" =>
            {
                path = Some(value.clone());
            }
            (Token::Mark('{'), ..) => open.push(None),
            (Token::Mark('}'), ..) => {
                open.pop();
            }
            (Token::Mark(';'), ..) => path = None,
            _ => {}
        }
        at += 1;
    }
    found
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// Words, string literals and single marks; comments and spaces are dropped.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(hashes) = raw_string(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = rest.find('"').map_or(rest.len(), |quote| quote + 1);
            rest[start..]
                .find(&close)
                .map_or(rest.len(), |end| start + end + close.len())
        } else if first == '"' {
            let length = quoted(rest);
            tokens.push(Token::Text(
                rest[1..length].trim_end_matches('"').to_owned(),
            ));
            length
        } else if first == '\'' {
            character(rest)
        } else if first.is_alphanumeric() || first == '_' {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..length].to_owned()));
            length
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// Length of the block comment at the start of `rest`; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The number of `#` of the raw string at the start of `rest`, if there is one.
fn raw_string(rest: &str) -> Option<usize> {
    let after = ["r", "br", "cr"]
        .iter()
        .find_map(|prefix| rest.strip_prefix(prefix))?;
    let unhashed = after.trim_start_matches('#');
    unhashed
        .starts_with('"')
        .then(|| after.len() - unhashed.len())
}

/// Length of the string literal at the start of `rest`, its quotes included.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Length of the character literal at the start of `rest`; 1 for the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut inside = rest.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) => rest[3..].find('\'').map_or(rest.len(), |end| 3 + end + 1),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1,
    }
}
