//! All audit devices as one.

use vouchsafe_logical::{Error, Reply, View};

use super::record::Record;
use crate::ports::Ports;

/// The devices of a running core.
pub struct Broker;

impl Broker {
    /// Opens the stored devices.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(_root: &View, _ports: &Ports) -> Result<Self, Error> {
        Ok(Self)
    }

    /// Records that a request came and what was decided.
    ///
    /// # Errors
    /// No device could write.
    pub async fn record_request(&self, _record: &Record<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Records what became of a request.
    ///
    /// # Errors
    /// No device could write.
    pub async fn record_response(
        &self,
        _record: &Record<'_>,
        _result: &Result<Reply, Error>,
    ) -> Result<(), Error> {
        Ok(())
    }
}
