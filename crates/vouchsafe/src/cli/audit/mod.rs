//! `audit`: enable, disable and list audit devices, and check their logs.

mod disable;
mod enable;
mod list;
mod verify;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Enable, disable and list audit devices, and check their logs
#[derive(clap::Args)]
#[command(after_help = "Example:\n  vouchsafe audit enable file file_path=/var/log/audit.log")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Disable(disable::Args),
    Enable(enable::Args),
    List(list::Args),
    Verify(verify::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Disable(args) => disable::run(args, context),
        Command::Enable(args) => enable::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Verify(args) => verify::run(args, context),
    }
}
