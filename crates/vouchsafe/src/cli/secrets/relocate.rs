//! `secrets move`: another path for a secrets engine.
//!
//! The server moves in its own time; the command waits for the end. (`move` is a word of the
//! language, hence this file's name.)

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::with_final_slash;

/// How long to wait between two questions about the move.
const POLL_WAIT: Duration = Duration::from_secs(1);

/// Move a secrets engine to another path
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe secrets move [options] SOURCE DESTINATION",
    after_help = "Example:\n  vouchsafe secrets move team/ platform/"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 2, 2)?;
    let (from, to) = (
        with_final_slash(&args.words[0]),
        with_final_slash(&args.words[1]),
    );
    let what = format!("secrets engine {from} to {to}");
    let request =
        Request::new(Method::Post, "sys/remount")?.with_body(json!({"from": from, "to": to}));
    context.connect(&args.http)?;
    let envelope = context.envelope(&request, &format!("Error moving {what}"))?;
    let migration = envelope
        .as_ref()
        .and_then(|answer| answer.field("migration_id"))
        .and_then(Value::as_str);
    // A server that moves at once has nothing to wait for.
    let Some(migration) = migration else {
        context
            .console
            .line(&format!("Success! Finished moving {what}"));
        return Ok(Exit::Success);
    };
    let with_id = format!("{what}, with migration ID {migration}");
    context.console.line(&format!("Started moving {with_id}"));
    wait(migration, &with_id, context)
}

fn wait(migration: &str, with_id: &str, context: &mut Context) -> Result<Exit, Stop> {
    let question = Request::read(&format!("sys/remount/status/{migration}"))?;
    let mut told = false;
    loop {
        let envelope = context.envelope(&question, "Error checking the migration's status")?;
        let status = envelope
            .as_ref()
            .and_then(|answer| answer.field("migration_info")?.get("status")?.as_str());
        match status {
            Some("success") => {
                context
                    .console
                    .line(&format!("Success! Finished moving {with_id}"));
                return Ok(Exit::Success);
            }
            Some("failure") | None => {
                let text = format!("Failure! Error encountered moving {with_id}");
                return Err(Failure::Local(text).into());
            }
            Some(_) => {
                if !std::mem::replace(&mut told, true) {
                    let text = format!("Waiting for terminal status in migration of {with_id}");
                    context.console.line(&text);
                }
                context.connection()?.sleep(POLL_WAIT);
            }
        }
    }
}
