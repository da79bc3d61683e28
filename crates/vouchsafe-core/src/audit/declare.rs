//! Devices that the server's configuration declares (`audit "file" "name" { ... }`).
//!
//! At each start one that is missing is made, as `sys/audit/:path` would make it. One that is stored
//! otherwise than declared stops the start: which of the two is meant, only a person can tell, and
//! a server that records elsewhere than its configuration says is not to be trusted. While a device
//! is declared, the API can't take it away.

use std::collections::BTreeMap;

use vouchsafe_logical::{Error, ErrorKind};

use super::broker::Broker;
use super::device::DeviceRecord;
use super::enable::{NewDevice, device_path};
use super::options::Options;

/// A device as the configuration declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredDevice {
    /// Its path.
    pub path: String,
    /// `file` or `stdout`.
    pub kind: String,
    /// For people.
    pub description: String,
    /// As `sys/audit/:path` takes them.
    pub options: BTreeMap<String, String>,
    /// Local to one cluster of several.
    pub local: bool,
}

impl DeclaredDevice {
    /// Whether it can be understood; nothing is opened.
    ///
    /// # Errors
    /// A path that is none, a kind or options that are not known.
    pub fn check(&self) -> Result<(), Error> {
        device_path(&self.path)?;
        Options::parse(&self.kind, &self.options).map(drop)
    }

    /// The first thing in which a stored device differs.
    fn difference(&self, stored: &DeviceRecord) -> Option<String> {
        let differs = |what: &str, declared: &str, stored: &str| {
            (declared != stored).then(|| {
                format!("its {what} is `{stored}` where the configuration says `{declared}`")
            })
        };
        differs("type", &self.kind, &stored.kind)
            .or_else(|| differs("description", &self.description, &stored.description))
            .or_else(|| {
                let local = self.local.to_string();
                differs("`local`", &local, &stored.local.to_string())
            })
            .or_else(|| {
                let names = self.options.keys().chain(stored.options.keys());
                names.into_iter().find_map(|name| {
                    let shown = |options: &BTreeMap<String, String>| {
                        options
                            .get(name)
                            .map_or("not set", String::as_str)
                            .to_owned()
                    };
                    let what = format!("option `{name}`");
                    differs(&what, &shown(&self.options), &shown(&stored.options))
                })
            })
    }
}

impl Broker {
    /// Makes the declared devices that are missing.
    ///
    /// # Errors
    /// A device that is stored otherwise, or can't be made; the store's.
    pub(crate) async fn declare(&self, devices: &[DeclaredDevice]) -> Result<(), Error> {
        for device in devices {
            let path = device_path(&device.path)?;
            let known = self.devices();
            let Some(stored) = known.iter().find(|stored| stored.path == path) else {
                let made = self.enable(NewDevice {
                    path: device.path.clone(),
                    kind: device.kind.clone(),
                    description: device.description.clone(),
                    options: device.options.clone(),
                    local: device.local,
                });
                made.await.map_err(|error| refused(&path, &error))?;
                tracing::info!(device = %path, "declared audit device enabled");
                continue;
            };
            if let Some(difference) = device.difference(stored) {
                return Err(Error::new(
                    ErrorKind::Internal,
                    "audit_declaration_differs",
                    format!(
                        "audit device `{path}` is not as the configuration declares it: {difference}; \
                         change the configuration, or start without the declaration and disable the device"
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn refused(path: &str, error: &Error) -> Error {
    let message = format!("audit device `{path}` of the configuration: {error}");
    Error::new(error.kind(), error.reason(), message)
}
