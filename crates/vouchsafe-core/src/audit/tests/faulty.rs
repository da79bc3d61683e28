//! A disk that tests fill, break and hold.

use std::io;
use std::sync::{Arc, Condvar, Mutex};

use crate::audit::sink::{Sink, Tail};

/// A disk in memory, shared with the sinks over it.
#[derive(Clone, Default)]
pub(super) struct Disk(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    content: Vec<u8>,
    /// How many bytes it still takes; `None` = as many as come.
    room: Option<usize>,
    /// Whether opening fails.
    is_gone: bool,
    /// Whether writes do not return.
    is_held: bool,
    opened: usize,
}

impl Disk {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(
            &mut self
                .0
                .0
                .lock()
                .expect("no test panicked with the disk in hand"),
        );
        self.0.1.notify_all();
    }

    /// Leaves room for so many bytes.
    pub(super) fn leave_room(&self, bytes: usize) {
        self.change(|state| state.room = Some(bytes));
    }

    /// Takes everything again.
    pub(super) fn make_room(&self) {
        self.change(|state| state.room = None);
    }

    /// Unplugs the disk, or plugs it in again.
    pub(super) fn set_gone(&self, is_gone: bool) {
        self.change(|state| {
            state.is_gone = is_gone;
            state.room = is_gone.then_some(0);
        });
    }

    /// Holds writes, or lets them go on.
    pub(super) fn set_held(&self, is_held: bool) {
        self.change(|state| state.is_held = is_held);
    }

    /// What was written.
    pub(super) fn text(&self) -> String {
        let state = self
            .0
            .0
            .lock()
            .expect("no test panicked with the disk in hand");
        String::from_utf8(state.content.clone()).expect("entries are UTF-8")
    }

    /// How often it was opened.
    pub(super) fn opened(&self) -> usize {
        self.0
            .0
            .lock()
            .expect("no test panicked with the disk in hand")
            .opened
    }

    /// A sink over this disk.
    pub(super) fn sink(&self) -> DiskSink {
        DiskSink(self.clone())
    }
}

/// Writes to a [`Disk`].
pub(super) struct DiskSink(Disk);

impl Sink for DiskSink {
    fn reopen(&mut self) -> io::Result<Tail> {
        let mut state = self
            .0
            .0
            .0
            .lock()
            .expect("no test panicked with the disk in hand");
        if state.is_gone {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.opened += 1;
        Ok(if state.content.last().is_none_or(|last| *last == b'\n') {
            Tail::Whole
        } else {
            Tail::Torn
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (state, changed) = &*self.0.0;
        let state = state
            .lock()
            .expect("no test panicked with the disk in hand");
        let mut state = changed
            .wait_while(state, |state| state.is_held)
            .expect("no test panicked");
        let taken = state.room.map_or(bytes.len(), |room| room.min(bytes.len()));
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.room = state.room.map(|room| room - taken);
        state.content.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }
}
