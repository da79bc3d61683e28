//! `token`: create, look up, renew and revoke tokens, and ask what they may do.

mod capabilities;
mod create;
mod lookup;
mod renew;
mod revoke;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Create, look up, renew and revoke tokens
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  vouchsafe token create -policy=my-policy -ttl=1h\n  \
                        vouchsafe token lookup"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Capabilities(capabilities::Args),
    Create(Box<create::Args>),
    Lookup(lookup::Args),
    Renew(renew::Args),
    Revoke(revoke::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Capabilities(args) => capabilities::run(args, context),
        Command::Create(args) => create::run(&args, context),
        Command::Lookup(args) => lookup::run(args, context),
        Command::Renew(args) => renew::run(args, context),
        Command::Revoke(args) => revoke::run(args, context),
    }
}
