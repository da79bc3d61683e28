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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use vouchsafe_logical::run_on;

    use super::*;

    /// Submits a job that runs until the sender is dropped, and waits until it runs.
    fn occupy(workers: &WorkerThreads, pool: Pool) -> mpsc::Sender<()> {
        let (running, runs) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let job = move || {
            running.send(()).expect("the test waits");
            assert!(released.recv().is_err(), "the test lets go");
        };
        workers.submit(pool, Box::new(job)).expect("an empty queue");
        runs.recv().expect("the job runs");
        release
    }

    #[test]
    fn a_full_queue_refuses_at_once_and_the_other_pool_does_not_care() {
        for (pool, max, other) in [
            (Pool::Signing, SIGNING_QUEUE_MAX, Pool::Slow),
            (Pool::Slow, SLOW_QUEUE_MAX, Pool::Signing),
        ] {
            let workers = WorkerThreads::start(1).expect("threads");
            let release = occupy(&workers, pool);
            let (done, finished) = mpsc::channel();
            for _ in 0..max {
                let done = done.clone();
                let job = move || done.send(()).expect("the test waits");
                workers.submit(pool, Box::new(job)).expect("a place");
            }
            let refused = workers.submit(pool, Box::new(|| ())).expect_err("no place");
            assert_eq!(refused.reason(), "queue_full");
            assert_eq!(refused.kind(), ErrorKind::Unavailable);
            drop(occupy(&workers, other));
            drop((release, done));
            assert_eq!(finished.iter().count(), max, "what was accepted is done");
        }
    }

    #[tokio::test]
    async fn a_job_that_panics_takes_no_thread_along() {
        let workers = WorkerThreads::start(1).expect("threads");
        for _ in 0..2 {
            let answer = run_on(&*workers, Pool::Slow, || -> u8 { panic!("on purpose") }).await;
            assert_eq!(
                answer.err().map(|error| error.kind()),
                Some(ErrorKind::Internal)
            );
        }
        let answer = run_on(&*workers, Pool::Slow, || 7).await;
        assert_eq!(answer.ok(), Some(7));
    }

    #[test]
    fn threads_end_with_their_pools() {
        let (alive, ended) = mpsc::channel::<()>();
        let workers = WorkerThreads::start(0).expect("at least one thread");
        let job = move || drop(alive);
        workers.submit(Pool::Slow, Box::new(job)).expect("a place");
        drop(workers);
        assert!(ended.recv().is_err(), "what waits is still done");
    }
}
