//! Changes of the stored devices and headers, and following the changes of other nodes.
//!
//! ```text
//! core/audit            all devices: one record, so that two nodes can't both take a path
//! core/audit-headers    the request headers that are shown
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use vouchsafe_logical::{Attempts, Data, EntropyExt, Error, Operation, Request, RequestPath};

use super::broker::{Broker, Open};
use super::device::{Device, DeviceRecord};
use super::header::{HeaderRule, Headers};
use super::options::{Destination, Options};
use super::record::Record;
use super::scribe::Scribe;

const DEVICES_KEY: &str = "audit";
const HEADERS_KEY: &str = "audit-headers";
/// The most audit devices: every request waits for all of them.
pub const DEVICES_MAX: usize = 16;
/// Hexadecimal digits of a device's key: 256 bits, as long as the hash.
const SALT_DIGITS: usize = 64;

/// A device that somebody asks for.
pub(crate) struct NewDevice {
    /// The path as sent.
    pub(crate) path: String,
    /// `file` or `stdout`.
    pub(crate) kind: String,
    /// For people.
    pub(crate) description: String,
    /// As sent.
    pub(crate) options: BTreeMap<String, String>,
    /// Kept as sent.
    pub(crate) local: bool,
}

impl Broker {
    /// Enables a device: opens it, has it write a test entry, then stores it.
    ///
    /// # Errors
    /// Options that are not understood, a path that is taken, a file that can't be opened or is
    /// not ours, a device that can't write; the store's.
    pub(crate) async fn enable(&self, new: NewDevice) -> Result<(), Error> {
        let entropy = &*self.ports.entropy;
        let record = DeviceRecord {
            path: device_path(&new.path)?,
            kind: new.kind,
            description: new.description,
            options: new.options,
            local: new.local,
            uuid: entropy.uuid(),
            salt: entropy.hex(SALT_DIGITS),
        };
        Options::parse(&record.kind, &record.options)?;
        let _one_at_a_time = self.changing.lock().await;
        check_free(&self.stored_devices().await?, &record)?;
        let device = Device::start(record.clone())?;
        self.try_out(&device).await?;
        self.change(DEVICES_KEY, |devices: &mut Vec<DeviceRecord>| {
            check_free(devices, &record)?;
            devices.push(record.clone());
            devices.sort_by(|a, b| a.path.cmp(&b.path));
            Ok(())
        })
        .await?;
        self.load(Some(device)).await
    }

    /// Disables a device. Absent is fine.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn disable(&self, path: &str) -> Result<(), Error> {
        let path = device_path(path)?;
        let _one_at_a_time = self.changing.lock().await;
        self.change(DEVICES_KEY, |devices: &mut Vec<DeviceRecord>| {
            devices.retain(|device| device.path != path);
            Ok(())
        })
        .await?;
        self.load(None).await
    }

    /// The devices in order of path.
    pub(crate) fn devices(&self) -> Vec<DeviceRecord> {
        self.in_force()
            .devices
            .iter()
            .map(|device| device.record().clone())
            .collect()
    }

    /// The keyed hash that a device shows for a text.
    ///
    /// # Errors
    /// No such device.
    pub(crate) fn hash(&self, path: &str, input: &str) -> Result<String, Error> {
        let path = device_path(path)?;
        match self
            .in_force()
            .devices
            .iter()
            .find(|device| device.record().path == path)
        {
            Some(device) => Ok(device.redactor().hash(input.as_bytes())),
            None => Err(Error::invalid_because(
                "audit_device_unknown",
                format!("unknown audit backend {path:?}"),
            )),
        }
    }

    /// The request headers that entries show.
    pub(crate) fn headers(&self) -> Headers {
        self.in_force().headers.clone()
    }

    /// Shows a request header from now on.
    ///
    /// # Errors
    /// A name that can't be shown; too many; the store's.
    pub(crate) async fn show_header(&self, name: &str, rule: HeaderRule) -> Result<(), Error> {
        self.change_headers(|headers| headers.insert(name, rule))
            .await
    }

    /// Shows a request header no more. Absent is fine.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn hide_header(&self, name: &str) -> Result<(), Error> {
        self.change_headers(|headers| {
            headers.remove(name);
            Ok(())
        })
        .await
    }

    /// Some node wrote these storage keys: devices are opened and closed accordingly.
    pub async fn invalidate(&self, keys: &[String]) {
        let own = [self.view.full(DEVICES_KEY), self.view.full(HEADERS_KEY)];
        if keys.iter().any(|key| own.contains(key)) {
            self.invalidate_all().await;
        }
    }

    /// Anything may have been written: devices are opened and closed accordingly.
    pub async fn invalidate_all(&self) {
        if let Err(error) = self.reload().await {
            tracing::error!(
                reason = error.reason(),
                detail = error
                    .detail()
                    .map(vouchsafe_logical::error::Detail::for_operator),
                "the audit devices can't be read"
            );
        }
    }

    /// Reads what is stored and opens what is not open yet.
    ///
    /// # Errors
    /// The store's; a stored device that this build does not understand.
    pub(super) async fn reload(&self) -> Result<(), Error> {
        let _one_at_a_time = self.changing.lock().await;
        self.load(None).await
    }

    /// As `reload`, for callers that hold the lock. A device that was just tried out is taken over.
    async fn load(&self, opened: Option<Arc<Device>>) -> Result<(), Error> {
        let records = self.stored_devices().await?;
        let headers = self.view.read(HEADERS_KEY).await?.unwrap_or_default();
        let known = self.in_force();
        let mut devices = Vec::with_capacity(records.len());
        for record in records {
            let mut candidates = known.devices.iter().chain(&opened);
            match candidates.find(|device| *device.record() == record) {
                Some(device) => devices.push(Arc::clone(device)),
                None => {
                    let device = Device::start(record)?;
                    // What fails is logged by the device, and tried again at each entry.
                    device.reopen();
                    devices.push(device);
                }
            }
        }
        self.put_in_force(Open { devices, headers });
        Ok(())
    }

    async fn stored_devices(&self) -> Result<Vec<DeviceRecord>, Error> {
        Ok(self.view.read(DEVICES_KEY).await?.unwrap_or_default())
    }

    async fn change_headers(
        &self,
        change: impl FnMut(&mut Headers) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let _one_at_a_time = self.changing.lock().await;
        self.change(HEADERS_KEY, change).await?;
        self.load(None).await
    }

    async fn change<T: Default + serde::Serialize + serde::de::DeserializeOwned>(
        &self,
        key: &str,
        mut change: impl FnMut(&mut T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let mut value: T = transaction.read(&self.view, key).await?.unwrap_or_default();
            change(&mut value)?;
            transaction.put_record(&self.view, key, &value)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(());
            }
        }
    }

    /// Opens a device and has it write an entry for `sys/audit/test`.
    async fn try_out(&self, device: &Device) -> Result<(), Error> {
        device
            .open()
            .await
            .map_err(|failure| cannot_open(device, &failure))?;
        if device.options().skip_test {
            return Ok(());
        }
        let path = RequestPath::parse("sys/audit/test")
            .map_err(|fault| Error::internal(format!("`sys/audit/test`: {fault}")))?;
        let request = Request {
            id: self.ports.entropy.uuid(),
            operation: Operation::Update,
            path,
            data: Data::new(),
            token: None,
            remote: None,
            login: None,
            wrap_ttl: None,
            headers: Vec::new(),
        };
        let record = Record {
            request: &request,
            at: self.ports.clock.now(),
            mount: None,
            operation: Operation::Update,
            caller: None,
            granted_by: Some(Vec::new()),
            refusal: None,
            is_login: false,
        };
        let line = Scribe::new(device, &Headers::default()).request(&record)?;
        let written = match device.submit(line) {
            Ok(receipt) => device.written(receipt).await,
            Err(failure) => Err(failure),
        };
        written.map_err(|failure| {
            let text = format!("audit backend failed test message: {failure}");
            Error::invalid_because("audit_test_failed", text)
        })
    }
}

fn cannot_open(device: &Device, failure: &str) -> Error {
    let place = match &device.options().destination {
        Destination::File { path, .. } => path.display().to_string(),
        Destination::Stdout => "stdout".to_owned(),
        Destination::Discard => "discard".to_owned(),
    };
    Error::invalid_because(
        "audit_file_refused",
        format!("sanity check failed; unable to open {place:?} for writing: {failure}"),
    )
}

/// A device's path with one `/` at its end.
pub(super) fn device_path(sent: &str) -> Result<String, Error> {
    let trimmed = sent.trim_matches('/');
    if trimmed.is_empty() {
        return Err(Error::invalid(
            "missing path of the audit device; expected e.g. `file`",
        ));
    }
    if let Err(fault) = RequestPath::parse(trimmed) {
        return Err(Error::invalid(format!(
            "path of the audit device {trimmed:?}: {fault}"
        )));
    }
    Ok(format!("{trimmed}/"))
}

fn check_free(devices: &[DeviceRecord], new: &DeviceRecord) -> Result<(), Error> {
    let clashes = |device: &DeviceRecord| {
        device.path.starts_with(&new.path) || new.path.starts_with(&device.path)
    };
    if devices.iter().any(clashes) {
        return Err(Error::invalid_because(
            "audit_path_in_use",
            "path already in use",
        ));
    }
    if devices.len() >= DEVICES_MAX {
        return Err(Error::invalid(format!(
            "there are {DEVICES_MAX} audit devices already"
        )));
    }
    Ok(())
}
