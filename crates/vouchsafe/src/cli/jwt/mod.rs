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
pub(super) fn token(word: &str, context: &mut Context) -> Result<String, Failure> {
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

/// A stranger's text as a cell of a table: on one line, and without what a terminal takes for
/// commands.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c.is_control() || is_direction(c) {
            true => c.escape_unicode().to_string(),
            false => c.to_string(),
        })
        .collect()
}

/// Characters that change the order in which others are shown (Unicode, UAX #9).
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_the_terminal_no_commands() {
        assert_eq!(printable("Köln 東京"), "Köln 東京");
        assert_eq!(printable("a\u{1b}[2Jb\n"), r"a\u{1b}[2Jb\u{a}");
        assert_eq!(printable("admin\u{202e}x"), r"admin\u{202e}x");
        assert_eq!(printable("\u{9b}1m"), r"\u{9b}1m");
    }

    #[test]
    fn a_mount_is_named_with_auth_or_without() {
        assert_eq!(mount("jwt"), "auth/jwt");
        assert_eq!(mount("/auth/ci/jwt/"), "auth/ci/jwt");
    }
}
