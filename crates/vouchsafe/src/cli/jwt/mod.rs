//! `jwt`: look at tokens of other issuers, ask why one does not log in, trust a known platform.

mod decode;
mod explain;
mod moment;
mod preset;

use std::fs::File;

use super::console::{io_fault, read_text};
use super::context::Context;
use super::failure::{Exit, Failure, Stop};

/// Look at JWTs, explain why they are refused, trust known platforms
#[derive(clap::Args)]
#[command(after_help = "Example:\n  vouchsafe jwt decode - < token\n  \
                        vouchsafe jwt explain -role=ci - < token\n  vouchsafe jwt preset github")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Decode(decode::Args),
    Explain(explain::Args),
    Preset(preset::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Decode(args) => decode::run(args, context),
        Command::Explain(args) => explain::run(args, context),
        Command::Preset(args) => preset::run(args, context),
    }
}

/// The token that a word stands for: `-` is standard input, `@file` a file, anything else itself.
fn token(word: &str, context: &mut Context) -> Result<String, Failure> {
    let text = match word.strip_prefix('@') {
        Some(path) => File::open(path).and_then(|mut file| read_text(&mut file)),
        None if word == "-" => context.console.read_input(),
        None => Ok(word.to_owned()),
    };
    let text = text.map_err(|error| {
        let name = word.strip_prefix('@').unwrap_or("standard input");
        Failure::local(format!(
            "Error reading the token: {name}: {}",
            io_fault(&error)
        ))
    })?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::local("there is no token: the text is empty"));
    }
    Ok(text.to_owned())
}

/// A mount's path below `auth/`, whether it was written with that or without.
fn mount(path: &str) -> String {
    let path = path.trim_matches('/');
    match path.strip_prefix("auth/") {
        Some(_) => path.to_owned(),
        None => format!("auth/{path}"),
    }
}
