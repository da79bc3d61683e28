//! `publish export`: a service's two documents as files, for any web server or bucket.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;
use vouchsafe_api::Request;

use crate::cli::console::io_fault;
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::HttpFlags;

/// The folder that both documents are in, below the issuer's address.
const FOLDER: &str = ".well-known";
/// The documents, by their names in the API and as files. The keys come first: whoever reads between
/// the two writes sees a new key too early rather than too late.
const DOCUMENTS: [(&str, &str); 2] = [
    ("jwks", "jwks.json"),
    ("openidConfiguration", "openid-configuration"),
];

/// Write what a service publishes to files, for a static web server or a bucket
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe publish export [options] -service=SUBDOMAIN DIR",
    after_help = "DIR is what the issuer's address serves. Each file is replaced at once, never \
                  seen half written.\n\nExample:\n  vouchsafe publish export -service=k8s-prod ./public"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    /// The service, by its subdomain
    #[arg(long, value_name = "SUBDOMAIN")]
    service: String,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    context.connect(&args.http)?;
    let path = format!("publish/services/{}/config", args.service);
    let envelope = context.envelope(&Request::read(&path)?, "Error reading what is published")?;
    let data = envelope.and_then(|envelope| envelope.data);
    let data = data.ok_or_else(|| Failure::NothingAt(path.clone()))?;
    // Nothing is written before everything is there.
    let mut documents = Vec::with_capacity(DOCUMENTS.len());
    for (member, name) in DOCUMENTS {
        let document = data.get(member).filter(|document| document.is_object());
        let missing = || Failure::server_side(format!("{path} holds no `{member}`"));
        documents.push((name, document.ok_or_else(missing)?));
    }
    let folder = Path::new(&args.words[0]).join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| unwritten(&folder, &error))?;
    for (name, document) in documents {
        let file = folder.join(name);
        replace(&folder, name, document).map_err(|error| unwritten(&file, &error))?;
        context
            .console
            .line(&format!("Success! Data written to: {}", file.display()));
    }
    Ok(Exit::Success)
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::local(format!(
        "Error writing {}: {}",
        path.display(),
        io_fault(error)
    ))
}

/// Writes beside the file, durably, and puts the result in its place. What is there already and the
/// same is left alone, so that a web server's times and tags stay.
fn replace(folder: &Path, name: &str, document: &Value) -> io::Result<()> {
    let text = document.to_string();
    let path = folder.join(name);
    if fs::read(&path).is_ok_and(|found| found == text.as_bytes()) {
        return Ok(());
    }
    let staged = folder.join(format!(".{name}.new"));
    let mut file = File::create(&staged)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&staged, &path)?;
    File::open(folder)?.sync_all()
}
