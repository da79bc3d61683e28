//! `operator restore`: a backup into an empty server.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use serde_json::Value;
use vouchsafe_api::{Credential, Method, Request};
use vouchsafe_storage::snapshot::{Reader, Whole};

use super::progress::Progress;
use super::share::object;
use crate::cli::console::{Console, io_fault};
use crate::cli::context::{Context, failed};
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};

const DOING: &str = "Error restoring";
/// How many bytes are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Restore a backup on a server that is not initialised
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator restore [options] FILE",
    after_help = "No token is needed: the server must be empty. Afterwards it is sealed, and the shares\n\
                  (or the automatic seal) of the server that was backed up open it.\n\n\
                  Example:\n  vouchsafe operator restore /backup/vouchsafe.snapshot"
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
    expect_words(&args.words, 1, 1)?;
    let format = args.format.resolve(&context.environment)?;
    let path = PathBuf::from(args.words.concat());
    context.connect(&args.http)?;
    let request =
        Request::new(Method::Post, "sys/storage/snapshot")?.with_credential(Credential::Anonymous);
    context.described(&request)?;
    // Asked first, because a server that refuses while a large body is on its way may not be heard.
    let state = object(context, &Request::read("sys/init")?, DOING)?;
    if state.get("initialized") == Some(&Value::Bool(true)) {
        return Err(Failure::server_side(format!(
            "{DOING}: the server is initialised already, and a restore is for an empty one"
        ))
        .into());
    }
    let mut file = File::open(&path).map_err(|error| no_file(&path, &error))?;
    let (whole, bytes) = check(&mut file, &path, &mut context.console)?;
    file.rewind().map_err(|error| no_file(&path, &error))?;
    let mut progress = Progress::new("Restoring", Some(bytes));
    let (connection, console) = context.parts()?;
    let source = Watched {
        source: file.take(bytes),
        progress: &mut progress,
        console,
    };
    let sent = connection.upload(&request, source, bytes);
    progress.end(console);
    let answer = sent
        .and_then(vouchsafe_api::Response::into_success)
        .and_then(|answer| answer.json::<Value>())
        .map_err(|source| failed(DOING, &request, source))?;
    context.print_value(&answer, format, || {
        format!(
            "Success! Restored {} records, as they were at {}.\n\
             The server is sealed: unseal it with the shares of the server that was backed up.",
            whole.records, whole.header.created_at
        )
    });
    Ok(Exit::Success)
}

/// Reads the whole file, so that a bad one is refused here, by its name.
fn check(file: &mut File, path: &Path, console: &mut Console) -> Result<(Whole, u64), Failure> {
    let mut reader = Reader::new();
    let mut progress = Progress::new("Checking", None);
    let mut piece = vec![0; PIECE_BYTES];
    let refused = |fault: &dyn std::error::Error| {
        Failure::local(format!("{DOING}: {}: {fault}", path.display()))
    };
    loop {
        let length = file
            .read(&mut piece)
            .map_err(|error| no_file(path, &error))?;
        if length == 0 {
            break;
        }
        reader
            .feed(&piece[..length])
            .map_err(|fault| refused(&fault))?;
        drop(reader.take());
        progress.add(length, console);
    }
    progress.end(console);
    let whole = reader.finish().map_err(|fault| refused(&fault))?;
    Ok((whole, progress.bytes()))
}

fn no_file(path: &Path, error: &io::Error) -> Failure {
    Failure::local(format!("{DOING}: {}: {}", path.display(), io_fault(error)))
}

/// A source that shows how much of it was read.
struct Watched<'a, R> {
    source: R,
    progress: &'a mut Progress,
    console: &'a mut Console,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.progress.add(length, self.console);
        Ok(length)
    }
}
