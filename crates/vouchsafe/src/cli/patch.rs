//! `patch`: change some members of what is at a path.

use serde_json::Value;
use vouchsafe_api::{Method, Request};

use super::context::Context;
use super::data;
use super::failure::{Exit, Failure, Stop};
use super::flags::{Format, HttpFlags, OutputFlags};
use super::path_and_words;

/// Change some members of what is at a path
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe patch [options] PATH [K=V...]",
    after_help = "Data is given as to `write`; members that are not named stay as they are. A JSON \
                  object can\nremove a member with `null`.\n\nExample:\n  \
                  vouchsafe patch secret/metadata/app max_versions=5"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    /// Allow a patch without data
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
    let request = Request::new(Method::Patch, path)?.with_body(body);
    context.connect(&args.http)?;
    let doing = format!("Error writing data to {}", request.path());
    if let Some(envelope) = context.envelope(&request, &doing)? {
        return context.print(&envelope, &args.output);
    }
    if let Some(field) = args.output.field {
        let present = Vec::new();
        return Err(Failure::FieldAbsent { field, present }.into());
    }
    if format == Format::Table {
        let path = request.path();
        context
            .console
            .line(&format!("Success! Data written to: {path}"));
    }
    Ok(Exit::Success)
}
