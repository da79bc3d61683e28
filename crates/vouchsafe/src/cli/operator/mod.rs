//! `operator`: what the keepers of a server do.

mod generate_root;
mod init;
mod key_status;
mod rekey;
mod rotate;
mod seal;
mod share;
mod unseal;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Initialise, unseal, seal and rekey a server
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  vouchsafe operator init -key-shares=5 -key-threshold=3\n  \
                  vouchsafe operator unseal"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    GenerateRoot(generate_root::Args),
    Init(init::Args),
    KeyStatus(key_status::Args),
    Rekey(rekey::Args),
    Rotate(rotate::Args),
    Seal(seal::Args),
    Unseal(unseal::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::GenerateRoot(args) => generate_root::run(args, context),
        Command::Init(args) => init::run(args, context),
        Command::KeyStatus(args) => key_status::run(args, context),
        Command::Rekey(args) => rekey::run(args, context),
        Command::Rotate(args) => rotate::run(args, context),
        Command::Seal(args) => seal::run(args, context),
        Command::Unseal(args) => unseal::run(args, context),
    }
}
