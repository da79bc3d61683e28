//! `policy`: read, write, list, delete and format policies.

mod delete;
mod fmt;
mod format;
mod list;
mod read;
mod write;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Read, write, list, delete and format policies
#[derive(clap::Args)]
#[command(after_help = "Example:\n  vouchsafe policy write my-policy policy.hcl")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Delete(delete::Args),
    Fmt(fmt::Args),
    List(list::Args),
    Read(read::Args),
    Write(write::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Delete(args) => delete::run(args, context),
        Command::Fmt(args) => fmt::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Read(args) => read::run(args, context),
        Command::Write(args) => write::run(args, context),
    }
}

// Policy names have no upper case on the server.
fn path(name: &str) -> String {
    format!("sys/policies/acl/{}", name.trim().to_lowercase())
}
