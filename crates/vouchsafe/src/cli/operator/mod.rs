//! `operator`: what the keepers of a server do.

mod backup;
mod generate_root;
mod init;
mod key_status;
mod members;
mod progress;
mod rekey;
mod restore;
mod rotate;
mod seal;
mod share;
mod step_down;
mod unseal;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Initialise, unseal, seal, rekey, back up and restore a server
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
    Backup(backup::Args),
    GenerateRoot(generate_root::Args),
    Init(init::Args),
    KeyStatus(key_status::Args),
    Members(members::Args),
    Rekey(rekey::Args),
    Restore(restore::Args),
    Rotate(rotate::Args),
    Seal(seal::Args),
    StepDown(step_down::Args),
    Unseal(unseal::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Backup(args) => backup::run(args, context),
        Command::GenerateRoot(args) => generate_root::run(args, context),
        Command::Init(args) => init::run(args, context),
        Command::KeyStatus(args) => key_status::run(args, context),
        Command::Members(args) => members::run(args, context),
        Command::Rekey(args) => rekey::run(args, context),
        Command::Restore(args) => restore::run(args, context),
        Command::Rotate(args) => rotate::run(args, context),
        Command::Seal(args) => seal::run(args, context),
        Command::StepDown(args) => step_down::run(args, context),
        Command::Unseal(args) => unseal::run(args, context),
    }
}
