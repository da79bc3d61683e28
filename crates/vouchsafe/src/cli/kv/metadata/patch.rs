//! `kv metadata patch`: change some of a key's settings.

use vouchsafe_api::{Method, Request};

use super::settings::SettingFlags;
use super::{change, path_of};
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::kv::place::MountFlag;

/// Change settings of a secret; custom metadata are merged
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv metadata patch [options] PATH",
    after_help = "Example:\n  vouchsafe kv metadata patch -mount=secret \
                  -custom-metadata=owner=team-b -remove-custom-metadata=note app/db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    mount: MountFlag,
    #[command(flatten)]
    settings: SettingFlags,
    /// Name of a pair of custom metadata to remove; may repeat
    #[arg(long, value_name = "KEY")]
    remove_custom_metadata: Vec<String>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let path = path_of(&args.http, &args.mount, &args.words, context)?;
    let body = args.settings.body(&args.remove_custom_metadata);
    let request = Request::new(Method::Patch, &path)?.with_body(body);
    change(&request, context)
}
