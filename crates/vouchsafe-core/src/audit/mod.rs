//! The audit broker: what happens is recorded before and after, or does not happen.
//!
//! With at least one device, a request whose entry no device could write is not executed, and an
//! answer whose entry no device could write is withheld. Without devices nothing is recorded.

mod broker;
mod record;

pub use broker::Broker;
pub use record::Record;
