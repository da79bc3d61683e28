//! The imperative shell: the only place where the parts meet.
//!
//! `handle.rs` is the pipeline and the file to read first. The core never names a concrete auth
//! method or engine (it is given a catalog), and it never names HTTP.

mod attach;
pub mod audit;
pub mod authenticate;
mod caught;
mod core;
pub mod cors;
pub mod cubbyhole;
pub mod door;
mod handle;
mod header_name;
mod help;
pub mod host;
mod iam;
mod in_flight;
mod inline;
mod key_rotation;
mod lockout;
mod login;
pub mod metric;
pub mod mount;
mod openapi;
pub mod policy;
mod ports;
pub mod quota;
mod reencryption;
mod runtime;
mod seal;
mod setting;
mod status;
pub mod sys;
pub mod token;
mod workers;
pub mod wrapping;

pub use core::{Core, Due, Settings};
pub use handle::Outcome;
pub use iam::routes::PREFIX as PVLT_PREFIX;
pub use iam::{API_KEY_TTL_MAX, ApplyAtStart, IamFile, IamSettings};
pub use in_flight::Entered;
pub use mount::LeaseTtl;
pub use ports::Ports;
pub use seal::{Initialized, TransitSeal, TransitSettings};
pub use workers::{SIGNING_QUEUE_MAX, SLOW_QUEUE_MAX, WorkerThreads};
