//! One device: its queue, and the thread that empties it.
//!
//! Writing blocks, so it happens on a thread of the device's own; requests wait for it without
//! holding up those that serve others. The thread takes all that waits into one write: under load
//! a write carries many lines, without load a line waits for nobody.
//!
//! A device whose write does not return (a stalled pipe, a dead network mount) costs each request
//! that is waiting [`WRITE_PATIENCE`] once. From then on it counts as failed without waiting,
//! until its thread moves again, so that it can't hold up a device that works.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use vouchsafe_logical::Error;

use super::options::Options;
use super::redact::Redactor;
use super::sink::Sink;
use super::writer::Writer;

/// The most bytes of lines that wait for one device. More fail at once: at the few kilobytes of an
/// entry this is some ten thousand requests behind, which no working disk is.
pub(crate) const QUEUE_BYTES_MAX: usize = 64 << 20;
/// The most bytes that one batch takes before it is written.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// How long a request waits for a device.
pub(crate) const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// A device as it is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceRecord {
    /// `file/`: a name with a `/` at the end.
    pub(crate) path: String,
    /// `file` or `stdout`.
    pub(crate) kind: String,
    /// For people.
    pub(crate) description: String,
    /// As sent.
    pub(crate) options: BTreeMap<String, String>,
    /// Kept as sent.
    pub(crate) local: bool,
    /// Tells a device from a later one of the same path.
    pub(crate) uuid: String,
    /// The key of its hashes, in hexadecimal.
    pub(crate) salt: String,
}

/// A device that takes lines.
pub(crate) struct Device {
    record: DeviceRecord,
    options: Options,
    redactor: Redactor,
    patience: Duration,
    room: Arc<Semaphore>,
    jobs: Sender<Job>,
    has_stalled: Arc<AtomicBool>,
}

enum Job {
    Write(Line),
    /// Told to whoever waits for it; logged where nobody does.
    Reopen(Option<oneshot::Sender<Result<(), String>>>),
}

struct Line {
    text: Vec<u8>,
    done: oneshot::Sender<Result<(), String>>,
    _room: OwnedSemaphorePermit,
}

/// The promise to say what became of a line.
pub(crate) struct Receipt(oneshot::Receiver<Result<(), String>>);

impl Device {
    /// Starts a stored device over the place that its options name. Nothing is opened yet.
    ///
    /// # Errors
    /// Options that are not understood; the operating system gives no thread.
    pub(crate) fn start(record: DeviceRecord) -> Result<Arc<Self>, Error> {
        let options = Options::parse(&record.kind, &record.options)?;
        let sink = options.destination.sink();
        Self::start_over(record, options, sink, WRITE_PATIENCE)
    }

    /// Starts a device over any place, for which requests wait so long.
    ///
    /// # Errors
    /// A damaged salt; the operating system gives no thread.
    pub(crate) fn start_over(
        record: DeviceRecord,
        options: Options,
        sink: Box<dyn Sink>,
        patience: Duration,
    ) -> Result<Arc<Self>, Error> {
        let salt = hex::decode(&record.salt)
            .map_err(|_| Error::internal(format!("audit device `{}`: damaged", record.path)))?;
        let (jobs, queue) = channel();
        let has_stalled = Arc::new(AtomicBool::new(false));
        let thread = DeviceThread {
            path: record.path.clone(),
            writer: Writer::new(sink),
            has_stalled: Arc::clone(&has_stalled),
            has_failed: false,
        };
        std::thread::Builder::new()
            .name(format!("audit-{}", record.path.trim_end_matches('/')))
            .spawn(move || thread.run(&queue))
            .map_err(|error| Error::internal(format!("no thread for an audit device: {error}")))?;
        Ok(Arc::new(Self {
            redactor: Redactor::new(&salt, options.log_raw, options.hmac_accessor),
            record,
            options,
            patience,
            room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)),
            jobs,
            has_stalled,
        }))
    }

    /// As stored.
    pub(crate) const fn record(&self) -> &DeviceRecord {
        &self.record
    }

    /// What it was told.
    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    /// How it hides secrets.
    pub(crate) const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Queues a line, which ends with a line feed.
    ///
    /// # Errors
    /// Why it can't be waited for, for the operator: the queue is full, or the device has stalled
    /// (the line stays queued then).
    pub(crate) fn submit(&self, text: Vec<u8>) -> Result<Receipt, String> {
        let room = u32::try_from(text.len().clamp(1, QUEUE_BYTES_MAX)).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(room) else {
            return Err(format!("{QUEUE_BYTES_MAX} bytes wait to be written"));
        };
        let (done, receipt) = oneshot::channel();
        let line = Line {
            text,
            done,
            _room: room,
        };
        self.jobs
            .send(Job::Write(line))
            .map_err(|_| "its thread is gone".to_owned())?;
        if self.has_stalled.load(Ordering::Relaxed) {
            return Err("it has stalled".to_owned());
        }
        Ok(Receipt(receipt))
    }

    /// Waits until a line is written.
    ///
    /// # Errors
    /// Why it was not, for the operator.
    pub(crate) async fn written(&self, receipt: Receipt) -> Result<(), String> {
        match tokio::time::timeout(self.patience, receipt.0).await {
            Ok(Ok(written)) => written,
            Ok(Err(_)) => Err("its thread is gone".to_owned()),
            Err(_) => {
                self.has_stalled.store(true, Ordering::Relaxed);
                Err(format!("no answer within {:?}", self.patience))
            }
        }
    }

    /// Opens the place anew, for lines that are queued from here on and perhaps for some that wait.
    ///
    /// # Errors
    /// Why it can't be opened, for the operator.
    pub(crate) async fn open(&self) -> Result<(), String> {
        let (done, receipt) = oneshot::channel();
        // Without a thread the receipt says so.
        drop(self.jobs.send(Job::Reopen(Some(done))));
        self.written(Receipt(receipt)).await
    }

    /// As [`Device::open`], without waiting. A failure is logged.
    pub(crate) fn reopen(&self) {
        drop(self.jobs.send(Job::Reopen(None)));
    }
}

struct DeviceThread {
    path: String,
    writer: Writer,
    has_stalled: Arc<AtomicBool>,
    has_failed: bool,
}

impl DeviceThread {
    /// Works until nobody holds the device any more and the queue is empty.
    fn run(mut self, queue: &Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let mut next = Some(first);
            let mut batch: Vec<Line> = Vec::new();
            let mut batch_bytes = 0;
            while let Some(job) = next {
                match job {
                    Job::Write(line) => {
                        batch_bytes += line.text.len();
                        batch.push(line);
                    }
                    Job::Reopen(done) => self.reopen(done),
                }
                let has_room = batch_bytes < BATCH_BYTES_MAX;
                next = if has_room {
                    queue.try_recv().ok()
                } else {
                    None
                };
            }
            self.write(batch);
        }
    }

    fn write(&mut self, batch: Vec<Line>) {
        if batch.is_empty() {
            return;
        }
        let appended = self
            .writer
            .append(batch.iter().map(|line| line.text.as_slice()));
        self.has_stalled.store(false, Ordering::Relaxed);
        let failure = appended.failure.map(|error| error.to_string());
        self.report(failure.as_deref());
        for (index, line) in batch.into_iter().enumerate() {
            let outcome = match &failure {
                Some(failure) if index >= appended.whole => Err(failure.clone()),
                Some(_) | None => Ok(()),
            };
            // Whoever has stopped waiting has been told that the device failed.
            drop(line.done.send(outcome));
        }
    }

    fn reopen(&mut self, done: Option<oneshot::Sender<Result<(), String>>>) {
        let opened = self.writer.reopen().map_err(|error| error.to_string());
        self.has_stalled.store(false, Ordering::Relaxed);
        match done {
            Some(done) => drop(done.send(opened)),
            None => self.report(opened.err().as_deref()),
        }
    }

    /// Says that the device fails, and that it works again: once each.
    fn report(&mut self, failure: Option<&str>) {
        match failure {
            Some(failure) if !self.has_failed => {
                tracing::error!(device = %self.path, failure, "audit device can't write");
            }
            None if self.has_failed => {
                tracing::warn!(device = %self.path, "audit device writes again");
            }
            Some(_) | None => {}
        }
        self.has_failed = failure.is_some();
    }
}
