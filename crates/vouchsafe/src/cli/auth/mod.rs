//! `auth`: enable, disable, tune and list auth methods.

mod disable;
mod enable;
mod help;
mod list;
mod tune;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Enable, disable, tune and list auth methods
#[derive(clap::Args)]
#[command(after_help = "Example:\n  vouchsafe auth enable approle\n  vouchsafe auth list")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
#[command(disable_help_subcommand = true)]
enum Command {
    Disable(disable::Args),
    Enable(enable::Args),
    Help(help::Args),
    List(list::Args),
    Tune(tune::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Disable(args) => disable::run(args, context),
        Command::Enable(args) => enable::run(args, context),
        Command::Help(args) => help::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Tune(args) => tune::run(args, context),
    }
}
