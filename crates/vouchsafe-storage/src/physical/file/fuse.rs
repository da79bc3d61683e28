//! A fuse between the engine and its file: after the first write or sync that fails, nothing more
//! reaches the file.
//!
//! A sync that failed can't be repeated: the kernel may have dropped the pages and report success
//! the next time. So what the file holds after a failure must be what a crash at that moment would
//! have left, which every open can recover from. The engine would enforce this by refusing reads as
//! well; the store shall stay readable. So the engine is told that all went well, its changes go to
//! a layer in memory through which it reads on, and the writer, who asks the fuse after every
//! commit, acknowledges nothing any more. The layer stays as small as the one group of commits that
//! failed, and the engine's closing notes.
//!
//! Invariants:
//! - After [`Fuse::cause`] has answered a cause, the file does not change.
//! - A read that fails is an error of the engine.

use std::io;
use std::ops::Bound;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

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

    /// Makes of a failed change the end of all changes. Answers whether the layer takes it.
    fn catch(&self, what: &str, done: io::Result<()>) -> io::Result<bool> {
        match done {
            Ok(()) => Ok(false),
            Err(error) if self.0.armed.get().is_some() => {
                self.blow(format!("{what} the store file: {error}"));
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }
}

/// A file behind a fuse.
#[derive(Debug)]
pub(super) struct Fused<B> {
    inner: B,
    fuse: Fuse,
    layer: RwLock<Layer>,
}

/// What the engine changed after the fuse had blown.
#[derive(Debug, Default)]
struct Layer {
    /// The length of the file as the engine sees it, once it differs.
    len: Option<u64>,
    /// Offsets and bytes, oldest first.
    writes: Vec<(u64, Vec<u8>)>,
}

impl Layer {
    /// Puts what was written of the bytes from `offset` on over `out`.
    fn cover(&self, offset: u64, out: &mut [u8]) {
        let end = offset + out.len() as u64;
        for (at, bytes) in &self.writes {
            let from = offset.max(*at);
            let to = end.min(at + bytes.len() as u64);
            if from < to {
                let source = &bytes[(from - at) as usize..(to - at) as usize];
                out[(from - offset) as usize..(to - offset) as usize].copy_from_slice(source);
            }
        }
    }
}

impl<B: StorageBackend> Fused<B> {
    pub(super) fn new(inner: B, fuse: Fuse) -> Self {
        Self {
            inner,
            fuse,
            layer: RwLock::default(),
        }
    }

    /// A poisoned lock is entered all the same: what is done under it can't panic half-way.
    fn layer(&self) -> RwLockReadGuard<'_, Layer> {
        self.layer.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Performs a change of the file, or one of the layer if the fuse has blown, now or before.
    fn change(
        &self,
        what: &str,
        of_file: impl FnOnce() -> io::Result<()>,
        of_layer: impl FnOnce(&mut Layer),
    ) -> io::Result<()> {
        if self.fuse.cause().is_some() || self.fuse.catch(what, of_file())? {
            of_layer(&mut self.layer.write().unwrap_or_else(PoisonError::into_inner));
        }
        Ok(())
    }
}

impl<B: StorageBackend> StorageBackend for Fused<B> {
    fn len(&self) -> io::Result<u64> {
        self.layer().len.map_or_else(|| self.inner.len(), Ok)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.fuse.cause().is_none() {
            return self.inner.read(offset, out);
        }
        // The engine may have grown the file in the layer only.
        let in_file = self.inner.len()?.saturating_sub(offset);
        let in_file = usize::try_from(in_file).map_or(out.len(), |bytes| bytes.min(out.len()));
        let (file, beyond) = out.split_at_mut(in_file);
        if !file.is_empty() {
            self.inner.read(offset, file)?;
        }
        beyond.fill(0);
        self.layer().cover(offset, out);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(
            "resize",
            || self.inner.set_len(len),
            |layer| layer.len = Some(len),
        )
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change("sync", || self.inner.sync_data(), |_| {})
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(
            "write",
            || self.inner.write(offset, data),
            |layer| layer.writes.push((offset, data.to_vec())),
        )
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
