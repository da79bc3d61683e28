//! `policy fmt`: rewrite a policy file in the usual layout.

use std::fs::{self, File};

use super::format;
use crate::cli::console::{io_fault, read_text};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};

/// Format a policy file
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe policy fmt FILE",
    after_help = "Example:\n  vouchsafe policy fmt policy.hcl"
)]
pub(crate) struct Args {
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let path = &args.words[0];
    let source = File::open(path)
        .and_then(|mut file| read_text(&mut file))
        .map_err(|error| {
            let fault = io_fault(&error);
            Failure::local(format!("Error reading source file: open {path}: {fault}"))
        })?;
    let text = format::format(&source)
        .map_err(|fault| Failure::local(format!("failed to parse policy: {fault}")))?;
    fs::write(path, text)
        .map_err(|error| Failure::local(format!("Error writing result: {path}: {error}")))?;
    context
        .console
        .line(&format!("Success! Formatted policy: {path}"));
    Ok(Exit::Success)
}
