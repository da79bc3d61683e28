//! Every plug-in has a page for its users.

use std::collections::BTreeSet;

use super::Fault;
use crate::tree::Tree;

/// Faults: a folder under one of the plug-in folders without its page.
pub(crate) fn check(plugins: &[(&str, &str)], tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (folder, pages) in plugins {
        let inside = |path: &String| {
            let (name, _file) = path
                .strip_prefix(folder)?
                .strip_prefix('/')?
                .split_once('/')?;
            Some(name.to_owned())
        };
        let names: BTreeSet<String> = tree.files.keys().filter_map(inside).collect();
        for name in names {
            let page = format!("{pages}/{name}.md");
            if !tree.files.contains_key(&page) {
                faults.push(Fault::new(
                    format!("{folder}/{name}"),
                    format!("has no page {page}"),
                ));
            }
        }
    }
    faults
}
