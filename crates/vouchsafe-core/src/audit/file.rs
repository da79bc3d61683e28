//! The file of a device: one that is ours, or none.
//!
//! Whoever may enable a device chooses a path that the server then writes to with the server's
//! rights (CVE-2025-6000). So a path is taken only if it leads to a new file or to a regular file
//! of the server's own user that is empty or begins as our entries begin. Nothing else is ever
//! opened for more than a look, changed or truncated. A link at the end of the path is refused;
//! links among its folders are the system's business.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{
    DirBuilderExt, FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt,
};
use std::path::PathBuf;

use rustix::fs::OFlags;

use super::sink::{Sink, Tail};

/// The rights of a file that is created, where nothing else is asked for.
pub(crate) const FILE_MODE: u32 = 0o600;
/// The rights of folders that are created on the way to it.
const FOLDER_MODE: u32 = 0o700;
/// How every entry begins: `d` is a digit. Entries begin with their time in a fixed width and
/// their type, so that a look at the first bytes is enough.
const BEGINNING: &[u8] = br#"{"time":"dddd-dd-ddTdd:dd:dd.dddddddddZ","type":"re"#;

/// A file that lines are appended to.
pub(crate) struct LogFile {
    path: PathBuf,
    /// The rights that the file shall have; `None` leaves those of a file that exists.
    mode: Option<u32>,
    /// The user whose file it must be.
    owner: u32,
    file: Option<File>,
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

    fn open(&self) -> io::Result<(File, Tail)> {
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
        let tail = tail_of(&file, metadata.len())?;
        if let Some(mode) = self.mode
            && metadata.mode() & 0o7777 != mode
        {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        Ok((file, tail))
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
fn begins_as_ours(head: &[u8]) -> bool {
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

    fn is_stale(&self) -> bool {
        // Deleted, and nobody would find what is written to it.
        self.file
            .as_ref()
            .is_some_and(|file| file.metadata().is_ok_and(|held| held.nlink() == 0))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

#[cfg(test)]
mod tests;
