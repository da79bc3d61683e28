//! `audit list`: the audit devices that are enabled.

use serde_json::{Map, Value};
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::{Format, FormatFlags, HttpFlags};
use crate::cli::gotext;
use crate::cli::mount;
use crate::cli::table::Table;

/// List the audit devices
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe audit list [options]",
    after_help = "Example:\n  vouchsafe audit list -detailed"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    /// Show options and replication too
    #[arg(long)]
    detailed: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    let format = args.format.resolve(&context.environment)?;
    let request = Request::read("sys/audit")?;
    context.connect(&args.http)?;
    let devices = mount::of(context.envelope(&request, "Error listing audits")?);
    if devices.is_empty() {
        let text = if format == Format::Table {
            "No audit devices are enabled."
        } else {
            "{}"
        };
        context.console.line(text);
        return Ok(Exit::Server);
    }
    let value = Value::Object(devices.clone());
    context.print_value(&value, format, || table(&devices, args.detailed));
    Ok(Exit::Success)
}

fn table(devices: &Map<String, Value>, detailed: bool) -> String {
    let mut table = match detailed {
        true => Table::with_header(["Path", "Type", "Description", "Replication", "Options"]),
        false => Table::with_header(["Path", "Type", "Description"]),
    };
    for (path, device) in devices {
        let text = |name: &str| device.get(name).map(gotext::render).unwrap_or_default();
        if !detailed {
            table.row([path.clone(), text("type"), text("description")]);
            continue;
        }
        let is_local = device.get("local") == Some(&Value::Bool(true));
        let replication = if is_local { "local" } else { "replicated" };
        let pairs = device.get("options").and_then(Value::as_object);
        let options: Vec<String> = pairs
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name}={}", gotext::render(value)))
            .collect();
        let (kind, description) = (text("type"), text("description"));
        table.row([
            path.clone(),
            kind,
            description,
            replication.to_owned(),
            options.join(" "),
        ]);
    }
    table.render()
}
