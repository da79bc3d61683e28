//! `operator backup`: everything that is stored, in one file.
//!
//! The file gets its name when it is complete, checked and on disk. Until then it has another one,
//! so that a full disk or a lost connection leaves no half backup that looks like one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use vouchsafe_api::Request;
use vouchsafe_storage::snapshot::{Reader, Whole};

use super::progress::{Progress, amount};
use crate::cli::console::io_fault;
use crate::cli::context::{Context, failed};
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};

const DOING: &str = "Error backing up";

/// Write a consistent, encrypted snapshot of everything that is stored to a file
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator backup [options] FILE",
    after_help = "The server goes on serving. The token needs `read` and `sudo` on sys/storage/snapshot.\n\
                  An existing FILE is replaced once the new one is complete.\n\n\
                  Example:\n  vouchsafe operator backup /backup/vouchsafe.snapshot"
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
    let target = PathBuf::from(args.words.concat());
    context.connect(&args.http)?;
    let request = Request::read("sys/storage/snapshot")?;
    context.described(&request)?;
    let (whole, bytes) = write(context, &request, &target)?;
    let shown = json!({
        "file": target.display().to_string(),
        "bytes": bytes,
        "records": whole.records,
        "revision": whole.header.revision.0,
        "created_time": vouchsafe_logical::rfc3339(whole.header.created_at),
    });
    context.print_value(&shown, format, || {
        format!(
            "Success! Wrote {} records ({}) to {}",
            whole.records,
            amount(bytes),
            target.display()
        )
    });
    Ok(Exit::Success)
}

/// Receives a snapshot, checks it as it comes, and puts it in its place.
fn write(context: &mut Context, request: &Request, target: &Path) -> Result<(Whole, u64), Stop> {
    let mut unfinished = Unfinished::create(target)?;
    let mut reader = Reader::new();
    let mut progress = Progress::new("Backing up", None);
    let (connection, console) = context.parts()?;
    let received = connection.download(request, |piece| {
        unfinished.write(piece)?;
        reader.feed(piece).map_err(|fault| not_whole(&fault))?;
        drop(reader.take());
        progress.add(piece.len(), console);
        Ok(())
    });
    progress.end(console);
    received.map_err(|source| failed(DOING, request, source))??;
    let whole = reader.finish().map_err(|fault| not_whole(&fault))?;
    unfinished.finish(target)?;
    Ok((whole, progress.bytes()))
}

fn not_whole(fault: &dyn std::error::Error) -> Failure {
    Failure::server_side(format!(
        "{DOING}: what the server sent is no backup: {fault}"
    ))
}

/// A file that is removed again unless it is finished.
struct Unfinished {
    path: PathBuf,
    file: Option<File>,
}

impl Unfinished {
    /// Creates the file beside its later place, readable by its owner only.
    fn create(target: &Path) -> Result<Self, Failure> {
        let Some(name) = target.file_name() else {
            let message = format!("{} names no file", target.display());
            return Err(Failure::usage(message));
        };
        let mut unfinished = name.to_owned();
        unfinished.push(format!(".{}.unfinished", std::process::id()));
        let path = target.with_file_name(unfinished);
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match created {
            Ok(file) => Ok(Self {
                path,
                file: Some(file),
            }),
            Err(error) => Err(no_file(&path, &error)),
        }
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.file {
            Some(file) => file.write_all(piece),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        written.map_err(|error| no_file(&self.path, &error))
    }

    /// Makes it durable and gives it its name.
    fn finish(mut self, target: &Path) -> Result<(), Failure> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let renamed = file
            .sync_all()
            .and_then(|()| fs::rename(&self.path, target))
            .and_then(|()| sync_folder(target));
        if let Err(error) = renamed {
            drop(fs::remove_file(&self.path));
            return Err(no_file(target, &error));
        }
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Without it a power failure could take the new name away.
fn sync_folder(target: &Path) -> io::Result<()> {
    let folder = target.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn no_file(path: &Path, error: &io::Error) -> Failure {
    Failure::local(format!("{DOING}: {}: {}", path.display(), io_fault(error)))
}
