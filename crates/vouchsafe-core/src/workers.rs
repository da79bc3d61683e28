//! Bounded pools of threads for signatures and other slow work.
//!
//! RSA signing takes as long as a hundred requests for the key set; on the threads that serve
//! requests it would hold all of them up. A full queue refuses at once, so that waiting time is
//! bounded by the queue and not by the patience of clients.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};

use vouchsafe_logical::{Error, ErrorKind, Pool, Workers};

/// How many signatures may wait: at 3,000 a second and core, the last one waits about a second.
pub const SIGNING_QUEUE_MAX: usize = 4_096;
/// How many slow jobs may wait: password checks at 20 a second and core.
pub const SLOW_QUEUE_MAX: usize = 256;

type Job = Box<dyn FnOnce() + Send>;

/// Threads for [`Pool::Signing`] and [`Pool::Slow`].
pub struct WorkerThreads {
    signing: SyncSender<Job>,
    slow: SyncSender<Job>,
}

impl WorkerThreads {
    /// Starts `threads` threads for each pool (at least one). They end when this is dropped.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(threads: usize) -> std::io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            signing: pool("signing", threads, SIGNING_QUEUE_MAX)?,
            slow: pool("slow", threads, SLOW_QUEUE_MAX)?,
        }))
    }
}

fn pool(name: &str, threads: usize, queue: usize) -> std::io::Result<SyncSender<Job>> {
    let (sender, receiver) = sync_channel::<Job>(queue);
    let receiver = Arc::new(Mutex::new(receiver));
    for number in 0..threads.max(1) {
        let receiver = Arc::clone(&receiver);
        std::thread::Builder::new()
            .name(format!("{name}-{number}"))
            .spawn(move || work(&receiver))?;
    }
    Ok(sender)
}

fn work(receiver: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting, not while working: one idle thread waits in `recv`, the
        // others wait for the lock.
        let job = match receiver.lock() {
            Ok(receiver) => receiver.recv(),
            Err(_) => return,
        };
        let Ok(job) = job else { return };
        // A job that panics drops its answer's sender; the one who waits sees that. The thread
        // lives on.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
            tracing::error!("a worker's job panicked");
        }
    }
}

impl Workers for WorkerThreads {
    fn submit(&self, pool: Pool, job: Job) -> Result<(), Error> {
        let queue = match pool {
            Pool::Signing => &self.signing,
            Pool::Slow => &self.slow,
        };
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::new(
                ErrorKind::Unavailable,
                "queue_full",
                "the server is busy; try again in a moment",
            ),
            TrySendError::Disconnected(_) => Error::internal("the worker threads are gone"),
        })
    }
}
