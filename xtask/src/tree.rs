//! What the rules look at: the files of the tree and the packages of the workspace, read once.
//!
//! Both are plain data with public constructors, so that a test can plant a violation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{cargo, command, output, root};

/// One file that git tracks or would track.
pub(crate) struct File {
    pub(crate) bytes: u64,
    /// `None` for a file that is not UTF-8.
    pub(crate) text: Option<String>,
}

/// Files by path from the root, `/` between the parts.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, File>,
}

impl Tree {
    /// Reads all files that git does not ignore, the ones not yet added included, so that a fault
    /// shows before the commit and not after.
    ///
    /// # Errors
    /// When git cannot list them or one cannot be read.
    pub(crate) fn load() -> Result<Self> {
        let listing = [
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ];
        let names = output(&mut command("git", listing))?;
        let mut tree = Self::default();
        for name in names.split_terminator('\0') {
            let path = root().join(name);
            // Deleted but not yet committed: git still lists it.
            if path.is_file() {
                let bytes = std::fs::read(&path).with_context(|| format!("read `{name}`"))?;
                tree.add(name, bytes);
            }
        }
        Ok(tree)
    }

    pub(crate) fn add(&mut self, path: &str, contents: Vec<u8>) {
        let bytes = contents.len() as u64;
        self.files.insert(
            path.to_owned(),
            File {
                bytes,
                text: String::from_utf8(contents).ok(),
            },
        );
    }

    /// Path and text of the Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// Path and text of every UTF-8 file.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, file)| Some((path.as_str(), file.text.as_deref()?)))
    }
}

/// When a dependency is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// In what we ship or in a build script.
    Shipped,
    /// In tests, examples and benches alone.
    Tests,
}

/// One package of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<(String, When)>,
    /// The root file of each target, from the root of the tree.
    pub(crate) roots: Vec<String>,
}

/// The packages that we write, and what cargo would link for them.
pub(crate) struct Workspace {
    pub(crate) members: Vec<Member>,
}

impl Workspace {
    /// # Errors
    /// When `cargo metadata` fails or its output is not what its format promises.
    pub(crate) fn load() -> Result<Self> {
        let text = output(&mut cargo("metadata --no-deps --locked --format-version 1"))?;
        let metadata: Value = serde_json::from_str(&text).context("parse `cargo metadata`")?;
        Self::parse(&metadata, &root()).context("read `cargo metadata`: a member is missing")
    }

    fn parse(metadata: &Value, root: &Path) -> Option<Self> {
        let packages = metadata.get("packages")?.as_array()?;
        let members = packages.iter().map(|package| Member::parse(package, root));
        Some(Self {
            members: members.collect::<Option<_>>()?,
        })
    }

    /// Names of the packages that `package` links when built alone, on any platform.
    ///
    /// # Errors
    /// When `cargo tree` fails.
    pub(crate) fn linked_by(&self, package: &str) -> Result<BTreeSet<String>> {
        Self::linked(&format!("--package {package} --edges normal"))
    }

    /// Names of all packages that any of ours links on any platform, tests included. Not the
    /// content of `Cargo.lock`, which also lists optional dependencies that nobody enables.
    ///
    /// # Errors
    /// When `cargo tree` fails.
    pub(crate) fn linked_anywhere(&self) -> Result<BTreeSet<String>> {
        Self::linked("--workspace --edges normal,build,dev")
    }

    fn linked(scope: &str) -> Result<BTreeSet<String>> {
        let call = format!("tree --locked --target all --prefix none --format {{p}} {scope}");
        let lines = output(&mut cargo(&call))?;
        Ok(lines
            .lines()
            .filter_map(|line| line.split(' ').next())
            .map(str::to_owned)
            .collect())
    }

    /// The files from which modules are reached: one per target, and those of the fuzz targets,
    /// which cargo does not list since their package is outside the workspace.
    pub(crate) fn roots(&self, tree: &Tree) -> Vec<String> {
        let mut roots: Vec<String> = self
            .members
            .iter()
            .flat_map(|member| member.roots.iter().cloned())
            .collect();
        let manifest = tree
            .files
            .get("fuzz/Cargo.toml")
            .and_then(|file| file.text.as_deref());
        for line in manifest.unwrap_or_default().lines() {
            if let Some(path) = line.trim().strip_prefix("path = \"") {
                roots.push(format!("fuzz/{}", path.trim_end_matches('"')));
            }
        }
        roots
    }
}

impl Member {
    fn parse(package: &Value, root: &Path) -> Option<Self> {
        let dependency = |value: &Value| {
            let tests = value.get("kind")?.as_str() == Some("dev");
            let when = if tests { When::Tests } else { When::Shipped };
            Some((value.get("name")?.as_str()?.to_owned(), when))
        };
        let target = |value: &Value| {
            let path = Path::new(value.get("src_path")?.as_str()?)
                .strip_prefix(root)
                .ok()?;
            Some(path.to_str()?.to_owned())
        };
        let list = |key: &str| package.get(key).and_then(Value::as_array);
        Some(Self {
            name: package.get("name")?.as_str()?.to_owned(),
            dependencies: list("dependencies")?
                .iter()
                .map(dependency)
                .collect::<Option<_>>()?,
            roots: list("targets")?.iter().map(target).collect::<Option<_>>()?,
        })
    }
}
