//! `kv metadata get`: show a key's settings and history.

use serde_json::{Map, Value};
use vouchsafe_api::{Envelope, Request};

use super::path_of;
use crate::cli::context::{Context, failed};
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{Format, FormatFlags, HttpFlags, OutputFlags};
use crate::cli::kv::place::MountFlag;
use crate::cli::kv::show;

/// Show the settings and versions of a secret
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv metadata get [options] PATH",
    after_help = "Example:\n  vouchsafe kv metadata get -mount=secret app/db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    #[command(flatten)]
    mount: MountFlag,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let format = args.format.resolve(&context.environment)?;
    let path = path_of(&args.http, &args.mount, &args.words, context)?;
    let request = Request::read(&path)?;
    let doing = format!("Error reading {path}");
    let nothing = || Failure::NothingAt(path.clone());
    let answer = context.find(&request, &doing)?.ok_or_else(nothing)?;
    let envelope = answer
        .envelope()
        .map_err(|source| failed(&doing, &request, source))?;
    let envelope = envelope.ok_or_else(nothing)?;
    match &envelope.data {
        Some(key) if format == Format::Table && envelope.wrap_info.is_none() => {
            context.console.line(&sections(&path, key));
            Ok(Exit::Success)
        }
        Some(_) | None => print(&envelope, args.format, context),
    }
}

fn print(envelope: &Envelope, format: FormatFlags, context: &mut Context) -> Result<Exit, Stop> {
    let flags = OutputFlags {
        format,
        field: None,
    };
    context.print(envelope, &flags)
}

/// The settings, then each version in order.
fn sections(path: &str, key: &Map<String, Value>) -> String {
    let mut settings = key.clone();
    let versions = settings.remove("versions");
    let mut versions: Vec<(u64, &Map<String, Value>)> = versions
        .iter()
        .filter_map(Value::as_object)
        .flatten()
        .filter_map(|(number, entry)| Some((number.parse().ok()?, entry.as_object()?)))
        .collect();
    versions.sort_by_key(|(number, _)| *number);
    let mut sections = vec![
        format!("{}\n{path}", show::heading("Metadata Path", path.len())),
        show::section("Metadata", &settings),
    ];
    for (number, entry) in versions {
        sections.push(show::section(&format!("Version {number}"), entry));
    }
    sections.join("\n\n")
}
