//! The file of a device: one that is ours, or none.
//!
//! Whoever may enable a device chooses a path that the server then writes to with the server's
//! rights (CVE-2025-6000). So a path is taken only if it leads to a new file or to a regular file
//! of the server's own user that is empty or begins as our entries begin. Nothing else is ever
//! opened for more than a look, changed or truncated. A link at the end of the path is refused;
//! links among its folders are the system's business.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::{
    DirBuilderExt, FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt,
};
use std::path::PathBuf;

use rustix::fs::OFlags;

use super::chain::Head;
use super::scan::next_line;
use super::sink::{Sink, Tail};

/// The rights of a file that is created, where nothing else is asked for.
pub(crate) const FILE_MODE: u32 = 0o600;
/// The rights of folders that are created on the way to it.
const FOLDER_MODE: u32 = 0o700;
/// How every entry begins: `d` is a digit. Entries begin with their time in a fixed width and
/// their type, so that a look at the first bytes is enough.
pub(super) const BEGINNING: &[u8] = br#"{"time":"dddd-dd-ddTdd:dd:dd.dddddddddZ","type":"re"#;

/// How much of the end of a file is searched for its last entry: at first, by how much more if that
/// was not enough, and at most. An entry has the size of a request with its strings hashed.
const CHAIN_WINDOW_BYTES: u64 = 64 << 10;
const CHAIN_WINDOW_GROWTH: u64 = 64;
const CHAIN_WINDOW_BYTES_MAX: u64 = 256 << 20;
/// How much is read at once.
const READ_BYTES: usize = 64 << 10;

/// A file that lines are appended to.
pub(crate) struct LogFile {
    path: PathBuf,
    /// The rights that the file shall have; `None` leaves those of a file that exists.
    mode: Option<u32>,
    /// The user whose file it must be.
    owner: u32,
    file: Option<OpenFile>,
}

struct OpenFile {
    file: File,
    /// How long it was when it was opened or last written to.
    length: u64,
}

impl LogFile {
    /// The file at `path`, which is not opened yet.
    pub(crate) fn new(path: PathBuf, mode: Option<u32>) -> Self {
        let owner = rustix::process::geteuid().as_raw();
        Self {
            path,
            mode,
            owner,
            file: None,
        }
    }

    fn open(&self) -> io::Result<(OpenFile, Tail)> {
        if let Some(folder) = self.path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(FOLDER_MODE)
                .create(folder)?;
        }
        // Not to block: opening a pipe or a line may wait for somebody at its other end.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(self.mode.unwrap_or(FILE_MODE))
            .custom_flags(flags.bits().cast_signed())
            .open(&self.path);
        let file = match opened {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                return Err(io::Error::other(
                    "it is a symbolic link; links are not followed",
                ));
            }
            opened => opened?,
        };
        // From here on the open file is asked, not the path, which may lead elsewhere by now.
        let metadata = file.metadata()?;
        let kind = metadata.file_type();
        if !kind.is_file() {
            let found = if kind.is_fifo() {
                "a named pipe"
            } else {
                "a device"
            };
            return Err(io::Error::other(format!(
                "it is {found}; expected a regular file"
            )));
        }
        if metadata.uid() != self.owner {
            return Err(io::Error::other(
                "it belongs to another user than the server runs as",
            ));
        }
        let length = metadata.len();
        let tail = tail_of(&file, length)?;
        if let Some(mode) = self.mode
            && metadata.mode() & 0o7777 != mode
        {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        Ok((OpenFile { file, length }, tail))
    }
}

/// How the file ends, if it is one of ours.
fn tail_of(file: &File, length: u64) -> io::Result<Tail> {
    let mut head = [0; BEGINNING.len()];
    let read = file.read_at(&mut head, 0)?;
    let Some(last_at) = length.checked_sub(1) else {
        // Files of the kernel say that they have no length, and have content all the same.
        return match read {
            0 => Ok(Tail::Whole),
            _ => Err(io::Error::other("it is not an ordinary file")),
        };
    };
    if !begins_as_ours(&head[..read]) {
        return Err(io::Error::other(
            "it has content that is not an audit log of this server",
        ));
    }
    let mut last = [0; 1];
    file.read_exact_at(&mut last, last_at)?;
    Ok(if last == *b"\n" {
        Tail::Whole
    } else {
        Tail::Torn
    })
}

/// Whether a file's first bytes are the beginning of an entry. The first line may be torn.
pub(super) fn begins_as_ours(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or(head);
    !line.is_empty()
        && line
            .iter()
            .zip(BEGINNING)
            .all(|(byte, expected)| match expected {
                b'd' => byte.is_ascii_digit(),
                _ => byte == expected,
            })
}

impl Sink for LogFile {
    fn reopen(&mut self) -> io::Result<Tail> {
        let (file, tail) = self.open()?;
        self.file = Some(file);
        Ok(tail)
    }

    fn chain_end(&self) -> io::Result<Option<Head>> {
        match &self.file {
            Some(open) => chain_end(&open.file, open.length).map(Some),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn is_stale(&self) -> bool {
        // Deleted, and nobody would find what is written to it; or cut short or written to by
        // somebody else, so that it has to be looked at anew.
        self.file.as_ref().is_some_and(|open| {
            open.file
                .metadata()
                .is_ok_and(|held| held.nlink() == 0 || held.len() != open.length)
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(open) = &mut self.file else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let taken = open.file.write(bytes)?;
        open.length = open.length.saturating_add(taken as u64);
        Ok(taken)
    }
}

/// The last entry of a file that is a whole link of a chain. Torn lines after it are passed over;
/// a line that lacks nothing but its line feed is whole.
fn chain_end(mut file: &File, length: u64) -> io::Result<Head> {
    let mut window = CHAIN_WINDOW_BYTES;
    loop {
        // With the byte before the window, so that a line that begins with it is seen whole.
        let start = length.saturating_sub(window + 1);
        file.seek(SeekFrom::Start(start))?;
        let mut source = BufReader::with_capacity(READ_BYTES, file);
        if start > 0 {
            // The rest of a line, or nothing.
            next_line(&mut source)?;
        }
        let mut end = None;
        while let Some(line) = next_line(&mut source)? {
            end = line.head().or(end);
        }
        if let Some(end) = end {
            return Ok(end);
        }
        if start == 0 || window >= CHAIN_WINDOW_BYTES_MAX {
            return Ok(Head::BEGINNING);
        }
        window *= CHAIN_WINDOW_GROWTH;
    }
}

#[cfg(test)]
mod tests;
