//! The program as its users see it: scripts of commands with what they send, print and return.
//!
//! Each file in `scripts/` is one test. Its lines, by their first characters:
//!
//! ```text
//! # a comment
//! serve GET sys/mounts 200 {"data":{}}   the fake server answers so from here on (a path with a slash
//!                                      in front is not below `/v1/`)
//! set NAME=value                         the environment of the commands from here on
//! unset NAME
//! file NAME text                         a file in the working folder; `\n` is a line end
//! $ vault read sys/mounts                a shell command, with our programs in its path
//! . second line                          the command's further lines
//! > GET /v1/sys/mounts token=root        a request that the command sent
//! | text                                 a line of its standard output
//! ! text                                 a line of its standard error
//! ? 2                                    its exit code; none means 0
//! ```
//!
//! In all of these `SERVER` stands for the fake server's host and port. Lines `>`, `|`, `!` and `?` are
//! what the test checks; with `UPDATE_SCRIPTS=1` in the environment they are written anew, for
//! review as a diff.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod backup;
mod configured;
#[cfg(target_os = "linux")]
mod memory;
mod oidc;
mod process;
mod script;
mod server;
#[cfg(target_os = "linux")]
mod terminal;

use std::fs;
use std::path::Path;

#[test]
fn every_script_plays_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scripts");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scripts");
    #[expect(
        clippy::disallowed_methods,
        reason = "the switch to rewrite the scripts"
    )]
    let update = std::env::var_os("UPDATE_SCRIPTS").is_some();
    let mut faults = Vec::new();
    for file in files {
        let written = fs::read_to_string(&file).unwrap();
        let played = script::play(&written);
        if update {
            fs::write(&file, played).unwrap();
        } else if played != written {
            faults.push(difference(&file, &written, &played));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn difference(file: &Path, written: &str, played: &str) -> String {
    let at = written
        .lines()
        .zip(played.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
    let command = written
        .lines()
        .take(at)
        .filter(|line| line.starts_with("$ "))
        .last();
    format!(
        "{}:{}: after `{}`\n  written: {}\n  played:  {}",
        file.display(),
        at + 1,
        command.unwrap_or_default(),
        line(written),
        line(played),
    )
}
