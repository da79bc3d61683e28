//! Keys of issuers that rotate, lie, and go away, with a clock and servers under the tests' control.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod caching;
mod cool_down;
mod issuer;
mod sources;
mod times;
