//! Every plug-in has a page for its users, every metric a row.

use std::collections::BTreeSet;

use super::Fault;
use crate::tree::Tree;

/// What the names of metrics begin with.
const METRIC: &str = "vouchsafe_";

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

/// Faults: a metric of the crates without its row on the page, and a row without its metric. A metric
/// shows at run time only after its first use, so no test of a running server sees them all.
pub(crate) fn check_metrics(page: &str, tree: &Tree) -> Vec<Fault> {
    let sources = tree.rust().filter(|(path, _)| path.contains("/src/"));
    let told: BTreeSet<&str> = sources.flat_map(|(_, text)| metrics_of(text)).collect();
    let text = tree.files.get(page).and_then(|file| file.text.as_deref());
    let rows: BTreeSet<&str> = text.unwrap_or_default().lines().filter_map(row).collect();
    let without_row = told
        .difference(&rows)
        .map(|name| format!("`{name}` has no row"));
    let without_metric = rows
        .difference(&told)
        .map(|name| format!("no metric is `{name}`"));
    let faults = without_row.chain(without_metric);
    faults
        .map(|fault| Fault::new(page.to_owned(), fault))
        .collect()
}

/// The names of a file's metrics: what their constructors take first.
fn metrics_of(text: &str) -> impl Iterator<Item = &str> {
    let made = ["Counter::new(", "Gauge::new("];
    let calls = made.into_iter().flat_map(|call| text.split(call).skip(1));
    calls.filter_map(|arguments| {
        let name = arguments
            .trim_start()
            .strip_prefix('"')?
            .split('"')
            .next()?;
        name.starts_with(METRIC).then_some(name)
    })
}

/// The metric of a table's row.
fn row(line: &str) -> Option<&str> {
    let name = line.strip_prefix("| `")?.split('`').next()?;
    name.starts_with(METRIC).then_some(name)
}
