//! Tells the service manager how far the server is: the protocol of `sd_notify(3)`.
//!
//! A datagram of lines to the socket that the environment names. Nobody has to listen: what can't be
//! sent is logged, and the server goes on.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The way to the service manager, where there is one.
pub(super) struct Notifier(Option<(UnixDatagram, SocketAddr)>);

impl Notifier {
    /// The one that this process was started by.
    #[expect(
        clippy::disallowed_methods,
        reason = "the binary reads the environment, and this is what reads this variable"
    )]
    pub(super) fn of_process() -> Self {
        std::env::var_os("NOTIFY_SOCKET").map_or(Self(None), |name| Self::to(&name))
    }

    fn to(name: &OsStr) -> Self {
        match address(name).and_then(|address| Ok((UnixDatagram::unbound()?, address))) {
            Ok(way) => Self(Some(way)),
            Err(error) => {
                tracing::warn!(%error, "the service manager can't be notified");
                Self(None)
            }
        }
    }

    /// Requests are served; also: a reload is over.
    pub(super) fn ready(&self) {
        self.send("READY=1");
    }

    /// No new requests are taken.
    pub(super) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// A reload begins. The manager takes it for the one that it asked for by its time.
    pub(super) fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    fn send(&self, state: &str) {
        if let Some((socket, address)) = &self.0
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::warn!(%error, "the service manager could not be notified");
        }
    }
}

/// A path, or with `@` in front a name that is no file (Linux).
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        return SocketAddr::from_abstract_name(name);
    }
    if name.as_bytes().first() == Some(&b'/') {
        return SocketAddr::from_pathname(name);
    }
    Err(io::Error::other("NOTIFY_SOCKET is no path of a socket"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_each_state() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let heard = || {
            let mut bytes = [0; 256];
            let length = manager.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        };
        let notifier = Notifier::to(path.as_os_str());
        notifier.ready();
        assert_eq!(heard(), "READY=1");
        notifier.reloading();
        let text = heard();
        let micros = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(micros.parse::<u64>().unwrap() > 0);
        notifier.stopping();
        assert_eq!(heard(), "STOPPING=1");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_manager_without_a_file_is_reached() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("vouchsafe-notify-{}", std::process::id());
        let own = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&own).unwrap();
        Notifier::to(OsStr::new(&format!("@{name}"))).ready();
        let mut bytes = [0; 16];
        let length = manager.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"READY=1");
    }

    #[test]
    fn without_a_manager_nothing_happens() {
        for name in ["relative", "", "/nowhere/at/all"] {
            Notifier::to(OsStr::new(name)).ready();
        }
    }
}
