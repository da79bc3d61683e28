//! `write`: send data to a path.

use serde_json::Value;
use vouchsafe_api::Request;

use super::context::Context;
use super::data;
use super::failure::{Exit, Failure, Stop};
use super::flags::{Format, HttpFlags, OutputFlags};
use super::path_and_words;

/// Write data to a path
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe write [options] PATH [K=V...]",
    after_help = "Values are strings. A key may repeat, which makes a list. `key=@file` takes a \
                  file's text,\n`key=-` standard input; `@file` and `-` alone take a whole JSON \
                  object.\n\nExample:\n  vouchsafe write identity/oidc/role/my-role key=my-key ttl=1h\n  \
                  vouchsafe write identity/entity/name/app metadata=team=core metadata=env=prod"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    /// Allow a write without data
    #[arg(long, short = 'f')]
    force: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let (path, pairs) = path_and_words(&args.words)?;
    if pairs.is_empty() && !args.force {
        return Err(Failure::usage("Must supply data or use -force").into());
    }
    let format = args.output.format.resolve(&context.environment)?;
    let body = match data::parse(pairs, &mut context.console)? {
        data if data.is_empty() => Value::Null,
        data => Value::Object(data),
    };
    let request = Request::write(path, body)?;
    context.connect(&args.http)?;
    let doing = format!("Error writing data to {}", request.path());
    match context.envelope(&request, &doing)? {
        Some(envelope) => context.print(&envelope, &args.output),
        None => {
            if let Some(field) = args.output.field {
                return Err(Failure::FieldAbsent {
                    field,
                    present: Vec::new(),
                }
                .into());
            }
            if format == Format::Table {
                let path = request.path();
                context
                    .console
                    .line(&format!("Success! Data written to: {path}"));
            }
            Ok(Exit::Success)
        }
    }
}
