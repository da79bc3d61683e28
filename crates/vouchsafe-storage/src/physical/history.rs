//! The recent commits of a store that one process owns, and the feeds that read them.
//!
//! The history is kept once and read by every subscriber at its own position: a slow subscriber
//! costs nothing and delays nobody, it only falls out of the history. It is bounded in commits and
//! in the keys that they name. It lives in memory: after a restart it is empty, and whoever asks
//! for older commits is told that it has lagged.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, Weak};

use tokio::sync::watch;
use vouchsafe_logical::{BoxFuture, StoreError};

use super::{Change, ChangeEvent, ChangeFeed, Revision, limit};

/// How many commits the change history keeps.
pub const HISTORY_EVENTS_MAX: usize = 4_096;
/// How many keys the commits of the change history name in total: room for two of the largest
/// batches, so that the history is bounded in bytes as well.
pub const HISTORY_KEYS_MAX: usize = 2 * limit::BATCH_ENTRIES_MAX;

/// The newest commits of a store.
pub(super) struct History {
    log: Arc<RwLock<Log>>,
    /// The newest revision, to wake subscribers. Dropped with the store, which ends every feed.
    head: watch::Sender<Revision>,
}

/// The commits, oldest first.
struct Log {
    events: VecDeque<ChangeEvent>,
    keys: usize,
    /// The newest commit.
    head: Revision,
    /// The newest commit that was dropped: whoever has not seen it yet has lagged.
    forgotten: Revision,
}

impl History {
    /// A history that begins after `head`.
    pub(super) fn new(head: Revision) -> Self {
        Self {
            log: Arc::new(RwLock::new(Log {
                events: VecDeque::new(),
                keys: 0,
                head,
                forgotten: head,
            })),
            head: watch::Sender::new(head),
        }
    }

    /// Adds commits, in their order, and wakes the subscribers. Everything in them must be
    /// readable by now. Calls must not overlap.
    pub(super) fn announce(&self, events: impl IntoIterator<Item = ChangeEvent>) {
        let head = {
            let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
            for event in events {
                log.push(event);
            }
            log.head
        };
        self.head
            .send_if_modified(|sent| std::mem::replace(sent, head) != head);
    }

    /// Begins anew after `head`, which replaced everything: whoever has seen less has lagged.
    pub(super) fn restart(&self, head: Revision) {
        {
            let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
            log.events.clear();
            log.keys = 0;
            log.head = head;
            log.forgotten = head;
        }
        self.head.send_replace(head);
    }

    /// See [`super::Physical::subscribe`].
    pub(super) fn subscribe(&self, after: Option<Revision>) -> Box<dyn ChangeFeed> {
        Box::new(Feed {
            log: Arc::downgrade(&self.log),
            head: self.head.subscribe(),
            seen: after.unwrap_or_else(|| read(&self.log).head),
        })
    }
}

/// A poisoned lock is entered all the same: nothing that is done under it can panic half-way.
fn read(log: &RwLock<Log>) -> RwLockReadGuard<'_, Log> {
    log.read().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    fn push(&mut self, event: ChangeEvent) {
        self.head = event.revision;
        self.keys += event.keys.len();
        self.events.push_back(event);
        while self.events.len() > HISTORY_EVENTS_MAX || self.keys > HISTORY_KEYS_MAX {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.keys -= oldest.keys.len();
            self.forgotten = oldest.revision;
        }
    }

    fn after(&self, seen: Revision) -> Option<&ChangeEvent> {
        self.events
            .get(self.events.partition_point(|event| event.revision <= seen))
    }
}

/// A position in the history.
struct Feed {
    /// Weak, so that a subscriber does not keep a dropped store alive and waits for it forever.
    log: Weak<RwLock<Log>>,
    head: watch::Receiver<Revision>,
    seen: Revision,
}

impl Feed {
    fn ready(&mut self) -> Option<Change> {
        let log = self.log.upgrade()?;
        let log = read(&log);
        if self.seen < log.forgotten || self.seen > log.head {
            self.seen = log.head;
            return Some(Change::Lagged { resume: log.head });
        }
        let event = log.after(self.seen)?;
        self.seen = event.revision;
        Some(Change::Committed(event.clone()))
    }
}

impl ChangeFeed for Feed {
    fn next(&mut self) -> BoxFuture<'_, Result<Change, StoreError>> {
        Box::pin(async move {
            loop {
                // Before the log is read: a commit after the reading wakes `changed` at once.
                self.head.mark_unchanged();
                if let Some(change) = self.ready() {
                    return Ok(change);
                }
                if self.head.changed().await.is_err() {
                    return Err(StoreError::Io(
                        "change feed: the store was closed".to_owned(),
                    ));
                }
            }
        })
    }
}
