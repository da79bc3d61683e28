//! The project's chores. `cargo xtask <command>` is the one entry point, for people and for CI, so
//! that what passes on a desk passes in CI.
//!
//! This program only starts other programs and reads the tree. It uses no crate of the product, so
//! that it builds in seconds and still runs while the product does not compile.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program talks to the person who started it"
)]

mod arguments;
mod chore;
mod process;
mod python;
mod rule;
mod step;
mod tidy;
mod tree;

use std::process::ExitCode;

use anyhow::Result;
use arguments::Arguments;

/// One subcommand: the line in the help, and the function that does it.
struct Command {
    name: &'static str,
    operands: &'static str,
    summary: &'static str,
    run: fn(&mut Arguments) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        operands: "[--no-test]",
        summary: "format, clippy, tidy, tests, docs, deny: everything a change must pass",
        run: chore::check,
    },
    Command {
        name: "tidy",
        operands: "",
        summary: "the rules about crates and files that no compiler checks",
        run: chore::tidy,
    },
    Command {
        name: "bless",
        operands: "",
        summary: "rewrite snapshots and the authorization matrix from what the tests see",
        run: chore::bless,
    },
    Command {
        name: "guide",
        operands: "[--release | --binary PATH]",
        summary: "run the public guides' commands, as printed, against the server",
        run: chore::guide,
    },
    Command {
        name: "interop",
        operands: "[--release | --binary PATH]",
        summary: "let clients written by others verify our tokens and drive our server",
        run: chore::interop,
    },
    Command {
        name: "differential",
        operands: "[--release | --binary PATH] [SCENARIO...]",
        summary: "play the same requests to OpenBao and to us, print what differs",
        run: chore::differential,
    },
    Command {
        name: "bench",
        operands: "[PART...]",
        summary: "build and run the release benchmark, all of it or the parts named",
        run: chore::bench,
    },
    Command {
        name: "scale",
        operands: "[--tokens N] [--idle-seconds S]",
        summary: "measure a server that holds a million tokens beside an empty one",
        run: chore::scale,
    },
    Command {
        name: "fuzz",
        operands: "TARGET [--seconds N]",
        summary: "run one fuzz target for a bounded time (60 s unless told)",
        run: chore::fuzz,
    },
    Command {
        name: "torture",
        operands: "[--seconds N]",
        summary: "kill the store in a file while it is written, again and again (60 s unless told)",
        run: chore::torture,
    },
    Command {
        name: "vectors",
        operands: "",
        summary: "run the published test vectors of JOSE alone",
        run: chore::vectors,
    },
];

fn main() -> ExitCode {
    let mut arguments = Arguments::new(std::env::args().skip(1));
    let Some(name) = arguments.operand() else {
        println!("{}", usage());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        println!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("error: unknown command `{name}`\n\n{}", usage());
        return ExitCode::from(2);
    };
    match (command.run)(&mut arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask <command>\n");
    for command in COMMANDS {
        let call = format!("{} {}", command.name, command.operands);
        text.push_str(&format!("\n  {:<14}{}", command.name, command.summary));
        if !command.operands.is_empty() {
            text.push_str(&format!("\n{:16}{call}", ""));
        }
    }
    text
}
