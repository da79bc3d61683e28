//! A fuse between the engine and its file: after the first write or sync that fails, nothing more
//! reaches the file.
//!
//! A sync that failed can't be repeated: the kernel may have dropped the pages and report success
//! the next time. So what the file holds after a failure must be what a crash at that moment would
//! have left, which every open can recover from. The engine would enforce this by refusing reads as
//! well; the store shall stay readable. So the engine is told that all went well, the changes go
//! nowhere, and the writer, who asks the fuse after every commit, acknowledges nothing any more.
//!
//! Invariants:
//! - After [`Fuse::cause`] has answered a cause, the file does not change.
//! - Reads are never altered: a read that fails is an error of the engine.

use std::io;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use redb::{BackendError, StorageBackend};

/// A range of bytes that the engine locks.
type Edge = Bound<u64>;

/// Whether writing has failed. Clones share the state.
#[derive(Clone, Debug, Default)]
pub(super) struct Fuse(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cause: OnceLock<String>,
    /// Set when the store is open. Before, a failure is the engine's to report.
    armed: OnceLock<()>,
}

impl Fuse {
    /// From now on failures of the file are kept from the engine.
    pub(super) fn arm(&self) {
        let _ = self.0.armed.set(());
    }

    /// Why nothing is written any more.
    pub(super) fn cause(&self) -> Option<&str> {
        self.0.cause.get().map(String::as_str)
    }

    /// Stops all writing. The first cause stays.
    pub(super) fn blow(&self, cause: String) {
        let _ = self.0.cause.set(cause);
    }

    /// Performs a change of the file unless the fuse has blown.
    fn through(&self, what: &str, change: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if self.cause().is_some() {
            return Ok(());
        }
        let done = change();
        if let Err(error) = &done
            && self.0.armed.get().is_some()
        {
            self.blow(format!("{what} the store file: {error}"));
            return Ok(());
        }
        done
    }
}

/// A file behind a fuse.
#[derive(Debug)]
pub(super) struct Fused<B> {
    inner: B,
    fuse: Fuse,
}

impl<B> Fused<B> {
    pub(super) fn new(inner: B, fuse: Fuse) -> Self {
        Self { inner, fuse }
    }
}

impl<B: StorageBackend> StorageBackend for Fused<B> {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.fuse.through("resize", || self.inner.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.fuse.through("sync", || self.inner.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.fuse
            .through("write", || self.inner.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Edge, end: Edge) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Edge, end: Edge) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Edge, end: Edge) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Edge, end: Edge) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Edge, end: Edge) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Edge, end: Edge) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
