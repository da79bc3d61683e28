//! `print token`: show the token in use, for a command such as `curl` to send.

use super::connection;
use super::context::Context;
use super::failure::{Exit, Failure, Stop};

/// Print what this program uses
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print the token in use
    #[command(
        override_usage = "vouchsafe print token",
        after_help = "Example:\n  curl -H \"X-Vault-Token: $(vouchsafe print token)\" ..."
    )]
    Token,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let Command::Token = args.command;
    let token = connection::token(&context.environment)?.filter(|token| !token.is_empty());
    let Some(token) = token else {
        return Err(Failure::local("no token: log in first, or set it in the environment").into());
    };
    context.console.line(token.expose());
    Ok(Exit::Success)
}
