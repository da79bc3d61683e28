//! The rules about crates and files that no compiler checks, as tables: who may use whom, what
//! must not enter, which words do not belong. How each is checked is in [`crate::rule`].
//!
//! Every row carries its reason, since the reason is what a person who breaks the rule needs.

use anyhow::{Result, bail};

use crate::rule::{Fault, edge, module, package, page, size, text};
use crate::tree::{Tree, Workspace};

/// What one crate of ours may use of ours.
pub(crate) struct Edge {
    pub(crate) package: &'static str,
    /// In shipped code, build scripts included.
    pub(crate) may_use: &'static [&'static str],
    /// In its tests, besides.
    pub(crate) tests_may_use: &'static [&'static str],
}

/// The whole graph of our crates. An edge that is not here is refused; a new one needs its reason
/// in ARCHITECTURE.md.
#[rustfmt::skip]
pub(crate) const EDGES: &[Edge] = &[
    // Level 0: use nothing of ours.
    Edge { package: "vouchsafe-logical",  may_use: &[], tests_may_use: &["vouchsafe-testing"] },
    Edge { package: "vouchsafe-jose",     may_use: &[], tests_may_use: &[] },
    Edge { package: "vouchsafe-api",      may_use: &[], tests_may_use: &["vouchsafe-testing"] },
    // Level 1: one concern each.
    Edge { package: "vouchsafe-policy",   may_use: &["vouchsafe-logical"], tests_may_use: &["vouchsafe-testing"] },
    Edge { package: "vouchsafe-storage",  may_use: &["vouchsafe-logical"], tests_may_use: &["vouchsafe-testing"] },
    Edge { package: "vouchsafe-identity", may_use: &["vouchsafe-logical", "vouchsafe-jose"], tests_may_use: &["vouchsafe-testing"] },
    Edge { package: "vouchsafe-fetch",    may_use: &["vouchsafe-logical"], tests_may_use: &[] },
    Edge { package: "vouchsafe-iam",      may_use: &["vouchsafe-logical", "vouchsafe-jose"], tests_may_use: &[] },
    Edge { package: "vouchsafe-trust",    may_use: &["vouchsafe-logical", "vouchsafe-jose"], tests_may_use: &["vouchsafe-testing"] },
    // Level 2: siblings; core takes a catalog and never names a backend.
    Edge { package: "vouchsafe-core",     may_use: &["vouchsafe-logical", "vouchsafe-policy", "vouchsafe-storage", "vouchsafe-identity", "vouchsafe-iam", "vouchsafe-jose", "vouchsafe-trust"], tests_may_use: &["vouchsafe-testing"] },
    Edge { package: "vouchsafe-backends", may_use: &["vouchsafe-logical", "vouchsafe-jose", "vouchsafe-identity", "vouchsafe-trust"], tests_may_use: &["vouchsafe-testing"] },
    // Level 3: the HTTP edge; it meets backends and storage only in its tests.
    Edge { package: "vouchsafe-server",   may_use: &["vouchsafe-core", "vouchsafe-logical", "vouchsafe-api"], tests_may_use: &["vouchsafe-backends", "vouchsafe-storage", "vouchsafe-jose", "vouchsafe-testing"] },
    // Level 4: the composition root.
    Edge { package: "vouchsafe",          may_use: &["vouchsafe-server", "vouchsafe-core", "vouchsafe-backends", "vouchsafe-storage", "vouchsafe-policy", "vouchsafe-api", "vouchsafe-logical", "vouchsafe-jose", "vouchsafe-fetch"], tests_may_use: &["vouchsafe-testing"] },
    // Beside the levels.
    Edge { package: "vouchsafe-testing",  may_use: &["vouchsafe-logical"], tests_may_use: &[] },
    Edge { package: "xtask",              may_use: &[], tests_may_use: &[] },
];

/// Crates that decide and never act: time, entropy and bytes are arguments.
pub(crate) const PURE: &[&str] = &[
    "vouchsafe-jose",
    "vouchsafe-policy",
    "vouchsafe-identity",
    "vouchsafe-iam",
];

/// What a pure crate must not link, directly or through another crate.
pub(crate) const IMPURE: &[(&str, &str)] = &[
    ("axum", "HTTP belongs to vouchsafe-server"),
    ("fs4", "the filesystem belongs to vouchsafe-storage"),
    ("getrandom", "entropy is an argument"),
    ("http", "HTTP belongs to vouchsafe-server"),
    ("hyper", "HTTP belongs to vouchsafe-server"),
    ("mio", "I/O belongs to the shell"),
    ("rand", "entropy is an argument"),
    ("reqwest", "fetching belongs to vouchsafe-fetch"),
    ("socket2", "I/O belongs to the shell"),
    ("tempfile", "the filesystem belongs to vouchsafe-storage"),
    ("tokio", "a rule does not wait"),
    ("ureq", "fetching belongs to vouchsafe-fetch"),
];

/// What nothing here may link, on any platform, in tests neither. `deny.toml` bans the same, and
/// for the same reasons.
pub(crate) const BANNED: &[(&str, &str)] = &[
    ("actix-web", "a second HTTP stack; hyper is the one"),
    ("async-std", "a second async runtime; tokio is the one"),
    ("boring", "a second crypto provider; aws-lc-rs is the one"),
    ("chrono", "a second calendar; jiff is the one"),
    ("hyper-tls", "a second TLS stack; rustls is the one"),
    ("jsonwebtoken", "a second JOSE; vouchsafe-jose is the one"),
    ("native-tls", "a second TLS stack; rustls is the one"),
    ("openssl", "a second crypto provider; aws-lc-rs is the one"),
    (
        "openssl-sys",
        "a second crypto provider; aws-lc-rs is the one",
    ),
    ("ring", "a second crypto provider; aws-lc-rs is the one"),
    (
        "rsa",
        "not constant-time (RUSTSEC-2023-0071); aws-lc-rs signs",
    ),
    ("simd-json", "a second JSON parser; serde_json is the one"),
    ("smol", "a second async runtime; tokio is the one"),
    ("sonic-rs", "a second JSON parser; serde_json is the one"),
    ("warp", "a second HTTP stack; hyper is the one"),
];

/// Names of crates and modules that say nothing and attract everything.
pub(crate) const EMPTY_NAMES: &[&str] = &[
    "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils",
];

/// Words that mean unfinished work, in Rust.
pub(crate) const UNFINISHED: &[&str] = &["FIXME", "TODO", "XXX", "todo!(", "unimplemented!("];

/// Folders that exist on one machine only. Found where a path can begin.
pub(crate) const MACHINE_PATHS: &[&str] = &["/home/", "/root/", "/Users/", "/work/"];

/// Hosts of package registries: a mirror or an offline machine has others.
pub(crate) const REGISTRY_HOSTS: &[&str] = &[
    "crates.io",
    "deb.debian.org",
    "proxy.golang.org",
    "pypi.org",
    "pythonhosted.org",
    "registry.npmjs.org",
];

/// Files that may contain the words above, in any folder.
pub(crate) const TEXT_EXEMPT: &[(&str, &str)] = &[
    ("Cargo.lock", "written by cargo, in cargo's own words"),
    ("xtask/src/tidy.rs", "holds the tables"),
];

/// Bytes of one tracked file; what is larger belongs in a release or a package.
pub(crate) const BLOB_BYTES_MAX: u64 = 512 * 1024;

/// Folders of plug-ins, and where the page of each lies.
pub(crate) const PLUGINS: &[(&str, &str)] = &[
    ("crates/vouchsafe-backends/src/auth", "docs/auth"),
    ("crates/vouchsafe-backends/src/secrets", "docs/secrets"),
];

/// The page with a row for each metric.
pub(crate) const METRICS_PAGE: &str = "docs/telemetry.md";

/// Lines of a Rust file above which the report names it.
pub(crate) const FILE_LINES_LOOK_AGAIN: usize = 800;

/// Checks every rule, prints every fault, then the sizes.
///
/// # Errors
/// When any rule is broken.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::load()?;
    let workspace = Workspace::load()?;
    let mut faults: Vec<Fault> = Vec::new();
    faults.extend(edge::check(EDGES, &workspace.members));
    for name in PURE {
        let linked = workspace.linked_by(name)?;
        faults.extend(package::check_pure(name, IMPURE, &linked));
    }
    faults.extend(package::check_banned(BANNED, &workspace.linked_anywhere()?));
    faults.extend(package::check_agreement(BANNED, &tree));
    faults.extend(package::check_names(EMPTY_NAMES, &workspace.members));
    faults.extend(module::check(EMPTY_NAMES, &tree, &workspace.roots(&tree)));
    faults.extend(module::check_folders(&tree));
    faults.extend(text::check_openings(&tree));
    faults.extend(text::check_unfinished(UNFINISHED, TEXT_EXEMPT, &tree));
    faults.extend(text::check_places(
        MACHINE_PATHS,
        REGISTRY_HOSTS,
        TEXT_EXEMPT,
        &tree,
    ));
    faults.extend(size::check_blobs(BLOB_BYTES_MAX, &tree));
    faults.extend(page::check(PLUGINS, &tree));
    faults.extend(page::check_metrics(METRICS_PAGE, &tree));
    print!("{}", size::report(FILE_LINES_LOOK_AGAIN, &tree));
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        eprintln!("tidy: {fault}");
    }
    bail!("{} broken rule(s)", faults.len());
}
