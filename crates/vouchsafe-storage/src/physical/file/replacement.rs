//! A store on its way into the place of another: a second file beside it, filled page by page, then
//! renamed over it.
//!
//! The second file is complete and durable before it is renamed. So a crash leaves the old store or
//! the new one, and whoever fills it slowly keeps nobody from writing to the old one meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::Database;
use tokio::sync::{mpsc, oneshot};
use vouchsafe_logical::{BoxFuture, CommitError, StoreError};

use super::error::{contained, store_error};
use super::fuse::{Fuse, Fused};
use super::layout::{self, RECORDS, Snapshot};
use super::writer::{Request, Swap};
use super::{CACHE_BYTES, OpenError, create_backend, open_database, remove_if_there};
use crate::physical::{Replacement, Revision, limit};

/// The name of the file until it takes the place of the store.
pub(super) const STAGED_FILE_NAME: &str = "store.redb.restored";

/// A replacement that is being filled.
pub(super) struct StagedFile {
    /// `None` only while a page is being written, and after the last one.
    database: Option<Database>,
    fuse: Fuse,
    path: StagedPath,
    /// The store's revision when this began.
    begun_at: Revision,
    /// The version of all records.
    revision: Revision,
    /// Weak, so that a store that is closed does not wait for whoever fills this.
    writer: mpsc::WeakSender<Request>,
}

/// The file's path; dropping it removes what lies there and lets the next replacement begin.
pub(super) struct StagedPath {
    path: PathBuf,
    busy: Arc<AtomicBool>,
}

impl StagedPath {
    /// The path in `folder`, for one replacement at a time.
    pub(super) fn claim(folder: &Path, busy: &Arc<AtomicBool>) -> Result<Self, StoreError> {
        if busy.swap(true, Ordering::AcqRel) {
            return Err(StoreError::Limit("one replacement of the store at a time"));
        }
        Ok(Self {
            path: folder.join(STAGED_FILE_NAME),
            busy: Arc::clone(busy),
        })
    }

    /// Puts the file in the place of the store's.
    pub(super) fn rename_to(&self, store: &Path) -> std::io::Result<()> {
        std::fs::rename(&self.path, store)
    }
}

impl Drop for StagedPath {
    fn drop(&mut self) {
        // What can't be removed now is removed by the next opening or replacement.
        let _ = remove_if_there(&self.path);
        self.busy.store(false, Ordering::Release);
    }
}

impl StagedFile {
    /// Creates the file. Blocks.
    pub(super) fn create(
        path: StagedPath,
        begun_at: Revision,
        above: Revision,
        writer: mpsc::WeakSender<Request>,
    ) -> Result<Self, StoreError> {
        let fuse = Fuse::default();
        let database = create_backend(&path.path)
            .map(|backend| Fused::new(backend, fuse.clone()))
            .and_then(|backend| open_database(&path.path, backend, CACHE_BYTES, u64::MAX))
            .map(|(database, _)| database);
        Ok(Self {
            database: Some(database.map_err(|error| open_failed(&error))?),
            fuse,
            path,
            begun_at,
            revision: Revision(begun_at.max(above).0 + 1),
            writer,
        })
    }
}

fn open_failed(error: &OpenError) -> StoreError {
    StoreError::Io(error.to_string())
}

fn broken_off() -> StoreError {
    StoreError::Io("store file: an earlier page of the replacement failed".to_owned())
}

impl Replacement for StagedFile {
    fn put(&mut self, records: Vec<(String, Vec<u8>)>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            limit::check_records(&records)?;
            let database = self.database.take().ok_or_else(broken_off)?;
            let revision = self.revision;
            let written = tokio::task::spawn_blocking(move || {
                contained(|| write_page(&database, revision, &records)).map(|()| database)
            });
            let written = written
                .await
                .map_err(|error| StoreError::Io(format!("store file: replace: {error}")))?;
            self.database = Some(written?);
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<Revision, CommitError>> {
        Box::pin(async move {
            let closed = || CommitError::Failed(StoreError::Io("store file: closed".to_owned()));
            let database = self.database.take().ok_or_else(broken_off)?;
            let revision = self.revision;
            let written = tokio::task::spawn_blocking(move || {
                contained(|| complete(&database, revision)).map(|snapshot| (database, snapshot))
            });
            let written = written
                .await
                .map_err(|error| StoreError::Io(format!("store file: replace: {error}")))?;
            let (database, snapshot) = written?;
            let (answer, answered) = oneshot::channel();
            let Self {
                fuse,
                path,
                begun_at,
                writer,
                ..
            } = *self;
            let swap = Swap {
                database,
                snapshot,
                fuse,
                path,
                begun_at,
                answer,
            };
            let request = Request::Swap(Box::new(swap));
            let writer = writer.upgrade().ok_or_else(closed)?;
            writer.send(request).await.map_err(|_| closed())?;
            drop(writer);
            answered.await.map_err(|_| closed())?
        })
    }
}

/// Writes a page of records.
fn write_page(
    database: &Database,
    revision: Revision,
    page: &[(String, Vec<u8>)],
) -> Result<(), StoreError> {
    let transaction = layout::begin(database).map_err(store_error)?;
    {
        let mut records = transaction.open_table(RECORDS).map_err(store_error)?;
        let mut stored = Vec::new();
        for (key, value) in page {
            layout::encode(revision.into(), value, &mut stored);
            records
                .insert(key.as_bytes(), stored.as_slice())
                .map_err(store_error)?;
        }
    }
    transaction.commit().map_err(store_error)
}

/// Notes the revision, which is the last thing that the file lacks.
fn complete(database: &Database, revision: Revision) -> Result<Snapshot, StoreError> {
    let transaction = layout::begin(database).map_err(store_error)?;
    layout::write_revision(&transaction, revision).map_err(store_error)?;
    transaction.commit().map_err(store_error)?;
    Snapshot::take(database).map_err(store_error)
}
