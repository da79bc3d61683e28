//! `policy write`: upload a policy from a file or standard input.

use std::fs::File;

use serde_json::json;
use vouchsafe_api::Request;

use super::path;
use crate::cli::console::{io_fault, read_text};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::HttpFlags;

/// Upload a policy
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe policy write [options] NAME FILE",
    after_help = "The file `-` is standard input.\n\nExample:\n  \
                  vouchsafe policy write my-policy policy.hcl"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 2, 2)?;
    let name = args.words[0].trim().to_lowercase();
    let file = args.words[1].as_str();
    let rules = match file {
        "-" => context.console.read_input(),
        _ => File::open(file).and_then(|mut file| read_text(&mut file)),
    };
    let rules = rules.map_err(|error| {
        let fault = io_fault(&error);
        Failure::server_side(format!("Error opening policy file: open {file}: {fault}"))
    })?;
    let request = Request::write(&path(&name), json!({"policy": rules}))?;
    context.connect(&args.http)?;
    context.execute(&request, "Error uploading policy")?;
    context
        .console
        .line(&format!("Success! Uploaded policy: {name}"));
    Ok(Exit::Success)
}
