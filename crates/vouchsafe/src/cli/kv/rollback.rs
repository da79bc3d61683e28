//! `kv rollback`: make an older version the latest.

use serde_json::{Value, json};
use vouchsafe_api::Request;

use super::place::{MountFlag, Place};
use super::{get, put};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{HttpFlags, OutputFlags};

/// Store an older version of a secret again, as the latest
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv rollback [options] PATH",
    after_help = "Example:\n  vouchsafe kv rollback -mount=secret -version=2 app/db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    mount: MountFlag,
    /// Version to store again
    #[arg(long, value_name = "NUMBER")]
    version: Option<i64>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let wanted = match args.version {
        Some(version) if version > 0 => version,
        Some(version) => {
            let text = format!("Invalid value {version} for the version flag");
            return Err(Failure::usage(text).into());
        }
        None => return Err(Failure::usage("Version flag must be specified").into()),
    };
    context.connect(&args.http)?;
    let place = Place::find(&args.mount, &args.words[0], context)?;
    if !place.is_versioned() {
        let text = "K/V engine mount must be version 2 for rollback support";
        return Err(Failure::server_side(text).into());
    }
    // The latest version is the condition of the write, so that nobody else's change is lost.
    let (_, latest) = get::secret(&place, None, context)?;
    let cas = latest
        .field("metadata")
        .and_then(|metadata| metadata.get("version")?.as_i64());
    let (_, old) = get::secret(&place, Some(wanted), context)?;
    let Some(secret) = old.field("data").filter(|secret| !secret.is_null()) else {
        let gone =
            old.field("metadata").and_then(|it| it.get("destroyed")) == Some(&Value::Bool(true));
        let how = if gone { "destroyed" } else { "deleted" };
        let text = format!("Cannot roll back to a version that has been {how}");
        return Err(Failure::server_side(text).into());
    };
    let body = json!({ "data": secret, "options": put::options(cas) });
    let request = Request::write(&place.path("data"), body)?;
    let doing = format!("Error writing data to {}", request.path());
    let envelope = context.envelope(&request, &doing)?.unwrap_or_default();
    context.print(&envelope, &args.output)
}
