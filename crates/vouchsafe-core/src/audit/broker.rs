//! All audit devices as one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use vouchsafe_logical::{Error, Reply, View};

use super::device::Device;
use super::header::Headers;
use super::record::Record;
use super::scribe::Scribe;
use crate::metric::AUDIT_FAILURES;
use crate::ports::Ports;

/// The devices of a running core.
pub struct Broker {
    pub(super) view: View,
    pub(super) ports: Ports,
    /// Changes in this node happen one after the other; between nodes the record's version decides.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Whether there is a device: what a request asks first, and often the only thing.
    has_devices: AtomicBool,
    open: ArcSwap<Open>,
}

/// What is in force.
#[derive(Default)]
pub(super) struct Open {
    pub(super) devices: Vec<Arc<Device>>,
    pub(super) headers: Headers,
}

impl Broker {
    /// Opens the stored devices. One that can't be opened is logged and tried again at each entry,
    /// so that a server with a full disk starts, and serves as soon as the disk has room.
    ///
    /// # Errors
    /// The store's; a stored device that this build does not understand.
    pub async fn open(root: &View, ports: &Ports) -> Result<Self, Error> {
        let broker = Self {
            view: root.sub("core/"),
            ports: ports.clone(),
            changing: tokio::sync::Mutex::new(()),
            has_devices: AtomicBool::new(false),
            open: ArcSwap::default(),
        };
        broker.reload().await?;
        Ok(broker)
    }

    /// Records that a request came and what was decided.
    ///
    /// # Errors
    /// There are devices, and none could write.
    pub async fn record_request(&self, record: &Record<'_>) -> Result<(), Error> {
        if !self.has_devices.load(Ordering::Acquire) {
            return Ok(());
        }
        self.write(|scribe| scribe.request(record)).await
    }

    /// Records what became of a request.
    ///
    /// # Errors
    /// There are devices, and none could write.
    pub async fn record_response(
        &self,
        record: &Record<'_>,
        result: &Result<Reply, Error>,
    ) -> Result<(), Error> {
        if !self.has_devices.load(Ordering::Acquire) {
            return Ok(());
        }
        let at = self.ports.clock.now();
        self.write(|scribe| scribe.response(record, result, at))
            .await
    }

    /// Opens all files anew: they were moved away. Returns at once; what fails is logged, and
    /// tried again at the next entry.
    pub fn reopen(&self) {
        for device in &self.open.load().devices {
            device.reopen();
        }
    }

    /// What is in force now.
    pub(super) fn in_force(&self) -> Arc<Open> {
        self.open.load_full()
    }

    /// Puts other devices or headers in force.
    pub(super) fn put_in_force(&self, open: Open) {
        let has_devices = !open.devices.is_empty();
        self.open.store(Arc::new(open));
        self.has_devices.store(has_devices, Ordering::Release);
    }

    /// Has every device write its line, all at the same time.
    async fn write(
        &self,
        line_of: impl Fn(&Scribe<'_>) -> Result<Vec<u8>, Error>,
    ) -> Result<(), Error> {
        let open = self.open.load_full();
        let mut failures = Vec::new();
        let mut receipts = Vec::with_capacity(open.devices.len());
        for device in &open.devices {
            let line = line_of(&Scribe::new(device, &open.headers))?;
            match device.submit(line) {
                Ok(receipt) => receipts.push((device, receipt)),
                Err(failure) => failures.push((device, failure)),
            }
        }
        let mut written = open.devices.is_empty();
        for (device, receipt) in receipts {
            match device.written(receipt).await {
                Ok(()) => written = true,
                Err(failure) => failures.push((device, failure)),
            }
        }
        for (device, _) in &failures {
            let path = device.record().path.as_str();
            self.ports.metrics.increment(&AUDIT_FAILURES, [path]);
        }
        if written {
            return Ok(());
        }
        let failures: Vec<String> = failures
            .iter()
            .map(|(device, failure)| format!("`{}`: {failure}", device.record().path))
            .collect();
        Err(Error::internal(format!(
            "no audit device could write: {}",
            failures.join("; ")
        ))
        .with_reason("audit_failed"))
    }
}
