//! `kv`: secrets of key-value engines, whichever version their mount is of (vault-core.md §14, §18).
//!
//! Every command first asks which mount a path belongs to ([`place::Place`]): users write `secret/app`, and
//! the API's path is `secret/data/app` where the mount keeps versions.

mod delete;
mod enable_versioning;
mod get;
mod list;
mod metadata;
mod patch;
mod place;
mod put;
mod rollback;
mod selected;
mod show;

use super::context::Context;
use super::failure::{Exit, Stop};

/// Store, read and delete secrets, with their versions
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  vouchsafe kv put -mount=secret app/db user=app password=-\n  \
                        vouchsafe kv get -mount=secret app/db"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Delete(delete::Args),
    Destroy(selected::DestroyArgs),
    EnableVersioning(enable_versioning::Args),
    Get(get::Args),
    List(list::Args),
    Metadata(metadata::Args),
    Patch(patch::Args),
    Put(put::Args),
    Rollback(rollback::Args),
    Undelete(selected::UndeleteArgs),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Delete(args) => delete::run(args, context),
        Command::Destroy(args) => selected::destroy(args, context),
        Command::EnableVersioning(args) => enable_versioning::run(args, context),
        Command::Get(args) => get::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Metadata(args) => metadata::run(args, context),
        Command::Patch(args) => patch::run(args, context),
        Command::Put(args) => put::run(args, context),
        Command::Rollback(args) => rollback::run(args, context),
        Command::Undelete(args) => selected::undelete(args, context),
    }
}
