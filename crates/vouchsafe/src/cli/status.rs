//! `status`: is the server up, initialised, unsealed?
//!
//! The exit code says it to scripts: 0 unsealed, 2 sealed, 1 no answer.

use serde_json::{Map, Value};
use vouchsafe_api::Request;

use super::context::Context;
use super::expect_words;
use super::failure::{Exit, Failure, Stop};
use super::flags::{HttpFlags, OutputFlags};
use super::gotext;
use super::render;
use super::table::Table;

/// Print whether the server is sealed
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe status [options]",
    after_help = "Exit codes: 0 unsealed, 1 error, 2 sealed\n\nExample:\n  vouchsafe status"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    answer(&args, context).map_err(|stop| match stop {
        Stop::Failed(Failure::Request(mut failure)) => {
            failure.exit = Exit::Local;
            Stop::Failed(Failure::Request(failure))
        }
        other => other,
    })
}

fn answer(args: &Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    let format = args.output.format.resolve(&context.environment)?;
    context.connect(&args.http)?;
    let mut status = object(context, "sys/seal-status", "Error checking seal status")?;
    let sealed = status.get("sealed") == Some(&Value::Bool(true));
    // A sealed server has no leader to ask for.
    let leader = match sealed {
        true => Map::new(),
        false => object(context, "sys/leader", "Error checking leader status")?,
    };
    let standing = [
        "ha_enabled",
        "is_self",
        "active_time",
        "leader_address",
        "leader_cluster_address",
    ];
    for name in standing {
        if let Some(value) = leader.get(name) {
            status.insert(name.to_owned(), value.clone());
        }
    }
    let exit = if sealed { Exit::Server } else { Exit::Success };
    if let Some(field) = &args.output.field {
        let value = status.get(field).ok_or_else(|| Failure::FieldAbsent {
            field: field.clone(),
            present: status.keys().cloned().collect(),
        })?;
        render::value_alone(context, value, format);
        return Ok(exit);
    }
    let value = Value::Object(status);
    context.print_value(&value, format, || table(&value).render());
    Ok(exit)
}

fn object(context: &Context, path: &str, doing: &str) -> Result<Map<String, Value>, Stop> {
    let request = Request::read(path)?;
    let answer = context.execute(&request, doing)?.json();
    answer.map_err(|source| super::context::failed(doing, &request, source).into())
}

pub(super) fn table(status: &Value) -> Table {
    let mut table = Table::of_pairs();
    let text = |name: &str| status.get(name).map(gotext::render).unwrap_or_default();
    let is = |name: &str| status.get(name) == Some(&Value::Bool(true));
    let count = |name: &str| status.get(name).and_then(Value::as_u64).unwrap_or(0);
    if is("recovery_seal") {
        table.pair("Recovery Seal Type", text("type"));
    } else {
        table.pair("Seal Type", text("type"));
    }
    table.pair("Initialized", text("initialized"));
    table.pair("Sealed", text("sealed"));
    let kind = if is("recovery_seal") { "Recovery " } else { "" };
    table.pair(&format!("Total {kind}Shares"), count("n"));
    table.pair("Threshold", count("t"));
    if is("sealed") {
        table.pair(
            "Unseal Progress",
            format!("{}/{}", count("progress"), count("t")),
        );
        table.pair("Unseal Nonce", text("nonce"));
    }
    if is("migration") {
        table.pair("Seal Migration in Progress", true);
    }
    table.pair("Version", text("version"));
    let dates = [
        ("Build Date", "build_date"),
        ("Commit Date", "commit_date"),
        ("Storage Type", "storage_type"),
        ("Cluster Name", "cluster_name"),
        ("Cluster ID", "cluster_id"),
    ];
    for (title, name) in dates {
        let value = text(name);
        if !value.is_empty() {
            table.pair(title, value);
        }
    }
    table.pair("HA Enabled", is("ha_enabled"));
    if is("ha_enabled") {
        table.pair("HA Cluster", text("leader_cluster_address"));
        table.pair("HA Mode", if is("is_self") { "active" } else { "standby" });
        if is("is_self") {
            table.pair("Active Since", text("active_time"));
        } else {
            table.pair("Active Node Address", text("leader_address"));
        }
    }
    table
}
