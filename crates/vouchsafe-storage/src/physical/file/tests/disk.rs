//! A disk in memory that knows which changes were synced, and fails on demand.

use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use redb::{BackendError, StorageBackend};

/// A handle; clones share the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What reads see.
    current: Vec<u8>,
    /// What the last sync made durable.
    durable: Vec<u8>,
    /// The changes since then.
    pending: Vec<Change>,
    syncs: usize,
    bytes_read: usize,
    sync_takes: Duration,
    full: bool,
    syncs_fail: bool,
    /// How many more changes and syncs take place before the power is lost.
    power: Option<usize>,
}

/// A change that a power failure may lose.
#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(length) => image.resize(*length, 0),
            Self::Bytes(offset, bytes) => {
                let end = offset + bytes.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

impl Disk {
    pub(super) fn of(image: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.state().durable.clone_from(&image);
        disk.state().current = image;
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn image(&self) -> Vec<u8> {
        self.state().current.clone()
    }

    /// No write succeeds from now on.
    pub(super) fn fill_up(&self) {
        self.state().full = true;
    }

    /// No sync succeeds from now on.
    pub(super) fn fail_syncs(&self) {
        self.state().syncs_fail = true;
    }

    /// Works again.
    pub(super) fn repair(&self) {
        let mut state = self.state();
        state.full = false;
        state.syncs_fail = false;
    }

    pub(super) fn slow_down(&self, sync_takes: Duration) {
        self.state().sync_takes = sync_takes;
    }

    /// How many bytes were read since the last call.
    pub(super) fn take_bytes_read(&self) -> usize {
        std::mem::take(&mut self.state().bytes_read)
    }

    pub(super) fn syncs(&self) -> usize {
        self.state().syncs
    }

    /// Loses power after `changes` more changes and syncs.
    pub(super) fn lose_power_after(&self, changes: usize) {
        self.state().power = Some(changes);
    }

    /// What may be left after a power failure: everything synced, and of the rest what `keep`
    /// says, which is asked per 512 bytes.
    pub(super) fn after_power_loss(&self, mut keep: impl FnMut() -> bool) -> Self {
        let state = self.state();
        let mut image = state.durable.clone();
        for change in &state.pending {
            match change {
                Change::Length(_) if keep() => change.apply(&mut image),
                Change::Length(_) => {}
                Change::Bytes(offset, bytes) => {
                    for (number, sector) in bytes.chunks(512).enumerate() {
                        if keep() {
                            Change::Bytes(offset + number * 512, sector.to_vec()).apply(&mut image);
                        }
                    }
                }
            }
        }
        Self::of(image)
    }

    /// Alters the last byte of `bytes` wherever they are stored.
    pub(super) fn alter(&self, bytes: &[u8]) {
        let mut state = self.state();
        let places: Vec<usize> = state
            .current
            .windows(bytes.len())
            .enumerate()
            .filter_map(|(offset, found)| (found == bytes).then_some(offset))
            .collect();
        assert!(!places.is_empty(), "the bytes are not on the disk");
        for offset in places {
            state.current[offset + bytes.len() - 1] ^= 1;
        }
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.state();
        state.use_power()?;
        if state.full {
            return Err(io::Error::from_raw_os_error(28));
        }
        change.apply(&mut state.current);
        state.pending.push(change);
        Ok(())
    }
}

impl State {
    fn use_power(&mut self) -> io::Result<()> {
        match &mut self.power {
            None => Ok(()),
            Some(0) => Err(io::Error::other("no power")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        state.bytes_read += out.len();
        let start = offset as usize;
        let bytes = state.current.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Length(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        let takes = self.state().sync_takes;
        std::thread::sleep(takes);
        let mut state = self.state();
        state.use_power()?;
        if state.syncs_fail {
            return Err(io::Error::from_raw_os_error(5));
        }
        state.syncs += 1;
        for change in std::mem::take(&mut state.pending) {
            change.apply(&mut state.durable);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Bytes(offset as usize, data.to_vec()))
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}
