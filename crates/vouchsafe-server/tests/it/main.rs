//! The integration tests: one binary, each test with a server of its own.
//!
//! `harness/` is the only set-up. `authorization.rs` is the golden matrix of who may call what;
//! `edge/` is about HTTP, `pipeline/` about the way of every request, and the other folders mirror
//! the URL tree.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod authorization;
mod edge;
mod harness;
mod iam;
mod limits;
mod pipeline;
mod publish;
mod snapshots;
mod sys;
