//! How large things are: a limit for blobs, a report for source.

use std::collections::BTreeMap;

use super::Fault;
use crate::tree::Tree;

/// Faults: a file above `bytes_max` bytes.
pub(crate) fn check_blobs(bytes_max: u64, tree: &Tree) -> Vec<Fault> {
    let large = tree.files.iter().filter(|(_, file)| file.bytes > bytes_max);
    large
        .map(|(path, file)| {
            Fault::new(
                path,
                format!("has {} bytes; at most {bytes_max}", file.bytes),
            )
        })
        .collect()
}

/// Lines of Rust per crate, and the files above `lines` lines. Guidance, never a fault: a table or
/// one well documented type may be long.
pub(crate) fn report(lines: usize, tree: &Tree) -> String {
    let mut crates: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut long = String::new();
    for (path, text) in tree.rust() {
        let count = text.lines().count();
        let (files, sum) = crates.entry(crate_of(path)).or_default();
        *files += 1;
        *sum += count;
        if count > lines {
            long.push_str(&format!("  look again: {path}, {count} lines\n"));
        }
    }
    let mut report = String::from("sizes (Rust, tests included):\n");
    for (name, (files, sum)) in crates {
        report.push_str(&format!("  {name:<20} {files:>4} files {sum:>7} lines\n"));
    }
    report + &long
}

/// `vouchsafe-jose` of `crates/vouchsafe-jose/src/lib.rs`; the first folder elsewhere.
fn crate_of(path: &str) -> &str {
    let path = path.strip_prefix("crates/").unwrap_or(path);
    path.split('/').next().unwrap_or(path)
}
