//! `kv metadata put`: set a key's settings.

use vouchsafe_api::Request;

use super::settings::SettingFlags;
use super::{change, path_of};
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::kv::place::MountFlag;

/// Set the settings of a secret; custom metadata are replaced as a whole
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv metadata put [options] PATH",
    after_help = "Example:\n  vouchsafe kv metadata put -mount=secret -max-versions=5 \
                  -custom-metadata=owner=team-a app/db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    mount: MountFlag,
    #[command(flatten)]
    settings: SettingFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let path = path_of(&args.http, &args.mount, &args.words, context)?;
    change(&Request::write(&path, args.settings.body(&[]))?, context)
}
