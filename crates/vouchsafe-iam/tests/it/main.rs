//! The tests of the crate's public surface, as one binary.

#![expect(
    clippy::unwrap_used,
    reason = "a failed unwrap is a failed test, here in every function"
)]

mod decide;
mod fixtures;
mod guide;
mod keys;
mod limits;
mod parse;
