//! `secrets`: enable, disable, tune, move and list secrets engines.

mod disable;
mod enable;
mod list;
mod relocate;
mod tune;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Enable, disable, tune, move and list secrets engines
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  vouchsafe secrets enable -path=team kv-v2\n  vouchsafe secrets list"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Disable(disable::Args),
    Enable(enable::Args),
    List(list::Args),
    Move(relocate::Args),
    Tune(tune::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Disable(args) => disable::run(args, context),
        Command::Enable(args) => enable::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Move(args) => relocate::run(args, context),
        Command::Tune(args) => tune::run(args, context),
    }
}
