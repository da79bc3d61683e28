//! `lease`: look up, renew and revoke leases. Logins have them.

mod lookup;
mod renew;
mod revoke;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Look up, renew and revoke leases
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  vouchsafe lease lookup auth/userpass/login/bob/h0a1b…\n  \
                        vouchsafe lease revoke -prefix auth/userpass"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Lookup(lookup::Args),
    Renew(renew::Args),
    Revoke(revoke::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Lookup(args) => lookup::run(args, context),
        Command::Renew(args) => renew::run(args, context),
        Command::Revoke(args) => revoke::run(args, context),
    }
}
