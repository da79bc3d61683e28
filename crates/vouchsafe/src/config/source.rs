//! Configuration files, read and parsed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use vouchsafe_policy::hcl::{self, Object, Position, TEXT_BYTES_MAX};

use super::fault::Faults;

/// The most files that one configuration is spread over.
pub(super) const FILES_MAX: usize = 64;

/// A parsed file.
pub(super) struct Source {
    /// Its path, as faults show it.
    pub(super) name: String,
    /// What is in it.
    pub(super) content: Object,
}

/// Reads files, and those of folders in the order of their names.
pub(super) fn read<P: AsRef<Path>>(paths: &[P], faults: &mut Faults) -> Vec<Source> {
    let mut files = Vec::new();
    for path in paths {
        let path = path.as_ref();
        match listed(path) {
            Ok(found) if found.is_empty() => faults.general(format_args!(
                "folder `{}` has no file that ends in `.hcl` or `.json`",
                path.display()
            )),
            Ok(found) => files.extend(found),
            Err(error) => faults.general(unreadable(path, &error)),
        }
    }
    if files.len() > FILES_MAX {
        faults.general(format_args!(
            "the configuration has {} files; expected at most {FILES_MAX}",
            files.len()
        ));
        return Vec::new();
    }
    let sources = files.iter().filter_map(|file| parse(file, faults));
    sources.collect()
}

fn listed(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let is_ours = file
            .extension()
            .is_some_and(|extension| extension == "hcl" || extension == "json");
        if is_ours && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn parse(file: &Path, faults: &mut Faults) -> Option<Source> {
    let name = file.display().to_string();
    let mut text = String::new();
    // One byte past the bound is enough for the parser to refuse it.
    let bound = TEXT_BYTES_MAX as u64 + 1;
    let read = File::open(file).and_then(|opened| opened.take(bound).read_to_string(&mut text));
    if let Err(error) = read {
        faults.general(unreadable(file, &error));
        return None;
    }
    match hcl::parse(&text) {
        Ok(content) => Some(Source { name, content }),
        Err(error) => {
            let message = format!("{}; expected {}", error.fault(), error.expected());
            let position: Position = error.position();
            faults.at(&name, position, message);
            None
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("can't read configuration `{}`: {error}", path.display())
}
