//! `audit enable`: write an audit log to a further device.

use serde_json::json;
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::data;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::with_final_slash;

/// Enable an audit device
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe audit enable [options] TYPE [K=V...]",
    after_help = "Example:\n  vouchsafe audit enable file file_path=/var/log/audit.log"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    /// Description for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// The device's path. Default: the type's name
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Keep the device out of replication
    #[arg(long)]
    local: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let Some((kind, pairs)) = args.words.split_first() else {
        let text = "Error enabling audit device: audit type missing. \
                    Valid types include 'file', 'socket' and 'syslog'.";
        return Err(Failure::usage(text).into());
    };
    let options = data::parse(pairs, &mut context.console)?;
    let path = with_final_slash(args.path.as_deref().unwrap_or(kind));
    let body = json!({
        "type": kind,
        "description": args.description,
        "options": options,
        "local": args.local,
    });
    let request = Request::write(&format!("sys/audit/{path}"), body)?;
    context.connect(&args.http)?;
    context.execute(&request, "Error enabling audit device")?;
    context.console.line(&format!(
        "Success! Enabled the {kind} audit device at: {path}"
    ));
    Ok(Exit::Success)
}
