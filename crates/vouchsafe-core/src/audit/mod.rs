//! The audit broker: what happens is recorded before and after, or does not happen.
//!
//! With at least one device, a request whose entry no device could write is not executed, and an
//! answer whose entry no device could write is withheld. Without devices nothing is recorded, and
//! nothing is built that could be.
//!
//! ```text
//! record.rs    the facts of a request, borrowed from the pipeline
//! entry.rs     their shape in JSON: one line for the request, one for the response
//! scribe.rs    the facts brought into that shape, as one device shows them
//! redact.rs    what of it is shown as a keyed hash
//! header.rs    which request headers are shown at all
//! broker.rs    all devices as one: one that writes is enough, none is an error
//! declare.rs   devices that the configuration declares
//! enable.rs    changes of the stored devices, and following other nodes' changes
//! options.rs   what a device can be told
//! device.rs    one device: its queue and the thread that empties it
//! writer.rs    whole lines to a place that can fail in the middle of one
//! sink.rs      the places: standard output, nowhere, and the port that tests implement
//! file.rs      the place that matters: a file that is ours, or none
//! chain.rs     in files, each entry carries the hash of the one before it
//! scan.rs      the lines of a log, however long they are
//! verify.rs    whether the chain of a log is whole
//! ```
//!
//! Entries have the shape of Vault's. A write has happened when the operating system has taken the
//! line (`write(2)`); a process that dies loses nothing, a machine that loses power may lose what
//! its kernel had not put on disk. Network sinks and rotation by itself are not part of this module.

mod broker;
mod chain;
mod declare;
mod device;
mod enable;
mod entry;
mod file;
mod header;
mod options;
mod record;
mod redact;
mod scan;
mod scribe;
mod sink;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use broker::Broker;
pub use chain::Head;
pub use declare::DeclaredDevice;
pub use enable::DEVICES_MAX;
pub(crate) use enable::NewDevice;
pub(crate) use header::HeaderRule;
pub use record::Record;
pub use verify::{FAULTS_KEPT_MAX, Fault, Place, Verdict, Verifier, parse_head};
