//! `kv get`: show a secret.

use serde_json::Value;
use vouchsafe_api::{Envelope, Request};

use super::place::{MountFlag, Place};
use super::show;
use crate::cli::context::{Context, failed};
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{HttpFlags, OutputFlags};
use crate::cli::render;

/// Show a secret
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv get [options] PATH",
    after_help = "Example:\n  vouchsafe kv get -mount=secret app/db\n  \
                  vouchsafe kv get -mount=secret -field=password -version=1 app/db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    mount: MountFlag,
    /// Version to show. Default: the latest
    #[arg(long, value_name = "NUMBER")]
    version: Option<i64>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    context.connect(&args.http)?;
    let place = Place::find(&args.mount, &args.words[0], context)?;
    let (path, envelope) = secret(&place, args.version, context)?;
    if place.is_versioned() && envelope.wrap_info.is_none() {
        versioned(&path, &envelope, &args.output, context)
    } else {
        unversioned(&envelope, &args.output, context)
    }
}

/// A secret's path and answer; a deleted version has an answer without data.
pub(super) fn secret(
    place: &Place,
    version: Option<i64>,
    context: &Context,
) -> Result<(String, Envelope), Stop> {
    let mut request = Request::read(&place.path("data"))?;
    if let Some(version) = version.filter(|version| *version > 0 && place.is_versioned()) {
        request = request.with_query("version", &version.to_string());
    }
    let path = request.path().to_owned();
    let doing = format!("Error reading {path}");
    let answer = context.find(&request, &doing)?;
    let envelope = match answer {
        Some(answer) => answer
            .envelope()
            .map_err(|source| failed(&doing, &request, source))?,
        None => None,
    };
    match envelope {
        Some(envelope) => Ok((path, envelope)),
        None => Err(Failure::NothingAt(path).into()),
    }
}

fn versioned(
    path: &str,
    envelope: &Envelope,
    flags: &OutputFlags,
    context: &mut Context,
) -> Result<Exit, Stop> {
    let format = flags.format.resolve(&context.environment)?;
    let secret = envelope.field("data").and_then(Value::as_object);
    if let Some(field) = &flags.field {
        let Some(secret) = secret else {
            return Err(Failure::server_side(format!("No data found at {path}")).into());
        };
        let Some(value) = secret.get(field) else {
            let (field, present) = (field.clone(), secret.keys().cloned().collect());
            return Err(Failure::FieldAbsent { field, present }.into());
        };
        render::value_alone(context, &render::sorted(value), format);
        return Ok(Exit::Success);
    }
    if !show::is_table(envelope, format, flags) {
        return context.print(envelope, flags);
    }
    render::warnings(context, envelope);
    let Some(metadata) = envelope.field("metadata").and_then(Value::as_object) else {
        return Err(Failure::NothingAt(path.to_owned()).into());
    };
    let title = show::heading("Secret Path", path.len());
    context.console.line(&format!("{title}\n{path}\n"));
    let metadata = show::section("Metadata", metadata);
    context.console.line(&format!("{metadata}\n"));
    if let Some(secret) = secret {
        context.console.line(&show::section("Data", secret));
    }
    Ok(Exit::Success)
}

fn unversioned(
    envelope: &Envelope,
    flags: &OutputFlags,
    context: &mut Context,
) -> Result<Exit, Stop> {
    let format = flags.format.resolve(&context.environment)?;
    match &envelope.data {
        Some(secret) if show::is_table(envelope, format, flags) => {
            render::warnings(context, envelope);
            context.console.line(&show::section("Data", secret));
            Ok(Exit::Success)
        }
        Some(_) | None => context.print(envelope, flags),
    }
}
