//! `pvault iam`: the IAM file, and users' API keys.

use std::fs::File;

use clap::Subcommand;
use serde_json::{Value, json};

use super::Server;
use crate::cli::console::{io_fault, read_text};
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure, Stop};

/// The media type of the IAM file.
const TOML: &str = "application/toml";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the IAM file as it was applied
    #[command(after_help = "Example:\n  vouchsafe pvault iam get > iam.toml")]
    Get,
    /// Apply an IAM file
    #[command(after_help = "Example:\n  vouchsafe pvault iam apply --conf=@iam.toml")]
    Apply {
        /// The file, as `@FILE` (`@-` is standard input), or its text
        #[arg(long, value_name = "@FILE")]
        conf: String,
    },
    /// Make a new API key for a user; the old one ends
    #[command(after_help = "Example:\n  vouchsafe pvault iam regen-api-key --name=Webapp")]
    RegenApiKey {
        /// The user
        #[arg(long)]
        name: String,
    },
    /// Show a user, and when the user's API key ends
    #[command(after_help = "Example:\n  vouchsafe pvault iam get-user --name=Webapp")]
    GetUser {
        /// The user
        #[arg(long)]
        name: String,
    },
}

pub(super) fn run(command: Command, server: &Server, context: &mut Context) -> Result<Exit, Stop> {
    match command {
        Command::Get => {
            let text = server.text(&server.get("ctl/iam/conf")?)?;
            context.console.line(text.trim_end_matches('\n'));
        }
        Command::Apply { conf } => {
            let text = file(&conf, context)?;
            let request = server.post("ctl/iam/conf")?.with_document(text, TOML);
            server.send(&request)?;
            context.console.line("Success! The IAM file is applied.");
        }
        Command::RegenApiKey { name } => {
            let request = server.post("ctl/iam/user/regen")?;
            let answer = server.json(&request.with_body(json!({ "name": name })))?;
            server.print(
                &mut context.console,
                &answer,
                &["api_key", "api_key_expiry"],
            );
        }
        Command::GetUser { name } => {
            let answer = server.json(&server.get(&format!("ctl/iam/user/{name}"))?)?;
            let expiry = answer
                .pointer("/api_key/expiry")
                .cloned()
                .unwrap_or(Value::Null);
            let shown = json!({ "name": answer["name"], "api_key_expiry": expiry });
            server.print(&mut context.console, &shown, &["name", "api_key_expiry"]);
        }
    }
    Ok(Exit::Success)
}

fn file(conf: &str, context: &mut Context) -> Result<String, Failure> {
    let Some(name) = conf.strip_prefix('@') else {
        return Ok(conf.to_owned());
    };
    let text = match name {
        "-" => context.console.read_input(),
        _ => File::open(name).and_then(|mut file| read_text(&mut file)),
    };
    text.map_err(|error| Failure::local(format!("{name}: {}", io_fault(&error))))
}
