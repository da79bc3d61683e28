//! `publish`: what is published for verifiers, as files, and whether verifiers would take it.

mod check;
mod export;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Export what a service publishes; check a public issuer
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  vouchsafe publish export -service=k8s-prod ./public\n  \
                  vouchsafe publish check https://k8s-prod.publish.example.com"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Check(check::Args),
    Export(Box<export::Args>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Check(args) => check::run(args, context),
        Command::Export(args) => export::run(&args, context),
    }
}
