//! The physical store in a file: one embedded, crash-safe database for a single node.
//!
//! [`FilePhysical`] keeps everything in `store.redb` in a folder of its own, on the engine redb: a
//! copy-on-write B-tree with a checksum per page and one file, which can be given any backend, so
//! that a full disk and a failing sync are testable.
//!
//! - Writes go through one thread (`writer`), which makes all commits that wait durable with one
//!   transaction.
//! - Reads use the snapshot that the writer published after its last sync: they wait for nobody,
//!   and what they see is durable. A point read and a short page run where they are called: out of
//!   the page cache they take microseconds, less than a thread change would cost. A long page
//!   reads up to a thousand values' leaves and goes to the runtime's pool for blocking work.
//! - An open checks every page of the file, so that a store that was altered on disk is refused
//!   rather than read, as long as that takes no time: see [`Check`]. The engine does the same after
//!   a crash, whatever the size. Values are checked once more, and named, by the barrier above.
//! - A write or sync that fails ends writing until the next open; reading goes on (`fuse`).
//!
//! - A replacement of everything is a second file that is renamed over the first (`replacement`).
//!
//! It does not encrypt, and does not shrink the file.
//!
//! Invariants:
//! - A commit is acknowledged, announced and readable only after the sync that made it durable.
//! - One process has the store open.

mod error;
mod fuse;
mod layout;
mod replacement;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwap;
use redb::backends::FileBackend;
use redb::{Database, StorageBackend};
use tokio::sync::{mpsc, oneshot};
use vouchsafe_logical::view::LIST_PAGE_MAX;
use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, StoreError, Version};

use super::history::History;
use super::{ChangeFeed, Physical, PhysicalSnapshot, Replacement, Revision, limit};
pub use error::OpenError;
use fuse::{Fuse, Fused};
use layout::Snapshot;
use replacement::{STAGED_FILE_NAME, StagedFile, StagedPath};
use writer::{Commit, GROUP_COMMITS_MAX, Request, Writer};

/// The file that holds the store, in its folder.
pub const FILE_NAME: &str = "store.redb";

/// The name of the file until the new store in it is complete.
const UNFINISHED_FILE_NAME: &str = "store.redb.new";

/// The memory that the engine's page cache may take: 256 MiB.
const CACHE_BYTES: usize = 256 << 20;

/// The largest file that every open checks: 64 MiB, which take about a tenth of a second. Beyond it
/// the time to start would grow with the number of tokens.
const CHECKED_BYTES_MAX: u64 = 64 << 20;

/// The longest page of keys that is read where it is asked for.
const INLINE_ENTRIES_MAX: usize = 32;

/// Which files are read whole when they are opened, to check them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Those that are small enough for nobody to notice. Of a larger one that was closed in order,
    /// an alteration is found when the record that it hit is read.
    #[default]
    Small,
    /// All.
    Always,
}

/// The physical store in a file.
///
/// Dropping it waits for the commits that were handed in, then closes the file.
pub struct FilePhysical {
    shared: Arc<Shared>,
    /// `None` only while the store is being dropped.
    queue: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    /// The folder of the store.
    path: PathBuf,
    /// Whether a replacement is under way.
    replacing: Arc<AtomicBool>,
    /// Holds the lock of the folder; `None` where a test keeps the store elsewhere.
    folder: Option<File>,
}

/// What the writer publishes.
struct Shared {
    snapshot: ArcSwap<Snapshot>,
    history: History,
}

impl FilePhysical {
    /// Opens the store in the folder `path`, and creates folder (mode 0700) and store as needed.
    ///
    /// Blocks; call it before serving.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, Check::default())
    }

    /// As [`FilePhysical::open`], with a say in what is checked.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(path: &Path, check: Check) -> Result<Self, OpenError> {
        create_folder(path)?;
        let folder = lock_folder(path)?;
        let staged = path.join(STAGED_FILE_NAME);
        remove_if_there(&staged).map_err(|error| OpenError::io(&staged, "remove", &error))?;
        let file_path = path.join(FILE_NAME);
        // Nothing may be put in the place of a file that merely can't be seen now.
        let exists = file_path.try_exists();
        if !exists.map_err(|error| OpenError::io(&file_path, "look for", &error))? {
            create_file(path, &file_path)?;
        }
        let backend = file_backend(&file_path)?;
        let checked = match check {
            Check::Small => CHECKED_BYTES_MAX,
            Check::Always => u64::MAX,
        };
        let mut store = Self::open_backend(&file_path, backend, CACHE_BYTES, checked)?;
        store.folder = Some(folder);
        Ok(store)
    }

    fn open_backend(
        path: &Path,
        backend: impl StorageBackend,
        cache_bytes: usize,
        checked_bytes_max: u64,
    ) -> Result<Self, OpenError> {
        let fuse = Fuse::default();
        let backend = Fused::new(backend, fuse.clone());
        let (database, snapshot) = open_database(path, backend, cache_bytes, checked_bytes_max)?;
        fuse.arm();
        let revision = snapshot.revision;
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            history: History::new(revision),
        });
        let (queue, requests) = mpsc::channel(GROUP_COMMITS_MAX);
        let writer = Writer {
            database,
            shared: Arc::clone(&shared),
            fuse,
            revision,
            path: path.to_owned(),
        };
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(requests))
            .map_err(|error| OpenError::io(path, "start the writing thread", &error))?;
        Ok(Self {
            shared,
            queue: Some(queue),
            writer: Some(writer),
            path: path.parent().unwrap_or(path).to_owned(),
            replacing: Arc::default(),
            folder: None,
        })
    }

    fn newest(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// Queues a commit and waits for its answer.
    async fn enqueue(&self, batch: Batch) -> Result<Revision, CommitError> {
        let closed = || CommitError::Failed(StoreError::Io("store file: closed".to_owned()));
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        let request = Request::Commit(Commit { batch, answer });
        queue.send(request).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

impl Drop for FilePhysical {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // The writer contains panics; there is nothing to report.
            let _ = writer.join();
        }
        drop(self.folder.take());
    }
}

/// Creates a folder that nobody else may enter, durably.
fn create_folder(path: &Path) -> Result<(), OpenError> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| OpenError::io(path, "create the folder", &error))?;
    let absolute =
        fs::canonicalize(path).map_err(|error| OpenError::io(path, "resolve", &error))?;
    absolute.parent().map_or(Ok(()), sync_folder)
}

/// Keeps every other process, and every other store of this one, out of the folder.
fn lock_folder(path: &Path) -> Result<File, OpenError> {
    let folder = File::open(path).map_err(|error| OpenError::io(path, "open", &error))?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(OpenError::io(path, "lock the folder", &error)),
    }
}

/// Creates an empty store under another name and renames it when it is complete: whatever stops
/// the creation leaves no store, rather than one that can't be opened.
fn create_file(folder: &Path, path: &Path) -> Result<(), OpenError> {
    let unfinished = folder.join(UNFINISHED_FILE_NAME);
    let failed = |action, error| OpenError::io(&unfinished, action, &error);
    // Closed at once, which makes it complete and durable.
    let backend = create_backend(&unfinished)?;
    let (database, snapshot) = open_database(&unfinished, backend, CACHE_BYTES, u64::MAX)?;
    drop(snapshot);
    database
        .close()
        .map_err(|error| OpenError::of_engine(&unfinished, error))?;
    fs::rename(&unfinished, path).map_err(|error| failed("rename", error))?;
    sync_folder(folder)
}

/// A new, empty file that nobody else may read, in the place of what an interruption left there.
fn create_backend(path: &Path) -> Result<FileBackend, OpenError> {
    let failed = |action, error| OpenError::io(path, action, &error);
    remove_if_there(path).map_err(|error| failed("remove", error))?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| failed("create", error))?;
    file_backend(path)
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn file_backend(path: &Path) -> Result<FileBackend, OpenError> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(|error| OpenError::io(path, "open", &error))?;
    FileBackend::new(file).map_err(|error| OpenError::of_engine(path, error))
}

/// Opens the engine, checks every page of a file up to a size, and the format, and reads the newest
/// state.
fn open_database(
    path: &Path,
    backend: impl StorageBackend,
    cache_bytes: usize,
    checked_bytes_max: u64,
) -> Result<(Database, Snapshot), OpenError> {
    error::contained_open(path, || {
        let bytes = backend.len();
        let bytes = bytes.map_err(|error| OpenError::io(path, "measure", &error))?;
        let database = redb::Builder::new()
            .set_cache_size(cache_bytes)
            .set_check_integrity_on_open(bytes <= checked_bytes_max)
            .create_with_backend(backend)
            .map_err(|error| OpenError::of_engine(path, error))?;
        layout::prepare(&database, path)?;
        let snapshot = Snapshot::take(&database);
        let snapshot = snapshot.map_err(|error| OpenError::of_engine(path, error))?;
        Ok((database, snapshot))
    })
}

/// Makes the names in a folder durable: without it a power failure could take a new file away.
fn sync_folder(path: &Path) -> Result<(), OpenError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| OpenError::io(path, "sync the folder", &error))
}

impl Physical for FilePhysical {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            limit::check_key(key)?;
            self.newest().get(key)
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(async move {
            limit::check_key(key)?;
            self.newest().get_newer(key, than)
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            let snapshot = self.newest();
            let limit = limit.min(LIST_PAGE_MAX);
            if limit <= INLINE_ENTRIES_MAX {
                return snapshot.list(prefix, after, limit);
            }
            let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
            tokio::task::spawn_blocking(move || snapshot.list(&prefix, after.as_deref(), limit))
                .await
                .map_err(|error| StoreError::Io(format!("store file: list: {error}")))?
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            limit::check_batch(&batch)?;
            self.enqueue(batch).await
        })
    }

    fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> BoxFuture<'_, Result<Box<dyn ChangeFeed>, StoreError>> {
        Box::pin(async move { Ok(self.shared.history.subscribe(after)) })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn PhysicalSnapshot>, StoreError>> {
        Box::pin(async move { Ok(Box::new(self.newest()) as Box<dyn PhysicalSnapshot>) })
    }

    fn replace(&self, above: Revision) -> BoxFuture<'_, Result<Box<dyn Replacement>, StoreError>> {
        Box::pin(async move {
            let begun_at = self.newest().revision;
            let path = StagedPath::claim(&self.path, &self.replacing)?;
            let queue = self.queue.as_ref().map(mpsc::Sender::downgrade);
            let queue = queue.ok_or_else(|| StoreError::Io("store file: closed".to_owned()))?;
            let created = tokio::task::spawn_blocking(move || {
                StagedFile::create(path, begun_at, above, queue)
            });
            let created = created
                .await
                .map_err(|error| StoreError::Io(format!("store file: replace: {error}")))?;
            Ok(Box::new(created?) as Box<dyn Replacement>)
        })
    }
}
