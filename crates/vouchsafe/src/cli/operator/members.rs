//! `operator members`: the nodes of the cluster.

use serde_json::{Value, json};
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};
use crate::cli::gotext;
use crate::cli::table::Table;

const PATH: &str = "sys/ha-status";

/// Show the nodes of the cluster
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator members [options]",
    after_help = "Example:\n  vouchsafe operator members\n  vouchsafe operator members -format=json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    let format = args.format.resolve(&context.environment)?;
    context.connect(&args.http)?;
    let envelope = context.envelope(&Request::read(PATH)?, "Error reading the nodes")?;
    let data = envelope.and_then(|envelope| envelope.data);
    let nodes = data.and_then(|mut data| data.remove("nodes"));
    let nodes = nodes.ok_or_else(|| Failure::NothingAt(PATH.to_owned()))?;
    let shown = json!({ "Nodes": nodes });
    context.print_value(&shown, format, || {
        let mut table = Table::with_header([
            "Host Name",
            "API Address",
            "Cluster Address",
            "Active Node",
            "Version",
            "Upgrade Version",
            "Last Echo",
        ]);
        for node in nodes.as_array().into_iter().flatten() {
            let text = |name: &str| match node.get(name) {
                None | Some(Value::Null) => String::new(),
                Some(value) => gotext::render(value),
            };
            table.row([
                text("hostname"),
                text("api_address"),
                text("cluster_address"),
                text("active_node"),
                text("version"),
                text("upgrade_version"),
                text("last_echo"),
            ]);
        }
        table.render()
    });
    Ok(Exit::Success)
}
