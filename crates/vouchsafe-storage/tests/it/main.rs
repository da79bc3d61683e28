//! Integration tests of the storage crate: the conformance suite on every physical store, and the
//! barrier through its public interface.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod backup;
mod barrier;
mod cluster;
mod conformance;
mod fake;
mod faulty;
mod file;
mod fixture;
mod format;
mod in_memory;
mod reencryption;
mod rotation;
mod tampering;
