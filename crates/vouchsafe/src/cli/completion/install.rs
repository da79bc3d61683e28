//! Lines in the start-up files of the user's shells.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::context::Context;
use super::super::failure::{Exit, Failure, Stop};
use super::super::program::Program;

/// What a shell's start-up file gets, below the home directory.
struct Shell {
    name: &'static str,
    file: &'static str,
    /// What has to be there already for the shell to be one that the user has.
    evidence: &'static str,
}

const SHELLS: &[Shell] = &[
    Shell {
        name: "bash",
        file: ".bashrc",
        evidence: ".bashrc",
    },
    Shell {
        name: "zsh",
        file: ".zshrc",
        evidence: ".zshrc",
    },
    Shell {
        name: "fish",
        file: ".config/fish/config.fish",
        evidence: ".config/fish",
    },
];

impl Shell {
    fn line(&self, program: Program) -> String {
        let command = format!("{} completion {}", program.command(), self.name);
        match self.name {
            "fish" => format!("{command} | source"),
            _ => format!("source <({command})"),
        }
    }
}

/// Adds the line to each start-up file that does not have it.
///
/// # Errors
/// No home directory, no shell that is known, a file that can't be written.
pub(in crate::cli) fn install(context: &mut Context) -> Result<Exit, Stop> {
    change(context, "completion is installed in", |text, line| {
        if text.lines().any(|found| found == line) {
            return None;
        }
        let gap = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        Some(format!("{text}{gap}{line}\n"))
    })
}

/// Takes the line out of each start-up file that has it.
///
/// # Errors
/// As [`install`].
pub(in crate::cli) fn uninstall(context: &mut Context) -> Result<Exit, Stop> {
    change(context, "completion is removed from", |text, line| {
        if !text.lines().any(|found| found == line) {
            return None;
        }
        let kept = text.split_inclusive('\n');
        Some(
            kept.filter(|found| found.trim_end_matches('\n') != line)
                .collect(),
        )
    })
}

fn change(
    context: &mut Context,
    done: &str,
    edit: impl Fn(&str, &str) -> Option<String>,
) -> Result<Exit, Stop> {
    let Some(home) = context.environment.home() else {
        return Err(Failure::local("there is no home directory: HOME is not set").into());
    };
    let shells: Vec<&Shell> = SHELLS
        .iter()
        .filter(|shell| home.join(shell.evidence).exists())
        .collect();
    if shells.is_empty() {
        let names: Vec<&str> = SHELLS.iter().map(|shell| shell.file).collect();
        return Err(Failure::local(format!(
            "no start-up file of a shell in {}: expected one of {}",
            home.display(),
            names.join(", ")
        ))
        .into());
    }
    for shell in shells {
        let path = home.join(shell.file);
        let text = read(&path)?;
        if let Some(changed) = edit(&text, &shell.line(context.program)) {
            write(&path, &changed)?;
        }
        context.console.line(&format!("{done} {}", path.display()));
    }
    Ok(Exit::Success)
}

fn read(path: &Path) -> Result<String, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::local(format!("{}: {error}", path.display()))),
    }
}

/// A start-up file is never half written; one that is a link stays a link.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let fault = |error: std::io::Error| Failure::local(format!("{}: {error}", path.display()));
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(fault(error)),
    };
    let mut beside = target.clone().into_os_string();
    beside.push(".vouchsafe-new");
    let beside = PathBuf::from(beside);
    fs::write(&beside, text).map_err(fault)?;
    if let Ok(metadata) = fs::metadata(&target) {
        fs::set_permissions(&beside, metadata.permissions()).map_err(fault)?;
    }
    fs::rename(&beside, &target).map_err(fault)
}
