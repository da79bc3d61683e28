//! The subcommands, one function each: what is run, in which order, and the hint when it fails.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::arguments::Arguments;
use crate::process::{cargo, command, root, run, succeeds};
use crate::python;
use crate::step::{Outcome, step};

/// Seconds that `fuzz` runs when it is not told otherwise.
const FUZZ_SECONDS: u64 = 60;

/// Seconds that `torture` runs when it is not told otherwise.
const TORTURE_SECONDS: u64 = 60;

/// Everything a change must pass, cheapest first; the first failure stops.
pub(crate) fn check(arguments: &mut Arguments) -> Result<()> {
    let without_tests = arguments.flag("--no-test");
    arguments.finish()?;
    step("format", "cargo fmt --all", || {
        passed(&mut cargo("fmt --all --check"))
    })?;
    step(
        "tidy",
        "each line above names the rule; its reason is in xtask/src/tidy.rs",
        || crate::tidy::run().map(|()| Outcome::Passed),
    )?;
    step("clippy", "cargo clippy --workspace --all-targets", || {
        passed(&mut cargo(
            "clippy --workspace --all-targets --locked -- -D warnings",
        ))
    })?;
    if !without_tests {
        let hint = "cargo test -p CRATE NAME; cargo xtask bless if a snapshot is meant to change";
        step("tests", hint, || {
            passed(&mut cargo("test --workspace --locked"))
        })?;
    }
    step("docs", "cargo doc --workspace --no-deps --open", || {
        passed(cargo("doc --workspace --no-deps --locked").env("RUSTDOCFLAGS", "-Dwarnings"))
    })?;
    step("deny", "deny.toml holds the rule and its reason", deny)
}

/// Sources, licences and duplicate versions. Advisories need their database from the network, so
/// they are a run of their own (`cargo deny check advisories`), not a reason to fail a change.
fn deny() -> Result<Outcome> {
    if !succeeds(&mut cargo("deny --version")) {
        return Ok(Outcome::Skipped(
            "cargo-deny is not installed (cargo install cargo-deny --locked); \
             tidy checked the banned crates, licences and sources were not checked"
                .into(),
        ));
    }
    passed(&mut cargo("deny --locked check bans licenses sources"))
}

pub(crate) fn tidy(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    crate::tidy::run()
}

pub(crate) fn bless(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    run(cargo("test --workspace --locked --no-fail-fast")
        .env("INSTA_UPDATE", "always")
        .env("VOUCHSAFE_BLESS", "1"))?;
    println!("blessed; read the difference before committing it: git diff");
    Ok(())
}

/// The guides' own commands, once with our command line and once with OpenBao's.
pub(crate) fn guide(arguments: &mut Arguments) -> Result<()> {
    let binary = server_binary(arguments)?;
    arguments.finish()?;
    python::scripts(
        &binary,
        &[
            &["scripts/guide_000.py", "--cli", "vault"],
            &["scripts/guide_000.py", "--cli", "bao"],
            &["scripts/guide_001.py", "--cli", "vault"],
            &["scripts/guide_001.py", "--cli", "bao"],
            &["scripts/guide_002.py"],
            &["scripts/guide_003.py", "--cli", "vault"],
            &["scripts/guide_003.py", "--cli", "bao"],
        ],
    )
}

/// Other people's verifiers against tokens that we issue, their clients against our server, and what
/// they make of our OpenAPI document.
pub(crate) fn interop(arguments: &mut Arguments) -> Result<()> {
    let binary = server_binary(arguments)?;
    arguments.finish()?;
    python::scripts(
        &binary,
        &[
            &["scripts/interop_openbao.py"],
            &["scripts/interop_cloud.py"],
            &["scripts/clients_bao.py"],
            &["scripts/clients_libraries.py"],
            &["scripts/clients_kubernetes.py"],
            &["scripts/interop_seal.py"],
            &["scripts/interop_issuers.py"],
            &["scripts/interop_people.py"],
            &["scripts/publish.py"],
            &["scripts/interop_sync.py"],
            &["scripts/openapi.py"],
        ],
    )
}

/// The scenarios beside the repository, or those named.
pub(crate) fn differential(arguments: &mut Arguments) -> Result<()> {
    let binary = server_binary(arguments)?;
    let scenarios = arguments.remaining();
    let mut call = vec!["scripts/differential.py"];
    call.extend(scenarios.iter().map(String::as_str));
    python::scripts(&binary, &[&call])
}

pub(crate) fn bench(arguments: &mut Arguments) -> Result<()> {
    measure("bench", arguments)
}

pub(crate) fn scale(arguments: &mut Arguments) -> Result<()> {
    measure("scale", arguments)
}

/// Builds and runs an example that starts the program lying beside it.
fn measure(example: &str, arguments: &mut Arguments) -> Result<()> {
    run(&mut cargo(&format!(
        "build --release --locked -p vouchsafe --bins --example {example}"
    )))?;
    let call = format!("run --release --locked -p vouchsafe --example {example} --");
    run(cargo(&call).args(arguments.remaining()))
}

pub(crate) fn fuzz(arguments: &mut Arguments) -> Result<()> {
    let seconds = arguments.number("--seconds", FUZZ_SECONDS)?;
    let target = arguments.operand();
    arguments.finish()?;
    if !succeeds(&mut cargo("fuzz --version")) {
        bail!("cargo-fuzz is not installed\nhint: cargo install cargo-fuzz --locked");
    }
    let Some(target) = target else {
        run(&mut cargo("fuzz list"))?;
        bail!("name one of the targets above: cargo xtask fuzz TARGET --seconds {seconds}");
    };
    let limit = format!("-max_total_time={seconds}");
    let mut call = cargo("fuzz run");
    // The sanitizers are unstable flags; this lets the stable compiler take them.
    run(call
        .arg(target)
        .arg("--")
        .arg(limit)
        .env("RUSTC_BOOTSTRAP", "1"))
}

/// 200 rounds at least, however few seconds are given.
pub(crate) fn torture(arguments: &mut Arguments) -> Result<()> {
    let seconds = arguments.number("--seconds", TORTURE_SECONDS)?;
    arguments.finish()?;
    run(&mut cargo(&format!(
        "test --locked -p vouchsafe-storage --test torture -- --seconds {seconds}"
    )))
}

pub(crate) fn vectors(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    run(&mut cargo("test --locked -p vouchsafe-jose --test it"))
}

fn passed(command: &mut std::process::Command) -> Result<Outcome> {
    run(command).map(|()| Outcome::Passed)
}

/// The server to test: `--binary PATH`, or the product built now, for development unless
/// `--release` is given.
fn server_binary(arguments: &mut Arguments) -> Result<PathBuf> {
    let release = arguments.flag("--release");
    if let Some(path) = arguments.value("--binary")? {
        return std::path::absolute(&path).with_context(|| format!("resolve `{path}`"));
    }
    let (profile, folder) = if release {
        ("release", "release")
    } else {
        ("dev", "debug")
    };
    run(&mut command(
        "cargo",
        ["build", "--locked", "-p", "vouchsafe", "--profile", profile],
    ))?;
    Ok(root().join("target").join(folder).join("vouchsafe"))
}
