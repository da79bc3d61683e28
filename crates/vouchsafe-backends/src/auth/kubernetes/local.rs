//! The files that the kubelet keeps in a pod for its service account: token and CA certificates.
//!
//! The kubelet replaces the token well before it expires (at four fifths of its life, or after a
//! day), so what was read is kept for a bounded time only. The files lie in memory there; they are
//! read on the pool for slow work all the same, because a path is only a path.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vouchsafe_jose::limits::TOKEN_BYTES_MAX;
use vouchsafe_logical::{Error, Pool, Secret, System, Timestamp, run_on};

use super::config::CA_CERT_BYTES_MAX;

/// Where the kubelet mounts them.
pub(super) const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// For how long a file that was read is taken as it was. A token is replaced minutes before it ends,
/// so a minute is never too long; a login then costs a read at most once a minute.
pub(super) const REREAD_AFTER: Duration = Duration::from_secs(60);

/// What was read, or why it could not be.
#[derive(Clone)]
pub(super) struct Files {
    pub(super) token: Result<Secret<String>, String>,
    pub(super) ca_cert: Result<String, String>,
}

/// Reads the files, at most once in [`REREAD_AFTER`].
pub(super) struct LocalFiles {
    folder: PathBuf,
    kept: Mutex<Option<(Timestamp, Files)>>,
}

impl LocalFiles {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            kept: Mutex::new(None),
        }
    }

    /// The files as they are, or were not long ago.
    ///
    /// # Errors
    /// No worker is free to read them. A file that can't be read is not an error here.
    pub(super) async fn files(&self, system: &dyn System) -> Result<Files, Error> {
        let now = system.clock().now();
        let kept = self.kept().clone();
        if let Some((read_at, files)) = kept {
            // A clock that was set back makes an age negative: that is no reason to trust it.
            let age = now.duration_since(read_at);
            let age = Duration::try_from(age).unwrap_or(Duration::MAX);
            if age < REREAD_AFTER {
                return Ok(files);
            }
        }
        self.reread(system).await
    }

    /// The files as they are.
    ///
    /// # Errors
    /// As [`Self::files`].
    pub(super) async fn reread(&self, system: &dyn System) -> Result<Files, Error> {
        let now = system.clock().now();
        let folder = self.folder.clone();
        let files = run_on(system.workers(), Pool::Slow, move || read_all(&folder)).await?;
        *self.kept() = Some((now, files.clone()));
        Ok(files)
    }

    fn kept(&self) -> MutexGuard<'_, Option<(Timestamp, Files)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_all(folder: &Path) -> Files {
    let token = read(&folder.join("token"), TOKEN_BYTES_MAX);
    Files {
        token: token.map(|token| Secret::new(token.trim().to_owned())),
        ca_cert: read(&folder.join("ca.crt"), CA_CERT_BYTES_MAX),
    }
}

fn read(path: &Path, bytes_max: usize) -> Result<String, String> {
    let mut text = String::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() > bytes_max => Err(format!(
            "read {}: more than {bytes_max} bytes",
            path.display()
        )),
        Ok(_) => Ok(text),
        // Vault's words, which its users search for.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "open {}: no such file or directory",
            path.display()
        )),
        Err(error) => Err(format!("open {}: {error}", path.display())),
    }
}
