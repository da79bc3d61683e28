//! The Python scripts that play clients of other languages: their interpreter and their packages.
//!
//! A machine without Python, or that cannot install the packages, skips the scripts and is told
//! so: no Rust check depends on them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{command, root, run, succeeds};

/// The virtual environment, made in the root on first use.
const ENVIRONMENT: &str = ".venv-interop";
/// What it holds; installed again whenever this file changes.
const REQUIREMENTS: &str = "scripts/requirements.txt";

/// Runs each script (path and arguments) with `--binary` added; all of them, even if one fails.
///
/// # Errors
/// When a script fails; all failures are named.
pub(crate) fn scripts(binary: &Path, scripts: &[&[&str]]) -> Result<()> {
    let Some(interpreter) = interpreter()? else {
        println!(
            "skipped: {} (no Python with the packages of {REQUIREMENTS})",
            named(scripts)
        );
        return Ok(());
    };
    let mut failed = Vec::new();
    for script in scripts {
        println!("==> {}", script.join(" "));
        let mut call = command(&interpreter, *script);
        if run(call.arg("--binary").arg(binary)).is_err() {
            failed.push(*script);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", named(&failed));
    }
    Ok(())
}

fn named(scripts: &[&[&str]]) -> String {
    scripts
        .iter()
        .map(|script| script.join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The environment's interpreter with the packages installed; `None` where that cannot be had.
fn interpreter() -> Result<Option<PathBuf>> {
    let environment = root().join(ENVIRONMENT);
    let interpreter = environment.join("bin/python");
    let stamp = environment.join("installed.txt");
    let wanted = std::fs::read_to_string(root().join(REQUIREMENTS))
        .with_context(|| format!("read `{REQUIREMENTS}`"))?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(Some(interpreter));
    }
    println!("==> install the packages of {REQUIREMENTS} into {ENVIRONMENT}");
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ];
    let ready = succeeds(command("python3", ["-m", "venv"]).arg(&environment))
        && run(command(&interpreter, install).arg(REQUIREMENTS)).is_ok();
    if !ready {
        return Ok(None);
    }
    std::fs::write(&stamp, wanted).with_context(|| format!("write `{}`", stamp.display()))?;
    Ok(Some(interpreter))
}
